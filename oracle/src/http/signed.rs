//! Signed requests: who asks, proven by a key, and each request once.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use muster_protocol::reason::Reason;
use muster_protocol::request::{self, ReplayError, ReplayGuard, RequestError, Signed, Target};

use super::App;
use super::addresses::caller;
use super::problem::Problem;

/// Requests of the last minute that are remembered.
const REQUESTS_MAX: usize = 65_536;
/// What a signature that is checked costs of an address's allowance, in frames.
const COST: u32 = 4;

/// Remembers which requests were taken.
pub struct Once(Mutex<ReplayGuard>);

impl Once {
    /// From the oracle's start on.
    pub fn new(started_at_ms: u64) -> Self {
        Self(Mutex::new(ReplayGuard::new(REQUESTS_MAX, started_at_ms)))
    }
}

/// A request as it came.
pub struct Asked<'a> {
    /// Whom it comes from.
    pub peer: SocketAddr,
    /// Its method.
    pub method: &'a Method,
    /// Its path and query.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

fn unauthorized(reason: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, reason, detail)
}

/// Who signed a request.
pub fn signer(app: &App, asked: &Asked<'_>) -> Result<Signed, Problem> {
    let value = asked.headers.get(request::HEADER).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| {
        unauthorized("not_signed", "the header muster-signature is missing: this request is signed; see docs/oracle.md")
    })?;
    let now_ms = app.ctx.now_ms();
    if let Some(address) = caller(asked.peer, asked.headers, app.ctx.settings.behind_proxy)
        && !app.addresses.take(address, COST, now_ms)
    {
        let detail = "this address asks more than an oracle checks for it; try again later";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, Reason::RateLimited.name(), detail);
        return Err(Problem { retry_after_s: Some(1), ..problem });
    }
    let path = asked.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = Target { method: asked.method.as_str(), path, body: asked.body };
    request::verify(&app.ctx.domain, value, now_ms, &target).map_err(|error| {
        let reason = match error {
            RequestError::Age { .. } => Reason::ClockSkew,
            RequestError::Format(_) => Reason::Malformed,
            RequestError::Signature(_) => Reason::BadSignature,
        };
        unauthorized(reason.name(), error.to_string())
    })
}

/// Takes a request of a key that may ask; a second time it is refused.
pub fn once(app: &App, signed: &Signed) -> Result<(), Problem> {
    let mut guard = app.once.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    guard.take(signed, app.ctx.now_ms()).map_err(|error| match error {
        ReplayError::Replayed => Problem::new(StatusCode::CONFLICT, "replayed", error.to_string()),
        ReplayError::TooEarly => unauthorized("signed_too_early", error.to_string()),
        ReplayError::Full => Problem::unavailable("busy", error.to_string(), 30),
    })
}

/// The key that signed may not do this.
pub fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}
