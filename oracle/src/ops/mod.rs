//! What whoever runs an oracle wants to know: whether it is ready and what to do if not, its metrics, its peers, its
//! money. Parts note here what they see; `http` and the listener of operations tell it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::serve::places::Places;
use funds::Funds;
use peers::PeerBook;

pub mod funds;
pub mod latency;
pub mod ledger;
pub mod listener;
pub mod metrics;
pub mod peers;
pub mod readiness;

/// See the module. One per oracle, shared by its parts.
#[derive(Debug)]
pub struct Ops {
    /// How the chain is read.
    pub chain: ChainWatch,
    /// What pays for votes.
    pub funds: Funds,
    /// The other oracles.
    pub peers: PeerBook,
    /// Connections to the API.
    pub places: Arc<Places>,
    /// What was sent to the chain.
    pub sent: Sent,
}

impl Ops {
    /// Nothing is known yet; below `balance_floor_lamports` the oracle warns.
    pub fn new(balance_floor_lamports: u64) -> Self {
        Self {
            chain: ChainWatch::default(),
            funds: Funds::new(balance_floor_lamports),
            peers: PeerBook::default(),
            places: Arc::default(),
            sent: Sent::default(),
        }
    }
}

/// How the chain is read. Zero is "never".
#[derive(Debug, Default)]
pub struct ChainWatch {
    newest_slot: AtomicU64,
    read_at_ms: AtomicU64,
    failures: AtomicU64,
}

impl ChainWatch {
    /// A picture of the chain came. One older than another that came before is of no use.
    pub fn read(&self, slot: u64, now_ms: u64) {
        if self.newest_slot.fetch_max(slot, Ordering::Relaxed) <= slot {
            self.read_at_ms.store(now_ms, Ordering::Relaxed);
        } else {
            self.failed();
        }
    }

    /// A picture did not come.
    pub fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Milliseconds since the newest picture; none before the first.
    pub fn age_ms(&self, now_ms: u64) -> Option<u64> {
        let read_at_ms = self.read_at_ms.load(Ordering::Relaxed);
        (read_at_ms > 0).then(|| now_ms.saturating_sub(read_at_ms))
    }

    /// Pictures that did not come since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// What this oracle sent to the chain since its start.
#[derive(Debug, Default)]
pub struct Sent {
    /// Transactions that name views.
    pub views: AtomicU64,
    /// Votes for roots.
    pub votes: AtomicU64,
    /// Votes for roots in the place of held ones.
    pub corrections: AtomicU64,
    /// Transactions that the chain did not take, unless others had decided before.
    pub failed: AtomicU64,
}

impl Sent {
    /// Counts one.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
