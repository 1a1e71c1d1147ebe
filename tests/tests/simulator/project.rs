//! The projects' side: settlers that are late, wrong or away, cranks, thieves, and what happens to the nodes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use muster_network::SettleEpochArgs;
use muster_network::state::{ViewSet, node_status, reward_mode, settlement_state};
use muster_protocol::dataset::Dataset;
use muster_protocol::hash::hashv;
use muster_protocol::scores::{Score, Scores};
use muster_protocol::units::EpochIndex;
use muster_protocol::wire::Frame;

use super::chain::state::{Ix, ProjectState, State};
use super::exec::lock;
use super::machine::inspected;
use super::plan::{BUCKET_S, EPOCH_S, GRACE_S};
use super::truth;
use super::world::World;

/// How long a settler waits for the views of an epoch.
const GIVEN_UP_AFTER_S: i64 = 150;

fn finalised(world: &World) -> Arc<State> {
    lock(&world.chain).finalised(0)
}

fn submit(world: &World, ix: Ix) {
    if lock(&world.chain).preflight(&ix).is_ok() {
        world.note(|| format!("submitted {}", format!("{ix:?}").split(['{', ' ']).next().unwrap_or_default()));
        lock(&world.chain).submit(ix, None);
    }
}

fn is_closed(state: &State, views: &ViewSet) -> bool {
    views.is_closed(state.clock_s, state.network.epoch_end(views.epoch) + i64::from(GRACE_S))
}

/// One project's settler: every epoch whose views are closed, in order, unless it stays away from one.
pub async fn settle(world: Arc<World>, number: usize) {
    let plan = world.plan.projects[number].clone();
    let mut skipped_to = 0;
    let mut planned: Option<(u64, u64, bool)> = None;
    loop {
        world.time.sleep(2_000).await;
        let state = finalised(&world);
        let of = &state.projects[&plan.address];
        if of.distribution.open_state != settlement_state::NONE {
            if of.epochs.get(&of.distribution.open_epoch).is_some_and(|epoch| truth::is_wrong(&world, number, epoch)) {
                // What was stated wrongly is voided after a while, and stated again.
                world.time.sleep(4_000 + world.below(10_000)).await;
                submit(&world, Ix::Void { project: plan.address });
            }
            continue;
        }
        let epoch = of.project.next_epoch.max(skipped_to);
        let Some(views) = state.view_sets.get(&epoch).filter(|views| is_closed(&state, views)) else {
            if state.clock_s > state.network.epoch_end(epoch) + GIVEN_UP_AFTER_S {
                // Too few oracles were awake in it: its views will never be in.
                world.tried("an epoch whose views never close is skipped");
                skipped_to = epoch + 1;
            }
            continue;
        };
        let weather = lock(&world.weather).clone();
        let (_, due_ms, is_wrong) = *match &mut planned {
            Some(known) if known.0 == epoch => known,
            stale => {
                if world.chance(weather.settler_absent) {
                    world.note(|| format!("project {number}: nobody settles epoch {epoch}"));
                    skipped_to = epoch + 1;
                    continue;
                }
                let late_ms = if world.chance(weather.settler_late) { world.below(40_000) } else { 0 };
                stale.insert((epoch, world.time.now_ms() + late_ms, world.chance(weather.settler_wrong)))
            }
        };
        if world.time.now_ms() < due_ms {
            continue;
        }
        if let Some(args) = statement(&world, number, of, views, epoch, is_wrong) {
            planned = Some((epoch, world.time.now_ms() + 10_000, false));
            submit(&world, Ix::Settle { project: plan.address, args });
        }
    }
}

/// What the oracles say of the epoch, as the settler reads it from one of them.
fn statement(
    world: &World,
    number: usize,
    of: &ProjectState,
    views: &ViewSet,
    epoch: u64,
    is_wrong: bool,
) -> Option<SettleEpochArgs> {
    let project = world.plan.projects[number].address;
    let machines: Vec<usize> = (0..world.machines.len()).filter(|at| world.machines[*at].is_honest()).collect();
    let asked = machines[world.below(machines.len() as u64) as usize];
    let bytes = inspected(world, asked).dataset(&project, epoch).ok()??;
    let dataset = Dataset::decode(&bytes).ok()?;
    if dataset.header.oracles.iter().zip(&views.view_hashes).any(|(known, closed)| known.view_hash != *closed) {
        return None;
    }
    let total_points = dataset.total_points();
    if total_points == 0 {
        let zero = [0; 32];
        let (points_root, dataset_hash, scores_hash) = (zero, zero, zero);
        return Some(SettleEpochArgs {
            epoch,
            points_root,
            total_points,
            node_count: 0,
            budget: 0,
            dataset_hash,
            scores_hash,
        });
    }
    let mut points_root = dataset.points_root().ok()?;
    if is_wrong {
        world.tried("a wrong settlement is not approved");
        points_root[0] ^= 1;
    }
    let is_external = of.distribution.reward_mode == reward_mode::EXTERNAL;
    Some(SettleEpochArgs {
        epoch,
        points_root,
        total_points,
        node_count: dataset.rows.len() as u32,
        budget: if is_external { 0 } else { 1_000 + world.below(1_000_000) },
        dataset_hash: hashv(&[&bytes]),
        scores_hash: dataset.header.scores_hash,
    })
}

/// Posts a score file to one oracle, which sends it on.
pub async fn post_scores(world: Arc<World>, number: usize) {
    let plan = world.plan.projects[number].clone();
    if !plan.posts_scores {
        return;
    }
    loop {
        world.time.sleep(EPOCH_S * 1_000).await;
        let epoch = world.time.now_ms() / 1_000 / EPOCH_S - 1;
        let leaves = finalised(&world).projects[&plan.address].project.leaf_count;
        let entries = (0..leaves).map(|index| Score { index, score_bps: world.below(10_001) as u16 }).collect();
        let (epoch_index, settler) = (EpochIndex::new(epoch), plan.settler_key());
        let scores = Scores { project: plan.address, epoch: epoch_index, settler, entries };
        let bytes = scores.encode_signed(&world.plan.domain(), &plan.settler()).expect("scores within their limits");
        let oracle = world.below(world.plan.oracles.len() as u64) as usize;
        let running = world.answering(oracle).and_then(|machine| lock(&machine.running).clone());
        if let Some(running) = running
            && running.epochs.put_scores(&plan.address, epoch, &bytes).is_ok()
        {
            world.tried("a score file is posted");
            running.epochs.spread_scores(&plan.address, epoch, &bytes).await;
        }
    }
}

/// Activates what is approved, claims what is owed, and now and then a threshold of thieves approves another root, which
/// the guardian holds.
pub async fn crank(world: Arc<World>, number: usize) {
    let project = world.plan.projects[number].address;
    let mut robbed = None;
    loop {
        world.time.sleep(2_000 + world.below(1_000)).await;
        let state = finalised(&world);
        let of = &state.projects[&project];
        if of.distribution.open_state == settlement_state::APPROVED {
            let thieves = lock(&world.weather).thieves;
            if robbed != Some(of.distribution.open_epoch) && world.chance(thieves) {
                submit(&world, Ix::ThievesAndHold { project, root: [13; 32] });
                world.tried("a held root is corrected");
            }
            robbed = Some(of.distribution.open_epoch);
            submit(&world, Ix::Activate { project });
        }
        claim(&world, of, project);
    }
}

fn claim(world: &World, of: &ProjectState, project: [u8; 32]) {
    let tenures: Vec<_> = of.tenures.iter().collect();
    if tenures.is_empty() || of.distribution.roots[0].count == 0 {
        return;
    }
    let (tenure, held) = tenures[world.below(tenures.len() as u64) as usize];
    let roots: Vec<_> = of.distribution.paying_roots(i64::MAX).copied().collect();
    let root = roots[world.below(roots.len() as u64) as usize];
    let leaves = (0..world.machines.len())
        .filter(|at| world.machines[*at].is_honest())
        .find_map(|at| truth::leaves_of(world, at, &project, &root));
    let Some(leaves) = leaves else { return };
    let (Some(row), Ok(Some(proof))) = (leaves.rows.get(held.leaf_index as usize), leaves.proof(held.leaf_index))
    else {
        return;
    };
    let cumulative = row.cumulative.get();
    submit(world, Ix::Claim { project, tenure: *tenure, cumulative, proof });
}

/// Binds, accepts, rotates, unbinds, suspends and announces, and brings every node back in the end.
pub async fn change_registry(world: Arc<World>, number: usize) {
    let of_node = &world.plan.nodes[number];
    let machine = &world.nodes[number];
    let project = world.plan.projects[of_node.project].address;
    let node = of_node.address();
    loop {
        world.time.sleep(4_000).await;
        let state = finalised(&world);
        let Some(account) = state.projects[&project].nodes.get(&node) else { continue };
        let key_generation = machine.key_generation.load(Ordering::SeqCst);
        if account.node_key.to_bytes() != of_node.key(key_generation) {
            // The chain is final about another key: the node signs with it from now on.
            let next = (0..=u8::MAX).find(|at| of_node.key(*at) == account.node_key.to_bytes());
            machine.key_generation.store(next.unwrap_or(key_generation), Ordering::SeqCst);
            continue;
        }
        let every_s = lock(&world.weather).registry_changes_s;
        let changes = every_s > 0 && !world.is_healed() && world.chance(4.0 / every_s as f64 / 3.0);
        let ix = match account.status {
            node_status::BOUND => Ix::Accept { project, node },
            node_status::UNBINDING => Ix::Thaw { project, node },
            node_status::FREE => bind(&world, number, project),
            _ if !changes => continue,
            _ => match world.below(4) {
                0 => Ix::Rotate { project, node, node_key: of_node.key(key_generation + 1).into() },
                1 => Ix::Unbind { project, node },
                2 => Ix::Suspend { project, node, epochs: 1 },
                _ => {
                    let start = state.clock_s + BUCKET_S as i64 + world.below(20) as i64;
                    Ix::Maintenance { project, node, start, end: start + 30 }
                }
            },
        };
        world.tried("the registry changes while an epoch runs");
        submit(&world, ix);
    }
}

/// The same holder goes on with his tenure, or the next one begins his.
fn bind(world: &World, number: usize, project: [u8; 32]) -> Ix {
    let (of_node, machine) = (&world.plan.nodes[number], &world.nodes[number]);
    if world.chance(0.5) {
        machine.tenure_generation.fetch_add(1, Ordering::SeqCst);
    }
    let tenure = machine.tenure_generation.load(Ordering::SeqCst);
    let key = machine.key_generation.load(Ordering::SeqCst) + u8::from(world.chance(0.5));
    let (node, node_key) = (of_node.address(), of_node.key(key).into());
    Ix::Bind { project, node, tenure: of_node.tenure(tenure), node_key, holder: of_node.holder(tenure) }
}
