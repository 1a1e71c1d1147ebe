//! `/api/v1` over the tables, and a plain page at `/`.
//!
//! Amounts and points are strings of base units, times are Unix seconds, addresses and signatures base58, hashes hex.
//! Lists are keyset pages: `{items, next}`; pass `next` as `after` for the following page.

mod claims;
mod epochs;
mod error;
mod etag;
mod events;
mod health;
mod jobs;
mod network;
mod nodes;
mod page;
mod pools;
mod projects;
mod register;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use muster_client::chain::Chain;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::datasets::Datasets;
use crate::status::Status;
use crate::store::{ChainIdentity, Store};

pub use error::Problem;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What every handler shares.
#[derive(Clone)]
pub struct Api {
    pub store: Store,
    pub chain: Chain,
    pub status: Arc<Status>,
    pub datasets: Arc<Datasets>,
    pub identity: ChainIdentity,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster indexer",
        description = "What the chain says about a Muster network. Amounts and points are strings of base units, times \
                       Unix seconds, addresses and signatures base58, hashes lower-case hex."
    ),
    tags(
        (name = "network", description = "The network, its treasury and figures"),
        (name = "projects", description = "Projects, licences, epochs and claims"),
        (name = "nodes", description = "Nodes, their uptime, and registering one"),
        (name = "jobs", description = "Paid submissions"),
        (name = "indexer", description = "The indexer itself")
    )
)]
struct Document;

/// Everything that the indexer serves.
pub fn router(api: Api) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::stats))
        .routes(routes!(network::network))
        .routes(routes!(network::treasury))
        .routes(routes!(projects::projects))
        .routes(routes!(projects::project))
        .routes(routes!(projects::licences))
        .routes(routes!(nodes::nodes, register::register))
        .routes(routes!(nodes::node))
        .routes(routes!(nodes::uptime))
        .routes(routes!(pools::pools))
        .routes(routes!(pools::pool))
        .routes(routes!(jobs::jobs))
        .routes(routes!(jobs::job))
        .routes(routes!(epochs::epochs))
        .routes(routes!(epochs::epoch))
        .routes(routes!(claims::claims))
        .routes(routes!(events::events))
        .split_for_parts();
    let docs: Router = SwaggerUi::new("/api/v1/docs").url("/api/v1/openapi.json", document).into();
    let nosniff = (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Router::new()
        .merge(routes)
        .with_state(api)
        .layer(middleware::from_fn(etag::etag))
        .merge(docs.layer(web::docs_policy()))
        .merge(web::router())
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(SetResponseHeaderLayer::if_not_present(nosniff.0, nosniff.1))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(web::POLICY),
        ))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT))
}
