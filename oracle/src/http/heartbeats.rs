//! `POST /api/v1/heartbeats`: frames in, one verdict per frame out, after the fsync.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use muster_protocol::heartbeat::frames;
use muster_protocol::reason::Reason;

use super::addresses::caller;
use super::problem::{Problem, bytes};
use super::{App, HEARTBEATS_BYTES_MAX};
use crate::ingest::Reply;
use crate::ops::latency::observe;

/// Seconds after which a shed sender may try again.
const RETRY_AFTER_S: u32 = 1;
/// The same while the disk is full.
const DISK_RETRY_AFTER_S: u32 = 10;

/// The body: frames, each u16 length and bytes, at most 256 and 256 KiB. 200 with an `Answer`; 400 if the body is no
/// list of frames, 413, 415, 429 with `Retry-After` when an address sends too much, 503 with it when the oracle sheds load.
pub async fn post_heartbeats(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind != Some("application/octet-stream") {
        app.ingest.core().count_refused_body(Reason::Malformed);
        let detail = "heartbeats are sent as application/octet-stream";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail));
    }
    let body = body.map_err(|rejection| refused(&app, &rejection))?;
    if let Some(why) = app.ingest.failure() {
        return Err(Problem::unavailable("log_failed", why, 30));
    }
    let received_at_ms = app.ctx.now_ms();
    if let Some(address) = caller(peer, &headers, app.ctx.settings.behind_proxy) {
        let count = frames(&body).count().max(1) as u32;
        if !app.addresses.take(address, count, received_at_ms) {
            app.ingest.core().count_refused_body(Reason::RateLimited);
            let detail = "this address sends more frames than an oracle checks for it; send them again later";
            return Err(Problem {
                retry_after_s: Some(RETRY_AFTER_S),
                ..Problem::new(StatusCode::TOO_MANY_REQUESTS, Reason::RateLimited.name(), detail)
            });
        }
    }
    let overloaded = || match app.ingest.disk_full() {
        Some(why) => Problem::unavailable("disk_full", why, DISK_RETRY_AFTER_S),
        None => {
            let detail = "this oracle sheds load; send the same frames again";
            Problem::unavailable(Reason::Overloaded.name(), detail, RETRY_AFTER_S)
        }
    };
    let whole = Instant::now();
    let reply = app.ingest.heartbeats(received_at_ms, body.to_vec());
    let reply = reply.map_err(|_| overloaded())?.await;
    observe(&app.ingest.latency().ack, whole);
    match reply {
        Ok(Reply::Answer(answer)) => match answer.encode() {
            Ok(answer) => Ok(bytes(answer)),
            Err(error) => Err(Problem::disk(error)),
        },
        Ok(Reply::Refused(Reason::TooLarge, detail)) => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge.name(), detail))
        }
        Ok(Reply::Refused(Reason::Overloaded, _)) => Err(overloaded()),
        Ok(Reply::Refused(reason, detail)) => Err(Problem::bad_request(reason.name(), detail)),
        Err(_) => Err(Problem::unavailable("stopping", "this oracle is stopping", 5)),
    }
}

fn refused(app: &App, rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        app.ingest.core().count_refused_body(Reason::TooLarge);
        let detail = format!("a body has at most {HEARTBEATS_BYTES_MAX} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge.name(), detail);
    }
    app.ingest.core().count_refused_body(Reason::Malformed);
    Problem::bad_request(Reason::Malformed.name(), rejection.body_text())
}
