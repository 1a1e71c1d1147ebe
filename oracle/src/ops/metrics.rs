//! `/metrics`: what the parts count, read at each scrape. Every label has few values, whatever the network's size: a
//! reason code, a state, a step, an oracle of the set (16 at most).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::readiness::{State, checks, is_ready};
use crate::http::{App, nodes, ready};

/// The labels of a family: names that are ours, values out of a short list.
type Labels = Vec<(&'static str, String)>;
/// A gauge whose value may be a fraction.
type Real = Gauge<f64, AtomicU64>;

/// Metrics of one scrape.
struct Scrape {
    registry: Registry,
}

impl Scrape {
    fn new() -> Self {
        Self { registry: Registry::with_prefix("muster_oracle") }
    }

    fn count(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.registry.register(name, help, counter);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.registry.register(name, help, gauge);
    }

    /// A time; left out while there is none.
    fn seconds(&mut self, name: &str, help: &str, value_ms: Option<i64>) {
        if let Some(value_ms) = value_ms {
            let gauge = Real::default();
            gauge.set(value_ms as f64 / 1_000.0);
            self.registry.register_with_unit(name, help, Unit::Seconds, gauge);
        }
    }

    fn counts(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).inc_by(value);
        }
        self.registry.register(name, help, family);
    }

    fn gauges(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Real>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.registry.register(name, help, family);
    }
}

/// Labels are written as a slice of pairs.
fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels
where
    Labels: EncodeLabelSet,
{
    pairs.map(|(name, value)| (name, value.to_owned())).into()
}

fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// All metrics as text. Takes as long as there are nodes: off the threads that serve.
pub fn render(app: &Arc<App>) -> Result<String, fmt::Error> {
    let mut scrape = Scrape::new();
    let version = muster_client::shell::version::VERSION;
    let info = Info::new(vec![("version", version.to_owned()), ("oracle", app.ctx.identity.base58())]);
    scrape.registry.register("build", "What runs, and which oracle it is", info);
    readiness(&mut scrape, app);
    network(&mut scrape, app);
    heartbeats(&mut scrape, app);
    log(&mut scrape, app);
    epochs(&mut scrape, app);
    books(&mut scrape, app);
    peers(&mut scrape, app);
    let mut text = String::new();
    text::encode(&mut text, &scrape.registry)?;
    Ok(text)
}

fn readiness(scrape: &mut Scrape, app: &App) {
    let checks = checks(&ready::facts(app));
    scrape.gauge("ready", "1 while /readyz says so", u64::from(is_ready(&checks)));
    let states = checks.iter().map(|check| (labels([("check", check.name)]), yes(check.state == State::Ok)));
    scrape.gauges("check", "1 while a check of /readyz is ok", states);
    let places = &app.ctx.ops.places;
    scrape.gauge("connections", "Open connections to the API", places.open() as u64);
    scrape.count("connections_refused", "Connections that were turned away: too many", places.refused());
}

fn network(scrape: &mut Scrape, app: &App) {
    let (ctx, now_ms) = (&app.ctx, app.ctx.now_ms());
    let registry = ctx.registry();
    let mut by_status = std::collections::BTreeMap::from(nodes::STATUSES.map(|status| (status, 0u64)));
    for node in registry.nodes.values() {
        *by_status.entry(nodes::status(app, node, ctx.seen(&node.node_key))).or_default() += 1;
    }
    scrape.gauge("nodes", "Nodes that the chain knows", registry.nodes.len() as u64);
    let by_status = by_status.into_iter().map(|(status, count)| (labels([("status", status)]), count as f64));
    scrape.gauges("nodes_by_status", "Nodes by what this oracle last heard of them", by_status);
    scrape.gauge("tenures", "Tenures that the chain knows", registry.tenures.len() as u64);
    scrape.gauge("projects", "Projects that the chain knows", registry.projects.len() as u64);
    scrape.gauge("pools", "Pools of all projects", registry.pools);
    let paid = registry.distributions.values().map(|distribution| distribution.claimed).fold(0, u64::saturating_add);
    let owed = registry.distributions.values().map(|distribution| distribution.allocated).fold(0, u64::saturating_add);
    scrape.gauge("paid_base_units", "Base units that nodes have claimed, of all projects", paid);
    scrape.gauge("allocated_base_units", "Base units that active roots give to nodes, of all projects", owed);
    let age_ms = ctx.ops.chain.age_ms(now_ms).and_then(|age_ms| i64::try_from(age_ms).ok());
    scrape.seconds("registry_age", "Age of the picture of the chain", age_ms);
    scrape.count("registry_failures", "Pictures of the chain that did not come", ctx.ops.chain.failures());
    let lag_ms = (now_ms as i64).saturating_sub(registry.clock_s.saturating_mul(1_000));
    scrape.seconds("chain_clock_lag", "This machine's clock less the chain's as it was last read", Some(lag_ms));
    let funds = &ctx.ops.funds;
    if let Some(lamports) = funds.lamports() {
        scrape.gauge("balance_lamports", "Lamports of this oracle's key", lamports);
    }
    scrape.gauge("balance_floor_lamports", "Lamports below which this oracle warns", funds.floor());
}

fn log(scrape: &mut Scrape, app: &App) {
    scrape.count("log_bytes", "Bytes that went into the segment log", app.ingest.appended_bytes());
    scrape.gauge("disk_full", "1 while there is no room for another batch", app.ingest.disk_full().is_some().into());
    if let Some(figures) = app.ingest.snapshot_figures() {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        scrape.count("snapshots", "Snapshots that were made", of(&figures.made));
        scrape.count("snapshots_failed", "Snapshots that failed", of(&figures.failed));
        scrape.gauge("snapshot_bytes", "Bytes of the newest snapshot", of(&figures.bytes));
        scrape.gauge("snapshot_begun_at_ms", "When the newest was begun, Unix milliseconds", of(&figures.begun_at_ms));
        scrape.count("removed_segments", "Log segments that retention removed", of(&figures.removed_segments));
    }
}

fn heartbeats(scrape: &mut Scrape, app: &App) {
    let (counters, committed_at_ms) = {
        let core = app.ingest.core();
        (core.counters().clone(), core.newest().map(|newest| newest.receipt().committed_at_ms))
    };
    let shed = app.ingest.shed_frames();
    let one = |result, reason| labels([("result", result), ("reason", reason)]);
    let rejected = counters.rejected.iter().map(|(reason, count)| (one("rejected", reason.name()), *count));
    let others = [
        (one("accepted", "fresh"), counters.accepted.saturating_sub(counters.repeated)),
        (one("accepted", "repeated"), counters.repeated),
        (one("shed", "overloaded"), shed),
    ];
    let all = others.into_iter().chain(rejected);
    scrape.counts("heartbeats", "Heartbeats by what became of them; their sum is what was received", all);
    let latency = app.ingest.latency();
    let (commit, ack) = (latency.commit.clone(), latency.ack.clone());
    scrape.registry.register_with_unit("commit", "Append and sync of a batch", Unit::Seconds, commit);
    scrape.registry.register_with_unit("ack", "From a heartbeat body to its answer", Unit::Seconds, ack);
    scrape.count("batches", "Batches on disk, ticks included", counters.batches);
    scrape.count("ticks", "Batches without a heartbeat", counters.ticks);
    let age_ms = committed_at_ms.map(|at_ms| app.ctx.now_ms().saturating_sub(at_ms) as i64);
    scrape.seconds("newest_batch_age", "Age of the newest batch", age_ms);
}

fn epochs(scrape: &mut Scrape, app: &App) {
    let sent = &app.ctx.ops.sent;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let transactions =
        [("views", count(&sent.views)), ("vote", count(&sent.votes)), ("correction", count(&sent.corrections))];
    let transactions = transactions.map(|(kind, count)| (labels([("kind", kind)]), count));
    scrape.counts("transactions", "Transactions of this oracle that the chain took", transactions);
    scrape.count("transactions_failed", "Transactions that the chain did not take", count(&sent.failed));
    let now_ms = app.ctx.now_ms();
    let current = app.ctx.schedule.epoch_of(now_ms / 1000).get();
    scrape.gauge("epoch", "The epoch that runs", current);
    let last = current.saturating_sub(1);
    let held = app.epochs.store().holds_view(last, &app.ctx.identity.key).unwrap_or(false);
    scrape.gauge("last_epoch_view_published", "1 once the view of the last epoch is signed and kept", u64::from(held));
    let states = app.epochs.states().into_iter();
    let states = states.map(|(state, count)| (labels([("state", state)]), count as f64));
    scrape.gauges("project_epochs", "Epochs of projects that are looked after, by where they stand", states);
    scrape.gauge("steps_waiting", "Steps of an epoch's close that wait to be tried again", app.epochs.steps_waiting());
}

/// What is kept and published of it: snapshots, the transparency log, calculations of operational time, events.
fn books(scrape: &mut Scrape, app: &App) {
    let now_ms = app.ctx.now_ms();
    scrape.gauge("log_bytes", "Bytes of the log's segments", log_bytes(app).unwrap_or(0));
    if let Some(snapshots) = app.ingest.snapshot_figures() {
        let begun_at_ms = snapshots.begun_at_ms.load(Ordering::Relaxed);
        let age_ms = (begun_at_ms > 0).then(|| now_ms.saturating_sub(begun_at_ms) as i64);
        scrape.count("snapshots", "Snapshots that were made", snapshots.made.load(Ordering::Relaxed));
        scrape.count("snapshots_failed", "Snapshots that failed", snapshots.failed.load(Ordering::Relaxed));
        scrape.seconds("snapshot_age", "Age of the newest snapshot since the start", age_ms);
    }
    let status = &app.transparency.status;
    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    scrape.gauge("tlog_entries", "Entries of the transparency log", load(&status.size));
    scrape.gauge("tlog_lag_batches", "Batches on disk that are in no entry yet", load(&status.lag_batches));
    scrape.gauge("tlog_missed_batches", "Batches that no entry will ever hold", load(&status.missed_batches));
    scrape.gauge("tlog_failed", "1 once the transparency log goes on no more", u64::from(status.failure().is_some()));
    scrape.count("tlog_cosigned", "Cosignatures of witnesses that came", load(&status.cosigned));
    scrape.count("tlog_not_cosigned", "Requests to witnesses that gave none", load(&status.not_cosigned));
    scrape.count("poot_calculations", "Calculations of operational time", app.poot.calculations());
    scrape.count("events", "Events that were told", app.events.newest());
}

fn log_bytes(app: &App) -> std::io::Result<u64> {
    let (storage, folder) = (&app.ctx.storage, app.ctx.folder("log"));
    let mut bytes: u64 = 0;
    for name in storage.list(&folder)? {
        // One that retention took away since the listing has no bytes.
        let len = storage.open(&folder.join(name)).and_then(|file| file.byte_len());
        bytes = bytes.saturating_add(len.unwrap_or(0));
    }
    Ok(bytes)
}

fn peers(scrape: &mut Scrape, app: &App) {
    let all = app.ctx.ops.peers.all();
    let name = |key: &[u8; 32]| labels([("oracle", bs58::encode(key).into_string().as_str())]);
    let reachable =
        all.iter().filter_map(|(key, peer)| peer.is_reachable().map(|reachable| (name(key), yes(reachable))));
    scrape.gauges("peer_reachable", "1 while an oracle of the set answers", reachable);
    let offsets =
        all.iter().filter_map(|(key, peer)| peer.heard.map(|(_, heard)| (name(key), heard.offset_ms as f64 / 1_000.0)));
    scrape.gauges("peer_clock_offset_seconds", "An oracle's clock less this one's", offsets);
}
