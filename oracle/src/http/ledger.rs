//! The hash-chained ledger, as this oracle took it from the chain.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use muster_client::ledger::to_json;
use muster_protocol::ledger::{ChainId, Tail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::problem::Problem;
use crate::ledger::chain_of;

/// Blocks of one answer at most, and where none is asked for.
const LIMIT: u64 = 1_000;

/// Which blocks.
#[derive(Deserialize)]
pub struct BlocksQuery {
    /// `jobs`, or a project's address.
    chain: Option<String>,
    from: Option<u64>,
    limit: Option<u64>,
}

fn tail_json(tail: &Tail) -> Value {
    json!({"index": tail.index, "hash": hex::encode(tail.hash)})
}

/// `GET /api/v1/ledger?chain=&from=&limit=`: blocks of a chain from an index on, the first one by default.
pub async fn blocks(
    State(app): State<Arc<App>>,
    query: Result<Query<BlocksQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query
        .map_err(|_| Problem::bad_request("bad_query", "from and limit are numbers: ?chain=jobs&from=1&limit=100"))?;
    let named = query.chain.unwrap_or_else(|| "jobs".to_owned());
    let chain = chain_of(&named)
        .ok_or_else(|| Problem::bad_request("bad_chain", "chain is `jobs` or the address of a project"))?;
    let (from, limit) = (query.from.unwrap_or(1).max(1), query.limit.unwrap_or(LIMIT).min(LIMIT));
    let books = app.books.clone();
    let (blocks, tail) = tokio::task::spawn_blocking(move || {
        books.blocks(&chain, from, limit).map(|blocks| (blocks, books.tail(&chain)))
    })
    .await
    .map_err(Problem::disk)??;
    let blocks: Vec<Value> = blocks.iter().map(to_json).collect();
    Ok(Json(json!({"chain": named, "head": tail_json(&tail), "blocks": blocks})))
}

/// `GET /api/v1/ledger/head`: where each chain stands, and which entry of the transparency log holds its newest block
/// there.
pub async fn head(State(app): State<Arc<App>>) -> Json<Value> {
    let logged = app.transparency.status.heads();
    let one = |chain: &ChainId, tail: &Tail| {
        let mut value = tail_json(tail);
        value["logged"] = match logged.get(chain) {
            Some((tail, entry)) => json!({"index": tail.index, "entry": entry}),
            None => Value::Null,
        };
        value
    };
    let mut projects = Map::new();
    let mut jobs = one(&ChainId::Jobs, &Tail::default());
    for (chain, tail) in app.books.tails() {
        match chain {
            ChainId::Jobs => jobs = one(&chain, &tail),
            ChainId::Project(project) => {
                projects.insert(bs58::encode(project).into_string(), one(&chain, &tail));
            }
        }
    }
    Json(json!({"jobs": jobs, "projects": projects}))
}
