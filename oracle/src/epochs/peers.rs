//! Asking the other oracles for files. What comes back is checked by the caller: by signature, hash or root.

use futures_util::future::BoxFuture;

use crate::context::OracleContext;
use crate::registry::OraclePeer;

/// The way to the other oracles: HTTP, or the simulator's network.
pub trait Peers: Send + Sync + 'static {
    /// The bytes at a peer's path; none if it does not have them or does not answer. At most `bytes_max`.
    fn get<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes_max: usize) -> BoxFuture<'a, Option<Vec<u8>>>;
    /// Whether a peer took bytes at a path.
    fn put<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, bool>;
}

/// HTTP.
pub struct HttpPeers(pub reqwest::Client);

impl HttpPeers {
    async fn fetch(&self, url: &str, bytes_max: usize) -> Option<Vec<u8>> {
        let mut response = match self.0.get(url).send().await {
            Ok(response) if response.status().is_success() => response,
            Ok(response) => {
                tracing::debug!(%url, status = response.status().as_u16(), "a peer does not have it");
                return None;
            }
            Err(error) => {
                tracing::debug!(%url, %error, "a peer does not answer");
                return None;
            }
        };
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= bytes_max => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    tracing::warn!(%url, bytes_max, "a peer's answer is larger than allowed");
                    return None;
                }
                Ok(None) => return Some(bytes),
                Err(error) => {
                    tracing::debug!(%url, %error, "a peer's answer broke off");
                    return None;
                }
            }
        }
    }
}

impl Peers for HttpPeers {
    fn get<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes_max: usize) -> BoxFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.fetch(&format!("{}{path}", peer.url), bytes_max).await })
    }

    fn put<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let url = format!("{}{path}", peer.url);
            match self.0.put(&url).body(bytes.to_vec()).send().await {
                Ok(response) if response.status().is_success() => true,
                Ok(response) => {
                    let status = response.status().as_u16();
                    let answer = response.text().await.unwrap_or_default();
                    tracing::warn!(%url, status, answer, "a peer refused a file");
                    false
                }
                Err(error) => {
                    tracing::debug!(%url, %error, "a peer did not take a file");
                    false
                }
            }
        })
    }
}

/// The bytes at a peer's path; none if it does not have them. At most `bytes_max`.
pub async fn get(ctx: &OracleContext, peer: &OraclePeer, path: &str, bytes_max: usize) -> Option<Vec<u8>> {
    ctx.to_peers.get(peer, path, bytes_max).await
}

/// The first peer's answer that `good` takes.
pub async fn first<T>(
    ctx: &OracleContext,
    path: &str,
    bytes_max: usize,
    good: impl Fn(&[u8]) -> Option<T>,
) -> Option<(Vec<u8>, T)> {
    for peer in ctx.peers() {
        if let Some(bytes) = get(ctx, &peer, path, bytes_max).await
            && let Some(value) = good(&bytes)
        {
            return Some((bytes, value));
        }
    }
    None
}
