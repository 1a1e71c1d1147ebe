//! The transparency log: C2SP's static files, and the proof of a single batch.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_protocol::Hash;
use muster_protocol::tlog::tile::Tile;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use crate::transparency::sides::NoProof;

/// A tile or bundle never changes.
const IMMUTABLE: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
/// A checkpoint is replaced every second.
const FRESH: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

fn off(app: &App) -> Problem {
    let why = app.transparency.status.failure();
    Problem::unavailable("no_log", why.unwrap_or_else(|| "the log has no checkpoint yet".to_owned()), 1)
}

/// `GET /tlog/checkpoint`.
pub async fn checkpoint(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let signed = app.transparency.status.served().ok_or_else(|| off(&app))?;
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    Ok(([kind, FRESH], signed.note.encode()).into_response())
}

/// `GET /tlog/tile/...`.
pub async fn tile(State(app): State<Arc<App>>, Path(path): Path<String>) -> Result<Response, Problem> {
    let absent = || Problem::not_found("no_such_tile", "the log holds no such tile or bundle");
    let tile = Tile::parse(&format!("tile/{path}")).ok_or_else(absent)?;
    let tree = app.transparency.tree.clone().ok_or_else(|| off(&app))?;
    let read = tokio::task::spawn_blocking(move || tree.tile(&tile)).await;
    let bytes = read.map_err(Problem::disk)??.ok_or_else(absent)?;
    let kind = (header::CONTENT_TYPE, "application/octet-stream");
    Ok(([kind, IMMUTABLE], bytes).into_response())
}

/// `GET /api/v1/tlog`: by which keys the log is verified, and how it does.
pub async fn describe(State(app): State<Arc<App>>) -> Json<Value> {
    let log = &app.transparency;
    let witnesses: Vec<String> = log.witnesses.iter().map(|witness| witness.verifier.encode()).collect();
    Json(json!({
        "origin": log.verifier.name,
        "key": log.verifier.encode(),
        "prefix": "/tlog",
        "witnesses": witnesses,
        "status": log.status.json(),
    }))
}

/// Which batch.
#[derive(Deserialize)]
pub struct ProofQuery {
    batch: u64,
}

fn hashes(path: &[Hash]) -> Vec<String> {
    path.iter().map(hex::encode).collect()
}

/// `GET /api/v1/tlog/proof?batch=N`: the batch in its second, the second in the log, and the checkpoint.
pub async fn proof(
    State(app): State<Arc<App>>,
    query: Result<Query<ProofQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(ProofQuery { batch }) =
        query.map_err(|_| Problem::bad_request("bad_batch", "name a batch by its number: ?batch=41"))?;
    let looking = app.clone();
    let proof = tokio::task::spawn_blocking(move || looking.transparency.prove(batch)).await.map_err(Problem::disk)?;
    let (proof, signed) = proof.map_err(|error| match error {
        NoProof::NotYet(_) => Problem { retry_after_s: Some(1), ..Problem::not_found("not_yet", error.to_string()) },
        NoProof::TooOld(_) => Problem::new(StatusCode::GONE, "too_old", error.to_string()),
        NoProof::Disk(error) => Problem::disk(error),
    })?;
    Ok(Json(json!({
        "batch": batch,
        "batch_path": hashes(&proof.batch_path),
        "entry": hex::encode(&proof.inclusion.entry),
        "index": proof.inclusion.index,
        "size": proof.inclusion.size,
        "path": hashes(&proof.inclusion.path),
        "checkpoint": signed.note.encode(),
    })))
}
