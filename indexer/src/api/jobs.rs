use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, one, plain};
use super::{Api, Problem};

/// A node that a job paid.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct JobNode {
    tenure: String,
    node: Option<String>,
    bond: String,
    amount: String,
}

/// One paid submission.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Job {
    address: String,
    index: i64,
    submitter: String,
    refund_account: String,
    stake: String,
    tip: String,
    fee_bps: i32,
    /// Replicas; 0 when the scheduler chooses.
    redundancy: i32,
    deadline: i64,
    descriptor_hash: String,
    /// `open`, `completed`, `failed`, `cancelled` or `expired`.
    state: String,
    created_at: i64,
    settled_at: Option<i64>,
    result_hash: Option<String>,
    outcome_hash: Option<String>,
    /// Why it failed: 1 image, 2 timeout, 3 no quorum, 4 descriptor, 5 no nodes; 0 when it did not.
    reason: Option<i32>,
    to_nodes: String,
    to_treasury: String,
    refunded: String,
    submit_signature: String,
    settle_signature: Option<String>,
    nodes: Vec<JobNode>,
}

/// An oracle's attestation.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct JobVote {
    seq: i64,
    oracle: String,
    oracle_index: i32,
    outcome_hash: String,
    votes: i32,
    reached: bool,
    timestamp: i64,
    signature: String,
}

/// A job with its attestations and what an oracle knows of its work.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    job: Job,
    votes: Vec<JobVote>,
    /// What the first oracle that answers says: `state`, `progress`, `results` with accuracy and loss. Null when none does.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    work: Option<Value>,
}

macro_rules! job {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT to_jsonb(r) FROM (SELECT j.address, j.idx AS index, j.submitter, j.refund_account, j.stake::text AS stake, \
             j.tip::text AS tip, j.fee_bps, j.redundancy, j.deadline, j.descriptor_hash, j.state, j.created_at, j.settled_at, \
             j.result_hash, j.outcome_hash, j.reason, j.to_nodes::text AS to_nodes, j.to_treasury::text AS to_treasury, \
             j.refunded::text AS refunded, j.submit_signature, j.settle_signature, \
             COALESCE((SELECT jsonb_agg(to_jsonb(x) ORDER BY x.tenure) FROM (SELECT k.tenure, t.node, k.bond, \
             k.amount::text AS amount FROM job_node k LEFT JOIN tenure t ON t.address = k.tenure WHERE k.job = j.address) x), \
             '[]') AS nodes",
            $columns,
            " FROM job j ",
            $rest,
            ") r"
        )
    };
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// `open`, `completed`, `failed`, `cancelled` or `expired`.
    state: Option<String>,
    /// Submitted by this wallet.
    submitter: Option<String>,
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = Page<Job>), (status = 400, body = Problem)))]
pub async fn jobs(State(api): State<Api>, Params(query): Params<JobQuery>) -> Result<Json<Page<Job>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [index] = page.key::<1>()?.unwrap_or(["9223372036854775807"]);
    let rows = query_scalar(job!(
        "",
        "WHERE j.idx < $1 AND ($2::text IS NULL OR j.state = $2) AND ($3::text IS NULL OR j.submitter = $3) \
         ORDER BY j.idx DESC LIMIT $4"
    ))
    .bind(page.number(index)?)
    .bind(query.state)
    .bind(query.submitter)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    Ok(Json(Page::new(plain(rows), limit, |job: &Job| job.index.to_string())))
}

/// One job, its attestations, and what an oracle knows of its work.
#[utoipa::path(get, path = "/api/v1/jobs/{job}", tag = "jobs",
    params(("job" = String, Path, description = "Its address")),
    responses((status = 200, body = JobDetail), (status = 404, body = Problem)))]
pub async fn job(State(api): State<Api>, Path(address): Path<String>) -> Result<Json<JobDetail>, Problem> {
    let sql = job!(
        ", COALESCE((SELECT jsonb_agg(to_jsonb(v) ORDER BY v.seq) FROM (SELECT seq, oracle, oracle_index, outcome_hash, votes, \
         reached, timestamp, signature FROM job_vote v WHERE v.job = j.address) v), '[]') AS votes",
        "WHERE j.address = $1"
    );
    let mut found: JobDetail = one(api.store.pool(), sql, &address)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no job {address}")))?;
    found.work = api.datasets.live_job(&found.job.address).await;
    Ok(Json(found))
}
