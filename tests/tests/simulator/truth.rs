//! What really happened, beside what the oracles say: written down as it happens, and held against the properties.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use muster_network::ApproveRootArgs;
use muster_network::state::{Epoch, Root, node_status};
use muster_oracle::registry::Registry;
use muster_protocol::leaves::Leaves;
use muster_protocol::reason::Reason;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::view::View;
use muster_protocol::votes::{LedgerEntry, ledger_head};
use muster_protocol::wire::Frame;

use super::chain::state::Ix;
use super::exec::lock;
use super::machine::{Running, inspected};
use super::world::{Machine, World};

type Key = [u8; 32];
/// Buckets by node key.
pub type Buckets = BTreeMap<Key, BTreeSet<u32>>;
/// Oracle, project, epoch, revision, set version, whether it is a correction, and what the vote is chained to.
type VoteInputs = (usize, Key, u64, u32, u32, bool, Key);

#[derive(Default)]
pub struct Truth {
    /// How often each property was tried.
    pub tried: BTreeMap<&'static str, u64>,
    pub violations: Vec<(&'static str, String)>,
    /// By oracle and epoch: for which buckets nodes signed frames.
    pub signed: BTreeMap<(usize, u64), Buckets>,
    /// By oracle and epoch: which buckets were acknowledged to nodes.
    pub acknowledged: BTreeMap<(usize, u64), Buckets>,
    /// By honest oracle and epoch: the one view that it signed.
    pub views: BTreeMap<(usize, u64), (Key, Buckets)>,
    /// By honest oracle, epoch and column: the one hash that it named.
    named: BTreeMap<(usize, u64, usize), Key>,
    votes: BTreeMap<VoteInputs, Key>,
    /// The same without the oracle, with the dataset: who voted first, and for which root.
    roots: BTreeMap<(VoteInputs, Key), (usize, Key)>,
    /// By project: every head that its ledger ever had.
    heads: BTreeMap<Key, BTreeSet<Key>>,
    statements: BTreeMap<(Key, u64, u32), Key>,
    /// At which calls machines went off, and how often.
    pub crashes: BTreeMap<&'static str, u64>,
}

fn honest(world: &World, oracle: usize) -> bool {
    world.plan.oracles[oracle].lie.is_none()
}

/// A node signed a frame for a bucket: the only ones that may ever count.
pub fn signed(world: &World, oracle: usize, key: &Key, epoch: EpochIndex, bucket: Bucket) {
    let mut truth = lock(&world.truth);
    truth.signed.entry((oracle, epoch.get())).or_default().entry(*key).or_default().insert(bucket.get());
}

/// A node holds a proven acknowledgement.
pub fn acknowledged(world: &World, oracle: usize, key: &Key, epoch: EpochIndex, bucket: Bucket) {
    if !honest(world, oracle) {
        return;
    }
    let mut truth = lock(&world.truth);
    truth.acknowledged.entry((oracle, epoch.get())).or_default().entry(*key).or_default().insert(bucket.get());
    let published = truth.views.get(&(oracle, epoch.get()));
    let is_missing =
        published.is_some_and(|(_, seen)| !seen.get(key).is_some_and(|buckets| buckets.contains(&bucket.get())));
    drop(truth);
    if is_missing {
        world.fail("S1", format!("oracle {oracle} acknowledged {epoch}/{bucket} after a view without it"));
    }
}

/// A node saw a verdict.
pub fn judged(world: &World, node: usize, oracle: usize, _: &Key, reason: Reason) {
    if reason != Reason::Accepted {
        world.tried("S8 a refusal has a reason that the node sees");
        world.note(|| format!("node {node}: oracle {oracle} refused: {}", reason.name()));
    }
}

/// A forged frame got a verdict.
pub fn forged(world: &World, machine: &Machine, reason: Reason) {
    world.tried("S2 what nobody signed is refused");
    world.note(|| format!("oracle {} refused what was forged: {}", machine.place, reason.name()));
}

/// After each turn of a committer: what came is what was accepted, refused or shed.
pub fn counted(world: &World, machine: &Machine) {
    let Some(running) = lock(&machine.running).clone() else { return };
    let counters = running.handle.core().counters().clone();
    let (delivered, shed) =
        (running.traffic.delivered.load(Ordering::SeqCst), running.traffic.shed.load(Ordering::SeqCst));
    running.traffic.waiting.store(0, Ordering::SeqCst);
    world.tried("S8 accepted + rejected + shed == received");
    // The committer sheds too, while the disk is full.
    let told = counters.received + running.handle.shed_frames();
    if told != delivered + shed || counters.accepted + counters.rejected_total() != counters.received {
        let why = format!("oracle {} counts {counters:?} of {delivered} delivered and {shed} shed", machine.place);
        world.fail("S8", why);
    }
}

/// A process is up: what it acknowledged before is in its memory again.
pub fn started(world: &World, machine: &Machine, running: &Running) {
    if !machine.is_honest() {
        return;
    }
    let core = running.handle.core();
    let mut lost = Vec::new();
    let mut count = 0;
    for ((oracle, epoch), nodes) in &lock(&world.truth).acknowledged {
        if *oracle != machine.place || *epoch < core.frozen_before() {
            continue;
        }
        let state = core.epoch(*epoch);
        for (key, buckets) in nodes {
            let node = state.as_ref().and_then(|state| state.node(key));
            for bucket in buckets {
                count += 1;
                if !node.as_ref().is_some_and(|node| node.bitmap.get(Bucket::new(*bucket))) {
                    lost.push(format!("{epoch}/{bucket}"));
                }
            }
        }
    }
    drop(core);
    if count > 0 {
        world.tried("S1 what was acknowledged is there after a restart");
    }
    if !lost.is_empty() {
        world.fail("S1", format!("oracle {} acknowledged and lost {}", machine.place, lost.join(", ")));
    }
}

/// A process has ended.
pub fn ended(world: &World, machine: &Machine, _: &Running) {
    let sites = std::mem::take(&mut *lock(&machine.switch.crashed_at));
    let mut truth = lock(&world.truth);
    for site in sites {
        *truth.crashes.entry(site).or_default() += 1;
    }
}

/// Somebody was told a view of the machine's oracle.
pub fn view_told(world: &World, machine: &Machine, bytes: &[u8]) {
    if let Ok(view) = View::decode_verified(&world.plan.domain(), bytes)
        && view.oracle_key == machine.key
    {
        published(world, machine, &view, View::hash(bytes));
    }
}

/// The view that the machine's oracle signed, if it has.
pub fn own_view(world: &World, machine: &Machine, epoch: u64) -> Option<Vec<u8>> {
    let at = world.machines.iter().position(|other| std::ptr::eq(other, machine))?;
    inspected(world, at).view(epoch, &machine.key).ok()?
}

fn published(world: &World, machine: &Machine, view: &View, hash: Key) {
    let (oracle, epoch) = (machine.place, view.epoch.get());
    if !machine.is_honest() {
        return;
    }
    let mut seen = Buckets::new();
    for node in &view.nodes {
        let buckets = (0..view.buckets).filter(|bucket| node.bitmap.get(Bucket::new(*bucket))).collect();
        seen.insert(node.node_key, buckets);
    }
    let mut truth = lock(&world.truth);
    let known = truth.views.get(&(oracle, epoch)).map(|(known, _)| *known);
    if known == Some(hash) {
        return;
    }
    let acknowledged = truth.acknowledged.get(&(oracle, epoch)).cloned().unwrap_or_default();
    let signed = truth.signed.get(&(oracle, epoch)).cloned().unwrap_or_default();
    truth.views.entry((oracle, epoch)).or_insert_with(|| (hash, seen.clone()));
    drop(truth);
    world.note(|| format!("oracle {oracle} published its view of {epoch}: {}", hex::encode(&hash[..4])));
    world.tried("S6 an oracle signs one view of an epoch");
    if known.is_some() {
        world.fail("S6", format!("oracle {oracle} signed a second view of epoch {epoch}"));
    }
    let none = BTreeSet::new();
    for (key, buckets) in &acknowledged {
        world.tried("S1 what was acknowledged is in the oracle's view");
        let lost: Vec<_> = buckets.difference(seen.get(key).unwrap_or(&none)).collect();
        if !lost.is_empty() {
            world.fail("S1", format!("oracle {oracle} acknowledged {lost:?} of epoch {epoch}, its view is without"));
        }
    }
    for (key, buckets) in &seen {
        world.tried("S2 a view holds only what nodes signed");
        let forged: Vec<_> = buckets.difference(signed.get(key).unwrap_or(&none)).collect();
        if !forged.is_empty() {
            world.fail("S2", format!("oracle {oracle} counts {forged:?} of epoch {epoch}, which no node signed"));
        }
    }
}

/// A look at an oracle's files after each of its rounds.
pub fn look_at(world: &World, machine: &Machine) {
    if !machine.is_honest() {
        return;
    }
    let current = world.time.now_ms() / 1_000 / super::plan::EPOCH_S;
    for epoch in world.plan.first_epoch - 1..current {
        if lock(&world.truth).views.contains_key(&(machine.place, epoch)) {
            continue;
        }
        if let Some(bytes) = own_view(world, machine, epoch) {
            view_told(world, machine, &bytes);
        }
    }
}

/// A picture of the chain reached a core: nobody who is registered is missing, unless the node cut its answer short.
pub fn pictured(world: &World, machine: &Machine, picture: &Registry) {
    if machine.was_told_less.load(Ordering::SeqCst) {
        world.tried("an answer was cut short");
        return;
    }
    let state = lock(&world.chain).finalised(0);
    world.tried("S11 an RPC error is never \"absent\"");
    for of in state.projects.values() {
        for node in of.nodes.values() {
            let is_old = node.status == node_status::ACTIVE && node.accepted_at < picture.clock_s;
            if is_old && !picture.nodes.contains_key(&node.node_key.to_bytes()) {
                let why =
                    format!("oracle {} does not know a node that accepted at {}", machine.place, node.accepted_at);
                return world.fail("S11", why);
            }
        }
    }
}

/// Each second: every head of a ledger, every statement, and where the money is.
pub fn chain_moved(world: &World) {
    let state = lock(&world.chain).finalised(0);
    for (project, of) in &state.projects {
        let distribution = &of.distribution;
        {
            let mut truth = lock(&world.truth);
            truth.heads.entry(*project).or_default().insert(distribution.ledger_head);
            for epoch in of.epochs.values() {
                truth.statements.insert((*project, epoch.epoch, epoch.revision), epoch.points_root);
                if distribution.open_epoch == epoch.epoch {
                    truth.statements.insert((*project, epoch.epoch, epoch.revision + 1), epoch.points_root);
                }
            }
        }
        let claimed: u64 = of.tenures.values().map(|tenure| tenure.claimed_total).sum();
        if distribution.claimed > 0 {
            world.tried("S4 what was claimed and what is left is what was funded");
        }
        let is_whole = of.vault + of.budget + of.treasury + of.paid == of.funded;
        let is_claimed = claimed == distribution.claimed && of.paid == distribution.claimed;
        if !is_whole || !is_claimed || distribution.claimed > distribution.claimable_total() {
            let why = format!("{claimed} of {} claimed, {} paid of {}", distribution.claimed, of.paid, of.funded);
            world.fail("S4", why);
        }
    }
}

/// An oracle sends a transaction.
pub fn sent(world: &World, machine: &Machine, ix: &Ix) {
    if !machine.is_honest() {
        return;
    }
    match ix {
        Ix::CommitViews { epoch, hashes, .. } => named(world, machine, *epoch, hashes),
        Ix::Approve { project, args, .. } => voted(world, machine, *project, args, false),
        Ix::Correct { project, args, .. } => voted(world, machine, *project, args, true),
        _ => {}
    }
}

fn named(world: &World, machine: &Machine, epoch: u64, hashes: &[Key]) {
    let mut contradicted = None;
    {
        let mut truth = lock(&world.truth);
        for (column, hash) in hashes.iter().enumerate().filter(|(_, hash)| **hash != [0; 32]) {
            let known = *truth.named.entry((machine.place, epoch, column)).or_insert(*hash);
            let own = truth.views.get(&(machine.place, epoch)).map(|(own, _)| *own);
            if known != *hash || (column == machine.place && own.is_some_and(|own| own != *hash)) {
                contradicted = Some(column);
            }
        }
    }
    world.tried("S6 an oracle names one view per oracle and epoch");
    if let Some(column) = contradicted {
        world.fail("S6", format!("oracle {} names two views of oracle {column} in epoch {epoch}", machine.place));
    }
}

fn voted(world: &World, machine: &Machine, project: Key, args: &ApproveRootArgs, corrects: bool) {
    let version = lock(&world.chain).finalised(0).set.set_version;
    let mut truth = lock(&world.truth);
    let points_root = truth.statements.get(&(project, args.epoch, args.revision)).copied();
    let before = points_root.and_then(|points_root| {
        let entry = LedgerEntry {
            project,
            epoch: args.epoch,
            revision: args.revision,
            points_root,
            root: args.root,
            total: args.total,
            dataset_hash: args.dataset_hash,
        };
        let heads = truth.heads.get(&project)?;
        heads.iter().find(|head| ledger_head(head, &entry) == args.log_head).copied()
    });
    let inputs = before.map(|head| (machine.place, project, args.epoch, args.revision, version, corrects, head));
    let known = inputs.map(|inputs| *truth.votes.entry(inputs).or_insert(args.root));
    let alike = inputs.map(|(_, project, epoch, revision, version, corrects, head)| {
        let of_all = ((0, project, epoch, revision, version, corrects, head), args.dataset_hash);
        *truth.roots.entry(of_all).or_insert((machine.place, args.root))
    });
    drop(truth);
    if let Some((first, root)) = alike
        && first != machine.place
    {
        world.tried("S5 two oracles vote for the same root");
        if root != args.root {
            let why = format!(
                "oracles {first} and {} vote for two roots of {} over the same inputs",
                machine.place, args.epoch
            );
            world.fail("S5", why);
        }
    }
    world.note(|| {
        let (hash, revision) = (hex::encode(&args.root[..4]), args.revision);
        format!("oracle {} votes {hash} for {}, revision {revision} (corrects: {corrects})", machine.place, args.epoch)
    });
    world.tried(if corrects { "S6 a correction is one root" } else { "S6 a vote is one root over the same inputs" });
    match known {
        Some(root) if root == args.root => {}
        Some(_) => {
            let why = format!("oracle {} voted for two roots of epoch {}", machine.place, args.epoch);
            world.fail("S6", why);
        }
        None => {
            let why = format!("oracle {}'s vote on epoch {} follows on nothing that was", machine.place, args.epoch);
            world.fail("S6", why);
        }
    }
}

/// Whether a settlement states what its dataset does not say.
pub fn is_wrong(world: &World, number: usize, epoch: &Epoch) -> bool {
    let project = world.plan.projects[number].address;
    let computed = (0..world.machines.len()).filter(|at| world.machines[*at].is_honest()).find_map(|at| {
        let bytes = inspected(world, at).dataset(&project, epoch.epoch).ok()??;
        let dataset = muster_protocol::dataset::Dataset::decode(&bytes).ok()?;
        (dataset.header.scores_hash == epoch.scores_hash).then_some(dataset)
    });
    computed.and_then(|dataset| dataset.points_root().ok()).is_some_and(|root| root != epoch.points_root)
}

/// A machine's leaf file of a root.
pub fn leaves_of(world: &World, at: usize, project: &Key, root: &Root) -> Option<Leaves> {
    let store = inspected(world, at);
    let found = [
        store.leaves(project, root.epoch, root.revision).ok()?,
        store.taken_leaves(project, root.epoch, root.revision).ok()?,
    ];
    found
        .into_iter()
        .flatten()
        .filter_map(|bytes| Leaves::decode(&bytes).ok())
        .find(|leaves| leaves.root().is_ok_and(|found| found == root.root))
}

/// How many oracles are not honest.
pub fn liars(world: &World) -> usize {
    world.plan.oracles.iter().filter(|oracle| oracle.lie.is_some()).count()
}
