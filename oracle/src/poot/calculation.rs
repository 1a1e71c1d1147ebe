//! The figures of all of a project's nodes at once: while an epoch runs as this oracle alone sees it, of a closed epoch
//! computed anew from the views.

use std::sync::Arc;

use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::{Dataset, Member};
use muster_protocol::scores::Scores;
use muster_protocol::units::EpochIndex;
use muster_protocol::wire::Frame;
use serde_json::{Value, json};

use super::core::{Figures, elapsed, figures};
use super::{Poot, Problem};

/// Nodes whose bits are copied while ingest waits.
const CHUNK: usize = 256;

/// One tenure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who, and from which bucket on.
    pub member: Member,
    /// Its figures.
    pub figures: Figures,
    /// Task score in basis points.
    pub score_bps: u16,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculation {
    /// The project.
    pub project: [u8; 32],
    /// The epoch.
    pub epoch: u64,
    /// Out of the views that are in, rather than of this oracle alone.
    pub is_final: bool,
    /// Of a closed epoch, the dataset that is kept.
    pub dataset_hash: Option<[u8; 32]>,
    /// Of a closed epoch, whether it came out again byte for byte.
    pub is_same: Option<bool>,
    /// Buckets that are over.
    pub elapsed: u32,
    /// Buckets of the epoch.
    pub buckets: u32,
    /// When it was calculated, Unix milliseconds.
    pub at_ms: u64,
    /// How long that took, milliseconds.
    pub took_ms: u64,
    /// In leaf order.
    pub lines: Vec<Line>,
}

impl Calculation {
    /// The figures over all nodes.
    pub fn json(&self) -> Value {
        let points: u64 = self.lines.iter().map(|line| line.figures.points).sum();
        let counted: u64 = self.lines.iter().map(|line| u64::from(line.figures.counted)).sum();
        let earning = self.lines.iter().filter(|line| line.figures.points > 0).count();
        json!({
            "project": bs58::encode(self.project).into_string(),
            "epoch": self.epoch,
            "is_final": self.is_final,
            "dataset_hash": self.dataset_hash.map(hex::encode),
            "is_same": self.is_same,
            "elapsed": self.elapsed,
            "buckets": self.buckets,
            "calculated_at_ms": self.at_ms,
            "took_ms": self.took_ms,
            "node_count": self.lines.len(),
            "earning_count": earning,
            "counted_total": counted,
            "total_points": points.to_string(),
        })
    }

    /// Some lines, from leaf `from` on; with each the credits of all epochs that are computed.
    pub fn rows(&self, from: u32, credits: &[u64]) -> Vec<Value> {
        let lines = self.lines.iter().skip(from as usize).zip(credits);
        lines.map(|(line, credits)| line.json(self.elapsed, Some(*credits))).collect()
    }
}

impl Line {
    fn json(&self, elapsed: u32, credits: Option<u64>) -> Value {
        let Self { member, figures, score_bps } = self;
        json!({
            "index": member.index,
            "tenure": bs58::encode(member.tenure).into_string(),
            "node": bs58::encode(member.node).into_string(),
            "node_key": bs58::encode(member.node_key).into_string(),
            "first_bucket": member.first_bucket.get(),
            "counted": figures.counted,
            "elapsed": elapsed,
            "excused": figures.excused,
            "uptime_bps": figures.uptime_bps,
            "score_bps": score_bps,
            "points": figures.points.to_string(),
            "credits": credits.map(|credits| credits.to_string()),
        })
    }
}

/// Of a dataset: figures that are final.
pub fn of_dataset(dataset: &Dataset) -> Vec<Line> {
    let line = |row: &muster_protocol::dataset::Row| Line {
        member: Member {
            index: row.index,
            tenure: row.tenure,
            node: row.node,
            node_key: row.node_key,
            first_bucket: row.first_bucket,
            excused: row.excused,
        },
        figures: Figures {
            counted: row.counted,
            excused: row.excused,
            uptime_bps: row.uptime_bps,
            points: row.points.get(),
        },
        score_bps: row.score_bps,
    };
    dataset.rows.iter().map(line).collect()
}

impl Poot {
    /// The figures so far of an epoch that runs, as this oracle alone sees it.
    pub(super) fn so_far(&self, project: &[u8; 32], epoch: u64) -> Result<Calculation, Problem> {
        let began_ms = self.ctx.now_ms();
        let members = self.members(project, epoch)?;
        let registry = self.ctx.registry();
        let formula = registry.projects.get(project).map(|info| info.formula_at(epoch)).unwrap_or_default();
        let scores = self.epochs.store().current_scores(project, epoch)?;
        let scores = scores.and_then(|(_, bytes)| Scores::decode(&self.ctx.domain, &bytes).ok());
        let elapsed = elapsed(&self.ctx.schedule, EpochIndex::new(epoch), began_ms);
        let mut lines = Vec::with_capacity(members.len());
        for chunk in members.chunks(CHUNK) {
            for (member, bitmap) in chunk.iter().zip(self.bitmaps(epoch, chunk)) {
                let score_bps = scores.as_ref().map_or(0, |(scores, _)| scores.score_bps(member.index));
                let figures = figures(member, bitmap.as_ref(), elapsed, &formula, score_bps);
                lines.push(Line { member: *member, figures, score_bps });
            }
        }
        let at_ms = self.ctx.now_ms();
        Ok(Calculation {
            project: *project,
            epoch,
            is_final: false,
            dataset_hash: None,
            is_same: None,
            elapsed,
            buckets: self.ctx.schedule.buckets(),
            at_ms,
            took_ms: at_ms.saturating_sub(began_ms),
            lines,
        })
    }

    /// A page of the figures so far, by leaf.
    pub fn uptime_so_far(&self, project: &[u8; 32], epoch: u64, from: u32, limit: usize) -> Result<Value, Problem> {
        let members = self.members(project, epoch)?;
        let elapsed = elapsed(&self.ctx.schedule, EpochIndex::new(epoch), self.ctx.now_ms());
        let formula = self.ctx.registry().projects.get(project).map(|info| info.formula_at(epoch)).unwrap_or_default();
        let mut rows = Vec::new();
        let asked: Vec<Member> = members.iter().skip(from as usize).take(limit).copied().collect();
        for chunk in asked.chunks(CHUNK) {
            for (member, bitmap) in chunk.iter().zip(self.bitmaps(epoch, chunk)) {
                let figures = figures(member, bitmap.as_ref(), elapsed, &formula, 0);
                rows.push(Line { member: *member, figures, score_bps: 0 }.json(elapsed, None));
            }
        }
        let next = from as usize + rows.len();
        Ok(json!({
            "project": bs58::encode(project).into_string(),
            "epoch": epoch,
            "is_final": false,
            "buckets": self.ctx.schedule.buckets(),
            "elapsed": elapsed,
            "dataset_hash": Value::Null,
            "next": (next < members.len() && !rows.is_empty()).then_some(next),
            "rows": rows,
        }))
    }

    /// The bits of some members' nodes.
    fn bitmaps(&self, epoch: u64, members: &[Member]) -> Vec<Option<Bitmap>> {
        let core = self.ingest.core();
        let state = core.epoch(epoch);
        let bits = |member: &Member| Some(state.as_ref()?.node(&member.node_key)?.bitmap.clone());
        members.iter().map(bits).collect()
    }

    /// A closed epoch, from its views.
    pub(super) async fn anew(&self, project: &[u8; 32], epoch: u64) -> Result<Calculation, Problem> {
        let began_ms = self.ctx.now_ms();
        let (kept, computed) = self.epochs.recompute(project, epoch).await.map_err(|error| match error {
            crate::epochs::Problem::Disk(error) => Problem::disk(error),
            other => Problem::unavailable("not_ready", other.to_string(), 5),
        })?;
        let is_same = kept.dataset == computed;
        if !is_same {
            tracing::error!(epoch, "a dataset on disk is not what its views, scores and members give");
        }
        let at_ms = self.ctx.now_ms();
        let buckets = computed.header.schedule.buckets();
        Ok(Calculation {
            project: *project,
            epoch,
            is_final: true,
            dataset_hash: Some(kept.hash),
            is_same: Some(is_same),
            elapsed: buckets,
            buckets,
            at_ms,
            took_ms: at_ms.saturating_sub(began_ms),
            lines: of_dataset(&computed),
        })
    }

    /// Calculates an epoch of a project; one at a time.
    pub async fn calculate(self: &Arc<Self>, project: &[u8; 32], epoch: u64) -> Result<Arc<Calculation>, Problem> {
        let Ok(_running) = self.running.try_lock() else {
            let detail = "a calculation runs already; ask again when it is over";
            let status = axum::http::StatusCode::CONFLICT;
            let problem = Problem::new(status, "calculation_runs", detail);
            return Err(Problem { retry_after_s: Some(self.retry_after_s()), ..problem });
        };
        let current = self.ctx.schedule.epoch_of(self.ctx.now_ms() / 1000).get();
        if epoch > current {
            return Err(Problem::bad_request("future_epoch", format!("the epoch that runs is {current}")));
        }
        let is_computed = self.epochs.known(project, epoch)?.is_some_and(|report| report.computed.is_some());
        let made = if is_computed {
            self.anew(project, epoch).await?
        } else {
            let (own, project) = (self.clone(), *project);
            let made = tokio::task::spawn_blocking(move || own.so_far(&project, epoch)).await;
            made.map_err(Problem::disk)??
        };
        Ok(self.remember(made))
    }
}
