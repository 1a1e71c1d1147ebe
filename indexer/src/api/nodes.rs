use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, one, plain};
use super::{Api, Problem};

/// A node's epoch, out of the dataset whose hash is on the chain.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NodeEpoch {
    epoch: i64,
    tenure: String,
    leaf_index: i64,
    /// Buckets that a threshold of oracles counted.
    counted: i64,
    /// Buckets of the epoch.
    buckets: i64,
    excused: i64,
    uptime_bps: i32,
    score_bps: i32,
    points: String,
}

/// A machine's on-chain account.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Node {
    address: String,
    project: String,
    licence: String,
    serial: i64,
    holder: String,
    node_key: String,
    /// `bound`: the node key has not accepted yet; `active`: it earns; `unbinding`: it earns to the end of the epoch;
    /// `free`: the licence may be sold or bound.
    status: String,
    /// The pool that it is in.
    pool: Option<String>,
    /// Runs the node for a share of what the tenure is paid.
    operator: Option<String>,
    operator_bps: i32,
    /// Earns nothing in epochs from..until.
    suspended_from_epoch: i64,
    suspended_until_epoch: i64,
    /// Announced maintenance, Unix seconds; zeros when there is none.
    maintenance_start: i64,
    maintenance_end: i64,
    tenure: String,
    tenure_number: i64,
    leaf_index: i64,
    from_epoch: i64,
    payout: String,
    payout_owner: String,
    bound_at: i64,
    accepted_at: Option<i64>,
    /// Rewards that the current tenure was paid.
    claimed_total: String,
    bond: Option<String>,
    /// What jobs paid into the tenure's bond so far, and what was withdrawn of it.
    job_earned_total: String,
    job_withdrawn_total: String,
    metadata_hash: String,
    /// The document of that hash, if it was registered here.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// The last five epochs whose dataset is in, newest first; 100 for a single node.
    epochs: Vec<NodeEpoch>,
}

/// One holder's time with a node.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Tenure {
    address: String,
    number: i64,
    holder: String,
    payout: String,
    payout_owner: String,
    leaf_index: i64,
    from_epoch: i64,
    created_at: i64,
    claimed_total: String,
    claims: i64,
}

/// A node with all its tenures.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NodeDetail {
    #[serde(flatten)]
    node: Node,
    tenures: Vec<Tenure>,
}

macro_rules! node {
    ($epochs:literal, $columns:literal, $rest:literal) => {
        concat!(
            "SELECT to_jsonb(r) FROM (SELECT n.address, n.project, n.licence, n.serial, n.holder, n.node_key, n.status, \
             n.pool, t.operator, t.operator_bps, n.suspended_from_epoch, n.suspended_until_epoch, n.maintenance_start, \
             n.maintenance_end, n.tenure, n.tenure_number, t.leaf_index, t.from_epoch, t.payout, t.payout_owner, n.bound_at, n.accepted_at, \
             COALESCE(c.claimed_total, 0)::text AS claimed_total, b.address AS bond, \
             COALESCE(b.earned_total, 0)::text AS job_earned_total, \
             COALESCE(b.withdrawn_total, 0)::text AS job_withdrawn_total, n.metadata_hash, m.document::jsonb AS metadata, \
             COALESCE((SELECT jsonb_agg(to_jsonb(e) ORDER BY e.epoch DESC) FROM (SELECT epoch, tenure, leaf_index, counted, \
             buckets, excused, uptime_bps, score_bps, points::text AS points FROM node_epoch e WHERE e.node = n.address \
             ORDER BY epoch DESC LIMIT ",
            $epochs,
            ") e), '[]') AS epochs ",
            $columns,
            " FROM node n JOIN tenure t ON t.address = n.tenure LEFT JOIN tenure_claim c ON c.tenure = n.tenure \
             LEFT JOIN bond b ON b.tenure = n.tenure LEFT JOIN node_metadata m ON m.hash = n.metadata_hash ",
            $rest,
            ") r"
        )
    };
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// Held by this wallet.
    holder: Option<String>,
    /// `bound`, `active`, `unbinding` or `free`.
    status: Option<String>,
    /// In this pool.
    pool: Option<String>,
}

/// Nodes by project and licence serial.
#[utoipa::path(get, path = "/api/v1/nodes", tag = "nodes", params(NodeQuery),
    responses((status = 200, body = Page<Node>), (status = 400, body = Problem)))]
pub async fn nodes(State(api): State<Api>, Params(query): Params<NodeQuery>) -> Result<Json<Page<Node>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [project, serial] = page.key::<2>()?.unwrap_or(["", "-1"]);
    let rows = query_scalar(node!(
        "5",
        "",
        "WHERE (n.project, n.serial) > ($1, $2) AND ($3::text IS NULL OR n.project = $3) \
         AND ($4::text IS NULL OR n.holder = $4) AND ($5::text IS NULL OR n.status = $5) \
         AND ($6::text IS NULL OR n.pool = $6) ORDER BY n.project, n.serial LIMIT $7"
    ))
    .bind(project)
    .bind(page.number(serial)?)
    .bind(query.project)
    .bind(query.holder)
    .bind(query.status)
    .bind(query.pool)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    Ok(Json(Page::new(plain(rows), limit, |node: &Node| format!("{}.{}", node.project, node.serial))))
}

/// One node by its address or its key, with its tenures and its last 100 epochs.
#[utoipa::path(get, path = "/api/v1/nodes/{node}", tag = "nodes",
    params(("node" = String, Path, description = "Its address, or its node key")),
    responses((status = 200, body = NodeDetail), (status = 404, body = Problem)))]
pub async fn node(State(api): State<Api>, Path(address): Path<String>) -> Result<Json<NodeDetail>, Problem> {
    let sql = node!(
        "100",
        ", (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.number DESC) FROM (SELECT t.address, t.number, t.holder, t.payout, \
         t.payout_owner, t.leaf_index, t.from_epoch, t.created_at, COALESCE(c.claimed_total, 0)::text AS claimed_total, \
         COALESCE(c.claims, 0) AS claims FROM tenure t LEFT JOIN tenure_claim c ON c.tenure = t.address \
         WHERE t.node = n.address) x) AS tenures",
        "WHERE n.address = $1 OR n.node_key = $1 LIMIT 1"
    );
    one(api.store.pool(), sql, &address).await?.map(Json).ok_or_else(|| no_node(&address))
}

fn no_node(address: &str) -> Problem {
    Problem::not_found(format!("there is no node {address}"))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UptimeQuery {
    /// The oracle's current epoch when not given.
    epoch: Option<u64>,
}

/// What one oracle counted so far. A view of its own, not the network's verdict.
#[derive(Serialize, ToSchema)]
pub struct LiveUptime {
    /// The oracle that answered.
    oracle: String,
    /// Its answer, as it gave it.
    #[schema(value_type = Object)]
    uptime: Value,
}

/// A node's uptime in an epoch that is not settled yet, from the first oracle that answers.
#[utoipa::path(get, path = "/api/v1/nodes/{node}/uptime", tag = "nodes",
    params(("node" = String, Path, description = "Its address, or its node key"), UptimeQuery),
    responses((status = 200, body = LiveUptime), (status = 404, body = Problem), (status = 502, body = Problem)))]
pub async fn uptime(
    State(api): State<Api>,
    Path(address): Path<String>,
    Params(query): Params<UptimeQuery>,
) -> Result<Json<LiveUptime>, Problem> {
    let key: Option<String> = query_scalar("SELECT node_key FROM node WHERE address = $1 OR node_key = $1 LIMIT 1")
        .bind(&address)
        .fetch_optional(api.store.pool())
        .await?;
    let key = key.ok_or_else(|| no_node(&address))?;
    match api.datasets.live_uptime(&key, query.epoch).await {
        Ok((oracle, uptime)) => Ok(Json(LiveUptime { oracle, uptime })),
        Err(error) => Err(Problem::new(StatusCode::BAD_GATEWAY, "oracles", format!("no oracle answered: {error}"))),
    }
}
