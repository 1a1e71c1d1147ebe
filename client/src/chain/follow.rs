use std::sync::{Arc, RwLock, RwLockReadGuard};

use futures_util::{StreamExt, TryStreamExt, stream};
use solana_sdk::pubkey::Pubkey;

use super::{Chain, ChainError, Slots};
use crate::{
    events::Event,
    history::{History, OutOfOrder},
    transactions::{self, ChainTransaction},
};

/// Transactions that one call of [`Chain::follow`] lists at most.
const LISTED_MAX: usize = 10_000;
const FETCHES_AT_ONCE: usize = 8;

/// A project's history as far as it was read. Clones share it: it only grows, and it is asked about moments.
#[derive(Clone, Debug)]
pub struct Followed {
    history: Arc<RwLock<History>>,
    /// Every transaction of an earlier slot is in it.
    next_slot: u64,
}

impl Followed {
    /// Nothing was read yet.
    pub fn new(project: Pubkey) -> Self {
        History::new(project).into()
    }

    /// The history.
    pub fn history(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The first slot that was not read yet.
    pub fn next_slot(&self) -> u64 {
        self.next_slot
    }

    /// Takes the events of the slots from [`Followed::next_slot`] to `complete_to`, in whatever order and however often
    /// a node gave them. When one is missing, the next reading starts from the first slot again.
    pub fn take(&mut self, mut events: Vec<Event>, complete_to: u64) -> Result<(), OutOfOrder> {
        // Their own order, whatever the order of the transactions within a slot.
        events.sort_by_key(Event::seq);
        let taken = {
            let mut history = self.history.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            events.iter().try_for_each(|event| history.apply(event))
        };
        self.next_slot = if taken.is_ok() { complete_to + 1 } else { 0 };
        taken
    }
}

impl From<History> for Followed {
    fn from(history: History) -> Self {
        Self { history: Arc::new(RwLock::new(history)), next_slot: 0 }
    }
}

impl Chain {
    /// The whole history of a project, as of now.
    pub async fn history(&self, project: &Pubkey) -> Result<Followed, ChainError> {
        let mut followed = Followed::new(*project);
        while !self.follow(&mut followed).await? {}
        Ok(followed)
    }

    /// Reads on, up to the newest slot at this client's commitment; `false` when there was more than one call takes. The
    /// events' own numbers tell whether the node left something out: then an error says so, and the next call starts
    /// from the first slot again.
    pub async fn follow(&self, followed: &mut Followed) -> Result<bool, ChainError> {
        let project = *followed.history().project();
        let head = self.slot(self.commitment).await?;
        let slots = Slots { from: followed.next_slot, to: head, commitment: self.commitment };
        if slots.from > slots.to {
            return Ok(true);
        }
        let listing = self.transactions_of(&project, slots, LISTED_MAX).await?;
        let mut events: Vec<Event> = Vec::new();
        let mut fetched = stream::iter(listing.found)
            .map(|found| async move { self.transaction_of(&found, self.commitment).await })
            .buffered(FETCHES_AT_ONCE);
        while let Some(transaction) = fetched.try_next().await? {
            events.extend(events_of(&project, &transaction)?);
        }
        followed.take(events, listing.complete_to).map_err(|error| unread(error.to_string()))?;
        Ok(listing.complete_to >= head)
    }
}

fn events_of(project: &Pubkey, transaction: &ChainTransaction) -> Result<Vec<Event>, ChainError> {
    let events = transactions::decode(transaction).map_err(|error| unread(error.to_string()))?;
    Ok(events.into_iter().map(|found| found.event).filter(|event| event.stream() == *project).collect())
}

fn unread(why: String) -> ChainError {
    ChainError::Answer { what: "read a project's history".to_owned(), why }
}
