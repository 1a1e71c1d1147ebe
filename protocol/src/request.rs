//! Signed HTTP requests: the header `muster-signature: base58key.timestamp_ms.hexnonce.hexsignature`.

use std::collections::{BTreeSet, HashSet};

use ed25519_dalek::{Signer, SigningKey};

use crate::hash::{Hash, hashv};
use crate::sig::{PublicKey, SigError};
use crate::wire::{Domain, kind, write_header};

/// Name of the HTTP header.
pub const HEADER: &str = "muster-signature";
/// A request older, or more ahead of the server's clock, than this is refused.
pub const MAX_AGE_MS: u64 = 30_000;
/// Longest header value: 44 characters of key, 20 of timestamp, 32 of nonce, 128 of signature and three dots.
pub const MAX_VALUE_LEN: usize = 227;
/// Makes two requests of one key, moment and content differ; random.
pub type Nonce = [u8; 16];

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not four parts, or one that does not decode.
    #[error("the muster-signature header is not base58key.timestamp_ms.hexnonce.hexsignature: {0} is wrong")]
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

/// A request whose signature is good. Whether the key may do it is the caller's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who signed.
    pub key: [u8; 32],
    /// When, by the signer's clock, Unix milliseconds.
    pub signed_at_ms: u64,
    /// See [`Nonce`].
    pub nonce: Nonce,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// In capitals.
    pub method: &'a str,
    /// With its query, as sent.
    pub path: &'a str,
    /// Empty if there is none.
    pub body: &'a [u8],
}

/// What is signed: common header (kind 8) | key | timestamp_ms u64 | nonce | `H(method || " " || path)` | `H(body)`.
pub fn signing_bytes(domain: &Domain, signed: &Signed, target: &Target<'_>) -> Vec<u8> {
    let asked: Hash = hashv(&[target.method.as_bytes(), b" ", target.path.as_bytes()]);
    let mut out = Vec::with_capacity(168);
    write_header(&mut out, domain, kind::REQUEST);
    out.extend_from_slice(&signed.key);
    out.extend_from_slice(&signed.signed_at_ms.to_le_bytes());
    out.extend_from_slice(&signed.nonce);
    out.extend_from_slice(&asked);
    out.extend_from_slice(&hashv(&[target.body]));
    out
}

/// The header's value for a request that is sent at `now_ms`.
pub fn sign(domain: &Domain, key: &SigningKey, now_ms: u64, nonce: Nonce, target: &Target<'_>) -> String {
    let signed = Signed { key: key.verifying_key().to_bytes(), signed_at_ms: now_ms, nonce };
    let signature = key.sign(&signing_bytes(domain, &signed, target)).to_bytes();
    value(&signed, &signature)
}

/// The header's value, for signers whose key is not here.
pub fn value(signed: &Signed, signature: &[u8; 64]) -> String {
    let (key, nonce) = (bs58::encode(signed.key).into_string(), hex::encode(signed.nonce));
    format!("{key}.{}.{nonce}.{}", signed.signed_at_ms, hex::encode(signature))
}

/// Checks a header's value at `now_ms`. The same request verifies again for as long as its time allows: what it does
/// must be harmless twice, or it goes through a [`ReplayGuard`].
pub fn verify(domain: &Domain, value: &str, now_ms: u64, target: &Target<'_>) -> Result<Signed, RequestError> {
    if value.len() > MAX_VALUE_LEN {
        return Err(RequestError::Format("the length"));
    }
    let parts: Vec<&str> = value.split('.').collect();
    let [key, timestamp, nonce, signature] = parts[..] else {
        return Err(RequestError::Format("the number of parts"));
    };
    let mut signed = Signed { key: [0; 32], signed_at_ms: 0, nonce: [0; 16] };
    if bs58::decode(key).onto(&mut signed.key) != Ok(32) {
        return Err(RequestError::Format("the key"));
    }
    signed.signed_at_ms = timestamp.parse().map_err(|_| RequestError::Format("the timestamp"))?;
    hex::decode_to_slice(nonce, &mut signed.nonce).map_err(|_| RequestError::Format("the nonce"))?;
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature, &mut bytes).map_err(|_| RequestError::Format("the signature"))?;
    if signed.signed_at_ms.abs_diff(now_ms) > MAX_AGE_MS {
        return Err(RequestError::Age { signed_at_ms: signed.signed_at_ms, now_ms });
    }
    PublicKey::from_bytes(&signed.key)?.verify(&signing_bytes(domain, &signed, target), &bytes)?;
    Ok(signed)
}

/// Why a good request is not taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It was taken before.
    #[error("this request was taken before: a request is good once")]
    Replayed,
    /// The guard began, or forgot, after it was signed, so nobody knows whether it was taken before.
    #[error("the request was signed before what this server remembers begins: sign it anew")]
    TooEarly,
    /// The guard remembers as many as it may.
    #[error("too many signed requests of the last minute are remembered: try again later")]
    Full,
}

/// Takes each signed request once. Bounded: it forgets what no clock would let through any more, and when it is full it
/// refuses what comes rather than forget what could come again. Feed it with keys that may do something, and no others.
#[derive(Debug)]
pub struct ReplayGuard {
    capacity: usize,
    not_before_ms: u64,
    taken: HashSet<([u8; 32], Nonce)>,
    /// The same, by when each may be forgotten.
    order: BTreeSet<(u64, [u8; 32], Nonce)>,
}

impl ReplayGuard {
    /// Remembers `capacity` requests; takes none that was signed before `not_before_ms`, the server's start.
    pub fn new(capacity: usize, not_before_ms: u64) -> Self {
        Self { capacity, not_before_ms, taken: HashSet::new(), order: BTreeSet::new() }
    }

    /// Takes a request whose signature [`verify`] found good at `now_ms`.
    pub fn take(&mut self, signed: &Signed, now_ms: u64) -> Result<(), ReplayError> {
        // What is forgotten below stays refused, also when the clock is set back.
        self.not_before_ms = self.not_before_ms.max(now_ms.saturating_sub(MAX_AGE_MS));
        if signed.signed_at_ms < self.not_before_ms {
            return Err(ReplayError::TooEarly);
        }
        while let Some(&(until_ms, key, nonce)) = self.order.first()
            && until_ms < now_ms
        {
            self.order.pop_first();
            self.taken.remove(&(key, nonce));
        }
        if self.taken.contains(&(signed.key, signed.nonce)) {
            return Err(ReplayError::Replayed);
        }
        if self.taken.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        self.taken.insert((signed.key, signed.nonce));
        self.order.insert((signed.signed_at_ms.saturating_add(MAX_AGE_MS), signed.key, signed.nonce));
        Ok(())
    }
}
