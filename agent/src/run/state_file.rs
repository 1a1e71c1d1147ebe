//! The agent's own view as a file, which `muster-agent status` reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use crate::core::plan::Plan;
use crate::oracle_api::now_ms;

/// Between two writings.
const WRITE_EVERY: Duration = Duration::from_secs(2);

/// Writes the file until the agent ends, and once more then.
pub async fn run(shared: Arc<Shared>) {
    let path = shared.data.state();
    let partial = path.with_extension("partial");
    loop {
        let stopping = shared.is_stopping();
        // Not made durable: after a crash of the machine there is no running agent to tell of.
        let text = snapshot(&shared, !stopping).to_string();
        let written = std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, &path));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "the state file cannot be written");
        }
        if stopping {
            return;
        }
        shared.sleep(WRITE_EVERY).await;
    }
}

/// Everything that the agent knows of itself. Times are Unix milliseconds.
pub fn snapshot(shared: &Shared, running: bool) -> Value {
    let network = shared.network();
    let now = now_ms();
    let (epoch, bucket) = network.schedule.bucket_at_ms(now);
    let links = shared.links();
    let book = shared.book();
    let keys = network.keys();
    let oracles: Vec<Value> = network
        .oracles
        .iter()
        .map(|oracle| {
            let link = links.get(&oracle.key).cloned().unwrap_or_default();
            json!({
                "key": bs58::encode(oracle.key).into_string(), "url": oracle.url,
                "acknowledged": book.count(&oracle.key, epoch), "accepted": link.accepted, "refused": link.refused,
                "failed": link.failed, "failures_in_row": link.failures_in_row, "last_ack_ms": link.last_ack_ms,
                "last_latency_ms": link.last_latency_ms, "last_error": link.last_error,
                "clock_offset_ms": link.clock_offset_ms,
            })
        })
        .collect();
    let task = shared.running().map(|running| {
        json!({"job": bs58::encode(running.job).into_string(), "progress": running.percent, "started_at_ms": running.started_at_ms})
    });
    let safe = book.safe(&keys, network.threshold, epoch);
    json!({
        "running": running, "pid": std::process::id(), "written_at_ms": now, "started_at_ms": shared.started_at_ms,
        "version": env!("CARGO_PKG_VERSION"), "node_key": shared.identity.base58(), "node": shared.settings.node_id,
        "epoch": epoch.get(), "bucket": bucket.get(), "buckets": network.schedule.buckets(),
        "bucket_len": network.schedule.bucket_len(), "threshold": network.threshold, "set_version": network.set_version,
        "lived": book.lived_count(epoch), "safe": safe.count(), "safe_bitmap": hex::encode(safe.as_bytes()),
        "receipts": shared.counters.receipts.load(Ordering::Relaxed), "task": task, "tasks": shared.task_counts(),
        "next_heartbeat_ms": Plan::new(network.schedule, &shared.identity.key).next_due_ms(now), "oracles": oracles,
    })
}
