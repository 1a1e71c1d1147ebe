//! What the core remembers of one node across epochs, and the limit on how often it may send.

use std::sync::Arc;

use muster_protocol::Hash;
use muster_protocol::heartbeat::{Status, frame_hash};

use super::batch::Committed;

/// Where a node's last accepted frame stands.
#[derive(Clone, Debug)]
pub enum Ack {
    /// In the batch that is on its way to the disk.
    Open(u32),
    /// On disk.
    Durable(Arc<Committed>, u32),
    /// On disk, in a batch that a snapshot stands for: the log is asked for it when somebody asks for this.
    Logged {
        /// The batch.
        batch_no: u64,
        /// The frame's place in it.
        index: u32,
    },
    /// Its batch is older than what the log keeps.
    Gone,
}

/// What tells the same bytes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// SHA-256 of the frame.
    Hash(Hash),
    /// The frame stands there in the record of its batch, which replay keeps rather than hash every frame there ever was.
    InRecord {
        /// Where it begins.
        at: u32,
        /// Its bytes.
        len: u16,
    },
}

/// The last accepted frame.
#[derive(Clone, Debug)]
pub struct Last {
    /// Its sequence number.
    pub seq: u64,
    /// When it arrived, Unix milliseconds.
    pub received_at_ms: u64,
    /// What the node said about itself.
    pub status: Status,
    /// The same bytes again get the same acknowledgement.
    pub print: Print,
    /// Its acknowledgement.
    pub ack: Ack,
}

impl Last {
    /// Its frame hash, as far as its bytes are still known.
    pub fn hash(&self) -> Option<Hash> {
        match (&self.print, &self.ack) {
            (Print::Hash(hash), _) => Some(*hash),
            (Print::InRecord { at, len }, Ack::Durable(committed, _)) => {
                committed.replayed_bytes(*at, *len).map(frame_hash)
            }
            (Print::InRecord { .. }, _) => None,
        }
    }

    /// Whether these are its bytes.
    pub fn is(&self, seq: u64, frame: &[u8]) -> bool {
        if seq != self.seq {
            return false;
        }
        match (&self.print, &self.ack) {
            (Print::Hash(hash), _) => *hash == frame_hash(frame),
            (Print::InRecord { at, len }, Ack::Durable(committed, _)) => {
                committed.replayed_bytes(*at, *len) == Some(frame)
            }
            (Print::InRecord { .. }, _) => false,
        }
    }
}

/// How often a node may send.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Frames at once.
    pub burst: u32,
    /// Milliseconds until one more is allowed.
    pub refill_ms: u64,
}

/// Spent frames and when that was, so that a node that never sends costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenBucket {
    spent: u32,
    at_ms: u64,
}

impl TokenBucket {
    /// Takes one token if there is one.
    pub fn take(&mut self, rate: &Rate, now_ms: u64) -> bool {
        self.take_many(rate, 1, now_ms)
    }

    /// Takes all of so many tokens, or none.
    pub fn take_many(&mut self, rate: &Rate, count: u32, now_ms: u64) -> bool {
        self.refill(rate, now_ms);
        let spent = self.spent.saturating_add(count);
        let enough = spent <= rate.burst;
        if enough {
            self.spent = spent;
        }
        enough
    }

    /// Whether nothing is spent any more.
    pub fn is_full(&mut self, rate: &Rate, now_ms: u64) -> bool {
        self.refill(rate, now_ms);
        self.spent == 0
    }

    fn refill(&mut self, rate: &Rate, now_ms: u64) {
        let refill_ms = rate.refill_ms.max(1);
        // A clock that was set back must not stop the refilling until it is there again.
        self.at_ms = self.at_ms.min(now_ms);
        let regained = now_ms.saturating_sub(self.at_ms) / refill_ms;
        if regained >= u64::from(self.spent) {
            self.spent = 0;
            self.at_ms = now_ms;
        } else {
            self.spent -= regained as u32;
            self.at_ms += regained * refill_ms;
        }
    }
}
