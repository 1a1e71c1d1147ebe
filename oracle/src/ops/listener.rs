//! The listener of operations: `/health`, `/readyz` and `/metrics`, for whoever runs the oracle and not for the world.
//! It answers from the first moment on, so that a long replay is seen to be one.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::http::App;
use crate::http::problem::{self, Problem};
use crate::http::ready;
use crate::serve::{Limits, Server};
use crate::settings::Settings;

/// Connections to it at most.
const CONNECTIONS_MAX: usize = 64;
/// As Prometheus asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The oracle, once it serves.
pub type Later = Arc<OnceLock<Arc<App>>>;

/// An address of operations that others could reach.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not a loopback address: other machines could read this oracle's metrics; say --ops-public if they may")]
pub struct OpsListenError(pub SocketAddr);

/// Binds the address.
pub async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.ops_listen;
    if !address.ip().is_loopback() && !settings.ops_public {
        return Err(OpsListenError(address).into());
    }
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for /metrics; name another --ops-listen or stop what uses the port")
    })
}

/// Serves until it is told to stop.
pub async fn run(listener: TcpListener, later: Later, stop: watch::Receiver<bool>) {
    let limits = Limits { per_address_max: CONNECTIONS_MAX, ..Limits::new(CONNECTIONS_MAX) };
    let server = Server { listener, router: router(later), acceptor: None, limits, places: Arc::default(), stop };
    server.run().await;
}

fn router(later: Later) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(later)
}

async fn health(State(later): State<Later>) -> Response {
    match later.get() {
        Some(app) => ready::health(State(app.clone())).await.into_response(),
        None => ready::starting_health(),
    }
}

async fn readyz(State(later): State<Later>) -> Response {
    match later.get() {
        Some(app) => ready::readyz(State(app.clone())).await,
        None => ready::starting(),
    }
}

async fn metrics(State(later): State<Later>) -> Result<Response, Problem> {
    let Some(app) = later.get() else {
        return Err(Problem::unavailable("starting", "the log is being replayed", 5));
    };
    let text =
        super::metrics::render(app).map_err(|_| Problem::unavailable("metrics", "the metrics do not print", 5))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
