//! Keeps the picture of the chain fresh.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Registry;
use super::ledger::Ledger;
use crate::context::ClockFn;

/// The chain's clock further than this from the machine's is worth a warning, milliseconds.
const CLOCK_WARN_MS: u64 = 30_000;

/// Polls for ever. Stops when nobody looks any more.
pub async fn run(ledger: Arc<dyn Ledger>, pictures: watch::Sender<Arc<Registry>>, clock: ClockFn, every: Duration) {
    let mut poll = Poll { ledger, pictures, clock, failures: 0 };
    while !poll.pictures.is_closed() {
        poll.once().await;
        tokio::time::sleep(every * poll.failures.clamp(1, 8)).await;
    }
}

/// Looks at the chain again and again.
pub struct Poll {
    /// Where the pictures come from.
    pub ledger: Arc<dyn Ledger>,
    /// Where they go.
    pub pictures: watch::Sender<Arc<Registry>>,
    /// The machine's clock, which is compared with the chain's.
    pub clock: ClockFn,
    /// Looks in a row that gave no picture.
    pub failures: u32,
}

impl Poll {
    /// One look. Without a picture, or with one that is older, the last one stays: an error is never "absent", and a
    /// node that lags undoes nothing.
    pub async fn once(&mut self) {
        match self.ledger.registry().await {
            Ok(registry) if registry.slot < self.pictures.borrow().slot => {
                self.failed(&format!("the node lags: it answers as of slot {}", registry.slot));
            }
            Ok(registry) => {
                if self.failures > 0 {
                    tracing::info!(failures = self.failures, "the chain answers again");
                }
                self.failures = 0;
                let chain_ms = u64::try_from(registry.clock_s).unwrap_or(0).saturating_mul(1000);
                let off_ms = (self.clock)().abs_diff(chain_ms);
                if off_ms > CLOCK_WARN_MS {
                    tracing::warn!(off_ms, "the chain's clock and this machine's are far apart");
                }
                self.pictures.send_replace(Arc::new(registry));
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    fn failed(&mut self, why: &str) {
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_power_of_two() {
            tracing::warn!(failures = self.failures, why, "the chain gave no picture; the last one stays");
        }
    }
}
