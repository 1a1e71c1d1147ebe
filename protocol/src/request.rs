//! Signed HTTP requests: the header `muster-signature: base58key.timestamp_ms.hexsignature`.

use ed25519_dalek::{Signer, SigningKey};

use crate::hash::{Hash, hashv};
use crate::sig::{PublicKey, SigError};
use crate::wire::{Domain, kind, write_header};

/// Name of the HTTP header.
pub const HEADER: &str = "muster-signature";
/// A request older, or more ahead of the server's clock, than this is refused.
pub const MAX_AGE_MS: u64 = 30_000;
/// Longest header value: 44 characters of key, 20 of timestamp, 128 of signature and two dots.
pub const MAX_VALUE_LEN: usize = 194;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not three parts, or one that does not decode.
    #[error("the muster-signature header is not base58key.timestamp_ms.hexsignature: {0} is wrong")]
    Format(&'static str),
    /// Too old or from the future.
    #[error("the request was signed at {signed_at_ms} ms, more than 30 s off the server's {now_ms} ms")]
    Age {
        /// What the header says.
        signed_at_ms: u64,
        /// The server's clock.
        now_ms: u64,
    },
    /// The key or the signature is refused.
    #[error(transparent)]
    Signature(#[from] SigError),
}

/// What is signed: common header (kind 8) | key | timestamp_ms u64 | `H(method || " " || path)` | `H(body)`. The method
/// in capitals; the path with its query, as sent.
pub fn signing_bytes(
    domain: &Domain,
    key: &[u8; 32],
    timestamp_ms: u64,
    method: &str,
    path: &str,
    body: &[u8],
) -> Vec<u8> {
    let target: Hash = hashv(&[method.as_bytes(), b" ", path.as_bytes()]);
    let mut out = Vec::with_capacity(152);
    write_header(&mut out, domain, kind::REQUEST);
    out.extend_from_slice(key);
    out.extend_from_slice(&timestamp_ms.to_le_bytes());
    out.extend_from_slice(&target);
    out.extend_from_slice(&hashv(&[body]));
    out
}

/// The header's value for a request that is sent at `now_ms`.
pub fn sign(domain: &Domain, key: &SigningKey, now_ms: u64, method: &str, path: &str, body: &[u8]) -> String {
    let public = key.verifying_key().to_bytes();
    let signature = key.sign(&signing_bytes(domain, &public, now_ms, method, path, body)).to_bytes();
    format!("{}.{now_ms}.{}", bs58::encode(public).into_string(), hex::encode(signature))
}

/// Checks a header's value at `now_ms` and gives the key that signed. Whether that key may do it is the caller's
/// question; within [`MAX_AGE_MS`] the same request verifies again, so what it does must be harmless twice.
pub fn verify(
    domain: &Domain,
    value: &str,
    now_ms: u64,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<[u8; 32], RequestError> {
    if value.len() > MAX_VALUE_LEN {
        return Err(RequestError::Format("the length"));
    }
    let mut parts = value.split('.');
    let (Some(key), Some(timestamp), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(RequestError::Format("the number of parts"));
    };
    let mut key_bytes = [0; 32];
    if bs58::decode(key).onto(&mut key_bytes) != Ok(32) {
        return Err(RequestError::Format("the key"));
    }
    let signed_at_ms: u64 = timestamp.parse().map_err(|_| RequestError::Format("the timestamp"))?;
    let mut signature_bytes = [0; 64];
    hex::decode_to_slice(signature, &mut signature_bytes).map_err(|_| RequestError::Format("the signature"))?;
    if signed_at_ms.abs_diff(now_ms) > MAX_AGE_MS {
        return Err(RequestError::Age { signed_at_ms, now_ms });
    }
    let signed = signing_bytes(domain, &key_bytes, signed_at_ms, method, path, body);
    PublicKey::from_bytes(&key_bytes)?.verify(&signed, &signature_bytes)?;
    Ok(key_bytes)
}
