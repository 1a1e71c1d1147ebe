//! A cancelled job from what its nodes signed to the money: the oracles' own scheduler decides, the real programs pay.

use muster_jobs::state::job_state;
use muster_oracle::jobs::chain_job;
use muster_oracle::jobs::core::{Action, Core, NodeInfo, OracleSet, Rules, Source};
use muster_protocol::assignment::{Assignee, Assignment};
use muster_protocol::hashv;
use muster_protocol::job::JobDescriptor;
use muster_protocol::result::Progress;
use muster_protocol::sig::SigningKey;
use muster_protocol::wire::{Domain, Frame};
use muster_tests::world::*;

const DESCRIPTOR: &str = r#"{"version":1,"title":"t","description":"","image":"sha256:IMAGE","command":[],"env":{},"inputs":[],
    "requirements":{"min_memory_mb":0,"min_cpus":0,"gpu":false,"tier":"cpu"},
    "limits":{"memory_mb":256,"cpu_milli":1000,"pids":64,"timeout_s":1800},"redundancy":2,"priority":5,"config":{}}"#;

fn domain() -> Domain {
    Domain::new(&[7; 32], muster_network::ID.to_bytes())
}

fn signer(wallet: &Wallet) -> SigningKey {
    let mut seed = [0; 32];
    seed.copy_from_slice(&wallet.keypair().to_bytes()[..32]);
    SigningKey::from_bytes(&seed)
}

/// An oracle's scheduler that knows the world's oracles and nodes.
fn scheduler(world: &World, oracle: usize) -> Core {
    let mut core = Core::new(Rules {
        domain: domain(),
        me: world.oracles[oracle].key().to_bytes(),
        lease_s: 30,
        margin_ms: 30_000,
        slack_ms: 10_000,
        seen_within_ms: u64::MAX,
        descriptor_wait_ms: 300_000,
        nodes_wait_ms: 300_000,
    });
    let keys = world.oracles.iter().map(|oracle| oracle.key().to_bytes()).collect();
    core.set = OracleSet { version: 1, threshold: 2, keys };
    for node in &world.nodes {
        let info = NodeInfo {
            tenure: node.tenure.to_bytes(),
            node_key: node.key.key().to_bytes(),
            holder: node.holder.key().to_bytes(),
            active: true,
            bonded: true,
            last_seen_ms: u64::MAX,
            busy: false,
        };
        core.registry.insert(info.tenure, info);
    }
    core
}

fn see(core: &mut Core, world: &World) {
    assert!(core.on_chain_job(chain_job(&world.job_at(0), &world.job(0))));
}

/// Invariants I73 and O6.
#[test]
fn a_cancelled_job_pays_by_what_its_nodes_signed_as_every_oracle_finds_by_itself() {
    // Given a job of an hour that two nodes work on since its second and third minute.
    let mut world = World::with_nodes(2);
    let submitter = world.funded(1_000 * TOKEN_UNIT);
    let descriptor = JobDescriptor::from_json(DESCRIPTOR.replace("IMAGE", &"0a".repeat(32)).as_bytes()).unwrap();
    let descriptor = descriptor.encode().unwrap();
    let descriptor_hash = hashv(&[&descriptor]);
    let args = muster_jobs::SubmitArgs { descriptor_hash, ..world.submit_args(0) };
    world.submit(&submitter, args).unwrap();
    let (job, start) = (world.job_at(0), world.svm.now());
    let at_ms = |second: i64| (start + second) as u64 * 1_000;
    let assignment = Assignment {
        job: job.to_bytes(),
        attempt: 0,
        oracle_key: world.oracles[0].key().to_bytes(),
        assigned_at_ms: at_ms(60),
        lease_until_ms: at_ms(2_000),
        descriptor_hash,
        nodes: world
            .nodes
            .iter()
            .map(|node| Assignee { tenure: node.tenure.to_bytes(), node_key: node.key.key().to_bytes() })
            .collect(),
    };
    let assignment = assignment.encode_signed(&domain(), &signer(&world.oracles[0])).unwrap();
    let progress = |node: usize, second: i64| {
        let progress = Progress {
            job: job.to_bytes(),
            node_key: world.nodes[node].key.key().to_bytes(),
            assignment_hash: Assignment::hash(&assignment),
            percent: 10,
            seq: second as u64,
            at_ms: at_ms(second),
        };
        progress.encode_signed(&domain(), &signer(&world.nodes[node].key)).unwrap()
    };
    let signs = [progress(0, 120), progress(0, 700), progress(1, 180), progress(1, 800)];
    // When its submitter cancels it after half an hour, and each oracle hears of everything in another order.
    let mut cores = [0, 1, 2].map(|oracle| scheduler(&world, oracle));
    see(&mut cores[0], &world);
    world.svm.set_time(start + 1_800);
    world.request_cancel(&submitter, 0).unwrap();
    for (turn, core) in cores.iter_mut().enumerate() {
        if turn > 0 {
            see(core, &world);
        }
        core.insert(core.check_descriptor(&job.to_bytes(), &descriptor).unwrap());
        core.insert(core.check_assignment(&assignment, at_ms(60)).unwrap());
        for sign in signs.iter().cycle().skip(turn).take(signs.len()) {
            core.insert(core.check_progress(sign, Source::Peer, at_ms(1_800)).unwrap());
        }
        see(core, &world);
    }
    // Then all of them vote for the same outcome.
    let now_ms = at_ms(1_811);
    let mut outcomes = Vec::new();
    for core in &cores {
        let plan = core.plan(now_ms);
        let [Action::Attest { outcome, .. }] = &plan[..] else { panic!("{plan:?}") };
        outcomes.push(outcome.clone());
    }
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    world.attest(1, 0, &outcomes[1]).unwrap();
    world.attest(2, 0, &outcomes[2]).unwrap();
    // And the one that has not voted settles it: 28 of 58 minutes of the stake, 80 % of it to the nodes.
    see(&mut cores[0], &world);
    let plan = cores[0].plan(now_ms);
    let settle = plan.iter().find_map(|action| match action {
        Action::Settle { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    let (_, bonds) = world.tenures_of(&[0, 1]);
    world.settle_job(0, settle.expect("a threshold voted"), &bonds).unwrap();
    let elapsed = DEFAULT_STAKE * (1_800 - 120) / (3_600 - 120);
    let each = (elapsed - elapsed * 2_000 / 10_000) / 2;
    let settled = world.job(0);
    assert_eq!((settled.state, settled.to_nodes), (job_state::CANCELLED, 2 * each));
    assert_eq!((settled.to_treasury, settled.refunded), (elapsed - 2 * each, DEFAULT_STAKE - elapsed));
    assert_eq!(world.bond(&world.nodes[0]).earned, each);
    assert_eq!(world.bond(&world.nodes[1]).earned, each);
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT - elapsed);
}
