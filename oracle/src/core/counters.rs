//! Every frame that arrives is counted once: accepted, or rejected for one reason. Shed requests never reach the core;
//! the shell counts them, and `accepted + rejected + shed == received` holds over both.

use std::collections::BTreeMap;

use muster_protocol::reason::Reason;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that reached the core.
    pub received: u64,
    /// Acknowledged, repeated ones included.
    pub accepted: u64,
    /// Of the accepted: the same bytes again.
    pub repeated: u64,
    /// By reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Batches on disk, ticks included.
    pub batches: u64,
    /// Of the batches: ticks.
    pub ticks: u64,
}

impl Counters {
    /// Counts a refusal.
    pub fn refuse(&mut self, reason: Reason) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    /// All refusals.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}
