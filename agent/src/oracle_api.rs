//! The oracles' HTTP API as an agent uses it: every answer bounded in time and size, every refusal with its reason.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_protocol::request;
use muster_protocol::sig::SigningKey;
use muster_protocol::wire::Domain;
use reqwest::{Client, Method, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// The most bytes of a JSON answer or an [`muster_protocol::answer::Answer`].
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// The most bytes of a view.
const VIEW_BYTES_MAX: usize = 512 << 20;

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No answer, or one that breaks off.
    #[error("no answer: {0}")]
    Transport(String),
    /// A status that means no.
    #[error("HTTP {status}: {reason}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The problem's reason code or title, else the status' own name.
        reason: String,
        /// What the oracle asked to wait.
        retry_after_ms: Option<u64>,
    },
    /// An answer that is not what the contract says.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}

impl ApiError {
    /// What the oracle asked to wait, milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// RFC 9457, as far as it is needed here.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    reason: String,
    title: String,
    detail: String,
}

/// Answer of `GET /api/v1/tick`.
#[derive(Debug, Deserialize)]
pub struct Tick {
    /// The oracle's key, base58.
    pub oracle: String,
    /// The oracle's clock, Unix milliseconds.
    pub oracle_time_ms: u64,
    /// Hex of the newest signed batch receipt.
    pub batch: String,
}

/// Calls oracles; cheap to clone.
#[derive(Clone)]
pub struct OracleApi {
    client: Client,
}

impl OracleApi {
    /// Every call takes at most `timeout` unless it moves an archive.
    pub fn new(timeout: Duration) -> Result<Self, Failure> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(3)))
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .user_agent(concat!("muster-agent/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Failure::Local(format!("no HTTP client: {error}")))?;
        Ok(Self { client })
    }

    /// `GET`, as JSON.
    pub async fn json<T: DeserializeOwned>(&self, base: &str, path: &str) -> Result<T, ApiError> {
        let response = self.client.get(format!("{base}{path}")).send().await;
        from_json(&read(response.map_err(transport)?, ANSWER_BYTES_MAX).await?)
    }

    /// `GET /api/v1/views/{epoch}`; `None` until it is published.
    pub async fn view(&self, base: &str, epoch: u64) -> Result<Option<Vec<u8>>, ApiError> {
        let request = self.client.get(format!("{base}/api/v1/views/{epoch}"));
        let response = request.timeout(Duration::from_secs(60)).send().await.map_err(transport)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(response, VIEW_BYTES_MAX).await.map(Some)
    }

    /// `POST /api/v1/heartbeats`: the answer's bytes.
    pub async fn heartbeats(&self, base: &str, body: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let request = self.client.post(format!("{base}/api/v1/heartbeats"));
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(body);
        read(request.send().await.map_err(transport)?, ANSWER_BYTES_MAX).await
    }

    /// A signed request without or with a body; gives the answer's bytes.
    pub async fn signed(
        &self,
        signer: &Signer<'_>,
        method: Method,
        base: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, ApiError> {
        let target = request::Target { method: method.as_str(), path, body: &body };
        let signature = request::sign(signer.domain, signer.key, signer.now_ms, rand::random(), &target);
        let mut request = self.client.request(method, format!("{base}{path}")).header(request::HEADER, signature);
        if !body.is_empty() {
            // An archive of 16 MiB over a thin line takes its time.
            let extra = Duration::from_millis(body.len() as u64 / 64);
            request = request.timeout(Duration::from_secs(10) + extra);
            request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(body);
        }
        read(request.send().await.map_err(transport)?, ANSWER_BYTES_MAX).await
    }

    /// [`OracleApi::signed`] `GET`, as JSON.
    pub async fn signed_json<T: DeserializeOwned>(
        &self,
        signer: &Signer<'_>,
        base: &str,
        path: &str,
    ) -> Result<T, ApiError> {
        from_json(&self.signed(signer, Method::GET, base, path, Vec::new()).await?)
    }
}

/// Who signs a request, and when, on the oracle's clock.
pub struct Signer<'a> {
    /// The network.
    pub domain: &'a Domain,
    /// The node key.
    pub key: &'a SigningKey,
    /// Unix milliseconds.
    pub now_ms: u64,
}

fn transport(error: reqwest::Error) -> ApiError {
    use std::error::Error;
    // reqwest's own text names the URL alone; the cause is what helps.
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    ApiError::Transport(if error.is_timeout() { "it took too long".into() } else { cause.to_string() })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| ApiError::Answer(error.to_string()))
}

async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ApiError> {
    let status = response.status();
    let retry_after_ms = retry_after_ms(&response);
    let limit = if status.is_success() { bytes_max } else { 64 * 1024 };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if bytes.len() + chunk.len() > limit {
            return Err(ApiError::Answer(format!("it has more than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(bytes);
    }
    let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
    let told = [problem.reason, problem.title, problem.detail].into_iter().find(|text| !text.is_empty());
    let reason = told.unwrap_or_else(|| status.canonical_reason().unwrap_or("refused").to_owned());
    Err(ApiError::Status { status: status.as_u16(), reason: reason.chars().take(200).collect(), retry_after_ms })
}

/// `Retry-After` in its form of seconds.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1000))
}

/// The machine's clock, Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
