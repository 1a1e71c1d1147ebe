//! What must hold at the end: what was counted and paid, and that everything went on once all was healed.

use std::collections::{BTreeMap, BTreeSet};

use muster_network::state::{Root, epoch_status, reward_mode};
use muster_oracle::epochs::store::Store;
use muster_protocol::dataset::{Dataset, Row};
use muster_protocol::hash::hashv;
use muster_protocol::units::Bucket;
use muster_protocol::view::View;
use muster_protocol::wire::Frame;

use super::chain::state::{ProjectState, State};
use super::exec::lock;
use super::machine::inspected;
use super::plan::EPOCH_S;
use super::truth::{self, Buckets};
use super::world::World;

struct Checker<'a> {
    world: &'a World,
    state: &'a State,
    /// Stores of the honest oracles, with their places.
    stores: Vec<(usize, usize, Store)>,
}

/// The epochs that lie whole after the healing and are looked at: nothing goes wrong in them any more.
fn fair_epochs(world: &World) -> [u64; 2] {
    let healed_s = (world.plan.start_ms() + world.plan.heal_after_ms) / 1_000;
    // What was late or twice before the healing has arrived by then.
    let first = (healed_s + 60).div_ceil(EPOCH_S);
    [first, first + 1]
}

fn is_final(of: &ProjectState, epoch: u64) -> bool {
    of.epochs.get(&epoch).is_some_and(|found| found.status == epoch_status::FINAL)
}

/// Whether all that must happen after the healing has happened.
pub fn is_over(world: &World) -> bool {
    let state = lock(&world.chain).finalised(0);
    fair_epochs(world).iter().all(|epoch| state.projects.values().all(|of| is_final(of, *epoch)))
}

/// Holds every property against the end of a run.
pub fn check(world: &World) {
    let state = lock(&world.chain).finalised(0);
    let machines = world.machines.iter().enumerate().filter(|(_, machine)| machine.is_honest());
    let stores = machines.map(|(at, machine)| (at, machine.place, inspected(world, at))).collect();
    let checker = Checker { world, state: &state, stores };
    checker.datasets();
    for project in state.projects.keys() {
        checker.roots(project);
    }
    checker.liveness();
}

fn hash_of_header(dataset: &Dataset) -> [u8; 32] {
    hashv(&[format!("{:?}", dataset.header).as_bytes()])
}

impl Checker<'_> {
    /// Every dataset that an honest oracle has: equal where its inputs are, and right.
    fn datasets(&self) {
        let last = self.world.time.now_ms() / 1_000 / EPOCH_S;
        for project in self.state.projects.keys() {
            for epoch in self.world.plan.first_epoch..last {
                let mut by_header: BTreeMap<[u8; 32], (usize, [u8; 32])> = BTreeMap::new();
                for (_, place, store) in &self.stores {
                    let Ok(Some(bytes)) = store.dataset(project, epoch) else { continue };
                    let Ok(dataset) = Dataset::decode(&bytes) else {
                        self.world.fail("S5", format!("oracle {place}'s dataset of {epoch} does not decode"));
                        continue;
                    };
                    let hash = hashv(&[&bytes]);
                    let header = hash_of_header(&dataset);
                    let is_first = !by_header.contains_key(&header);
                    let (other, known) = *by_header.entry(header).or_insert((*place, hash));
                    if is_first {
                        self.counted(&dataset);
                    } else {
                        self.world.tried("S5 two oracles' datasets are the same bytes");
                    }
                    if known != hash {
                        let why =
                            format!("oracles {other} and {place} have two datasets of {epoch} from the same inputs");
                        self.world.fail("S5", why);
                    }
                }
            }
        }
    }

    /// A view that is in, by its hash, from whoever has it.
    fn view(&self, epoch: u64, oracle: &[u8; 32], hash: &[u8; 32]) -> Option<View> {
        let held = self.stores.iter().flat_map(|(_, _, store)| {
            [store.view(epoch, oracle), store.view_in(epoch, oracle)]
                .into_iter()
                .filter_map(|found| found.ok().flatten())
        });
        let mut fitting = held.filter(|bytes| View::hash(bytes) == *hash);
        View::decode_verified(&self.world.plan.domain(), &fitting.next()?).ok()
    }

    /// A dataset's rows against the views, counted anew, and against what nodes signed and got acknowledged.
    fn counted(&self, dataset: &Dataset) {
        let (world, epoch) = (self.world, dataset.header.epoch.get());
        let threshold = usize::from(dataset.header.threshold);
        let mut views = Vec::new();
        let mut acknowledging = Vec::new();
        let none = Buckets::new();
        let truth = lock(&world.truth);
        for (place, one) in dataset.header.oracles.iter().enumerate() {
            if one.view_hash == [0; 32] {
                continue;
            }
            views.push(self.view(epoch, &one.oracle_key, &one.view_hash));
            if truth.views.get(&(place, epoch)).is_some_and(|(hash, _)| *hash == one.view_hash) {
                acknowledging.push(truth.acknowledged.get(&(place, epoch)).unwrap_or(&none).clone());
            }
        }
        let signed: Vec<Buckets> =
            (0..world.plan.oracles.len()).filter_map(|place| truth.signed.get(&(place, epoch)).cloned()).collect();
        drop(truth);
        let views: Option<Vec<View>> = views.into_iter().collect();
        for row in &dataset.rows {
            let from = row.first_bucket.get();
            let at_least = |seen: &dyn Fn(u32) -> usize, least: usize| -> u32 {
                (from..self.world.plan.schedule().buckets()).filter(|bucket| seen(*bucket) >= least).count() as u32
            };
            let has = |all: &[Buckets], bucket: u32| {
                all.iter().filter(|one| one.get(&row.node_key).is_some_and(|b| b.contains(&bucket))).count()
            };
            let lower = at_least(&|bucket| has(&acknowledging, bucket), threshold);
            if lower > 0 {
                world.tried("S1 a bucket that a threshold acknowledged is counted");
            }
            if row.counted < lower {
                let why = format!(
                    "leaf {} counts {} buckets of {epoch}, a threshold acknowledged {lower}",
                    row.index, row.counted
                );
                world.fail("S1", why);
            }
            let honest = threshold - truth::liars(world).min(threshold);
            let upper = at_least(&|bucket| has(&signed, bucket), honest.max(1));
            if row.counted > upper {
                let why =
                    format!("leaf {} counts {} buckets of {epoch}, its node signed {upper}", row.index, row.counted);
                world.fail("S2", why);
            }
            if let Some(views) = &views {
                self.recount(row, views, threshold, epoch);
            }
        }
    }

    /// Each node and bucket once, however often it came and through however many oracles.
    fn recount(&self, row: &Row, views: &[View], threshold: usize, epoch: u64) {
        let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
        for view in views {
            let node = view.nodes.iter().find(|node| node.node_key == row.node_key);
            let buckets: BTreeSet<u32> = node
                .map(|node| (0..view.buckets).filter(|bucket| node.bitmap.get(Bucket::new(*bucket))).collect())
                .unwrap_or_default();
            buckets.into_iter().for_each(|bucket| *seen.entry(bucket).or_default() += 1);
        }
        let counts =
            seen.iter().filter(|(bucket, times)| **bucket >= row.first_bucket.get() && **times >= threshold).count();
        self.world.tried("S2 a node's bucket counts once");
        if counts as u32 != row.counted {
            let why = format!("leaf {} counts {} buckets of {epoch}, the views say {counts}", row.index, row.counted);
            self.world.fail("S2", why);
        }
    }

    /// The active roots of a project: their leaves sum up, never shrink, and are the same everywhere.
    fn roots(&self, project: &[u8; 32]) {
        let of = &self.state.projects[project];
        let distribution = &of.distribution;
        if distribution.reward_mode == reward_mode::EXTERNAL {
            return;
        }
        let roots: Vec<Root> = distribution.roots.iter().copied().filter(|root| root.count > 0).collect();
        let mut newer: Option<Vec<u64>> = None;
        for root in &roots {
            let found: Vec<_> =
                self.stores.iter().filter_map(|(at, _, _)| truth::leaves_of(self.world, *at, project, root)).collect();
            let Some(leaves) = found.first() else {
                let (epoch, revision, hash) = (root.epoch, root.revision, hex::encode(&root.root[..4]));
                let why = format!(
                    "no honest oracle has the leaves of the active root {hash} of {epoch}, revision {revision}"
                );
                self.world.fail("S10", why);
                continue;
            };
            if found.iter().any(|other| other.encode() != leaves.encode()) {
                self.world.fail("S5", format!("two leaf files of the root of {}", root.epoch));
            }
            let amounts: Vec<u64> = leaves.rows.iter().map(|row| row.cumulative.get()).collect();
            self.world.tried("S3 the leaves sum to the total, which the budgets paid for");
            let sum: u64 = amounts.iter().sum();
            if sum != root.total || root.total > distribution.allocated || distribution.allocated > of.funded {
                let why = format!("the leaves of {} sum to {sum} of {} ({} funded)", root.epoch, root.total, of.funded);
                self.world.fail("S3", why);
            }
            if let Some(newer) = &newer
                && amounts.iter().zip(newer).any(|(before, after)| after < before)
            {
                self.world.fail("S3", format!("a leaf of epoch {} shrank", root.epoch));
            }
            newer = Some(amounts);
        }
        let pools: u64 = of.epochs.values().filter(|e| e.status == epoch_status::FINAL).map(|e| e.node_pool).sum();
        if pools != distribution.allocated {
            self.world.fail("S3", format!("{} allocated, the pools are {pools}", distribution.allocated));
        }
    }

    /// Once all was healed everything goes on: oracles run, views are in, what was acknowledged counts, epochs are paid.
    fn liveness(&self) {
        let world = self.world;
        for (at, place, _) in &self.stores {
            let running = lock(&world.machines[*at].running).clone();
            match running {
                None => world.fail("S10", format!("oracle {place} does not run")),
                Some(running) => {
                    if let Some(why) = running.handle.failure() {
                        world.fail("S10", format!("oracle {place}'s log failed: {why}"));
                    }
                    if running.handle.core().is_clock_unsure() {
                        world.fail("S10", format!("oracle {place} does not trust its clock"));
                    }
                }
            }
        }
        fair_epochs(world).into_iter().for_each(|epoch| self.fair_epoch(epoch));
    }

    /// An epoch in which nothing went wrong.
    fn fair_epoch(&self, epoch: u64) {
        let world = self.world;
        world.tried("S10 an epoch without faults is paid in full");
        let Some(views) = self.state.view_sets.get(&epoch) else {
            return world.fail("S10", format!("nobody committed views of {epoch}"));
        };
        for (_, place, _) in &self.stores {
            if views.view_hashes[*place] == [0; 32] {
                world.fail("S10", format!("the view of honest oracle {place} is not in for {epoch}"));
            }
        }
        let truth = lock(&world.truth);
        let mut silent = Vec::new();
        for (_, place, _) in &self.stores {
            let acknowledged = truth.acknowledged.get(&(*place, epoch)).map_or(0, |nodes| nodes.len());
            if acknowledged == 0 {
                silent.push(*place);
            }
        }
        drop(truth);
        let mut anybody = self.state.projects.values().flat_map(|of| of.nodes.values());
        let earns = |node: &&muster_network::state::Node| {
            let (from, until) = (node.suspended_from_epoch, node.suspended_until_epoch);
            node.accepted_at > 0 && (node.accepted_at as u64) < epoch * EPOCH_S && !(from..until).contains(&epoch)
        };
        if anybody.any(|node| earns(&node)) && !silent.is_empty() {
            world.fail("S10", format!("oracles {silent:?} acknowledged nothing in {epoch}"));
        }
        for (project, of) in &self.state.projects {
            if !is_final(of, epoch) {
                let why = match self.stores.first() {
                    Some((at, _, _)) => lock(&world.machines[*at].running).as_ref().and_then(|running| {
                        let next = of.project.next_epoch;
                        running.epochs.describe(project, next).ok().flatten().map(|told| told["why"].to_string())
                    }),
                    None => None,
                };
                let next = of.project.next_epoch;
                world.fail("S10", format!("epoch {epoch} is not final (next is {next}): {why:?}"));
            }
        }
    }
}
