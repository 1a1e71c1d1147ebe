//! What everyone agrees on and nobody may re-implement: wire frames and their signing bytes, the Merkle tree,
//! points, uptime and split maths.
//!
//! Pure: no I/O, no clock, no async. Without the `host` feature only what a program on chain needs is built
//! ([`hash`], [`units`], [`merkle`], [`split`], [`points`], [`votes`]); `host` adds signatures, frames and files.
//! The byte layouts are written down in `docs/wire.md`; `vectors/` holds examples that every implementation tests.
#![deny(missing_docs)]

pub mod hash;
pub mod merkle;
mod par;
pub mod points;
pub mod split;
pub mod units;
pub mod votes;

#[cfg(feature = "host")]
pub mod answer;
#[cfg(feature = "host")]
pub mod assignment;
#[cfg(feature = "host")]
pub mod bitmap;
#[cfg(feature = "host")]
pub mod canonical_json;
#[cfg(feature = "host")]
pub mod counting;
#[cfg(feature = "host")]
pub mod dataset;
#[cfg(feature = "host")]
pub mod export;
#[cfg(feature = "host")]
pub mod heartbeat;
#[cfg(feature = "host")]
pub mod job;
#[cfg(feature = "host")]
pub mod leaves;
#[cfg(feature = "host")]
pub mod ledger;
#[cfg(feature = "host")]
pub mod membership;
#[cfg(feature = "host")]
pub mod reason;
#[cfg(feature = "host")]
pub mod receipt;
#[cfg(feature = "host")]
pub mod request;
#[cfg(feature = "host")]
pub mod result;
#[cfg(feature = "host")]
pub mod scores;
#[cfg(feature = "host")]
pub mod sig;
#[cfg(feature = "host")]
pub mod tlog;
#[cfg(feature = "host")]
pub mod uptime;
#[cfg(feature = "host")]
pub mod view;
#[cfg(feature = "host")]
pub mod wire;

pub use hash::{Hash, hashv};
