//! Jobs that are cancelled or expire: who asks, what is due for the work done, and when all goes back.

use muster_jobs::{
    self as jobs, JobsError as E,
    state::{Outcome as JobOutcome, failure_reason, job_state},
};
use muster_network::state::{Network, OracleSet};
use muster_tests::world::*;

const GRACE_S: i64 = 600;
const WINDOW_S: i64 = 600;
const WEEK_S: i64 = 7 * 86_400;

/// Two nodes, a submitted job and its submitter.
fn submitted() -> (World, Wallet) {
    let mut world = World::with_nodes(2);
    let submitter = world.funded(1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    (world, submitter)
}

/// The outcome of a job that was cancelled after these nodes began to work.
fn cancelled(world: &World, started_at: i64, nodes: &[usize]) -> (JobOutcome, Vec<solana_sdk::pubkey::Pubkey>) {
    let (tenures, bonds) = world.tenures_of(nodes);
    (JobOutcome::Cancelled { started_at, tenures }, bonds)
}

#[test]
fn the_submitter_requests_a_cancellation_once_and_before_the_deadline() {
    let (base, submitter) = submitted();
    let (mut world, now) = (base.clone(), base.svm.now());
    let thief = world.funded(0);
    assert_refused(world.request_cancel(&thief, 0), E::NotSubmitter);
    world.request_cancel(&submitter, 0).unwrap();
    let job = world.job(0);
    assert_eq!((job.cancel_at, job.state, job.seq), (now, job_state::OPEN, 2));
    assert_eq!(world.svm.tokens(&at::escrow(&world.job_at(0))), DEFAULT_STAKE);
    assert_refused(world.request_cancel(&submitter, 0), E::CancelRequested);
    let mut late = base.clone();
    late.svm.set_time(base.job(0).deadline);
    assert_refused(late.request_cancel(&submitter, 0), E::DeadlinePassed);
    let mut over = base;
    over.decide(0, JobOutcome::Failed { reason: failure_reason::IMAGE }, &[]).unwrap();
    assert_refused(over.request_cancel(&submitter, 0), E::JobSettled);
}

#[test]
fn a_cancelled_job_pays_the_elapsed_share_of_the_stake_and_returns_the_rest() {
    // Given a job of 3,600 seconds with a tip and a sponsor, at work since its first second.
    let (mut world, submitter) = submitted();
    let sponsor = world.funded(10 * TOKEN_UNIT);
    world.add_tip(&submitter, 0, 7 * TOKEN_UNIT).unwrap();
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    let start = world.svm.now();
    // When it is cancelled after a quarter of its time.
    world.svm.set_time(start + 900);
    world.request_cancel(&submitter, 0).unwrap();
    let (outcome, bonds) = cancelled(&world, start, &[0, 1]);
    world.decide(0, outcome, &bonds).unwrap();
    // Then 80 % of a quarter of the stake is the nodes', the rest of it the treasury's.
    let job = world.job(0);
    assert_eq!((job.state, job.to_nodes, job.to_treasury), (job_state::CANCELLED, 20 * TOKEN_UNIT, 5 * TOKEN_UNIT));
    assert_eq!(world.bond(&world.nodes[0]).earned, 10 * TOKEN_UNIT);
    // And three quarters, the tip and the sponsorship go back.
    assert_eq!((job.refunded, job.sponsors_left), (82 * TOKEN_UNIT, 10 * TOKEN_UNIT));
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert_eq!(world.balance(&submitter), 975 * TOKEN_UNIT);
    assert_eq!(world.balance(&sponsor), 10 * TOKEN_UNIT);
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
}

#[test]
fn a_cancelled_job_that_nobody_began_goes_back_whole() {
    let (mut world, submitter) = submitted();
    world.request_cancel(&submitter, 0).unwrap();
    let (outcome, _) = cancelled(&world, 0, &[]);
    world.decide(0, outcome, &[]).unwrap();
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
}

/// Invariant I71.
#[test]
fn a_submitter_whose_account_is_gone_does_not_keep_the_nodes_from_the_elapsed_share() {
    let (mut world, submitter) = submitted();
    let start = world.svm.now();
    world.svm.set_time(start + 1_800);
    world.request_cancel(&submitter, 0).unwrap();
    let (outcome, bonds) = cancelled(&world, start, &[0, 1]);
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    let mut accounts = world.settle_job_accounts(0);
    accounts.refund_account = None;
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome }, &bonds);
    world.svm.send(&[ix], &[]).unwrap();
    assert_eq!(world.bond(&world.nodes[0]).earned, 20 * TOKEN_UNIT);
    assert_eq!(world.job(0).owed, 50 * TOKEN_UNIT);
    world.refund_submitter(0).unwrap();
    assert_eq!(world.balance(&submitter), 950 * TOKEN_UNIT);
}

#[test]
fn a_job_that_nobody_decided_expires_after_its_grace_and_goes_back_whole() {
    // Given a job with one vote, below the threshold.
    let (mut world, submitter) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    world.attest(0, 0, &outcome).unwrap();
    let end = world.job(0).deadline + GRACE_S;
    world.svm.set_time(end);
    assert_refused(world.expire(0), E::NotExpired);
    // When the grace has passed, anybody ends it, whatever is paused.
    world.svm.set_time(end + 1);
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.expire(0).unwrap();
    // Then the submitter has all, and no vote counts any more.
    let job = world.job(0);
    assert_eq!((job.state, job.refunded, job.settled_at), (job_state::EXPIRED, DEFAULT_STAKE, end + 1));
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
    assert_refused(world.attest(1, 0, &outcome), E::JobSettled);
    assert!(world.settle_job(0, outcome, &bonds).is_err());
    assert!(world.expire(0).is_err());
}

#[test]
fn a_cancelled_job_that_nobody_decided_expires_after_its_window() {
    let (mut world, submitter) = submitted();
    let sponsor = world.funded(10 * TOKEN_UNIT);
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    world.request_cancel(&submitter, 0).unwrap();
    let end = world.job(0).cancel_at + WINDOW_S;
    world.svm.set_time(end);
    assert_refused(world.expire(0), E::NotExpired);
    world.svm.set_time(end + 1);
    world.expire(0).unwrap();
    // The sponsor's money is the sponsor's.
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
    assert_eq!(world.svm.tokens(&at::escrow(&world.job_at(0))), 10 * TOKEN_UNIT);
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert_eq!(world.balance(&sponsor), 10 * TOKEN_UNIT);
}

#[test]
fn a_late_cancellation_does_not_prolong_a_job() {
    let (mut world, submitter) = submitted();
    let deadline = world.job(0).deadline;
    world.set_jobs_config(jobs::JobsConfigArgs { cancel_window: 100_000, ..world.jobs_args() }).unwrap();
    world.submit(&submitter, world.submit_args(1)).unwrap();
    world.svm.set_time(deadline - 1);
    world.request_cancel(&submitter, 1).unwrap();
    world.svm.set_time(deadline + GRACE_S + 1);
    world.expire(1).unwrap();
}

/// Invariant I72.
#[test]
fn an_attested_job_expires_only_seven_days_later_so_that_an_outcome_can_be_settled() {
    // Given a completed job that a threshold attested at the last moment.
    let (mut world, submitter) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    let end = world.job(0).deadline + GRACE_S;
    world.svm.set_time(end + 1);
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    // Then the submitter, who has his result, does not take the pay back.
    assert_refused(world.expire(0), E::NotExpired);
    world.svm.set_time(end + WEEK_S);
    assert_refused(world.expire(0), E::NotExpired);
    world.clone().settle_job(0, outcome, &bonds).unwrap();
    // But an outcome that nobody can settle does not lock the money.
    world.svm.set_time(end + WEEK_S + 1);
    world.expire(0).unwrap();
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
}

#[test]
fn votes_of_an_earlier_set_do_not_delay_an_expiry() {
    let (mut world, _) = submitted();
    let (outcome, _) = world.completed(&[0, 1]);
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    world.svm.edit_pod(&at::oracle_set(), |set: &mut OracleSet| set.set_version = 2);
    let end = world.job(0).deadline + GRACE_S;
    world.svm.set_time(end + 1);
    world.expire(0).unwrap();
}

#[test]
fn an_expired_jobs_money_reaches_no_account_but_the_recorded_one() {
    let (mut world, submitter) = submitted();
    let thief = world.funded(1);
    let end = world.job(0).deadline + GRACE_S;
    world.svm.set_time(end + 1);
    let mut accounts = world.expire_accounts(0);
    accounts.refund_account = Some(at::ata(&thief.key(), &world.mint, &TOKEN));
    let ix = jobs_ix(accounts, jobs::instruction::Expire {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongRefundAccount);
    let mut accounts = world.expire_accounts(0);
    accounts.rent_payer = thief.key();
    let ix = jobs_ix(accounts, jobs::instruction::Expire {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), anchor_lang::error::ErrorCode::ConstraintAddress);
    // Left out, it waits for the submitter.
    let mut accounts = world.expire_accounts(0);
    accounts.refund_account = None;
    let ix = jobs_ix(accounts, jobs::instruction::Expire {}, &[]);
    world.svm.send(&[ix], &[]).unwrap();
    assert_eq!((world.job(0).state, world.job(0).owed), (job_state::EXPIRED, DEFAULT_STAKE));
    world.refund_submitter(0).unwrap();
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
}
