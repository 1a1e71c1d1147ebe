//! The ledger of jobs that are over, which the jobs program chains.

use muster_jobs::state::{Job, JobsConfig, Outcome as JobOutcome, failure_reason, job_state};
use muster_protocol::votes::{JobEntry, job_ledger_head};
use muster_tests::world::*;

fn config(world: &World) -> JobsConfig {
    world.svm.pod(&at::jobs_config())
}

/// The block that a job's account and its number make.
fn head(world: &World, previous: [u8; 32], number: u64, job: &Job, address: u64) -> [u8; 32] {
    let entry = JobEntry {
        number,
        timestamp: job.settled_at,
        job: world.job_at(address).to_bytes(),
        state: job.state,
        outcome_hash: job.outcome_hash,
        result_hash: job.result_hash,
        to_nodes: job.to_nodes,
        to_treasury: job.to_treasury,
        returned: job.refunded + job.owed + job.sponsors_left,
    };
    job_ledger_head(&previous, &entry)
}

/// Invariant I88.
#[test]
fn every_job_that_is_over_is_chained_to_those_before_it() {
    // Given three jobs, one of them with a sponsor.
    let mut world = World::with_nodes(2);
    let submitter = world.funded(10 * DEFAULT_STAKE);
    let sponsor = world.funded(10 * TOKEN_UNIT);
    for number in 0..3 {
        world.submit(&submitter, world.submit_args(number)).unwrap();
    }
    world.sponsor(&sponsor, 1, 10 * TOKEN_UNIT).unwrap();
    assert_eq!((config(&world).finished_count, config(&world).ledger_head), (0, [0; 32]));
    // When they end in another order than they came in, in three ways.
    let (outcome, bonds) = world.completed(&[0, 1]);
    world.decide(2, outcome, &bonds).unwrap();
    world.decide(1, JobOutcome::Failed { reason: failure_reason::IMAGE }, &[]).unwrap();
    world.svm.set_time(world.job(0).deadline + 601);
    world.expire(0).unwrap();
    // Then the head follows from what became of them, in the order of their ends, and from nothing else.
    let mut expected = [0; 32];
    for (number, (index, state)) in
        [(2, job_state::COMPLETED), (1, job_state::FAILED), (0, job_state::EXPIRED)].into_iter().enumerate()
    {
        let job = world.job(index);
        assert_eq!(job.state, state);
        expected = head(&world, expected, number as u64 + 1, &job, index);
    }
    assert_eq!((config(&world).finished_count, config(&world).ledger_head), (3, expected));
}
