//! What this oracle knows of a project's epoch, as its API tells it.

use std::sync::Arc;

use muster_protocol::Hash;
use muster_protocol::units::EpochIndex;
use serde_json::{Value, json};

use super::{Computed, Epochs};

/// Where a project's epoch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Not over.
    Open,
    /// Over; views are committed.
    Grace,
    /// The grace is over; the views or what they lead to are not complete.
    Views,
    /// The points are known; the settler may settle.
    Ready,
    /// Settled; the oracles vote.
    Settled,
    /// A threshold voted; the delay runs.
    Approved,
    /// The root is active, or the budget was 0.
    Final,
    /// A later epoch was settled: this one never can be.
    Skipped,
}

impl State {
    /// All of them, in their order.
    pub const ALL: [Self; 8] =
        [Self::Open, Self::Grace, Self::Views, Self::Ready, Self::Settled, Self::Approved, Self::Final, Self::Skipped];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Grace => "grace",
            Self::Views => "views",
            Self::Ready => "ready",
            Self::Settled => "settled",
            Self::Approved => "approved",
            Self::Final => "final",
            Self::Skipped => "skipped",
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Report {
    pub state: State,
    /// Why it does not go on; empty when nothing is in the way.
    pub why: String,
    /// Oracle key, hash of its view (zero if none is named), whether it is in.
    pub views: Vec<([u8; 32], Hash, bool)>,
    pub scores_hash: Hash,
    pub computed: Option<Arc<Computed>>,
    /// When it was settled, Unix seconds; 0 before.
    pub settled_at: i64,
    /// Nothing changes any more.
    pub done: bool,
}

impl Report {
    pub fn new(state: State) -> Self {
        Self {
            state,
            why: String::new(),
            views: Vec::new(),
            scores_hash: [0; 32],
            computed: None,
            settled_at: 0,
            done: false,
        }
    }
}

fn base58(key: &[u8; 32]) -> String {
    bs58::encode(key).into_string()
}

/// Hex, or null for the zero hash.
fn hash_or_null(hash: &Hash) -> Value {
    if *hash == [0; 32] { Value::Null } else { json!(hex::encode(hash)) }
}

impl Epochs {
    pub(super) fn report(&self, project: &[u8; 32], epoch: u64) -> Option<Report> {
        let reports = self.reports.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.get(&(*project, epoch)).cloned()
    }

    pub(super) fn set_report(&self, project: &[u8; 32], epoch: u64, report: Report) {
        let mut reports = self.reports.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.insert((*project, epoch), report);
    }

    /// Where a project's epoch stands; none if this oracle knows nothing of it.
    pub(crate) fn known(&self, project: &[u8; 32], epoch: u64) -> Result<Option<Report>, std::io::Error> {
        let registry = self.ctx.registry();
        let Some(info) = registry.projects.get(project) else {
            return Ok(None);
        };
        if let Some(report) = self.report(project, epoch) {
            return Ok(Some(report));
        }
        let end_s = self.ctx.schedule.epoch_end(EpochIndex::new(epoch));
        if self.ctx.now_ms() / 1000 < end_s {
            return Ok(Some(Report::new(State::Open)));
        }
        let Some(computed) = self.dataset_on_disk(project, epoch)? else {
            return Ok(None);
        };
        let state = if epoch < info.next_epoch { State::Final } else { State::Ready };
        let header = &computed.dataset.header;
        let view = |o: &muster_protocol::dataset::OracleView| (o.oracle_key, o.view_hash, o.view_hash != [0; 32]);
        Ok(Some(Report {
            views: header.oracles.iter().map(view).collect(),
            scores_hash: header.scores_hash,
            computed: Some(Arc::new(computed)),
            ..Report::new(state)
        }))
    }

    /// All epochs of projects that are looked after, and where they stand.
    pub(crate) fn reports(&self) -> Vec<([u8; 32], u64, Report)> {
        let reports = self.reports.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.iter().map(|((project, epoch), report)| (*project, *epoch, report.clone())).collect()
    }

    /// The body of `GET /api/v1/projects/{project}/epochs/{epoch}`; none if this oracle knows nothing of it.
    pub fn describe(&self, project: &[u8; 32], epoch: u64) -> Result<Option<Value>, std::io::Error> {
        let Some(report) = self.known(project, epoch)? else {
            return Ok(None);
        };
        let mut body = render(project, epoch, &report);
        if let (Some(outlook), Some(fields)) =
            (crate::projects::outlook(&self.ctx, project, epoch, &report), body.as_object_mut())
        {
            fields.extend(outlook.json().as_object().cloned().unwrap_or_default());
        }
        Ok(Some(body))
    }
}

fn render(project: &[u8; 32], epoch: u64, report: &Report) -> Value {
    let views: Vec<Value> = report
        .views
        .iter()
        .map(|(oracle, hash, is_in)| json!({"oracle": base58(oracle), "hash": hash_or_null(hash), "in": is_in}))
        .collect();
    let dataset = report.computed.as_ref().map(|computed| &computed.dataset);
    let rows: Vec<Value> = dataset.map(|dataset| dataset.rows.iter().map(row).collect()).unwrap_or_default();
    let points_root = dataset.and_then(|dataset| dataset.points_root().ok());
    json!({
        "project": base58(project),
        "epoch": epoch,
        "state": report.state.name(),
        "why": report.why,
        "dataset_hash": report.computed.as_ref().map(|computed| hex::encode(computed.hash)),
        "points_root": points_root.map(hex::encode),
        "total_points": dataset.map(|dataset| dataset.total_points()),
        "node_count": dataset.map(|dataset| dataset.rows.len()),
        "scores_hash": hex::encode(report.scores_hash),
        "views": views,
        "rows": rows,
    })
}

fn row(row: &muster_protocol::dataset::Row) -> Value {
    json!({
        "index": row.index,
        "tenure": base58(&row.tenure),
        "node": base58(&row.node),
        "node_key": base58(&row.node_key),
        "counted": row.counted,
        "first_bucket": row.first_bucket.get(),
        "excused": row.excused,
        "uptime_bps": row.uptime_bps,
        "score_bps": row.score_bps,
        "points": row.points.get(),
    })
}
