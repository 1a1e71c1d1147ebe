use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use sqlx::types;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, plain};
use super::{Api, Problem};

/// A project's settlement of an epoch.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Epoch {
    project: String,
    epoch: i64,
    distribution: String,
    /// `settled`, `approved` or `final`.
    status: String,
    revision: i64,
    skipped_from: i64,
    points_root: String,
    total_points: String,
    node_count: i64,
    budget: String,
    fee_bps: i32,
    fee: String,
    node_pool: String,
    dataset_hash: String,
    scores_hash: String,
    /// The cumulative root that the oracles approved, the sum and number of its leaves.
    root: Option<String>,
    root_total: Option<String>,
    root_count: Option<i64>,
    /// When the approved root may be activated.
    eta: Option<i64>,
    settled_at: i64,
    approved_at: Option<i64>,
    final_at: Option<i64>,
    /// Whether the rows of its dataset are here.
    dataset_held: bool,
}

/// An oracle's vote for a root.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RootVote {
    seq: i64,
    oracle: String,
    oracle_index: i32,
    revision: i64,
    root: String,
    total: String,
    count: i64,
    votes: i32,
    approved: bool,
    timestamp: i64,
    signature: String,
}

/// Which views an oracle said that it holds.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ViewCommit {
    seq: i64,
    oracle: String,
    oracle_index: i32,
    hashes: Vec<String>,
    in_count: i32,
    closed: bool,
    timestamp: i64,
    signature: String,
}

/// A tenure's row of the dataset.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct EpochNode {
    leaf_index: i64,
    tenure: String,
    node: String,
    node_key: String,
    counted: i64,
    buckets: i64,
    excused: i64,
    uptime_bps: i32,
    score_bps: i32,
    points: String,
}

/// An epoch with its views, votes and nodes.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct EpochDetail {
    #[serde(flatten)]
    epoch: Epoch,
    views: Vec<ViewCommit>,
    votes: Vec<RootVote>,
    /// The first 500 by leaf index.
    nodes: Vec<EpochNode>,
}

macro_rules! epoch {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT to_jsonb(r) FROM (SELECT e.project, e.epoch, e.distribution, e.status, e.revision, e.skipped_from, \
             e.points_root, e.total_points::text AS total_points, e.node_count, e.budget::text AS budget, e.fee_bps, \
             e.fee::text AS fee, e.node_pool::text AS node_pool, e.dataset_hash, e.scores_hash, e.root, \
             e.root_total::text AS root_total, e.root_count, e.eta, e.settled_at, e.approved_at, e.final_at, \
             EXISTS (SELECT FROM epoch_dataset d WHERE d.project = e.project AND d.epoch = e.epoch \
             AND d.dataset_hash = e.dataset_hash) AS dataset_held",
            $columns,
            " FROM epoch e ",
            $rest,
            ") r"
        )
    };
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EpochQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this project.
    project: Option<String>,
}

/// Settlements, newest epoch first.
#[utoipa::path(get, path = "/api/v1/epochs", tag = "projects", params(EpochQuery),
    responses((status = 200, body = Page<Epoch>), (status = 400, body = Problem)))]
pub async fn epochs(State(api): State<Api>, Params(query): Params<EpochQuery>) -> Result<Json<Page<Epoch>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [epoch, project] = page.key::<2>()?.unwrap_or(["9223372036854775807", ""]);
    let rows = query_scalar(epoch!(
        "",
        "WHERE (e.epoch, e.project) < ($1, $2) AND ($3::text IS NULL OR e.project = $3) \
         ORDER BY e.epoch DESC, e.project DESC LIMIT $4"
    ))
    .bind(page.number(epoch)?)
    .bind(project)
    .bind(query.project)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    Ok(Json(Page::new(plain(rows), limit, |epoch: &Epoch| format!("{}.{}", epoch.epoch, epoch.project))))
}

/// One settlement with the views, the votes and every node's row.
#[utoipa::path(get, path = "/api/v1/epochs/{project}/{epoch}", tag = "projects",
    params(("project" = String, Path, description = "The project's address"), ("epoch" = i64, Path, description = "Its number")),
    responses((status = 200, body = EpochDetail), (status = 404, body = Problem)))]
pub async fn epoch(
    State(api): State<Api>,
    Path((project, epoch)): Path<(String, String)>,
) -> Result<Json<EpochDetail>, Problem> {
    let missing = || Problem::not_found(format!("epoch {epoch} of project {project} is not settled"));
    let number: i64 = epoch.parse().map_err(|_| missing())?;
    let row: Option<types::Json<EpochDetail>> = query_scalar(epoch!(
        ", COALESCE((SELECT jsonb_agg(to_jsonb(v) ORDER BY v.seq) FROM (SELECT seq, oracle, oracle_index, hashes, in_count, \
         closed, timestamp, signature FROM view_commit v WHERE v.epoch = e.epoch) v), '[]') AS views, \
         COALESCE((SELECT jsonb_agg(to_jsonb(v) ORDER BY v.seq) FROM (SELECT seq, oracle, oracle_index, revision, root, \
         total::text AS total, count, votes, approved, timestamp, signature FROM root_vote v \
         WHERE v.project = e.project AND v.epoch = e.epoch) v), '[]') AS votes, \
         COALESCE((SELECT jsonb_agg(to_jsonb(n) ORDER BY n.leaf_index) FROM (SELECT leaf_index, tenure, node, node_key, \
         counted, buckets, excused, uptime_bps, score_bps, points::text AS points FROM node_epoch n \
         WHERE n.project = e.project AND n.epoch = e.epoch ORDER BY leaf_index LIMIT 500) n), '[]') AS nodes",
        "WHERE e.project = $1 AND e.epoch = $2"
    ))
    .bind(&project)
    .bind(number)
    .fetch_optional(api.store.pool())
    .await?;
    row.map(|types::Json(detail)| Json(detail)).ok_or_else(missing)
}
