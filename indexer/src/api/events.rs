use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, plain};
use super::{Api, Problem};

/// An event as a program emitted it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ChainEvent {
    slot: i64,
    signature: String,
    /// Position of the top-level instruction.
    ix: i32,
    /// Position in the flat list of what it called.
    inner: i32,
    program: String,
    event: String,
    /// The account whose gapless numbering it belongs to, and its number.
    stream: String,
    seq: i64,
    timestamp: i64,
    /// Keys base58, hashes hex, 64-bit numbers as strings.
    #[schema(value_type = Object)]
    fields: Value,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this stream.
    stream: Option<String>,
    /// Of this name, as `NodeBound`.
    event: Option<String>,
    /// Of this transaction.
    signature: Option<String>,
}

/// Every event of both programs, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "indexer", params(EventQuery),
    responses((status = 200, body = Page<ChainEvent>), (status = 400, body = Problem)))]
pub async fn events(
    State(api): State<Api>,
    Params(query): Params<EventQuery>,
) -> Result<Json<Page<ChainEvent>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [slot, signature, ix, inner] = page.key::<4>()?.unwrap_or(["9223372036854775807", "", "0", "0"]);
    let rows = query_scalar(
        "SELECT to_jsonb(r) FROM (SELECT slot, signature, ix, inner_ix AS inner, program, name AS event, stream, seq, \
         timestamp, data AS fields FROM chain_event WHERE (slot, signature, ix, inner_ix) < ($1, $2, $3, $4) \
         AND ($5::text IS NULL OR stream = $5) AND ($6::text IS NULL OR name = $6) AND ($7::text IS NULL OR signature = $7) \
         ORDER BY slot DESC, signature DESC, ix DESC, inner_ix DESC LIMIT $8) r",
    )
    .bind(page.number(slot)?)
    .bind(signature)
    .bind(page.number(ix)?)
    .bind(page.number(inner)?)
    .bind(query.stream)
    .bind(query.event)
    .bind(query.signature)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    let key = |event: &ChainEvent| format!("{}.{}.{}.{}", event.slot, event.signature, event.ix, event.inner);
    Ok(Json(Page::new(plain(rows), limit, key)))
}
