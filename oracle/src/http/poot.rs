//! Proofs of operational time, calculations and credits.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::problem::{Problem, address};
use super::signed::{self, Asked};
use crate::poot::{credits, proof};
use crate::projects::access;

/// Rows of a page.
const PAGE_MAX: usize = 1_000;
/// Epochs of a page.
const EPOCHS_PAGE_MAX: usize = 366;

/// Which epoch; the running one by default.
#[derive(Deserialize)]
pub struct WhichEpoch {
    epoch: Option<u64>,
}

/// `GET /api/v1/poot/{node}?epoch=E`: the proof of a node, by its address or key. Anybody.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(node): Path<String>,
    Query(which): Query<WhichEpoch>,
) -> Result<Json<Value>, Problem> {
    let named = address(&node, "the node")?;
    let work = move || app.poot.proof(&named, which.epoch).map(Json);
    tokio::task::spawn_blocking(work).await.map_err(Problem::disk)?
}

/// What is to be calculated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    project: String,
    epoch: Option<u64>,
}

/// `POST /api/v1/poot/calculate`: `{project, epoch?}`, signed by who manages the project, runs one of its nodes or is an
/// oracle of the set. 409 with `Retry-After` while one runs.
pub async fn calculate(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let signed = signed::signer(&app, &Asked { peer, method: &method, uri: &uri, headers: &headers, body: &body })?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request("malformed", format!("the body is no {{project, epoch}}: {error}")))?;
    let project = address(&wanted.project, "the project")?;
    let registry = app.ctx.registry();
    let unknown = || Problem::not_found("unknown_project", "this oracle knows no such project");
    let info = registry.projects.get(&project).ok_or_else(unknown)?;
    if !access::calculates(&registry, info, &signed.key) {
        let detail = "the project's owner or settler, who runs one of its nodes, or an oracle signs this";
        return Err(signed::forbidden(detail));
    }
    signed::once(&app, &signed)?;
    let current = app.ctx.schedule.epoch_of(app.ctx.now_ms() / 1000).get();
    let calculation = app.poot.calculate(&project, wanted.epoch.unwrap_or(current)).await?;
    Ok(Json(calculation.json()))
}

/// A page of rows: the leaf to begin with.
#[derive(Deserialize)]
pub struct Page {
    #[serde(default)]
    from: u32,
    limit: Option<usize>,
}

/// `GET /api/v1/projects/{project}/epochs/{epoch}/summary?from=LEAF&limit=N`: the newest figures of every node, with the
/// credits of all epochs. Anybody.
pub async fn summary(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let project = address(&project, "the project")?;
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let work = move || {
        let absent =
            || Problem::not_found("not_calculated", "no figures of this epoch are here; POST /api/v1/poot/calculate");
        let calculation = app.poot.newest(&project, epoch)?.ok_or_else(absent)?;
        let count = u32::try_from(limit).unwrap_or(u32::MAX);
        let sums = credits::sums(app.epochs.store(), &project, page.from, count)?;
        let mut body = calculation.json();
        let rows = calculation.rows(page.from, &sums);
        let next = page.from as usize + rows.len();
        body["next"] = json!((next < calculation.lines.len() && !rows.is_empty()).then_some(next));
        body["rows"] = json!(rows);
        Ok(Json(body))
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::disk)?
}

/// A page of epochs: those below this one.
#[derive(Deserialize)]
pub struct Before {
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/v1/credits/{node}?before=EPOCH&limit=N`: what a node's tenures earned, newest epoch first. Anybody.
pub async fn node_credits(
    State(app): State<Arc<App>>,
    Path(node): Path<String>,
    Query(page): Query<Before>,
) -> Result<Json<Value>, Problem> {
    let named = address(&node, "the node")?;
    let limit = page.limit.unwrap_or(EPOCHS_PAGE_MAX).clamp(1, EPOCHS_PAGE_MAX);
    let work = move || {
        let registry = app.ctx.registry();
        let unknown = || Problem::not_found("unknown_node", "no node has this address or key");
        let node = proof::find(&registry, &named).ok_or_else(unknown)?;
        let next_epoch = registry.projects.get(&node.project).map_or(0, |project| project.next_epoch);
        let of_node = registry.tenures.values().filter(|tenure| tenure.node == node.node);
        let tenures: Vec<_> = of_node.map(|tenure| (tenure.tenure, tenure.leaf_index)).collect();
        let credits = credits::credits(app.epochs.store(), &node.project, next_epoch, &tenures)?;
        let mut body = credits.json(page.before.unwrap_or(u64::MAX), limit);
        body["node"] = json!(bs58::encode(node.node).into_string());
        body["node_key"] = json!(bs58::encode(node.node_key).into_string());
        body["project"] = json!(bs58::encode(node.project).into_string());
        Ok(Json(body))
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::disk)?
}
