//! The ledger's blocks, as the chain's events have them.

use futures_util::{StreamExt, TryStreamExt, stream};
use muster_network::state::Distribution;
use muster_protocol::ledger::{Block, Tail};
use solana_sdk::pubkey::Pubkey;

use super::{Chain, ChainError, Slots};
use crate::{
    addresses,
    events::Event,
    ledger::{self, LedgerError, Settled},
    transactions,
};

/// Transactions that one call lists at most.
const LISTED_MAX: usize = 10_000;
const FETCHES_AT_ONCE: usize = 8;
/// Epochs that one call looks back at most.
const EPOCHS_BACK_MAX: u64 = 4_096;

impl Chain {
    /// The events of the transactions that touch an address from a slot on, and the last slot that is complete.
    async fn events_touching(&self, address: &Pubkey, from: u64) -> Result<(Vec<Event>, u64), ChainError> {
        let head = self.slot(self.commitment).await?;
        if from > head {
            return Ok((Vec::new(), head));
        }
        let slots = Slots { from, to: head, commitment: self.commitment };
        let listing = self.transactions_of(address, slots, LISTED_MAX).await?;
        let mut fetched = stream::iter(listing.found)
            .map(|found| async move { self.transaction_of(&found, self.commitment).await })
            .buffered(FETCHES_AT_ONCE);
        let mut events = Vec::new();
        while let Some(transaction) = fetched.try_next().await? {
            let decoded = transactions::decode(&transaction).map_err(|error| unread(error.to_string()))?;
            events.extend(decoded.into_iter().map(|found| found.event));
        }
        Ok((events, listing.complete_to))
    }

    /// The blocks of jobs after `tail`, out of the slots from `from` on; and the slot to go on from.
    pub async fn job_blocks(&self, tail: Tail, from: u64) -> Result<(Vec<Block>, u64), ChainError> {
        let (events, complete_to) = self.events_touching(&addresses::jobs_config(), from).await?;
        Ok((ledger::job_blocks(tail, &events).map_err(wrong)?, complete_to + 1))
    }

    /// The blocks of a project's settlements after `tail`, up to what `distribution` says of it.
    pub async fn settlement_blocks(
        &self,
        project: &Pubkey,
        distribution: &Distribution,
        tail: Tail,
        epoch_len: u64,
    ) -> Result<Vec<Block>, ChainError> {
        let newest = distribution.roots[0];
        let mut found: Vec<Settled> = Vec::new();
        let mut epoch = newest.epoch;
        // Back to what is known: from the newest epoch, for only a few are missing.
        for _ in 0..EPOCHS_BACK_MAX {
            let address = addresses::epoch(project, epoch);
            let (events, _) = self.events_touching(&address, 0).await?;
            found.splice(0..0, ledger::settled(project, events));
            let is_joined = found.iter().any(|settled| settled.head == tail.hash)
                || found.first().is_some_and(|settled| ledger::follows(&tail, settled));
            if is_joined || epoch == 0 {
                break;
            }
            epoch -= 1;
        }
        ledger::settlement_blocks(tail, &found, epoch_len).map_err(wrong)
    }
}

fn wrong(error: LedgerError) -> ChainError {
    unread(error.to_string())
}

fn unread(why: String) -> ChainError {
    ChainError::Answer { what: "read the ledger".to_owned(), why }
}
