//! The receipt roots that this oracle issued lately. A heartbeat must carry one of them, so that no node can sign its
//! future in advance.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use muster_protocol::Hash;
use muster_protocol::heartbeat::MAX_RECEIPT_AGE_MS;

/// More than an oracle issues in 5 minutes at a thousand batches a second.
pub const ROOTS_MAX: usize = 1 << 19;

/// See the module.
#[derive(Debug, Default)]
pub struct RecentRoots {
    issued_at_ms: HashMap<Hash, u64, RandomState>,
    order: VecDeque<(u64, Hash)>,
}

impl RecentRoots {
    /// Remembers a root and forgets what is too old, and the oldest beyond [`ROOTS_MAX`].
    pub fn issue(&mut self, root: Hash, at_ms: u64) {
        self.issued_at_ms.insert(root, at_ms);
        self.order.push_back((at_ms, root));
        while let Some(&(oldest_ms, oldest)) = self.order.front() {
            if at_ms.saturating_sub(oldest_ms) <= MAX_RECEIPT_AGE_MS && self.order.len() <= ROOTS_MAX {
                break;
            }
            self.order.pop_front();
            self.issued_at_ms.remove(&oldest);
        }
    }

    /// The roots that are remembered and when each was issued, the oldest first.
    pub fn issued(&self) -> impl Iterator<Item = (u64, Hash)> {
        self.order.iter().copied()
    }

    /// Whether a root was issued at most 5 minutes before `now_ms`.
    pub fn is_fresh(&self, root: &Hash, now_ms: u64) -> bool {
        let issued = self.issued_at_ms.get(root);
        issued.is_some_and(|issued_ms| now_ms.saturating_sub(*issued_ms) <= MAX_RECEIPT_AGE_MS)
    }
}
