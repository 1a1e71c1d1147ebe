//! Snapshots of the core: written by a thread of their own, piece by piece between batches, so that ingest never waits for
//! more than a piece; and the start from the newest good one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::context::ClockFn;
use crate::core::{Config, Core};
use crate::log::retention::{Keep, remove_old};
use crate::log::snapshot::{Header, SnapshotError, SnapshotWriter, list, load, prune};
use crate::log::{LogError, Position, Storage};

use super::committer::{Handle, Marked};

/// Nodes that are copied at a time, while ingest waits: about a millisecond of work.
const NODES_MAX: usize = 2_048;
/// Between two of those ingest goes on.
const PAUSE: Duration = Duration::from_millis(2);
/// How often is looked whether a snapshot is due, or a segment old enough to go.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure the next try waits so long.
const RETRY_MS: u64 = 60_000;

/// Where snapshots are, how often they are made and what is kept beside them.
#[derive(Clone)]
pub struct Snapshots {
    /// Where files are.
    pub storage: Arc<dyn Storage>,
    /// The log's folder.
    pub folder: PathBuf,
    /// Whose they are.
    pub oracle_key: [u8; 32],
    /// One is due after so many bytes of log.
    pub every_bytes: u64,
    /// And after so many milliseconds.
    pub every_ms: u64,
    /// What of the log is kept though snapshots hold it.
    pub keep: Keep,
    /// The wall clock.
    pub clock: ClockFn,
    /// What was done.
    pub figures: Arc<Figures>,
}

/// What was done since the start.
#[derive(Debug, Default)]
pub struct Figures {
    /// Snapshots that are whole.
    pub made: AtomicU64,
    /// Those that failed.
    pub failed: AtomicU64,
    /// Bytes of the newest.
    pub bytes: AtomicU64,
    /// When the newest was begun, Unix milliseconds; 0 before the first.
    pub begun_at_ms: AtomicU64,
    /// Segments that were removed.
    pub removed_segments: AtomicU64,
}

impl Snapshots {
    /// The core as the newest good snapshot has it, and where replay goes on. Without one: an empty core and the start.
    pub fn restore(&self, config: &Config, frozen_before: u64) -> Result<(Core, Position), LogError> {
        for segment in list(&*self.storage, &self.folder)? {
            let mut core = Core::new(config.clone(), frozen_before);
            let mut take = |chunk: &[u8]| core.restore(chunk);
            match load(&*self.storage, &self.folder, &self.oracle_key, segment, &mut take) {
                Ok(header) => {
                    tracing::info!(segment, taken_at_ms = header.taken_at_ms, "started from a snapshot");
                    return Ok((core, header.position));
                }
                Err(error @ SnapshotError::Damaged { .. }) => {
                    tracing::error!(%error, "a snapshot cannot be used; the one before it is tried");
                }
                Err(SnapshotError::Disk(error)) => return Err(error),
            }
        }
        Ok((Core::new(config.clone(), frozen_before), Position::START))
    }

    /// Writes the snapshot of a place that the committer marked; says how many bytes it has.
    pub fn write(&self, marked: Marked, ingest: &Handle) -> Result<u64, LogError> {
        let header = Header { oracle_key: self.oracle_key, position: marked.position, taken_at_ms: (self.clock)() };
        let mut writer = SnapshotWriter::begin(&*self.storage, &self.folder, &header)?;
        for chunk in &marked.head {
            writer.push(chunk)?;
        }
        let mut from = 0;
        loop {
            let chunk = ingest.core().snapshot_nodes(from, NODES_MAX);
            let Some(chunk) = chunk else {
                return writer.finish();
            };
            writer.push(&chunk)?;
            from += NODES_MAX as u32;
            std::thread::sleep(PAUSE);
        }
    }

    /// Makes a snapshot and removes the older ones; says whether there was anything to mark.
    pub fn make(&self, ingest: &Handle) -> Result<bool, LogError> {
        let begun_at_ms = (self.clock)();
        let Some(marked) = ingest.mark() else {
            return Ok(false);
        };
        let bytes = self.write(marked, ingest)?;
        self.figures.made.fetch_add(1, Ordering::Relaxed);
        self.figures.bytes.store(bytes, Ordering::Relaxed);
        self.figures.begun_at_ms.store(begun_at_ms, Ordering::Relaxed);
        tracing::info!(bytes, took_ms = (self.clock)().saturating_sub(begun_at_ms), "made a snapshot");
        Ok(true)
    }

    /// Removes what snapshots hold and retention does not keep.
    pub fn remove_old(&self) -> Result<(), LogError> {
        let held_below = prune(&*self.storage, &self.folder)?;
        let count = remove_old(&*self.storage, &self.folder, held_below, (self.clock)(), &self.keep)?;
        self.figures.removed_segments.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Makes snapshots when they are due and removes what may go, until `stopped`.
    pub fn run(&self, ingest: &Handle, stopped: impl Fn() -> bool) {
        let (mut made_at_ms, mut made_at_bytes) = ((self.clock)(), ingest.appended_bytes());
        let mut wait_until_ms = 0;
        while !stopped() {
            std::thread::sleep(LOOK_EVERY);
            let (now_ms, bytes) = ((self.clock)(), ingest.appended_bytes());
            let is_due = bytes - made_at_bytes >= self.every_bytes
                || (bytes > made_at_bytes && now_ms.saturating_sub(made_at_ms) >= self.every_ms);
            if now_ms < wait_until_ms {
                continue;
            }
            let made = if is_due { self.make(ingest) } else { Ok(false) };
            match made.and_then(|made| self.remove_old().map(|()| made)) {
                Ok(true) => (made_at_ms, made_at_bytes) = (now_ms, bytes),
                Ok(false) => {}
                Err(error) => {
                    self.figures.failed.fetch_add(1, Ordering::Relaxed);
                    wait_until_ms = now_ms + RETRY_MS;
                    tracing::error!(%error, "a snapshot or the removal of old segments failed; it is tried again");
                }
            }
        }
    }
}
