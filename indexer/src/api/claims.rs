use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, plain};
use super::{Api, Problem};

/// A payment of rewards to a tenure.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Claim {
    distribution: String,
    seq: i64,
    project: Option<String>,
    tenure: String,
    node: Option<String>,
    holder: Option<String>,
    /// The token account that was paid.
    payout: String,
    leaf_index: i64,
    amount: String,
    /// All that the tenure was paid up to this claim.
    claimed_total: String,
    timestamp: i64,
    slot: i64,
    signature: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClaimQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this tenure.
    tenure: Option<String>,
    /// Of this project's distribution.
    project: Option<String>,
}

/// Claims, newest first.
#[utoipa::path(get, path = "/api/v1/claims", tag = "projects", params(ClaimQuery),
    responses((status = 200, body = Page<Claim>), (status = 400, body = Problem)))]
pub async fn claims(State(api): State<Api>, Params(query): Params<ClaimQuery>) -> Result<Json<Page<Claim>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [timestamp, distribution, seq] = page.key::<3>()?.unwrap_or(["9223372036854775807", "", "0"]);
    let rows = query_scalar(
        "SELECT to_jsonb(r) FROM (SELECT c.distribution, c.seq, d.project, c.tenure, t.node, t.holder, c.payout, c.leaf_index, \
         c.amount::text AS amount, c.claimed_total::text AS claimed_total, c.timestamp, c.slot, c.signature \
         FROM claim c LEFT JOIN distribution d ON d.address = c.distribution LEFT JOIN tenure t ON t.address = c.tenure \
         WHERE (c.timestamp, c.distribution, c.seq) < ($1, $2, $3) AND ($4::text IS NULL OR c.tenure = $4) \
         AND ($5::text IS NULL OR d.project = $5) \
         ORDER BY c.timestamp DESC, c.distribution DESC, c.seq DESC LIMIT $6) r",
    )
    .bind(page.number(timestamp)?)
    .bind(distribution)
    .bind(page.number(seq)?)
    .bind(query.tenure)
    .bind(query.project)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    let key = |claim: &Claim| format!("{}.{}.{}", claim.timestamp, claim.distribution, claim.seq);
    Ok(Json(Page::new(plain(rows), limit, key)))
}
