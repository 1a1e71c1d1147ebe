//! What project owners ask for: uptime, points, a settlement to sign.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use muster_protocol::export::HEADER as STATEMENT;
use serde::Deserialize;
use serde_json::Value;

use super::App;
use super::problem::{Problem, address};
use super::signed::{self, Asked};
use crate::projects::access;
use crate::projects::export::Format;

/// Rows of a page.
const PAGE_MAX: usize = 10_000;

/// Who signed, if he manages the project; each request once.
fn manager(app: &App, project: &[u8; 32], asked: &Asked<'_>) -> Result<(), Problem> {
    let signed = signed::signer(app, asked)?;
    let registry = app.ctx.registry();
    let unknown = || Problem::not_found("unknown_project", "this oracle knows no such project");
    let info = registry.projects.get(project).ok_or_else(unknown)?;
    if !access::manages(info, &signed.key) {
        return Err(signed::forbidden("the project's owner or settler signs this"));
    }
    signed::once(app, &signed)
}

/// A page of rows: the leaf to begin with.
#[derive(Deserialize)]
pub struct Page {
    #[serde(default)]
    from: u32,
    limit: Option<usize>,
}

/// `GET .../uptime?from=LEAF&limit=N`, signed by the project's owner or settler: each node's uptime; final once the views
/// are combined, before that as this oracle alone sees it.
pub async fn uptime(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path((project, epoch)): Path<(String, u64)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let project = address(&project, "the project")?;
    manager(&app, &project, &Asked { peer, method: &method, uri: &uri, headers: &headers, body: b"" })?;
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    if let Some(body) = app.projects.final_uptime(&project, epoch, page.from, limit)? {
        return Ok(Json(body));
    }
    let work = move || app.poot.uptime_so_far(&project, epoch, page.from, limit).map(Json);
    tokio::task::spawn_blocking(work).await.map_err(Problem::disk)?
}

/// How the points are written.
#[derive(Deserialize)]
pub struct As {
    #[serde(default)]
    format: Format,
}

/// `GET .../points?format=json|csv`: the final points as a file; the header `muster-points` holds this oracle's signed word
/// on it. Anybody.
pub async fn points(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
    Query(As { format }): Query<As>,
) -> Result<Response, Problem> {
    let project = address(&project, "the project")?;
    let points = app.projects.points(&project, epoch)?;
    let exported = app.projects.export(points, format).await?;
    let mut response = exported.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let statement = HeaderValue::from_str(&exported.statement).map_err(Problem::disk)?;
    headers.insert(HeaderName::from_static(STATEMENT), statement);
    Ok(response)
}

/// What is to be settled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Base units, decimal; absent where rewards are paid elsewhere.
    budget: Option<String>,
}

/// `POST .../settlement`: `{budget?}`, signed by the project's owner or settler: the settlement as a transaction for the
/// settler's key to sign elsewhere.
pub async fn settlement(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path((project, epoch)): Path<(String, u64)>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let project = address(&project, "the project")?;
    manager(&app, &project, &Asked { peer, method: &method, uri: &uri, headers: &headers, body: &body })?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request("malformed", format!("the body is no {{budget}}: {error}")))?;
    let number = |text: &String| text.parse::<u64>();
    let budget = wanted.budget.as_ref().map(number).transpose();
    let budget =
        budget.map_err(|_| Problem::bad_request("malformed", "the budget is a decimal number of base units"))?;
    Ok(Json(app.projects.prepare(&project, epoch, budget).await?))
}
