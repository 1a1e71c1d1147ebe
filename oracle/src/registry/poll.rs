//! Keeps the picture of the chain fresh.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Registry;
use super::ledger::Ledger;
use crate::context::ClockFn;

/// The chain's clock further than this from the machine's is worth a warning, milliseconds.
const CLOCK_WARN_MS: u64 = 30_000;

/// Polls for ever; `wake` is called after every new picture. Stops when nobody looks any more.
pub async fn run(ledger: Arc<dyn Ledger>, pictures: watch::Sender<Arc<Registry>>, clock: ClockFn, every: Duration) {
    let mut failures: u32 = 0;
    while !pictures.is_closed() {
        match ledger.registry().await {
            Ok(registry) => {
                if failures > 0 {
                    tracing::info!(failures, "the chain answers again");
                }
                failures = 0;
                let chain_ms = u64::try_from(registry.clock_s).unwrap_or(0).saturating_mul(1000);
                let off_ms = clock().abs_diff(chain_ms);
                if off_ms > CLOCK_WARN_MS {
                    tracing::warn!(off_ms, "the chain's clock and this machine's are far apart");
                }
                pictures.send_replace(Arc::new(registry));
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                // The last picture stays: an error is never "absent".
                if failures.is_power_of_two() {
                    tracing::warn!(failures, %error, "the chain gave no picture; the last one stays");
                }
            }
        }
        tokio::time::sleep(every * failures.clamp(1, 8)).await;
    }
}
