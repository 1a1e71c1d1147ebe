//! The jobs part of the oracle's HTTP API, under `/api/v1`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use muster_protocol::assignment::Assignment;
use muster_protocol::reason::Reason;
use muster_protocol::request;
use muster_protocol::result::{LOG_LEN_MAX, PROGRESS_LEN, Progress, RESULT_LEN, TaskResult};
use muster_protocol::wire::Frame;
use muster_protocol::{assignment, job};
use serde::Deserialize;
use serde_json::{Value, json};

use super::archives::{self, ARCHIVE_BYTES_MAX};
use super::core::{Accepted, JobState, Key, Refusal, Source, Standing};
use super::problem::Problem;
use super::{Evidence, Jobs, TakeError, chain, peers, view};
use crate::http::problem;

/// Jobs of one page.
const PAGE_MAX: u32 = 200;
const PAGE_DEFAULT: u32 = 50;
/// Tasks of one answer: a node has one at a time, plus what it just finished.
const TASKS_MAX: usize = 16;

type Shared = State<Arc<Jobs>>;

/// All routes, with their body limits. More requests than allowed at a time are answered 503.
pub fn router(jobs: Arc<Jobs>) -> Router {
    let limit = DefaultBodyLimit::max;
    Router::new()
        .route("/api/v1/jobs", get(list))
        .route("/api/v1/jobs/{job}", get(one))
        .route("/api/v1/jobs/{job}/evidence", get(evidence))
        .route("/api/v1/jobs/{job}/descriptor", get(descriptor).put(put_descriptor).layer(limit(job::MAX_LEN)))
        .route("/api/v1/tasks", get(tasks))
        .route("/api/v1/assignments", post(post_assignment).layer(limit(assignment::MAX_LEN)))
        .route("/api/v1/results", post(post_result).layer(limit(RESULT_LEN)))
        .route("/api/v1/progress", post(post_progress).layer(limit(PROGRESS_LEN)))
        .route("/api/v1/results/{hash}/archive", get(archive).put(put_archive).layer(limit(ARCHIVE_BYTES_MAX)))
        .route("/api/v1/results/{hash}/log", get(log).put(put_log).layer(limit(LOG_LEN_MAX)))
        .layer(middleware::from_fn_with_state(jobs.clone(), admit))
        .with_state(jobs)
}

/// Counts what carries evidence, and sheds what is too much at a time. A request that fails before its handler (a body
/// too large) is counted too.
async fn admit(State(jobs): Shared, request: Request, next: Next) -> Response {
    let counted = !request.method().is_safe();
    if counted {
        jobs.counters.received();
    }
    let Ok(_permit) = jobs.requests.try_acquire() else {
        if counted {
            jobs.counters.shed();
        }
        return Problem::busy("the oracle has too many requests in work").into_response();
    };
    let response = next.run(request).await;
    if counted {
        if response.status().is_success() {
            jobs.counters.accepted();
        } else if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            jobs.counters.shed();
        } else {
            let reason = response.extensions().get::<Reason>().copied();
            let by_status = match response.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Reason::TooLarge,
                _ => Reason::Malformed,
            };
            jobs.counters.rejected(reason.unwrap_or(by_status));
        }
    }
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && response.extensions().get::<Reason>().is_none() {
        let detail = "the body is larger than this address takes";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge, detail).into_response();
    }
    response
}

fn parse_key(text: &str) -> Result<Key, Problem> {
    Ok(problem::address(text, "the job")?)
}

fn parse_hash(text: &str) -> Result<[u8; 32], Problem> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|_| Problem::bad_request("the hash must be 64 hex digits"))?;
    Ok(hash)
}

#[derive(Debug, Deserialize)]
struct Page {
    /// Jobs below this index; the newest first.
    before: Option<u64>,
    limit: Option<u32>,
}

async fn list(State(jobs): Shared, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let before = page.before.unwrap_or(u64::MAX);
    let states = jobs.store.jobs_before(before, limit).await?;
    let full = states.len() == limit as usize;
    let next = states.last().filter(|_| full).map(|state| state.chain.index);
    let rows: Vec<Value> = states.iter().map(view::summary).collect();
    Ok(Json(json!({"jobs": rows, "next_before": next})))
}

/// The job as the core has it, else as it was when it was settled.
async fn state(jobs: &Jobs, key: &Key) -> Result<JobState, Problem> {
    let open = jobs.core.lock().await.jobs.get(key).cloned();
    if let Some(state) = open {
        return Ok(state);
    }
    let stored = jobs.store.job(key).await?;
    stored.ok_or_else(|| Problem::not_found("there is no such job, or it is not confirmed yet"))
}

async fn one(State(jobs): Shared, Path(job): Path<String>) -> Result<Json<Value>, Problem> {
    let state = state(&jobs, &parse_key(&job)?).await?;
    let core = jobs.core.lock().await;
    Ok(Json(view::detail(&state, &core, jobs.ctx.now_ms())))
}

async fn evidence(State(jobs): Shared, Path(job): Path<String>) -> Result<Response, Problem> {
    let state = state(&jobs, &parse_key(&job)?).await?;
    Ok(Json(view::evidence(&state)).into_response())
}

async fn descriptor(State(jobs): Shared, Path(job): Path<String>) -> Result<Response, Problem> {
    let state = state(&jobs, &parse_key(&job)?).await?;
    let descriptor = state.descriptor.ok_or_else(|| Problem::not_found("the job's descriptor has not come yet"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], descriptor.bytes).into_response())
}

async fn put_descriptor(State(jobs): Shared, Path(job): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    let key = parse_key(&job)?;
    let mut taken = jobs.take(Evidence::Descriptor(&key, &body)).await;
    if matches!(taken, Err(TakeError::Refused(Refusal::UnknownJob))) && look_up(&jobs, &key).await {
        taken = jobs.take(Evidence::Descriptor(&key, &body)).await;
    }
    match taken? {
        Accepted::Descriptor(_, descriptor) => match descriptor.parsed {
            Ok(_) => Ok(accepted()),
            // It is the one that was paid for, so everybody must know it to refund it.
            Err(why) => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                Reason::Malformed,
                format!("{why}; nobody can run it, so the job fails and is refunded"),
            )),
        },
        _ => Ok(known()),
    }
}

/// A job that was submitted a moment ago: the poll has not seen it. Few at a time, so that nobody makes this oracle
/// hammer its RPC node.
async fn look_up(jobs: &Jobs, key: &Key) -> bool {
    match jobs.lookups.try_acquire() {
        Ok(_permit) => chain::refresh_job(jobs, key).await,
        Err(_) => false,
    }
}

fn accepted() -> Json<Value> {
    Json(json!({"status": "accepted"}))
}

fn known() -> Json<Value> {
    Json(json!({"status": "known"}))
}

fn answer(taken: &Accepted) -> Json<Value> {
    match taken {
        Accepted::Known => known(),
        _ => accepted(),
    }
}

async fn post_assignment(State(jobs): Shared, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut taken = jobs.take(Evidence::Assignment(&body)).await;
    let refusal = match &taken {
        Err(TakeError::Refused(refusal)) => Some(refusal.clone()),
        _ => None,
    };
    // An oracle that is ahead of this one: its job or descriptor can be had.
    if let Some(Refusal::UnknownJob | Refusal::NoDescriptor) = refusal
        && let Ok(claimed) = Assignment::decode_verified(&jobs.ctx.domain, &body)
        && jobs.core.lock().await.set.position(&claimed.oracle_key).is_some()
    {
        if refusal == Some(Refusal::UnknownJob) {
            look_up(&jobs, &claimed.job).await;
        }
        peers::pull(&jobs, &claimed.job).await;
        taken = jobs.take(Evidence::Assignment(&body)).await;
    }
    Ok(answer(&taken?))
}

async fn post_result(State(jobs): Shared, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut taken = jobs.take(Evidence::Result(&body, Source::Node)).await;
    if unknown_assignment(&taken)
        && let Ok(claimed) = TaskResult::decode_verified(&jobs.ctx.domain, &body)
        && is_node(&jobs, &claimed.node_key)
    {
        peers::pull(&jobs, &claimed.job).await;
        taken = jobs.take(Evidence::Result(&body, Source::Node)).await;
    }
    settled_or_unknown(&jobs, &taken, TaskResult::decode(&jobs.ctx.domain, &body).ok().map(|(body, _)| body.job))
        .await?;
    match taken? {
        // Kept as proof, but the node is told what it did.
        Accepted::Result(_, true) => Err(Refusal::Conflict.into()),
        taken => Ok(answer(&taken)),
    }
}

async fn post_progress(State(jobs): Shared, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut taken = jobs.take(Evidence::Progress(&body, Source::Node)).await;
    if unknown_assignment(&taken)
        && let Ok(claimed) = Progress::decode_verified(&jobs.ctx.domain, &body)
        && is_node(&jobs, &claimed.node_key)
    {
        peers::pull(&jobs, &claimed.job).await;
        taken = jobs.take(Evidence::Progress(&body, Source::Node)).await;
    }
    settled_or_unknown(&jobs, &taken, Progress::decode(&jobs.ctx.domain, &body).ok().map(|(body, _)| body.job)).await?;
    Ok(answer(&taken?))
}

/// A job that is over and one that is still to be seen are both not open here; only for the second one the node is to
/// try again.
async fn settled_or_unknown(jobs: &Jobs, taken: &Result<Accepted, TakeError>, job: Option<Key>) -> Result<(), Problem> {
    if let (Err(TakeError::Refused(Refusal::UnknownJob)), Some(job)) = (taken, job)
        && jobs.store.is_settled(&job).await?
    {
        return Err(Refusal::Settled.into());
    }
    Ok(())
}

fn unknown_assignment(taken: &Result<Accepted, TakeError>) -> bool {
    matches!(taken, Err(TakeError::Refused(Refusal::UnknownAssignment)))
}

fn is_node(jobs: &Jobs, node_key: &Key) -> bool {
    jobs.ctx.registry().nodes.contains_key(node_key)
}

/// The tasks of the node that signed the request.
async fn tasks(State(jobs): Shared, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let refused = |reason, detail: String| Problem::new(StatusCode::UNAUTHORIZED, reason, detail);
    let value = headers.get(request::HEADER).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| {
        let detail = "the header muster-signature is missing: a node signs this request by its key";
        refused(Reason::Malformed, detail.to_owned())
    })?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let now_ms = jobs.ctx.now_ms();
    let target = request::Target { method: "GET", path: target, body: b"" };
    let signed = request::verify(&jobs.ctx.domain, value, now_ms, &target).map_err(|error| {
        let reason = match error {
            request::RequestError::Age { .. } => Reason::ClockSkew,
            request::RequestError::Format(_) => Reason::Malformed,
            request::RequestError::Signature(_) => Reason::BadSignature,
        };
        refused(reason, error.to_string())
    })?;
    // Asking twice is harmless: nothing is kept of the request.
    let key = signed.key;
    if !is_node(&jobs, &key) {
        let detail = "the key that signed is not an accepted node's".to_owned();
        return Err(Problem::new(StatusCode::FORBIDDEN, Reason::UnknownNode, detail));
    }
    let core = jobs.core.lock().await;
    let mut rows = Vec::new();
    for state in core.jobs.values() {
        let Some(descriptor) = &state.descriptor else {
            continue;
        };
        for assigned in state.assignments.values() {
            if assigned.signed.body.assignee(&key).is_none() {
                continue;
            }
            let report = assigned.reports.get(&key);
            let result_seen = report.is_some_and(|report| !report.results.is_empty());
            let live = state.standing(assigned, now_ms) == Standing::Live;
            let cancelled = state.chain.cancel_at != 0;
            if live || result_seen {
                let order = (result_seen, assigned.signed.body.assigned_at_ms);
                let row = json!({
                    "assignment": hex::encode(&assigned.signed.frame),
                    "descriptor": BASE64_STANDARD.encode(&descriptor.bytes),
                    "result_seen": result_seen,
                    "cancelled": cancelled,
                });
                rows.push((order, row));
            }
        }
    }
    rows.sort_by_key(|(order, _)| *order);
    let rows: Vec<Value> = rows.into_iter().take(TASKS_MAX).map(|(_, row)| row).collect();
    Ok(Json(rows.into()))
}

async fn archive(State(jobs): Shared, Path(hash): Path<String>) -> Result<Response, Problem> {
    let bytes = archives::get(&jobs, &parse_hash(&hash)?).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], bytes).into_response())
}

async fn put_archive(State(jobs): Shared, Path(hash): Path<String>, request: Request) -> Result<Json<Value>, Problem> {
    take_file(&jobs, &hash, request, ARCHIVE_BYTES_MAX).await
}

/// Bytes as the task wrote them, which need not be text.
async fn log(State(jobs): Shared, Path(hash): Path<String>) -> Result<Response, Problem> {
    let bytes = archives::get(&jobs, &parse_hash(&hash)?).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

async fn put_log(State(jobs): Shared, Path(hash): Path<String>, request: Request) -> Result<Json<Value>, Problem> {
    take_file(&jobs, &hash, request, LOG_LEN_MAX).await
}

/// A file that an accepted result names.
async fn take_file(jobs: &Jobs, hash: &str, request: Request, bytes_max: usize) -> Result<Json<Value>, Problem> {
    let hash = parse_hash(hash)?;
    // Before the body is read into memory.
    let _permit =
        jobs.archive_writes.try_acquire().map_err(|_| Problem::busy("too many files come at a time, try again"))?;
    let too_large = |_| {
        let detail = format!("the file did not come whole, or has more than {bytes_max} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge, detail)
    };
    let bytes = axum::body::to_bytes(request.into_body(), bytes_max).await.map_err(too_large)?;
    archives::put(jobs, &hash, &bytes).await?;
    Ok(accepted())
}
