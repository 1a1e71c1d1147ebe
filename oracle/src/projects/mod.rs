//! What project owners ask an oracle for: their nodes' uptime, the final points before the cut-off, what is late and what
//! follows, a settlement to sign elsewhere, and the points as a signed file for who pays them elsewhere.

use std::sync::Arc;

use muster_network::state::{Project, settlement_state};
use muster_protocol::dataset::{Dataset, Row};
use muster_protocol::export::{Finality, PointsStatement};
use muster_protocol::hash::hashv;
use muster_protocol::units::EpochIndex;
use muster_protocol::wire::Frame;
use serde_json::{Value, json};

use crate::context::OracleContext;
use crate::epochs::report::{Report, State};
use crate::epochs::{Computed, Epochs};
use crate::http::problem::Problem;
use deadline::{Outlook, Situation, outlook as look_out};
use export::{Format, PointsFile};

pub mod access;
pub mod deadline;
pub mod export;
pub mod settlement;

/// Points that are told in the body of a webhook; of more their address is told.
const ROWS_INLINE_MAX: usize = 10_000;
/// Exports that are made at a time; each holds a whole epoch in memory.
const EXPORTS_MAX: usize = 2;

/// What of a project's epoch is due and late; none if the project is not known.
pub(crate) fn outlook(ctx: &OracleContext, project: &[u8; 32], epoch: u64, report: &Report) -> Option<Outlook> {
    let registry = ctx.registry();
    let info = registry.projects.get(project)?;
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let approved = registry.distributions.get(project).filter(|distribution| {
        distribution.open_state == settlement_state::APPROVED && distribution.open_epoch == epoch
    });
    // Passed over, or before the project's first epoch.
    let is_past = epoch < info.next_epoch && report.state < State::Ready;
    let situation = Situation {
        state: if is_past { State::Skipped } else { report.state },
        now_s: number(ctx.now_ms() / 1000),
        end_s: number(ctx.schedule.epoch_end(EpochIndex::new(epoch))),
        epoch_len_s: number(ctx.schedule.epoch_len()),
        grace_s: registry.grace_s.into(),
        views: (report.views.iter().filter(|(_, _, is_in)| *is_in).count(), report.views.len()),
        threshold: registry.oracle_set.threshold.into(),
        has_scores: report.scores_hash != [0; 32],
        wants_scores: info.formula_at(epoch).w_task > 0,
        settled_at: report.settled_at,
        active_from: approved.map_or(0, |d| d.pending_eta.max(d.pending.held_until)),
        chain_s: registry.clock_s,
    };
    Some(look_out(&situation))
}

/// Points that are handed out, and how far they have come.
pub struct Points {
    computed: Arc<Computed>,
    finality: Finality,
}

/// A file and the oracle's word on it.
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// A points statement, hex.
    pub statement: String,
}

/// See the module.
pub struct Projects {
    ctx: Arc<OracleContext>,
    epochs: Arc<Epochs>,
    exports: tokio::sync::Semaphore,
}

impl Projects {
    /// Answers from what `epochs` knows.
    pub fn new(ctx: Arc<OracleContext>, epochs: Arc<Epochs>) -> Self {
        Self { ctx, epochs, exports: tokio::sync::Semaphore::new(EXPORTS_MAX) }
    }

    fn known(&self, project: &[u8; 32], epoch: u64) -> Result<Report, Problem> {
        let absent = || Problem::not_found("unknown_epoch", "this oracle knows nothing of this project's epoch");
        self.epochs.known(project, epoch)?.ok_or_else(absent)
    }

    /// The points of an epoch, once they are computed.
    pub fn points(&self, project: &[u8; 32], epoch: u64) -> Result<Points, Problem> {
        let report = self.known(project, epoch)?;
        let finality = match report.state {
            State::Final => Finality::Final,
            State::Settled | State::Approved => Finality::Settled,
            _ => Finality::Computed,
        };
        let not_yet = || {
            let detail =
                format!("the epoch is {}; its points are not computed yet. {}", report.state.name(), report.why);
            Problem::not_found("not_computed", detail.trim_end())
        };
        Ok(Points { computed: report.computed.clone().ok_or_else(not_yet)?, finality })
    }

    fn file(&self, points: &Points) -> Result<PointsFile, Problem> {
        let Computed { dataset, hash } = &*points.computed;
        let root = dataset.points_root().map_err(Problem::disk)?;
        Ok(PointsFile::new(dataset, hash, &root, &self.ctx.registry().tenures))
    }

    /// The points as a file, signed.
    pub async fn export(self: &Arc<Self>, points: Points, format: Format) -> Result<Exported, Problem> {
        let busy = |_| Problem::unavailable("busy", "this oracle makes as many exports as it can; try again", 5);
        let _permit = self.exports.try_acquire().map_err(busy)?;
        let own = self.clone();
        let work = move || {
            let bytes = own.file(&points)?.encode(format)?;
            let statement = own.points_statement(&points, &bytes);
            Ok(Exported { bytes, statement })
        };
        tokio::task::spawn_blocking(work).await.map_err(Problem::disk)?
    }

    /// This oracle's word on points and the bytes that they are handed out in, hex; see `docs/wire.md`.
    pub fn points_statement(&self, points: &Points, bytes: &[u8]) -> String {
        let Computed { dataset, hash } = &*points.computed;
        let statement = PointsStatement {
            oracle_key: self.ctx.identity.key,
            project: dataset.header.project,
            epoch: dataset.header.epoch,
            finality: points.finality,
            dataset_hash: *hash,
            points_root: dataset.points_root().unwrap_or_default(),
            node_count: u32::try_from(dataset.rows.len()).unwrap_or(u32::MAX),
            total_points: dataset.total_points(),
            file_hash: hashv(&[bytes]),
            stated_at_ms: self.ctx.now_ms(),
        };
        // Its own key and fixed fields: encoding cannot fail; an empty one proves nothing.
        let signed = statement.encode_signed(&self.ctx.domain, &self.ctx.identity.signing_key);
        hex::encode(signed.unwrap_or_default())
    }

    /// Puts the points into the body of an event about them, where they are few enough; what was put in is the answer.
    pub fn attach_points(&self, event: &mut Value) -> Option<Points> {
        let mut project = [0; 32];
        let named = event["project"].as_str()?;
        if bs58::decode(named).onto(&mut project) != Ok(32) {
            return None;
        }
        let points = self.points(&project, event["data"]["epoch"].as_u64()?).ok()?;
        if points.computed.dataset.rows.len() <= ROWS_INLINE_MAX {
            let file = serde_json::to_value(self.file(&points).ok()?).ok()?;
            event["data"]["points"] = file;
        }
        Some(points)
    }

    /// A page of an epoch's uptime by leaf index: final once the views are combined, as this oracle alone sees it before.
    pub fn final_uptime(
        &self,
        project: &[u8; 32],
        epoch: u64,
        from: u32,
        limit: usize,
    ) -> Result<Option<Value>, Problem> {
        let report = self.known(project, epoch)?;
        let Some(computed) = &report.computed else {
            return Ok(None);
        };
        let rows: Vec<&Row> = computed.dataset.rows.iter().skip(from as usize).take(limit).collect();
        let next = rows.last().map(|row| row.index + 1).filter(|next| (*next as usize) < computed.dataset.rows.len());
        let elapsed = computed.dataset.header.schedule.buckets();
        let rows: Vec<Value> = rows.into_iter().map(|row| uptime_row(row, elapsed)).collect();
        Ok(Some(json!({
            "project": bs58::encode(project).into_string(),
            "epoch": epoch,
            "is_final": true,
            "state": report.state.name(),
            "buckets": elapsed,
            "elapsed": elapsed,
            "dataset_hash": hex::encode(computed.hash),
            "rows": rows,
            "next": next,
        })))
    }

    /// A settlement for the settler's key to sign elsewhere; see `settlement`.
    pub async fn prepare(&self, project: &[u8; 32], epoch: u64, budget: Option<u64>) -> Result<Value, Problem> {
        let report = self.known(project, epoch)?;
        let computed = self.points(project, epoch)?.computed;
        if report.state != State::Ready {
            let detail =
                format!("the epoch is {}: only one that is ready is settled. {}", report.state.name(), report.why);
            return Err(Problem::new(axum::http::StatusCode::CONFLICT, "not_ready", detail.trim_end()));
        }
        let chain = &self.ctx.chain;
        let failed = |error: muster_client::chain::ChainError| {
            Problem::unavailable("chain", format!("the chain gave no answer: {error}"), 5)
        };
        let address = muster_client::Pubkey::from(*project);
        let account: Project = chain.expect("the project", &address).await.map_err(failed)?;
        let mint = chain.expect_mint(&account.reward_mint).await.map_err(failed)?;
        let vault = muster_client::addresses::budget_vault(&address);
        let balance = chain.balance(&vault).await.map_err(failed)?.unwrap_or(0);
        let network = chain.network().await.map_err(failed)?;
        let network = network.ok_or_else(|| Problem::unavailable("chain", "the network is not to be seen", 5))?;
        let arguments = settlement::arguments(&account, &computed.dataset, budget, balance)
            .map_err(|error| Problem::bad_request("settlement", error.to_string()))?;
        let statement = settlement::statement(&arguments, network.fee_bps_at(epoch));
        let settler = account.settler;
        let instruction = muster_client::instructions::settle_epoch(
            &settler,
            &address,
            &account.reward_mint,
            &mint.program,
            arguments,
        );
        let transaction = chain.unsigned(&[instruction], &settler).await.map_err(failed)?;
        // One signature: a length byte and 64 zeros before the message.
        let message = transaction.get(65..).unwrap_or_default();
        let outlook = outlook(&self.ctx, project, epoch, &report);
        let encode = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
        Ok(json!({
            "signer": settler.to_string(),
            "transaction": encode(&transaction),
            "message": encode(message),
            "expires_in_s": 60,
            "statement": statement,
            "cut_off_at": outlook.as_ref().map(|outlook| outlook.cut_off_at),
            "seconds_left": outlook.as_ref().map(|outlook| outlook.seconds_left),
        }))
    }
}

fn uptime_row(row: &Row, elapsed: u32) -> Value {
    json!({
        "index": row.index,
        "tenure": bs58::encode(row.tenure).into_string(),
        "node": bs58::encode(row.node).into_string(),
        "node_key": bs58::encode(row.node_key).into_string(),
        "first_bucket": row.first_bucket.get(),
        "counted": row.counted,
        "elapsed": elapsed,
        "excused": row.excused,
        "uptime_bps": row.uptime_bps,
        "score_bps": row.score_bps,
        "points": row.points.get().to_string(),
    })
}

/// Whether an epoch's points reach their final state by an event.
pub(crate) fn points_summary(dataset: &Dataset, hash: &[u8; 32]) -> Value {
    json!({
        "dataset_hash": hex::encode(hash),
        "points_root": dataset.points_root().map(hex::encode).ok(),
        "total_points": dataset.total_points().to_string(),
        "node_count": dataset.rows.len(),
    })
}
