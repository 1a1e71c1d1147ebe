//! What the core remembers of one node across epochs, and the limit on how often it may send.

use std::sync::Arc;

use super::batch::Committed;

/// Where a node's last accepted frame stands.
#[derive(Clone, Debug)]
pub enum Ack {
    /// In the batch that is on its way to the disk.
    Open(u32),
    /// On disk.
    Durable(Arc<Committed>, u32),
}

/// The last accepted frame.
#[derive(Clone, Debug)]
pub struct LastFrame {
    /// Its sequence number.
    pub seq: u64,
    /// Its bytes; the same bytes again get the same acknowledgement.
    pub frame: Arc<[u8]>,
    /// When it arrived, Unix milliseconds.
    pub received_at_ms: u64,
    /// Its acknowledgement.
    pub ack: Ack,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct NodeState {
    /// None until the first accepted frame.
    pub last: Option<LastFrame>,
    /// Limits how often the node may send.
    pub tokens: TokenBucket,
}

impl NodeState {
    /// The last accepted sequence number, 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.seq)
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
