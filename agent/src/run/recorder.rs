//! Writes receipts to disk, with one fsync for all that arrived in a moment.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::receipts::{Kept, Store};

/// Between two fsyncs at least.
const SYNC_EVERY: Duration = Duration::from_millis(500);
/// Receipts of one fsync at most.
const BATCH_MAX: usize = 256;
/// Between two removals of old files.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// One receipt and where it belongs.
#[derive(Debug)]
pub struct Recorded {
    /// Whose it is.
    pub oracle: [u8; 32],
    /// The heartbeat's epoch.
    pub epoch: u64,
    /// Everything that proves it.
    pub kept: Kept,
}

/// Runs until every sender is gone.
pub async fn run(folder: PathBuf, keep: Duration, mut receipts: mpsc::Receiver<Recorded>) {
    let mut store = Store::new(folder);
    let mut pruned: Option<tokio::time::Instant> = None;
    loop {
        let mut batch = Vec::new();
        if receipts.recv_many(&mut batch, BATCH_MAX).await == 0 {
            return;
        }
        let prune = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        if prune {
            pruned = Some(tokio::time::Instant::now());
        }
        let written = tokio::task::spawn_blocking(move || {
            write(&mut store, &batch);
            if prune && let Err(error) = store.prune(keep) {
                tracing::warn!(%error, "old receipts could not be removed");
            }
            store
        });
        store = match written.await {
            Ok(store) => store,
            Err(error) => {
                tracing::error!(%error, "receipts can no longer be kept");
                return;
            }
        };
        if !receipts.is_closed() {
            tokio::time::sleep(SYNC_EVERY).await;
        }
    }
}

fn write(store: &mut Store, batch: &[Recorded]) {
    for one in batch {
        if let Err(error) = store.append(&one.oracle, one.epoch, &one.kept) {
            tracing::error!(%error, epoch = one.epoch, "a receipt could not be kept");
        }
    }
    if let Err(error) = store.sync() {
        tracing::error!(%error, receipts = batch.len(), "receipts may not be on disk");
    }
}
