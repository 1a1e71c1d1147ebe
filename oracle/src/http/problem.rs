//! Errors as RFC 9457 problem details.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error that a caller sees.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// A code for programs, snake_case.
    pub reason: &'static str,
    /// A sentence for people.
    pub detail: String,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem without a time to try again.
    pub fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into(), retry_after_s: None }
    }

    /// 400.
    pub fn bad_request(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, detail)
    }

    /// 404.
    pub fn not_found(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, reason, detail)
    }

    /// 503 with a time to try again.
    pub fn unavailable(reason: &'static str, detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail) }
    }

    /// 500 for a disk that fails; the cause goes to the log.
    pub fn disk(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed on the data folder");
        let detail = "the oracle's data folder cannot be read or written";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "disk", detail)
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::disk(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "reason": self.reason,
            "detail": self.detail,
        }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// No such route.
pub async fn not_found() -> Problem {
    Problem::not_found("no_such_route", "there is nothing at this path")
}

/// A route that does not take this method.
pub async fn method_not_allowed() -> Problem {
    let detail = "the path does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// A base58 address out of a path or query.
pub fn address(text: &str, what: &str) -> Result<[u8; 32], Problem> {
    let mut bytes = [0; 32];
    match bs58::decode(text).onto(&mut bytes) {
        Ok(32) => Ok(bytes),
        _ => Err(Problem::bad_request("bad_address", format!("{what} is not a base58 address of 32 bytes"))),
    }
}

/// Bytes as they are.
pub fn bytes(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
}
