//! The HTTP API. Every route has a limit on its body and on its time; errors are problem+json with a `reason`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use tokio::sync::Semaphore;
use tower_http::timeout::TimeoutLayer;

use crate::context::OracleContext;
use crate::epochs::Epochs;
use crate::events::hub::Hub;
use crate::ingest::Handle;
use crate::ledger::Books;
use crate::poot::Poot;
use crate::projects::Projects;
use crate::server::StatsFn;
use crate::transparency::Transparency;

pub mod addresses;
pub mod epochs;
pub mod events;
pub mod heartbeats;
pub mod ledger;
pub mod network;
pub mod nodes;
pub mod peers;
pub mod poot;
pub mod problem;
pub mod projects;
pub mod ready;
pub mod signed;
pub mod tlog;

/// A request that takes longer is given up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of a heartbeat body.
pub const HEARTBEATS_BYTES_MAX: usize = 256 << 10;

/// What the handlers share.
pub struct App {
    /// Who the oracle is and what it knows.
    pub ctx: Arc<OracleContext>,
    /// The way to the committer.
    pub ingest: Handle,
    /// What each address may still send.
    pub addresses: addresses::Addresses,
    /// Epochs and their files.
    pub epochs: Arc<Epochs>,
    /// The hash-chained ledger.
    pub books: Arc<Books>,
    /// The transparency log.
    pub transparency: Arc<Transparency>,
    /// Operational time and credits.
    pub poot: Arc<Poot>,
    /// What project owners ask for.
    pub projects: Arc<Projects>,
    /// What happens.
    pub events: Hub,
    /// Places of those who read it.
    pub event_readers: Arc<Semaphore>,
    /// Which signed requests were taken.
    pub once: signed::Once,
    /// The job scheduler's figures; none without one.
    pub job_stats: Option<StatsFn>,
}

/// For bodies of a few fields.
fn small() -> DefaultBodyLimit {
    DefaultBodyLimit::max(4 << 10)
}

/// All routes but those of jobs.
pub fn router(app: Arc<App>) -> Router {
    let scores =
        put(epochs::put_scores).layer(DefaultBodyLimit::max(muster_protocol::scores::MAX_LEN)).get(epochs::get_scores);
    let heartbeats = post(heartbeats::post_heartbeats).layer(DefaultBodyLimit::max(HEARTBEATS_BYTES_MAX));
    Router::new()
        .route("/health", get(ready::health))
        .route("/readyz", get(ready::readyz))
        .route("/api/v1/peers", get(peers::peers))
        .route("/api/v1/stats", get(network::stats))
        .route("/api/v1/status", get(network::roots))
        .route("/api/v1/tick", get(network::tick))
        .route("/tlog/checkpoint", get(tlog::checkpoint))
        .route("/tlog/tile/{*path}", get(tlog::tile))
        .route("/api/v1/tlog", get(tlog::describe))
        .route("/api/v1/tlog/proof", get(tlog::proof))
        .route("/api/v1/ledger", get(ledger::blocks))
        .route("/api/v1/ledger/head", get(ledger::head))
        .route("/api/v1/oracles", get(network::oracles))
        .route("/api/v1/heartbeats", heartbeats)
        .route("/api/v1/nodes", get(nodes::list))
        .route("/api/v1/nodes/{node_key}/uptime", get(nodes::uptime))
        .route("/api/v1/views/{epoch}", get(epochs::view))
        .route("/api/v1/projects/{project}/epochs/{epoch}", get(epochs::describe))
        .route("/api/v1/projects/{project}/epochs/{epoch}/scores", scores)
        .route("/api/v1/projects/{project}/epochs/{epoch}/dataset", get(epochs::dataset))
        .route("/api/v1/projects/{project}/epochs/{epoch}/leaves", get(epochs::leaves))
        .route("/api/v1/projects/{project}/proofs/{tenure}", get(epochs::proof))
        .route("/api/v1/projects/{project}/epochs/{epoch}/uptime", get(projects::uptime))
        .route("/api/v1/projects/{project}/epochs/{epoch}/summary", get(poot::summary))
        .route("/api/v1/projects/{project}/epochs/{epoch}/points", get(projects::points))
        .route("/api/v1/projects/{project}/epochs/{epoch}/settlement", post(projects::settlement).layer(small()))
        .route("/api/v1/poot/{node}", get(poot::show))
        .route("/api/v1/poot/calculate", post(poot::calculate).layer(small()))
        .route("/api/v1/credits/{node}", get(poot::node_credits))
        .route("/api/v1/events", get(events::stream))
        .with_state(app)
}

/// The whole API: the oracle's routes and those of jobs, with what holds for all of them.
pub fn service(app: Arc<App>, jobs: Router) -> Router {
    router(app)
        .merge(jobs)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT))
}
