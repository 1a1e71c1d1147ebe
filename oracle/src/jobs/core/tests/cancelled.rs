//! Cancelled jobs: what was decided before stays decided, else who had begun is paid for the time until then.

use super::*;

const CANCEL_S: i64 = CREATED_S + 60;
const CANCEL_MS: u64 = CANCEL_S as u64 * 1000;
/// The first moment at which the outcome of a cancelled job is voted on.
const AFTER_MS: u64 = CANCEL_MS + SLACK_MS + 1;

fn cancel(core: &mut Core) {
    let chain = ChainJob { cancel_at: CANCEL_S, seq: 2, ..core.jobs[&JOB].chain.clone() };
    assert!(core.on_chain_job(chain));
}

fn progress(assignment: &[u8], node: u8, at_ms: u64, seq: u64) -> Vec<u8> {
    Progress {
        job: JOB,
        node_key: public(&node_key(node)),
        assignment_hash: Assignment::hash(assignment),
        percent: 10,
        seq,
        at_ms,
    }
    .encode_signed(&domain(), &node_key(node))
    .unwrap()
}

fn finished(assignment: &[u8], node: u8, status: TaskStatus, hash: u8, finished_at_ms: u64) -> Vec<u8> {
    let (body, _) = TaskResult::decode(&domain(), &result(assignment, node, status, hash, 1)).unwrap();
    TaskResult { finished_at_ms, ..body }.encode_signed(&domain(), &node_key(node)).unwrap()
}

/// Oracle 0 with an assignment to nodes 0 and 1.
fn assigned_core() -> (Core, Vec<u8>) {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    (core, frame)
}

fn paid(started_at: i64, nodes: &[u8]) -> Option<Outcome> {
    let tenures = nodes.iter().map(|&i| Pubkey::from(tenure(i))).collect();
    Some(Outcome::Cancelled { started_at, tenures })
}

#[test]
fn a_cancelled_job_is_assigned_to_nobody_and_keeps_no_node_busy() {
    let mut core = core(0, 4);
    cancel(&mut core);
    assert_eq!(assigned(&core.plan(CREATED_MS)), None);
    // An assignment that comes all the same from an oracle that had not heard of it is taken, a later one is not.
    let late = Assignment {
        assigned_at_ms: AFTER_MS,
        lease_until_ms: AFTER_MS + 1_000,
        ..Assignment::decode(&domain(), &assignment(1, 0, &[0, 1])).unwrap().0
    };
    let late = late.encode_signed(&domain(), &oracle(1)).unwrap();
    assert!(matches!(core.check_assignment(&late, AFTER_MS), Err(Refusal::BadAssignment(_))));
    take(&mut core, &assignment(0, 0, &[0, 1])).unwrap();
    let mut other = chain_job(&descriptor());
    (other.job[31], other.index) = (1, 1);
    core.on_chain_job(other.clone());
    core.insert(core.check_descriptor(&other.job, &descriptor()).unwrap());
    core.registry.retain(|key, _| *key == tenure(0) || *key == tenure(1));
    assert_eq!(assigned(&core.plan(CREATED_MS)).unwrap().job, other.job);
}

#[test]
fn who_had_begun_is_paid_since_the_first_sign_of_work() {
    let (mut core, frame) = assigned_core();
    for (node, at_ms, seq) in [(0, CREATED_MS + 30_000, 5), (0, CREATED_MS + 9_900, 4), (1, CREATED_MS + 20_000, 1)] {
        take(&mut core, &progress(&frame, node, at_ms, seq)).unwrap();
    }
    cancel(&mut core);
    // What is on its way may still come.
    assert_eq!(outcome(&core, AFTER_MS - 1), None);
    let expected = paid(CREATED_S + 9, &[0, 1]);
    assert_eq!(outcome(&core, AFTER_MS), expected);
    let vote = core.plan(AFTER_MS).pop();
    assert_eq!(vote, Some(Action::Attest { job: JOB, set_version: 1, outcome: expected.clone().unwrap() }));
    // And a threshold for it is settled.
    let mut chain = core.jobs[&JOB].chain.clone();
    chain.votes_version = 1;
    let hash = expected.as_ref().unwrap().hash(&Pubkey::from(JOB), 1).unwrap();
    (chain.votes[0], chain.votes[1]) = (hash, hash);
    core.on_chain_job(chain);
    let settle = Action::Settle { job: JOB, set_version: 1, outcome: expected.unwrap() };
    assert_eq!(core.plan(AFTER_MS), vec![settle]);
}

#[test]
fn where_no_work_had_begun_everything_goes_back() {
    let mut nobody = core(0, 4);
    cancel(&mut nobody);
    assert_eq!(outcome(&nobody, AFTER_MS), paid(0, &[]));
    let (mut assigned, frame) = assigned_core();
    take(&mut assigned, &progress(&frame, 0, CANCEL_MS, 1)).unwrap();
    cancel(&mut assigned);
    assert_eq!(outcome(&assigned, AFTER_MS), paid(0, &[]), "work that begins after the cancellation is not paid");
}

#[test]
fn nobody_worked_before_he_was_assigned() {
    let (mut core, _) = assigned_core();
    let later = assignment(1, 1, &[2, 3]);
    take(&mut core, &later).unwrap();
    take(&mut core, &progress(&later, 2, 0, 1)).unwrap();
    cancel(&mut core);
    // Attempt 0 has no sign of work; attempt 1 was assigned a second after the job was made.
    assert_eq!(outcome(&core, AFTER_MS), paid(CREATED_S + 1, &[2]));
}

#[test]
fn a_quorum_before_the_cancellation_stays_decided_and_a_later_one_comes_too_late() {
    let (mut core, frame) = assigned_core();
    let on_the_way = CANCEL_MS + SLACK_MS;
    take(&mut core, &progress(&frame, 0, CREATED_MS, 1)).unwrap();
    take(&mut core, &finished(&frame, 0, TaskStatus::Succeeded, 8, CANCEL_MS - 1)).unwrap();
    let mut late = core.clone();
    take(&mut core, &finished(&frame, 1, TaskStatus::Succeeded, 8, on_the_way)).unwrap();
    cancel(&mut core);
    assert_eq!(outcome(&core, CANCEL_MS), completed(&[0, 1], 8));
    // An oracle that had not heard of the cancellation took a result after it: it counts for nobody.
    take(&mut late, &finished(&frame, 1, TaskStatus::Succeeded, 8, on_the_way + 1)).unwrap();
    cancel(&mut late);
    assert_eq!(outcome(&late, AFTER_MS), paid(CREATED_S, &[0]));
    // Afterwards it is refused, from the node by this oracle's clock too.
    let refused = Refusal::Cancelled { cancel_at: CANCEL_S };
    let after = finished(&frame, 1, TaskStatus::Succeeded, 8, on_the_way + 2);
    assert_eq!(take(&mut late, &after).unwrap_err(), refused);
    let dated_back = finished(&frame, 1, TaskStatus::Succeeded, 8, CANCEL_MS);
    assert_eq!(late.check_result(&dated_back, Source::Node, AFTER_MS).unwrap_err(), refused);
    assert_eq!(refused.reason(), Reason::TooLate);
    let dated_back = progress(&frame, 1, CREATED_MS, 3);
    assert_eq!(late.check_progress(&dated_back, Source::Node, AFTER_MS).unwrap_err(), refused);
    // One in time is still taken from a peer, although a late one is held.
    take(&mut late, &finished(&frame, 1, TaskStatus::Succeeded, 8, on_the_way)).unwrap();
    assert_eq!(outcome(&late, AFTER_MS), completed(&[0, 1], 8));
}

#[test]
fn who_failed_by_himself_or_contradicted_himself_is_not_paid() {
    let (mut core, frame) = assigned_core();
    for node in [0, 1] {
        take(&mut core, &progress(&frame, node, CREATED_MS + 1, 1)).unwrap();
    }
    let mut contradictory = core.clone();
    take(&mut core, &finished(&frame, 0, TaskStatus::FailedNode, 0, CANCEL_MS - 9)).unwrap();
    cancel(&mut core);
    // One of two failed: the other's quorum could not come any more, and the attempt was over.
    assert_eq!(outcome(&core, AFTER_MS), paid(0, &[]));
    for hash in [1, 2] {
        take(&mut contradictory, &finished(&frame, 0, TaskStatus::Succeeded, hash, CANCEL_MS - 9)).unwrap();
    }
    cancel(&mut contradictory);
    assert_eq!(outcome(&contradictory, AFTER_MS), paid(0, &[]));
}

#[test]
fn what_was_given_up_before_the_cancellation_stays_given_up() {
    let mut core = core(0, 4);
    core.rules.nodes_wait_ms = 30_000;
    cancel(&mut core);
    assert_eq!(outcome(&core, CANCEL_MS), failed(failure_reason::NO_NODES));
    assert_eq!(outcome(&core, AFTER_MS), failed(failure_reason::NO_NODES));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// O6 for cancelled jobs: whatever nodes sign, with whatever times, and whenever each oracle hears of the
    /// cancellation, those that hold the same evidence come to the same end.
    #[test]
    fn the_same_evidence_of_a_cancelled_job_in_any_order_gives_every_oracle_the_same_outcome(
        worked in proptest::collection::vec((0usize..2, 0u8..4, 0u64..90, 1u64..4), 0..12),
        said in proptest::collection::vec((0usize..2, 0u8..4, 0u8..4, 1u8..3, 0u64..90), 0..10),
        seed: u64,
    ) {
        let assignments = [assignment(0, 0, &[0, 1]), assignment(1, 1, &[2, 3])];
        let mut frames: Vec<Vec<u8>> = assignments.to_vec();
        for (to, node, second, seq) in &worked {
            frames.push(progress(&assignments[*to], *node, CREATED_MS + second * 1000, *seq));
        }
        for (to, node, status, hash, second) in &said {
            let status = TaskStatus::from_code(status + 1).unwrap();
            frames.push(finished(&assignments[*to], *node, status, *hash, CREATED_MS + 1 + second * 1000));
        }
        let mut cores: Vec<Core> = (0..3).map(|me| core(me, 4)).collect();
        for (me, core) in cores.iter_mut().enumerate() {
            let seed = seed ^ me as u64;
            shuffle(&mut frames, seed);
            let heard = (seed >> 8) as usize % (frames.len() + 1);
            for (i, frame) in frames.iter().enumerate() {
                if i == heard {
                    cancel(core);
                }
                let _ = take(core, frame);
            }
            cancel(core);
        }
        // What each of them tells the others, as often as it takes to come round.
        for _ in 0..3 {
            let told: Vec<Vec<Vec<u8>>> = cores.iter().map(|core| told(&core.jobs[&JOB])).collect();
            for core in &mut cores {
                for frame in frames.iter().chain(told.iter().flatten()) {
                    let _ = take(core, frame);
                }
            }
        }
        let outcomes: Vec<_> = cores.iter().map(|core| outcome(core, AFTER_MS)).collect();
        prop_assert!(outcomes[0].is_some());
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
        prop_assert_eq!(&outcomes[1], &outcomes[2]);
        if let Some(Outcome::Cancelled { started_at, tenures }) = &outcomes[0] {
            prop_assert_eq!(*started_at == 0, tenures.is_empty());
            prop_assert!(tenures.is_empty() || (CREATED_S..CANCEL_S).contains(started_at));
            prop_assert!(tenures.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

/// Every frame that an oracle holds of a job.
fn told(state: &JobState) -> Vec<Vec<u8>> {
    let reports = state.assignments.values().flat_map(|assigned| assigned.reports.values());
    let progress = reports.flat_map(|report| [&report.first_progress, &report.progress]).flatten();
    let frames = progress.map(|progress| progress.frame.clone());
    frames.chain(state.results().map(|result| result.frame.clone())).collect()
}
