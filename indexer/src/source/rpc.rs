//! Polling an RPC node for what touches either program.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use muster_client::chain::{Chain, ChainError, Slots};
use muster_client::transactions::ChainTransaction;
use muster_client::{muster_jobs, muster_network};
use solana_commitment_config::CommitmentConfig;

use super::{Found, Listing, Source, SourceError};

const FETCHES_AT_ONCE: usize = 8;

/// See the module.
pub struct RpcSource {
    chain: Chain,
    commitment: CommitmentConfig,
    /// Most transactions that one listing keeps: the oldest ones.
    listed_max: usize,
}

impl RpcSource {
    /// A listing of more than 100,000 transactions is given in parts, oldest first.
    pub fn new(chain: Chain, commitment: CommitmentConfig) -> Self {
        Self { chain, commitment, listed_max: 100_000 }
    }
}

impl From<ChainError> for SourceError {
    fn from(error: ChainError) -> Self {
        Self(error.to_string())
    }
}

impl Source for RpcSource {
    async fn head(&self) -> Result<u64, SourceError> {
        Ok(self.chain.slot(self.commitment).await?)
    }

    async fn list(&self, from: u64, to: u64) -> Result<Listing, SourceError> {
        let slots = Slots { from, to, commitment: self.commitment };
        let network = self.chain.transactions_of(&muster_network::ID, slots, self.listed_max).await?;
        let slots = Slots { to: network.complete_to, ..slots };
        let jobs = self.chain.transactions_of(&muster_jobs::ID, slots, self.listed_max).await?;
        let complete_to = network.complete_to.min(jobs.complete_to);
        let all: BTreeSet<Found> = network.found.into_iter().chain(jobs.found).collect();
        let found = all.into_iter().filter(|entry| entry.slot <= complete_to).collect();
        Ok(Listing { found, complete_to })
    }

    async fn fetch(&self, found: &[Found]) -> Result<Vec<ChainTransaction>, SourceError> {
        let wanted = found.to_vec();
        stream::iter(wanted)
            .map(|entry| async move { self.chain.transaction_of(&entry, self.commitment).await })
            .buffered(FETCHES_AT_ONCE)
            .err_into()
            .try_collect()
            .await
    }
}
