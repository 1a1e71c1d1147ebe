//! The loop: list, fetch, decode, write, at its own pace.
//!
//! It fails closed. A transaction that cannot be had, or an event that cannot be read, stops the cursor until it can.
//! A gap in a stream (the chain's own numbering proves it) stops that stream's state and makes the slots since its last
//! folded event be read again, less and less often.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::decode::{self, UnknownEvent};
use crate::source::{Found, Source, SourceError};
use crate::status::Status;
use crate::store::{Batch, Store, StoreError};

/// Transactions of one database transaction, unless a single slot has more.
const BATCH_TRANSACTIONS: usize = 256;
const PAUSE_MAX: Duration = Duration::from_secs(30);
const RESCAN_FIRST: Duration = Duration::from_secs(2);
const RESCAN_MAX: Duration = Duration::from_secs(300);

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How the follower paces itself.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two rounds that found the head.
    pub poll: Duration,
    /// Slots before the cursor that every round lists again.
    pub overlap_slots: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { poll: Duration::from_secs(1), overlap_slots: 150 }
    }
}

/// See the module.
pub struct Follower<S> {
    source: S,
    store: Store,
    status: Arc<Status>,
    pace: Pace,
    /// Transactions of the overlap that are written already.
    seen: HashMap<Found, ()>,
    rescan_at: Instant,
    rescan_pause: Duration,
}

impl<S: Source> Follower<S> {
    pub fn new(source: S, store: Store, status: Arc<Status>, pace: Pace) -> Self {
        let (rescan_at, rescan_pause) = (Instant::now(), RESCAN_FIRST);
        Self { source, store, status, pace, seen: HashMap::new(), rescan_at, rescan_pause }
    }

    /// Rounds for ever; the caller drops the future to stop. A round's database transaction that is cut off is rolled
    /// back whole.
    pub async fn run(mut self) {
        let mut pause = self.pace.poll;
        loop {
            match self.round().await {
                Ok(_) => pause = self.pace.poll,
                Err(error) => {
                    tracing::warn!(%error, pause_s = pause.as_secs_f32(), "indexing stands still until this is over");
                    self.status.failed(error.to_string());
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads up to the head. Returns how many events the transactions that it read hold.
    pub async fn round(&mut self) -> Result<u64, FollowError> {
        let head = self.source.head().await?;
        let cursor = self.store.cursor().await?;
        let from = self.start(cursor).await?;
        let mut events = 0;
        let mut next = from;
        loop {
            let listing = self.source.list(next, head.max(cursor)).await?;
            let complete_to = listing.complete_to;
            events += self.write_listing(listing.found, complete_to).await?;
            if complete_to >= head {
                break;
            }
            next = complete_to + 1;
        }
        let cursor = self.store.cursor().await?;
        let oldest = cursor.saturating_sub(self.pace.overlap_slots);
        self.seen.retain(|found, ()| found.slot >= oldest);
        self.status.succeeded(head, cursor, self.store.gaps().await?);
        Ok(events)
    }

    /// The slot from which this round lists: the overlap, or further back when a stream has a gap.
    async fn start(&mut self, cursor: u64) -> Result<u64, FollowError> {
        let overlap = cursor.saturating_sub(self.pace.overlap_slots);
        let Some(gap_slot) = self.store.gap_slot().await? else {
            self.rescan_pause = RESCAN_FIRST;
            return Ok(overlap);
        };
        if Instant::now() < self.rescan_at {
            return Ok(overlap);
        }
        tracing::warn!(
            from_slot = gap_slot,
            cursor_slot = cursor,
            "a stream misses an event: reading these slots again"
        );
        self.rescan_at = Instant::now() + self.rescan_pause;
        self.rescan_pause = (self.rescan_pause * 2).min(RESCAN_MAX);
        self.status.rescans();
        // What was read is read again: the node may have answered without its inner instructions in order.
        self.seen.clear();
        Ok(overlap.min(gap_slot))
    }

    async fn write_listing(&mut self, found: Vec<Found>, complete_to: u64) -> Result<u64, FollowError> {
        let new: Vec<Found> = found.into_iter().filter(|entry| !self.seen.contains_key(entry)).collect();
        let mut events = 0;
        let mut rest = new.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(whole_slots(rest));
            let upto = if after.is_empty() { complete_to } else { chunk[chunk.len() - 1].slot };
            events += self.write_chunk(chunk, upto).await?;
            rest = after;
        }
        if new.is_empty() {
            self.store.write(&Batch { events: Vec::new(), upto: complete_to }).await?;
        }
        Ok(events)
    }

    async fn write_chunk(&mut self, chunk: &[Found], upto: u64) -> Result<u64, FollowError> {
        let transactions = self.source.fetch(chunk).await?;
        let mut batch = Batch { events: Vec::new(), upto };
        for transaction in &transactions {
            batch.events.extend(decode::decode(transaction)?);
        }
        self.store.write(&batch).await?;
        self.seen.extend(chunk.iter().map(|entry| (entry.clone(), ())));
        let events = batch.events.len() as u64;
        self.status.wrote(events, upto);
        if events > 0 {
            tracing::info!(events, transactions = chunk.len(), upto_slot = upto, "indexed");
        }
        Ok(events)
    }
}

/// How many of the ascending transactions make the next batch: up to the limit, and the last slot whole.
fn whole_slots(found: &[Found]) -> usize {
    let Some(last) = found.get(BATCH_TRANSACTIONS) else {
        return found.len();
    };
    let before = found[..BATCH_TRANSACTIONS].partition_point(|entry| entry.slot < last.slot);
    if before > 0 { before } else { found.partition_point(|entry| entry.slot <= last.slot) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(slots: &[u64]) -> Vec<Found> {
        slots.iter().enumerate().map(|(i, slot)| Found { slot: *slot, signature: format!("{i:04}") }).collect()
    }

    #[test]
    fn a_batch_ends_where_a_slot_ends() {
        assert_eq!(whole_slots(&slots(&[1, 2, 3])), 3);
        let mut many = vec![1; 200];
        many.extend(vec![2; 200]);
        assert_eq!(whole_slots(&slots(&many)), 200);
        assert_eq!(whole_slots(&slots(&[5; 300])), 300);
        let mut crowded = vec![5; 300];
        crowded.push(6);
        assert_eq!(whole_slots(&slots(&crowded)), 300);
    }
}
