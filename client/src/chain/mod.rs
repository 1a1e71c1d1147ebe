//! An RPC node, with time-outs and bounded retries. A failed call is an error and never "absent"; absent is
//! `Ok(None)`.

mod error;
mod fetch;
mod follow;
mod ledger;
mod send;
mod simulate;
mod token;
mod transactions;

use std::{future::Future, sync::Arc, time::Duration};

use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::client_error::{Error as ClientError, ErrorKind};
use solana_rpc_client_api::request::RpcError;

pub use error::ChainError;
pub use follow::Followed;
pub use send::{SendOptions, Sent, TransactionInfo};
pub use simulate::Simulated;
pub use token::{Mint, TokenAccount};
pub use transactions::{Found, Listing, Slots};

/// One request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts of one read.
const ATTEMPTS_MAX: u32 = 5;
/// Wait before the second attempt; doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);

/// Typed access to one RPC node; cheap to clone.
#[derive(Clone)]
pub struct Chain {
    rpc: Arc<RpcClient>,
    commitment: CommitmentConfig,
    /// Accounts are read by nodes that have reached this slot.
    min_slot: Option<u64>,
}

impl Chain {
    /// Reads and confirms at `confirmed`.
    pub fn new(url: &str) -> Self {
        Self::with_commitment(url, CommitmentConfig::confirmed())
    }

    /// Reads at `commitment`; sending still confirms at `confirmed`.
    pub fn with_commitment(url: &str, commitment: CommitmentConfig) -> Self {
        let rpc = RpcClient::new_with_timeout_and_commitment(url.to_owned(), REQUEST_TIMEOUT, commitment);
        Self { rpc: Arc::new(rpc), commitment, min_slot: None }
    }

    /// The same access, whose reads of accounts are answered as of this slot or later: behind one address several nodes
    /// may answer, and one that lags would contradict what another said before. A node that has not reached it is an
    /// error.
    pub fn at_least(&self, slot: u64) -> Self {
        Self { min_slot: Some(slot), ..self.clone() }
    }

    /// The client underneath, for calls that have no wrapper here.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// The node's address.
    pub fn url(&self) -> String {
        self.rpc.url()
    }

    /// Calls `request` up to five times while the failure is the transport's or the node's momentary one. `what`
    /// completes "could not ...".
    pub async fn retry<T, F>(&self, what: &str, request: impl Fn() -> F) -> Result<T, ChainError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut wait = BACKOFF_FIRST;
        let mut attempt = 1;
        loop {
            match request().await {
                Ok(value) => return Ok(value),
                Err(error) if attempt < ATTEMPTS_MAX && is_transient(&error) => {
                    tracing::debug!(what, attempt, %error, "RPC call failed, trying again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    attempt += 1;
                }
                Err(source) => return Err(ChainError::rpc(what, source)),
            }
        }
    }
}

/// Whether the same call may succeed a moment later.
fn is_transient(error: &ClientError) -> bool {
    match error.kind() {
        ErrorKind::Io(_) | ErrorKind::Reqwest(_) => true,
        ErrorKind::RpcError(RpcError::RpcRequestError(_)) => true,
        // Node unhealthy, block not available yet, minimum slot not reached, too many requests.
        ErrorKind::RpcError(RpcError::RpcResponseError { code, .. }) => {
            matches!(code, -32005 | -32004 | -32014 | -32016 | 429)
        }
        _ => false,
    }
}
