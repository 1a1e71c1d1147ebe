use muster_client::Pubkey;
use muster_client::muster_jobs::state::{Outcome, failure_reason, job_state};
use muster_protocol::assignment::{Assignee, Assignment};
use muster_protocol::hashv;
use muster_protocol::job::{JobDescriptor, Limits, Requirements};
use muster_protocol::reason::Reason;
use muster_protocol::result::{Progress, TaskResult, TaskStatus};
use muster_protocol::sig::SigningKey;
use muster_protocol::wire::{Domain, Frame};
use proptest::prelude::*;

use super::*;

mod cancelled;

const CREATED_S: i64 = 1_000_000;
const CREATED_MS: u64 = CREATED_S as u64 * 1000;
const LEASE_MS: u64 = 10_000;
const TIMEOUT_MS: u64 = 60_000;
const MARGIN_MS: u64 = 30_000;
const SLACK_MS: u64 = 5_000;
/// Its first eight bytes are 0 mod 3: oracle 0 begins.
const JOB: Key = [0; 32];

fn domain() -> Domain {
    Domain::new(&[7; 32], [9; 32])
}

fn oracle(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[100 + index; 32])
}

fn node_key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index + 1; 32])
}

fn public(key: &SigningKey) -> Key {
    key.verifying_key().to_bytes()
}

fn tenure(index: u8) -> Key {
    [index + 50; 32]
}

fn descriptor() -> Vec<u8> {
    JobDescriptor {
        version: 1,
        title: "digits".into(),
        description: String::new(),
        image: format!("sha256:{}", "a".repeat(64)),
        command: vec![],
        env: Default::default(),
        inputs: vec![],
        requirements: Requirements { tier: "cpu".into(), ..Default::default() },
        limits: Limits { memory_mb: 256, cpu_milli: 1000, pids: 16, timeout_s: (TIMEOUT_MS / 1000) as u32 },
        network: false,
        redundancy: 2,
        priority: 0,
        reveal_at_s: None,
        config: Default::default(),
    }
    .encode()
    .unwrap()
}

fn chain_job(descriptor: &[u8]) -> ChainJob {
    ChainJob {
        job: JOB,
        index: 0,
        descriptor_hash: hashv(&[descriptor]),
        refund_account: [0; 32],
        rent_payer: [0; 32],
        created_at: CREATED_S,
        deadline: CREATED_S + 3600,
        cancel_at: 0,
        settled_at: 0,
        redundancy: 0,
        state: job_state::OPEN,
        votes: vec![[0; 32]; 16],
        votes_version: 0,
        seq: 1,
        result_hash: [0; 32],
    }
}

/// Oracle `me` of three, `nodes` nodes of as many holders, one job without its descriptor.
fn core_without_descriptor(me: u8, nodes: u8) -> Core {
    let mut core = Core::new(Rules {
        domain: domain(),
        me: public(&oracle(me)),
        lease_s: LEASE_MS / 1000,
        margin_ms: MARGIN_MS,
        slack_ms: SLACK_MS,
        seen_within_ms: u64::MAX,
        descriptor_wait_ms: 300_000,
        nodes_wait_ms: 300_000,
    });
    core.set = OracleSet { version: 1, threshold: 2, keys: (0..3).map(|i| public(&oracle(i))).collect() };
    for i in 0..nodes {
        let info = NodeInfo {
            tenure: tenure(i),
            node_key: public(&node_key(i)),
            holder: [i + 150; 32],
            active: true,
            bonded: true,
            last_seen_ms: CREATED_MS,
            busy: false,
        };
        core.registry.insert(info.tenure, info);
    }
    assert!(core.on_chain_job(chain_job(&descriptor())));
    core
}

fn core(me: u8, nodes: u8) -> Core {
    let mut core = core_without_descriptor(me, nodes);
    let accepted = core.check_descriptor(&JOB, &descriptor()).unwrap();
    core.insert(accepted);
    core
}

fn assignment(by: u8, attempt: u32, nodes: &[u8]) -> Vec<u8> {
    let at = CREATED_MS + u64::from(attempt) * 1000;
    let assignment = Assignment {
        job: JOB,
        attempt,
        oracle_key: public(&oracle(by)),
        assigned_at_ms: at,
        lease_until_ms: at + TIMEOUT_MS + MARGIN_MS,
        descriptor_hash: hashv(&[&descriptor()]),
        nodes: nodes.iter().map(|&i| Assignee { tenure: tenure(i), node_key: public(&node_key(i)) }).collect(),
    };
    assignment.encode_signed(&domain(), &oracle(by)).unwrap()
}

fn result(assignment: &[u8], node: u8, status: TaskStatus, hash: u8, seq: u64) -> Vec<u8> {
    TaskResult {
        job: JOB,
        assignment_hash: Assignment::hash(assignment),
        node_key: public(&node_key(node)),
        tenure: tenure(node),
        status,
        exit_code: 0,
        result_hash: [hash; 32],
        started_at_ms: CREATED_MS,
        finished_at_ms: CREATED_MS + 1,
        accuracy_millionths: 0,
        loss_millionths: 0,
        epochs: 0,
        archive_hash: [0; 32],
        log_hash: [0; 32],
        seq,
    }
    .encode_signed(&domain(), &node_key(node))
    .unwrap()
}

fn good(assignment: &[u8], node: u8, hash: u8) -> Vec<u8> {
    result(assignment, node, TaskStatus::Succeeded, hash, 1)
}

fn take(core: &mut Core, frame: &[u8]) -> Result<Accepted, Refusal> {
    let accepted = match frame[5] {
        5 => core.check_assignment(frame, CREATED_MS),
        3 => core.check_result(frame, Source::Peer, CREATED_MS),
        _ => core.check_progress(frame, Source::Peer, CREATED_MS),
    }?;
    core.insert(accepted.clone());
    Ok(accepted)
}

fn outcome(core: &Core, now_ms: u64) -> Option<Outcome> {
    core.jobs[&JOB].outcome(&core.set, &core.rules, now_ms)
}

fn completed(nodes: &[u8], hash: u8) -> Option<Outcome> {
    Some(Outcome::Completed {
        tenures: nodes.iter().map(|&i| Pubkey::from(tenure(i))).collect(),
        result_hash: [hash; 32],
    })
}

fn failed(reason: u16) -> Option<Outcome> {
    Some(Outcome::Failed { reason })
}

fn assigned(actions: &[Action]) -> Option<&Assignment> {
    actions.iter().find_map(|action| match action {
        Action::Assign(assignment) => Some(assignment),
        _ => None,
    })
}

#[test]
fn the_oracle_whose_turn_it_is_assigns_and_nobody_else() {
    // Given a new job whose key makes oracle 0 begin.
    let plans: Vec<_> = (0..3).map(|me| core(me, 4).plan(CREATED_MS)).collect();
    // Then it alone assigns two nodes.
    assert_eq!(assigned(&plans[0]).unwrap().nodes.len(), 2);
    assert_eq!(assigned(&plans[1]), None);
    assert_eq!(assigned(&plans[2]), None);
}

#[test]
fn the_next_turn_takes_over_from_a_dead_coordinator() {
    let late = CREATED_MS + LEASE_MS;
    assert!(assigned(&core(1, 4).plan(late)).is_some());
    assert_eq!(assigned(&core(0, 4).plan(late)), None);
    assert!(assigned(&core(2, 4).plan(late + LEASE_MS)).is_some());
}

#[test]
fn a_live_assignment_of_another_oracle_keeps_the_next_turn_from_assigning() {
    let mut core = core(1, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    assert_eq!(assigned(&core.plan(CREATED_MS + LEASE_MS)), None);
    // until its lease is over, when other nodes get the next attempt
    let over = CREATED_MS + TIMEOUT_MS + MARGIN_MS + 1;
    let turn = (over - CREATED_MS) / LEASE_MS % 3;
    core.rules.me = public(&oracle(turn as u8));
    let actions = core.plan(over);
    let next = assigned(&actions).unwrap();
    assert_eq!(next.attempt, 1);
    assert!(next.nodes.iter().all(|node| node.tenure != tenure(0) && node.tenure != tenure(1)));
}

#[test]
fn a_mismatch_makes_the_next_attempt_at_once() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    take(&mut core, &good(&frame, 0, 1)).unwrap();
    assert_eq!(assigned(&core.plan(CREATED_MS)), None);
    take(&mut core, &good(&frame, 1, 2)).unwrap();
    assert_eq!(outcome(&core, CREATED_MS), None);
    assert_eq!(assigned(&core.plan(CREATED_MS)).unwrap().attempt, 1);
}

#[test]
fn three_attempts_without_a_quorum_fail_the_job_once_no_late_result_can_come() {
    let mut core = core(0, 4);
    for attempt in 0..ATTEMPTS_MAX {
        let frame = assignment(0, attempt, &[0, 1]);
        take(&mut core, &frame).unwrap();
    }
    let last_lease = CREATED_MS + 2000 + TIMEOUT_MS + MARGIN_MS;
    assert_eq!(outcome(&core, last_lease + SLACK_MS), None);
    assert_eq!(outcome(&core, last_lease + SLACK_MS + 1), failed(failure_reason::NO_QUORUM));
    assert_eq!(assigned(&core.plan(last_lease + 1)), None);
}

#[test]
fn equal_results_complete_the_job_with_ascending_tenures() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[3, 1]);
    take(&mut core, &frame).unwrap();
    take(&mut core, &good(&frame, 3, 8)).unwrap();
    take(&mut core, &good(&frame, 1, 8)).unwrap();
    assert_eq!(outcome(&core, CREATED_MS), completed(&[1, 3], 8));
}

#[test]
fn a_quorum_of_failed_images_fails_the_job_and_one_alone_does_not() {
    for (status, reason) in
        [(TaskStatus::FailedImage, failure_reason::IMAGE), (TaskStatus::TimedOut, failure_reason::TIMEOUT)]
    {
        let mut core = core(0, 4);
        let frame = assignment(0, 0, &[0, 1]);
        take(&mut core, &frame).unwrap();
        take(&mut core, &result(&frame, 0, status, 0, 1)).unwrap();
        assert_eq!(outcome(&core, CREATED_MS), None);
        take(&mut core, &result(&frame, 1, status, 3, 1)).unwrap();
        assert_eq!(outcome(&core, CREATED_MS), failed(reason));
    }
}

#[test]
fn a_node_that_blames_itself_is_no_verdict_and_may_still_deliver() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    take(&mut core, &result(&frame, 0, TaskStatus::FailedNode, 0, 1)).unwrap();
    take(&mut core, &good(&frame, 1, 4)).unwrap();
    assert_eq!(assigned(&core.plan(CREATED_MS)).unwrap().attempt, 1);
    take(&mut core, &result(&frame, 0, TaskStatus::Succeeded, 4, 2)).unwrap();
    assert_eq!(outcome(&core, CREATED_MS), completed(&[0, 1], 4));
}

#[test]
fn the_vote_follows_better_evidence_until_the_job_is_settled() {
    let mut core = core(0, 4);
    let early = assignment(0, 0, &[0, 1]);
    let later = assignment(1, 1, &[2, 3]);
    for frame in [&early, &later] {
        take(&mut core, frame).unwrap();
    }
    take(&mut core, &good(&later, 2, 5)).unwrap();
    take(&mut core, &good(&later, 3, 5)).unwrap();
    let Some(Action::Attest { outcome: first, .. }) = core.plan(CREATED_MS).pop() else {
        panic!("no vote");
    };
    assert_eq!(Some(first.clone()), completed(&[2, 3], 5));
    // Given that vote is on chain, nothing is to be done.
    let mut chain = chain_job(&descriptor());
    chain.votes_version = 1;
    chain.votes[0] = first.hash(&Pubkey::from(JOB), 1).unwrap();
    core.on_chain_job(chain.clone());
    assert_eq!(core.plan(CREATED_MS), vec![]);
    // When the earlier attempt's results arrive late, the vote changes.
    take(&mut core, &good(&early, 0, 5)).unwrap();
    take(&mut core, &good(&early, 1, 5)).unwrap();
    let expected = completed(&[0, 1], 5).unwrap();
    let attest = |set_version| Action::Attest { job: JOB, set_version, outcome: expected.clone() };
    assert_eq!(core.plan(CREATED_MS), vec![attest(1)]);
    // A new set version asks for the vote anew.
    chain.votes[0] = expected.hash(&Pubkey::from(JOB), 1).unwrap();
    core.on_chain_job(chain);
    core.set.version = 2;
    assert_eq!(core.plan(CREATED_MS), vec![attest(2)]);
}

#[test]
fn a_threshold_of_votes_is_settled_even_against_the_own_vote() {
    let mut core = core(0, 4);
    let mut chain = chain_job(&descriptor());
    chain.votes_version = 1;
    let refund = failed(failure_reason::NO_NODES).unwrap();
    let hash = refund.hash(&Pubkey::from(JOB), 1).unwrap();
    chain.votes[1] = hash;
    core.on_chain_job(chain.clone());
    let settles = |core: &Core| {
        let actions = core.plan(CREATED_MS);
        actions.iter().any(|action| matches!(action, Action::Settle { outcome, .. } if *outcome == refund))
    };
    assert!(!settles(&core));
    chain.votes[2] = hash;
    core.on_chain_job(chain.clone());
    assert!(settles(&core));
    // When it is settled, the job leaves.
    chain.state = job_state::FAILED;
    core.on_chain_job(chain);
    assert!(core.plan(CREATED_MS).is_empty());
}

#[test]
fn a_descriptor_that_never_comes_or_is_no_job_fails_the_job() {
    let core = core_without_descriptor(0, 4);
    assert_eq!(core.plan(CREATED_MS), vec![Action::FetchDescriptor(JOB)]);
    assert_eq!(outcome(&core, CREATED_MS + 300_000), None);
    let reason = failed(failure_reason::DESCRIPTOR);
    assert_eq!(outcome(&core, CREATED_MS + 300_001), reason);
    let mut core = core;
    core.on_chain_job(chain_job(b"{}"));
    assert!(core.check_descriptor(&JOB, &descriptor()).is_err());
    let accepted = core.check_descriptor(&JOB, b"{}").unwrap();
    core.insert(accepted);
    assert_eq!(outcome(&core, CREATED_MS), reason);
}

#[test]
fn without_nodes_of_enough_holders_nothing_is_assigned_and_the_job_fails_in_time() {
    let mut core = core(0, 2);
    core.registry.get_mut(&tenure(1)).unwrap().holder = [150; 32];
    assert_eq!(assigned(&core.plan(CREATED_MS)), None);
    assert_eq!(outcome(&core, CREATED_MS + 300_001), failed(failure_reason::NO_NODES));
}

#[test]
fn only_nodes_that_are_active_bonded_seen_and_free_are_chosen() {
    for spoil in [
        |node: &mut NodeInfo| node.active = false,
        |node: &mut NodeInfo| node.bonded = false,
        |node: &mut NodeInfo| node.busy = true,
        |node: &mut NodeInfo| node.last_seen_ms = 0,
    ] {
        let mut core = core(0, 3);
        core.rules.seen_within_ms = 1000;
        spoil(core.registry.get_mut(&tenure(1)).unwrap());
        let actions = core.plan(CREATED_MS);
        let nodes = &assigned(&actions).unwrap().nodes;
        assert!(nodes.iter().all(|node| node.tenure != tenure(1)));
    }
}

#[test]
fn a_node_that_owes_a_result_gets_no_second_task() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    let mut other = chain_job(&descriptor());
    other.job = [3; 32];
    other.job[..8].fill(0);
    other.index = 1;
    core.on_chain_job(other.clone());
    let accepted = core.check_descriptor(&other.job, &descriptor()).unwrap();
    core.insert(accepted);
    let actions = core.plan(CREATED_MS);
    let nodes = &assigned(&actions).unwrap().nodes;
    assert!(nodes.iter().all(|node| node.tenure == tenure(2) || node.tenure == tenure(3)));
}

#[test]
fn foreign_assignments_are_refused() {
    let mut core = core(0, 4);
    let refusal = |core: &Core, frame: &[u8]| core.check_assignment(frame, CREATED_MS).unwrap_err();
    let stranger = assignment(7, 0, &[0, 1]);
    assert_eq!(refusal(&core, &stranger), Refusal::NotOracle);
    let short = assignment(0, 0, &[0]);
    assert!(matches!(refusal(&core, &short), Refusal::BadAssignment(_)));
    let unknown = assignment(0, 0, &[0, 9]);
    assert_eq!(refusal(&core, &unknown), Refusal::UnknownNode);
    core.registry.get_mut(&tenure(1)).unwrap().holder = [150; 32];
    let one_holder = assignment(0, 0, &[0, 1]);
    assert!(matches!(refusal(&core, &one_holder), Refusal::BadAssignment(_)));
    let fourth = assignment(0, 3, &[0, 2]);
    assert!(matches!(refusal(&core, &fourth), Refusal::BadAssignment(_)));
    let future = core.check_assignment(&assignment(0, 2, &[0, 2]), CREATED_MS - 9_000);
    assert!(matches!(future.unwrap_err(), Refusal::BadAssignment(_)));
}

#[test]
fn foreign_late_and_forged_results_are_refused() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    let ours = good(&frame, 0, 1);
    assert_eq!(take(&mut core, &ours).unwrap_err(), Refusal::UnknownAssignment);
    take(&mut core, &frame).unwrap();
    assert_eq!(take(&mut core, &good(&frame, 2, 1)).unwrap_err(), Refusal::NotAssigned);
    let mut forged = ours.clone();
    forged[100] ^= 1;
    assert_ne!(take(&mut core, &forged).unwrap_err().reason(), Reason::Accepted);
    let last = CREATED_MS + TIMEOUT_MS + MARGIN_MS + SLACK_MS;
    assert!(core.check_result(&ours, Source::Node, last).is_ok());
    let late = core.check_result(&ours, Source::Node, last + 1).unwrap_err();
    assert_eq!(late.reason(), Reason::TooLate);
    // what another oracle took in time is not late
    assert!(core.check_result(&ours, Source::Peer, last + 1).is_ok());
}

#[test]
fn the_same_result_again_is_known_and_a_contradiction_silences_the_node() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    take(&mut core, &good(&frame, 0, 1)).unwrap();
    assert!(matches!(take(&mut core, &good(&frame, 0, 1)), Ok(Accepted::Known)));
    let again = result(&frame, 0, TaskStatus::Succeeded, 1, 2);
    assert!(matches!(take(&mut core, &again), Ok(Accepted::Known)));
    let contradiction = take(&mut core, &good(&frame, 0, 2)).unwrap();
    assert!(matches!(contradiction, Accepted::Result(_, true)));
    assert_eq!(take(&mut core, &good(&frame, 0, 3)).unwrap_err(), Refusal::Conflict);
    take(&mut core, &good(&frame, 1, 1)).unwrap();
    assert_eq!(outcome(&core, CREATED_MS), None);
}

#[test]
fn progress_only_goes_forward() {
    let mut core = core(0, 4);
    let frame = assignment(0, 0, &[0, 1]);
    take(&mut core, &frame).unwrap();
    let progress = |percent, seq| {
        Progress {
            job: JOB,
            node_key: public(&node_key(0)),
            assignment_hash: Assignment::hash(&frame),
            percent,
            seq,
            at_ms: 0,
        }
        .encode_signed(&domain(), &node_key(0))
        .unwrap()
    };
    take(&mut core, &progress(40, 2)).unwrap();
    assert_eq!(take(&mut core, &progress(90, 1)).unwrap_err(), Refusal::StaleSeq { last: 2 });
    assert!(matches!(take(&mut core, &progress(40, 2)), Ok(Accepted::Known)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the nodes say (agreement, mismatch, equivocation, failures) and however an oracle equivocates: oracles
    /// that hold the same evidence vote alike, in whatever order it came.
    #[test]
    fn the_same_evidence_in_any_order_gives_every_oracle_the_same_outcome(
        said in proptest::collection::vec((0usize..3, 0u8..4, 0u8..4, 1u8..3), 0..16),
        equivocates: bool,
        seed: u64,
    ) {
        let assignments = [assignment(0, 0, &[0, 1]), assignment(2, 0, &[1, 2]), assignment(1, 1, &[2, 3])];
        let second = assignment(0, 0, &[2, 3]);
        let mut results = Vec::new();
        for (i, (to, node, status, hash)) in said.iter().enumerate() {
            let status = TaskStatus::from_code(status + 1).unwrap();
            results.push(result(&assignments[*to], *node, status, *hash, i as u64));
        }
        let votes: Vec<_> = (0..3u8).map(|me| {
            let mut core = core(me, 4);
            let mut frames: Vec<&Vec<u8>> = assignments.iter().collect();
            if equivocates {
                frames.push(&second);
            }
            let mut late: Vec<&Vec<u8>> = results.iter().collect();
            shuffle(&mut frames, seed ^ u64::from(me));
            shuffle(&mut late, seed.rotate_left(7) ^ u64::from(me));
            // Results that come before their assignment are refused, and come again by the next pull.
            for frame in late.iter().chain(&frames).chain(&late) {
                let _ = take(&mut core, frame);
            }
            [CREATED_MS, CREATED_MS + 200_000, CREATED_MS + 4_000_000].map(|now| outcome(&core, now))
        }).collect();
        prop_assert_eq!(&votes[0], &votes[1]);
        prop_assert_eq!(&votes[1], &votes[2]);
        // and in the end every job has an outcome
        prop_assert!(votes[0][2].is_some());
    }

    #[test]
    fn no_attempt_has_two_nodes_of_one_holder(
        holders in proptest::collection::vec(0u8..5, 2..12),
        redundancy in 1u8..=4,
        created in 0u64..1000,
    ) {
        let mut core = core(0, holders.len() as u8);
        for (i, holder) in holders.iter().enumerate() {
            core.registry.get_mut(&tenure(i as u8)).unwrap().holder = [*holder; 32];
        }
        let mut chain = chain_job(&descriptor());
        chain.redundancy = redundancy;
        chain.job[9..17].copy_from_slice(&created.to_le_bytes());
        core.jobs.clear();
        core.on_chain_job(chain.clone());
        let accepted = core.check_descriptor(&chain.job, &descriptor()).unwrap();
        core.insert(accepted);
        let actions = core.plan(CREATED_MS);
        let distinct: std::collections::BTreeSet<_> = holders.iter().collect();
        match assigned(&actions) {
            None => prop_assert!(distinct.len() < usize::from(redundancy)),
            Some(assignment) => {
                prop_assert_eq!(assignment.nodes.len(), usize::from(redundancy));
                let chosen: std::collections::BTreeSet<_> =
                    assignment.nodes.iter().map(|node| core.registry[&node.tenure].holder).collect();
                prop_assert_eq!(chosen.len(), usize::from(redundancy));
                // and every oracle takes it
                let frame = assignment.encode_signed(&domain(), &oracle(0)).unwrap();
                prop_assert!(core.check_assignment(&frame, CREATED_MS).is_ok());
            }
        }
    }
}

/// Fisher and Yates, by a hash of the seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    for i in (1..items.len()).rev() {
        let hash = hashv(&[&seed.to_le_bytes(), &(i as u64).to_le_bytes()]);
        items.swap(i, usize::from(hash[0]) % (i + 1));
    }
}
