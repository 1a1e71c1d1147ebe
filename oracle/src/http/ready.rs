//! Whether the oracle lives, and whether it is ready: for people, for load balancers and for whoever restarts it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use crate::ops::readiness::{Check, Facts, checks, is_ready};

/// `GET /health`: 200 while the process is of use, 503 once its log failed and only a restart helps.
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (failure, dispute) = (app.ingest.failure(), app.epochs.disputed_root());
    let full = app.ingest.disk_full();
    let unsure = app.ingest.core().is_clock_unsure();
    let (code, status) = match (&failure, unsure, &dispute) {
        (Some(_), _, _) => (StatusCode::SERVICE_UNAVAILABLE, "log_failed"),
        // A restart makes no room: the process is of use as soon as there is some.
        (None, _, _) if full.is_some() => (StatusCode::OK, "disk_full"),
        (None, true, _) => (StatusCode::OK, "clock_unsure"),
        (None, false, Some(_)) => (StatusCode::OK, "root_disputed"),
        (None, false, None) => (StatusCode::OK, "ok"),
    };
    let body = json!({
        "status": status,
        "service": "muster-oracle",
        "version": muster_client::shell::version::VERSION,
        "oracle": app.ctx.identity.base58(),
        "detail": failure.or(full).or(dispute),
    });
    (code, Json(body))
}

/// `GET /readyz`: every check with its state, what was seen and what to do; 503 if one failed.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    render(&checks(&facts(&app)))
}

/// `GET /health` before the log is replayed.
pub fn starting_health() -> Response {
    let version = muster_client::shell::version::VERSION;
    let body = json!({"status": "starting", "service": "muster-oracle", "version": version, "detail": null});
    Json(body).into_response()
}

/// `GET /readyz` before the log is replayed.
pub fn starting() -> Response {
    let facts = Facts {
        replayed: false,
        log_failure: None,
        free_bytes: None,
        free_bytes_min: 0,
        registry_age_ms: None,
        poll_ms: 0,
        clock_unsure: false,
        tick_age_ms: None,
        tick_s: 0,
        in_set: true,
        dispute: None,
        level: crate::ops::funds::Level::Unknown,
        lamports: None,
        floor_lamports: 0,
    };
    let mut checks = checks(&facts);
    checks.retain(|check| check.name == "log_replayed");
    render(&checks)
}

fn render(checks: &[Check]) -> Response {
    let ready = is_ready(checks);
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"ready": ready, "checks": checks}))).into_response()
}

/// What the checks look at, as it is now.
pub fn facts(app: &App) -> Facts {
    let (ctx, now_ms) = (&app.ctx, app.ctx.now_ms());
    let settings = &ctx.settings;
    let (clock_unsure, committed_at_ms) = {
        let core = app.ingest.core();
        (core.is_clock_unsure(), core.newest().map(|newest| newest.receipt().committed_at_ms))
    };
    Facts {
        replayed: true,
        log_failure: app.ingest.failure().or_else(|| app.ingest.disk_full()),
        free_bytes: ctx.storage.free_bytes(&settings.data_dir).ok(),
        // Below it the log takes no heartbeat.
        free_bytes_min: settings.log_reserve_bytes,
        registry_age_ms: ctx.ops.chain.age_ms(now_ms),
        poll_ms: settings.poll_ms,
        clock_unsure,
        tick_age_ms: committed_at_ms.map(|at_ms| now_ms.saturating_sub(at_ms)),
        tick_s: settings.tick_s,
        in_set: ctx.registry().oracle_set.position(&ctx.identity.key).is_some(),
        dispute: app.epochs.disputed_root(),
        level: ctx.ops.funds.level(),
        lamports: ctx.ops.funds.lamports(),
        floor_lamports: ctx.ops.funds.floor(),
    }
}
