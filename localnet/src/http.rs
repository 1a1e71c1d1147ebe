//! GET of what the services serve on loopback.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Largest body that is read: a view, a dataset or a leaf file of a demo is a few kilobytes.
const BODY_MAX: usize = 64 << 20;

/// A client with time-outs.
#[derive(Clone)]
pub struct Http(reqwest::Client);

impl Http {
    /// No proxy: all of it is on this machine.
    pub fn new() -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        Ok(Self(client))
    }

    /// The body, or `None` for a 404.
    pub async fn bytes(&self, url: &str) -> Result<Option<Vec<u8>>> {
        let answer = self.0.get(url).send().await.with_context(|| format!("GET {url}"))?;
        let status = answer.status();
        let body = answer.bytes().await.with_context(|| format!("GET {url}"))?;
        if status == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            bail!(
                "GET {url} answered {status}: {}",
                String::from_utf8_lossy(&body).chars().take(300).collect::<String>()
            );
        }
        if body.len() > BODY_MAX {
            bail!("GET {url} answered {} bytes", body.len());
        }
        Ok(Some(body.to_vec()))
    }

    /// The body as JSON, or `None` for a 404.
    pub async fn json(&self, url: &str) -> Result<Option<Value>> {
        match self.bytes(url).await? {
            None => Ok(None),
            Some(body) => {
                Ok(Some(serde_json::from_slice(&body).with_context(|| format!("GET {url} answered no JSON"))?))
            }
        }
    }

    /// The JSON answer to a JSON body; `None` for a 404: the service may not know it yet.
    pub async fn post(&self, url: &str, body: &Value) -> Result<Option<Value>> {
        let answer = self.0.post(url).json(body).send().await.with_context(|| format!("POST {url}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("POST {url}"))?;
        if status == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            bail!("POST {url} answered {status}: {}", text.chars().take(300).collect::<String>());
        }
        Ok(Some(serde_json::from_str(&text).with_context(|| format!("POST {url} answered no JSON"))?))
    }
}
