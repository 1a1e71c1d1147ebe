//! Asking the other oracles for files. What comes back is checked by the caller: by signature, hash or root.

use crate::context::OracleContext;
use crate::registry::OraclePeer;

/// The bytes at a peer's path; none if it does not have them. At most `bytes_max`.
pub async fn get(ctx: &OracleContext, peer: &OraclePeer, path: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let url = format!("{}{path}", peer.url);
    let mut response = match ctx.http.get(&url).send().await {
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
