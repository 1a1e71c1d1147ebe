//! The oracles' HTTP API, as far as the commands need it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_protocol::{
    request::{self, Signed, Target},
    wire::Domain,
};
use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};
use solana_sdk::signature::{Keypair, Signer};

use crate::error::{CliError, failed, usage};

const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The most bytes of an answer that are kept.
const BODY_LEN_MAX: usize = 256 * 1024 * 1024;

/// One oracle.
#[derive(Clone)]
pub struct Oracle {
    pub url: String,
    client: Client,
}

/// An oracle's answer.
struct Answered {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Signs requests by a key.
pub struct RequestSigner<'a> {
    pub domain: Domain,
    pub key: &'a Keypair,
}

impl RequestSigner<'_> {
    /// The header's value for a request that is sent now.
    fn value(&self, method: &Method, path: &str, body: &[u8]) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let signed = Signed {
            key: self.key.pubkey().to_bytes(),
            signed_at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            nonce: rand::random(),
        };
        let target = Target { method: method.as_str(), path, body };
        let signature = self.key.sign_message(&request::signing_bytes(&self.domain, &signed, &target));
        request::value(&signed, signature.as_array())
    }
}

/// What an oracle says about a project's epoch.
#[derive(Debug, Clone, Deserialize)]
pub struct EpochState {
    pub state: String,
    #[serde(default)]
    pub why: Option<String>,
    #[serde(default)]
    pub dataset_hash: Option<String>,
    #[serde(default)]
    pub points_root: Option<String>,
    #[serde(default)]
    pub scores_hash: Option<String>,
}

/// A proof of what a tenure may claim.
#[derive(Debug, Clone, Deserialize)]
pub struct Proof {
    pub root: String,
    pub count: u32,
    pub index: u32,
    /// Base units.
    pub cumulative: String,
    pub proof: Vec<String>,
}

/// An RFC 9457 problem.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// Why an oracle did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    #[error("oracle {url} does not answer: {why}")]
    Unreachable { url: String, why: String },
    #[error("oracle {url} answered {status}{}", .why.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Refused { url: String, status: StatusCode, why: Option<String> },
    #[error("oracle {url} answered something else than was asked for: {why}")]
    Answer { url: String, why: String },
}

impl OracleError {
    /// Whether the same request may be taken a moment later: the oracle is away, busy, or has not seen the chain's
    /// newest state yet.
    pub fn is_momentary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 425 | 429)
            }
            Self::Answer { .. } => false,
        }
    }
}

impl From<OracleError> for CliError {
    fn from(error: OracleError) -> Self {
        failed(error.to_string())
    }
}

impl Oracle {
    /// An oracle by its base URL.
    pub fn new(url: &str) -> Result<Self, CliError> {
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(usage(format!("the oracle's address {url:?} is neither http:// nor https://")));
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| failed(format!("the HTTP client does not start: {error}")))?;
        Ok(Self { url, client })
    }

    /// A JSON resource; `None` on 404.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, OracleError> {
        let Some(bytes) = self.get_bytes(path).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| OracleError::Answer { url: self.url.clone(), why: error.to_string() })
    }

    /// A resource's bytes; `None` on 404.
    pub async fn get_bytes(&self, path: &str) -> Result<Option<Vec<u8>>, OracleError> {
        match self.call(Method::GET, path, None, &[]).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(OracleError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores bytes.
    pub async fn put(&self, path: &str, content_type: &'static str, body: Vec<u8>) -> Result<(), OracleError> {
        self.call(Method::PUT, path, Some((content_type, body)), &[]).await.map(|_| ())
    }

    /// A request that `signer` signs; JSON in and out.
    pub async fn signed<T: DeserializeOwned>(
        &self,
        signer: &RequestSigner<'_>,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, OracleError> {
        let value = signer.value(&method, path, &body);
        let body = (!body.is_empty()).then_some(("application/json", body));
        let answer = self.call(method, path, body, &[(request::HEADER, value)]).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| OracleError::Answer { url: self.url.clone(), why: error.to_string() })
    }

    /// A resource's bytes and one of its headers.
    pub async fn with_header(&self, path: &str, name: &str) -> Result<(Vec<u8>, Option<String>), OracleError> {
        let answer = self.call(Method::GET, path, None, &[]).await?;
        let header = answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((answer.body, header))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        headers: &[(&'static str, String)],
    ) -> Result<Answered, OracleError> {
        let unreachable = |error: reqwest::Error| OracleError::Unreachable {
            url: self.url.clone(),
            why: error.without_url().to_string(),
        };
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > BODY_LEN_MAX {
                return Err(OracleError::Answer {
                    url: self.url.clone(),
                    why: format!("more than {BODY_LEN_MAX} bytes"),
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answered { headers, body: bytes });
        }
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        let words = [problem.reason, problem.detail.or(problem.title)];
        let why: Vec<String> = words.into_iter().flatten().collect();
        Err(OracleError::Refused { url: self.url.clone(), status, why: (!why.is_empty()).then(|| why.join(": ")) })
    }
}
