//! Counters, the newest receipt root and the oracle set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::App;
use super::problem::Problem;
use crate::ingest::snapshots::Figures;

/// `GET /api/v1/stats`: accepted + rejected + shed == received, of heartbeats, and under "jobs" of messages about jobs;
/// null there for an oracle that takes part in none.
pub async fn stats(State(app): State<Arc<App>>) -> Json<Value> {
    let shed = app.ingest.shed_frames();
    let counters = app.ingest.core().counters().clone();
    let (disputed, alarms) = app.epochs.dispute_counts();
    let rejected: Map<String, Value> =
        counters.rejected.iter().map(|(reason, count)| (reason.name().to_owned(), json!(count))).collect();
    Json(json!({
        "received": counters.received + shed,
        "accepted": counters.accepted,
        "rejected": rejected,
        "rejected_total": counters.rejected_total(),
        "shed": shed,
        "repeated": counters.repeated,
        "batches": counters.batches,
        "ticks": counters.ticks,
        "disputed_roots": disputed,
        "root_alarms": alarms,
        "log": log_stats(&app),
        "jobs": app.job_stats.as_ref().map(|stats| stats()),
    }))
}

/// Of the log since the start: bytes appended, whether the disk is full, snapshots made and failed, bytes and time of the
/// newest, segments that were removed.
fn log_stats(app: &App) -> Value {
    let figure = |of: fn(&Figures) -> &AtomicU64| {
        app.ingest.snapshot_figures().map_or(0, |figures| of(figures).load(Ordering::Relaxed))
    };
    json!({
        "appended_bytes": app.ingest.appended_bytes(),
        "disk_full": app.ingest.disk_full(),
        "snapshots": figure(|figures| &figures.made),
        "snapshots_failed": figure(|figures| &figures.failed),
        "snapshot_bytes": figure(|figures| &figures.bytes),
        "snapshot_begun_at_ms": figure(|figures| &figures.begun_at_ms),
        "removed_segments": figure(|figures| &figures.removed_segments),
    })
}

/// `GET /api/v1/status`: what this oracle thinks of the newest root of every project.
pub async fn roots(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(app.epochs.roots_status()?))
}

/// `GET /api/v1/tick`: the newest receipt, which may be of an empty batch.
pub async fn tick(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let now_ms = app.ctx.now_ms();
    let newest = app.ingest.core().newest().cloned();
    let Some(newest) = newest else {
        return Err(Problem::unavailable("starting", "this oracle has no batch yet", 1));
    };
    let (epoch, bucket) = app.ctx.schedule.bucket_at_ms(now_ms);
    let signed = newest.signed(&app.ctx.domain, &app.ctx.identity.signing_key);
    let signed = signed.map_err(|error| Problem::unavailable("unsigned", error.to_string(), 5))?;
    Ok(Json(json!({
        "oracle": app.ctx.identity.base58(),
        "oracle_time_ms": now_ms,
        "epoch": epoch.get(),
        "bucket": bucket.get(),
        "receipt_root": hex::encode(newest.receipt().root),
        "batch": hex::encode(signed),
    })))
}

/// `GET /api/v1/oracles`: the set, for agents without RPC.
pub async fn oracles(State(app): State<Arc<App>>) -> Json<Value> {
    let registry = app.ctx.registry();
    let set = &registry.oracle_set;
    let oracles: Vec<Value> = set
        .oracles
        .iter()
        .map(|oracle| json!({"key": bs58::encode(oracle.key).into_string(), "url": oracle.url}))
        .collect();
    Json(json!({
        "genesis_hash": bs58::encode(app.ctx.genesis_hash).into_string(),
        "program": bs58::encode(app.ctx.domain.program).into_string(),
        "set_version": set.version,
        "threshold": set.threshold,
        "epoch_len": app.ctx.schedule.epoch_len(),
        "bucket_len": app.ctx.schedule.bucket_len(),
        "oracles": oracles,
    }))
}
