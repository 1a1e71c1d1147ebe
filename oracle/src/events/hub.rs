//! What readers of events share: the ring, a bell that rings when there is more, and a box for what other parts of the
//! oracle have to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::Draft;
use super::ring::{EVENTS_MAX, Page, Ring};

/// What parts of the oracle may say between two looks at it; more is dropped and counted.
const DRAFTS_MAX: usize = 1_024;

struct Inner {
    ring: Ring,
    drafts: Vec<Draft>,
    dropped: u64,
    /// How far each webhook has come.
    cursors: BTreeMap<String, u64>,
}

/// See the module; cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
    /// Number of the next event; none when the oracle stops.
    bell: Arc<watch::Sender<Option<u64>>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(Ring::new(EVENTS_MAX), BTreeMap::new())
    }
}

impl Hub {
    /// As it was kept.
    pub fn new(ring: Ring, cursors: BTreeMap<String, u64>) -> Self {
        let bell = Arc::new(watch::Sender::new(Some(ring.next_id())));
        Self { inner: Arc::new(Mutex::new(Inner { ring, drafts: Vec::new(), dropped: 0, cursors })), bell }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Says that something happened; it is numbered and told within a second. Never waits.
    pub fn say(&self, draft: Draft) {
        let mut inner = self.lock();
        if inner.drafts.len() < DRAFTS_MAX {
            inner.drafts.push(draft);
        } else {
            inner.dropped += 1;
        }
    }

    /// What was said since the last time.
    pub(super) fn take_said(&self) -> Vec<Draft> {
        let mut inner = self.lock();
        let dropped = std::mem::take(&mut inner.dropped);
        let drafts = std::mem::take(&mut inner.drafts);
        drop(inner);
        if dropped > 0 {
            tracing::warn!(dropped, "more happened at once than events are kept of");
        }
        drafts
    }

    /// A copy of the ring.
    pub(super) fn ring(&self) -> Ring {
        self.lock().ring.clone()
    }

    /// Publishes a ring that is on disk.
    pub(super) fn publish(&self, ring: Ring) {
        let next = ring.next_id();
        self.lock().ring = ring;
        self.bell.send_if_modified(|bell| {
            let rings = bell.is_some_and(|before| before != next);
            *bell = bell.map(|_| next);
            rings
        });
    }

    /// Events with numbers above `id`.
    pub fn after(&self, id: u64, limit: usize) -> Page {
        self.lock().ring.after(id, limit)
    }

    /// Number of the newest event; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.lock().ring.next_id() - 1
    }

    /// Rings at every new event; its value is none when the oracle stops.
    pub fn bell(&self) -> watch::Receiver<Option<u64>> {
        self.bell.subscribe()
    }

    /// Lets all readers go.
    pub fn close(&self) {
        self.bell.send_replace(None);
    }

    /// How far a webhook has come; `newest` for one that is new.
    pub(super) fn cursor(&self, name: &str) -> u64 {
        let inner = self.lock();
        let newest = inner.ring.next_id() - 1;
        inner.cursors.get(name).copied().unwrap_or(newest)
    }

    /// A webhook has come so far.
    pub(super) fn set_cursor(&self, name: &str, id: u64) {
        self.lock().cursors.insert(name.to_owned(), id);
    }

    /// How far all webhooks have come.
    pub(super) fn cursors(&self) -> BTreeMap<String, u64> {
        self.lock().cursors.clone()
    }
}
