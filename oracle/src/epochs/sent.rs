//! What this oracle sent and the chain, as it reads it, does not show yet: final comes seconds after confirmed. The same
//! again would only cost fees, until so much time is over that a fork must have dropped it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use muster_protocol::Hash;

use super::driver::is_before;

/// More than a block needs to become final.
const AGAIN_AFTER_MS: u64 = 30_000;
/// More than the steps of all epochs and projects that are looked after.
const KEPT_MAX: usize = 4_096;

/// See the module.
#[derive(Default)]
pub(super) struct Sent(Mutex<BTreeMap<String, (Hash, u64)>>);

impl Sent {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Hash, u64)>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether just this was sent as the newest of its kind, and may still become visible.
    pub fn is_on_its_way(&self, what: &str, content: &Hash, now_ms: u64) -> bool {
        let all = self.all();
        let newest = all.get(what);
        newest.is_some_and(|(sent, until_ms)| sent == content && is_before(now_ms, *until_ms, AGAIN_AFTER_MS))
    }

    /// The chain confirmed it.
    pub fn note(&self, what: String, content: Hash, now_ms: u64) {
        let mut all = self.all();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(what, (content, now_ms.saturating_add(AGAIN_AFTER_MS)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_not_sent_again_before_it_could_be_final_and_something_else_is() {
        let sent = Sent::default();
        sent.note("vote".into(), [1; 32], 1_000);
        assert!(sent.is_on_its_way("vote", &[1; 32], 1_000));
        assert!(!sent.is_on_its_way("vote", &[2; 32], 1_000));
        assert!(!sent.is_on_its_way("vote", &[1; 32], 1_000 + AGAIN_AFTER_MS));
        // A clock that was set back does not make it wait for longer.
        sent.note("vote".into(), [1; 32], 10_000_000);
        assert!(!sent.is_on_its_way("vote", &[1; 32], 1_000));
    }
}
