//! What this oracle saw of nodes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::problem::{Problem, address};
use crate::context::Seen;
use crate::poot::core::standing;
use crate::poot::proof::SeenIn;
use crate::registry::NodeInfo;

/// Entries of a page.
const PAGE_MAX: usize = 1000;

/// All answers of [`status`].
pub const STATUSES: [&str; 5] = ["not_accepted", "offline", "online", "busy", "maintenance"];

/// What this oracle last heard of a node, and what is announced for it.
pub fn status(app: &App, node: &NodeInfo, seen: Option<Seen>) -> &'static str {
    standing(&app.ctx.schedule, app.ctx.settings.offline_after, app.ctx.now_ms(), node, seen).name()
}

/// A keyset page: the node key after which to go on.
#[derive(Deserialize)]
pub struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/nodes?after=NODE_KEY&limit=N`: all nodes that the chain knows, ascending by node key.
pub async fn list(State(app): State<Arc<App>>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let after = page.after.map(|after| address(&after, "after")).transpose()?;
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let registry = app.ctx.registry();
    let mut nodes: Vec<&NodeInfo> = registry.nodes.values().collect();
    nodes.retain(|node| after.is_none_or(|after| node.node_key > after));
    nodes.sort_unstable_by_key(|node| node.node_key);
    let more = nodes.len() > limit;
    nodes.truncate(limit);
    let next = nodes.last().filter(|_| more).map(|node| bs58::encode(node.node_key).into_string());
    let items: Vec<Value> = nodes
        .iter()
        .map(|node| {
            let seen = app.ctx.seen(&node.node_key);
            json!({
                "node_key": bs58::encode(node.node_key).into_string(),
                "node": bs58::encode(node.node).into_string(),
                "project": bs58::encode(node.project).into_string(),
                "tenure": bs58::encode(node.tenure).into_string(),
                "last_seen_ms": seen.map(|seen| seen.at_ms),
                "status": status(&app, node, seen),
            })
        })
        .collect();
    Ok(Json(json!({"nodes": items, "next": next})))
}

/// Which epoch; the current one by default.
#[derive(Deserialize)]
pub struct WhichEpoch {
    epoch: Option<u64>,
}

/// `GET /api/v1/nodes/{node_key}/uptime?epoch=E`.
pub async fn uptime(
    State(app): State<Arc<App>>,
    Path(node_key): Path<String>,
    Query(which): Query<WhichEpoch>,
) -> Result<Json<Value>, Problem> {
    let key = address(&node_key, "the node key")?;
    let registry = app.ctx.registry();
    let Some(node) = registry.nodes.get(&key) else {
        return Err(Problem::not_found("unknown_node", "no node has this key"));
    };
    let schedule = &app.ctx.schedule;
    let current = schedule.bucket_at_ms(app.ctx.now_ms()).0.get();
    let epoch = which.epoch.unwrap_or(current);
    let SeenIn { bitmap, refused, .. } = app.poot.seen_in(&key, epoch)?;
    let refused: Map<String, Value> =
        refused.iter().map(|(reason, count)| (reason.name().to_owned(), json!(count))).collect();
    let seen = app.ctx.seen(&key);
    Ok(Json(json!({
        "node_key": node_key,
        "epoch": epoch,
        "counted": bitmap.count(),
        "buckets": schedule.buckets(),
        "bitmap": hex::encode(bitmap.as_bytes()),
        "refused": refused,
        "last_seen_ms": seen.map(|seen| seen.at_ms),
        "status": status(&app, node, seen),
    })))
}
