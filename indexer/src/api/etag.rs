//! ETag on reads: the hash of the answer. A poller that has it gets 304 and no body.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muster_client::events::hex;
use muster_protocol::hashv;

/// Answers are pages of bounded size; a larger one goes without.
const BYTES_MAX: usize = 4 * 1024 * 1024;

pub async fn etag(request: Request, next: Next) -> Response {
    let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
    let is_read = request.method() == Method::GET;
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = format!("\"{}\"", hex(&hashv(&[&bytes])[..16]));
    let Ok(value) = HeaderValue::from_str(&tag) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.insert(header::ETAG, value.clone());
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if asked.is_some_and(|asked| matches(&asked, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::from(Bytes::new()));
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn matches(asked: &HeaderValue, tag: &str) -> bool {
    asked
        .to_str()
        .is_ok_and(|list| list.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*"))
}
