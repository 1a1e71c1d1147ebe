//! Where transactions come from.

mod rpc;

use std::future::Future;

pub use muster_client::chain::{Found, Listing};
pub use rpc::RpcSource;

use crate::decode::ChainTransaction;

/// Why a source could not answer. It is asked again; nothing is ever skipped.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Reads both programs' transactions from the chain at one commitment.
pub trait Source: Send + Sync {
    /// The newest slot at the commitment.
    fn head(&self) -> impl Future<Output = Result<u64, SourceError>> + Send;

    /// The successful transactions of `from..=to` that touch either program.
    fn list(&self, from: u64, to: u64) -> impl Future<Output = Result<Listing, SourceError>> + Send;

    /// The transactions themselves, in the order asked for: all of them, or an error.
    fn fetch(&self, found: &[Found]) -> impl Future<Output = Result<Vec<ChainTransaction>, SourceError>> + Send;
}
