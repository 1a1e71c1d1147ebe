use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use utoipa::ToSchema;

use super::{Api, Problem};
use crate::status::Snapshot;

/// A poll that succeeded is older than this: the indexer stands still.
const STALE_S: u64 = 60;

/// How the indexer is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `starting`, `gap` (a stream misses an event), `stalled` (the chain or the database cannot be had).
    status: &'static str,
    service: &'static str,
    version: &'static str,
    /// Streams that miss an event.
    gap: usize,
    /// Slots between the chain's head and the cursor.
    lag_slots: u64,
    #[serde(flatten)]
    follower: Snapshot,
}

/// How the indexer is: 200 when ok, else 503.
#[utoipa::path(get, path = "/api/v1/health", tag = "indexer",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub async fn health(State(api): State<Api>) -> (StatusCode, Json<Health>) {
    let follower = api.status.snapshot();
    let status = match &follower {
        Snapshot { age_s: None, error: None, .. } => "starting",
        Snapshot { error: Some(_), .. } => "stalled",
        Snapshot { age_s: Some(age), .. } if *age > STALE_S => "stalled",
        Snapshot { gaps, .. } if !gaps.is_empty() => "gap",
        _ => "ok",
    };
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health {
        status,
        service: "muster-indexer",
        version: env!("CARGO_PKG_VERSION"),
        gap: follower.gaps.len(),
        lag_slots: follower.head_slot.saturating_sub(follower.cursor_slot),
        follower,
    };
    (code, Json(health))
}

/// The network in figures.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Stats {
    chain_events: i64,
    streams: i64,
    /// Events that wait behind a gap.
    waiting: i64,
    projects: i64,
    licences: i64,
    nodes: i64,
    nodes_active: i64,
    holders: i64,
    epochs: i64,
    epochs_final: i64,
    claims: i64,
    claimed: String,
    jobs: i64,
    jobs_open: i64,
    jobs_completed: i64,
    jobs_failed: i64,
    paid_to_bonds: String,
    /// Sum over all mints.
    treasury: String,
    cursor_slot: i64,
}

/// The network in figures, of one moment of the database.
#[utoipa::path(get, path = "/api/v1/stats", tag = "indexer", responses((status = 200, body = Stats)))]
pub async fn stats(State(api): State<Api>) -> Result<Json<Stats>, Problem> {
    let sqlx::types::Json(stats) = query_scalar(
        "SELECT jsonb_build_object(
            'chain_events', (SELECT count(*) FROM chain_event),
            'streams', (SELECT count(*) FROM stream),
            'waiting', (SELECT count(*) FROM waiting),
            'projects', (SELECT count(*) FROM project),
            'licences', (SELECT count(*) FROM licence),
            'nodes', (SELECT count(*) FROM node),
            'nodes_active', (SELECT count(*) FROM node WHERE status = 'active'),
            'holders', (SELECT count(DISTINCT holder) FROM node),
            'epochs', (SELECT count(*) FROM epoch),
            'epochs_final', (SELECT count(*) FROM epoch WHERE status = 'final'),
            'claims', (SELECT COALESCE(sum(claims), 0) FROM distribution),
            'claimed', (SELECT COALESCE(sum(claimed), 0) FROM distribution)::text,
            'jobs', (SELECT count(*) FROM job),
            'jobs_open', (SELECT count(*) FROM job WHERE state = 'open'),
            'jobs_completed', (SELECT count(*) FROM job WHERE state = 'completed'),
            'jobs_failed', (SELECT count(*) FROM job WHERE state = 'failed'),
            'paid_to_bonds', (SELECT COALESCE(sum(earned_total), 0) FROM bond)::text,
            'treasury', (SELECT COALESCE(sum(amount), 0) FROM treasury_entry)::text,
            'cursor_slot', (SELECT slot FROM indexer_cursor))",
    )
    .fetch_one(api.store.pool())
    .await?;
    Ok(Json(stats))
}
