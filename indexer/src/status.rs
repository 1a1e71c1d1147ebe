//! What the follower knows about itself, for /health, /stats and the log.

use std::sync::Mutex;
use std::time::Instant;

use crate::store::Gap;

/// Shared between the follower and the API.
#[derive(Debug, Default)]
pub struct Status {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    snapshot: Snapshot,
    last_success: Option<Instant>,
}

/// One moment of it.
#[derive(Clone, Debug, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// Newest slot of the chain at the configured commitment.
    pub head_slot: u64,
    /// Last slot of which everything is held.
    pub cursor_slot: u64,
    /// Events written since the start.
    pub events_written: u64,
    /// Polls that failed since the start.
    pub errors: u64,
    /// Re-scans because of a gap since the start.
    pub rescans: u64,
    /// Streams that miss an event.
    pub gaps: Vec<Gap>,
    /// Why the last poll failed; none if it did not.
    pub error: Option<String>,
    /// Seconds since the last poll that succeeded; none before the first.
    pub age_s: Option<u64>,
}

impl Status {
    pub fn snapshot(&self) -> Snapshot {
        let inner = self.lock();
        let age_s = inner.last_success.map(|at| at.elapsed().as_secs());
        Snapshot { age_s, ..inner.snapshot.clone() }
    }

    pub fn succeeded(&self, head_slot: u64, cursor_slot: u64, gaps: Vec<Gap>) {
        let mut inner = self.lock();
        inner.last_success = Some(Instant::now());
        inner.snapshot = Snapshot { head_slot, cursor_slot, gaps, error: None, ..inner.snapshot.clone() };
    }

    pub fn failed(&self, why: String) {
        let mut inner = self.lock();
        inner.snapshot.errors += 1;
        inner.snapshot.error = Some(why);
    }

    pub fn wrote(&self, events: u64, cursor_slot: u64) {
        let mut inner = self.lock();
        inner.snapshot.events_written += events;
        inner.snapshot.cursor_slot = inner.snapshot.cursor_slot.max(cursor_slot);
    }

    pub fn rescans(&self) {
        self.lock().snapshot.rescans += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic of another thread cannot leave plain figures in a state that matters.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
