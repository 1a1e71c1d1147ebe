//! Which segments may go: those whose records a snapshot holds, once they are old enough or too many.

use std::path::Path;

use super::LogError;
use super::read::{header, indices, io, segment_path};
use super::storage::Storage;

/// How much of the log is kept though snapshots hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Milliseconds after its last record for which a segment is kept.
    pub age_ms: u64,
    /// Bytes of all segments beyond which the oldest go earlier.
    pub bytes: u64,
}

/// What of a segment decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Counts from 0.
    pub index: u64,
    /// When it was begun, and so the one before it ended, Unix milliseconds.
    pub begun_at_ms: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// How many of the oldest segments may go. Replay may start at segment `held_below`; the last segment never goes.
pub fn removable(segments: &[Extent], held_below: u64, now_ms: u64, keep: &Keep) -> usize {
    let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut count = 0;
    for pair in segments.windows(2) {
        let is_old = now_ms.saturating_sub(pair[1].begun_at_ms) >= keep.age_ms;
        if pair[0].index >= held_below || !(is_old || bytes > keep.bytes) {
            break;
        }
        bytes -= pair[0].bytes;
        count += 1;
    }
    count
}

/// Removes what may go, the oldest first; says how many segments that were.
pub fn remove_old(
    storage: &dyn Storage,
    folder: &Path,
    held_below: u64,
    now_ms: u64,
    keep: &Keep,
) -> Result<usize, LogError> {
    let mut segments = Vec::new();
    for index in indices(storage, folder)? {
        let path = segment_path(folder, index);
        let len = storage.open(&path).and_then(|file| file.byte_len());
        let bytes = len.map_err(io("cannot read", &path))?;
        // The last one may be on its way: its header is read once it is there.
        let Ok(header) = header(storage, &path) else {
            break;
        };
        segments.push(Extent { index, begun_at_ms: header.begun_at_ms, bytes });
    }
    let count = removable(&segments, held_below, now_ms, keep);
    for segment in &segments[..count] {
        let path = segment_path(folder, segment.index);
        storage.remove(&path).map_err(io("cannot remove", &path))?;
        // One at a time, so that a crash leaves no gap.
        storage.sync_folder(folder).map_err(io("cannot sync the folder", folder))?;
        tracing::info!(segment = %path.display(), bytes = segment.bytes, "removed a segment that a snapshot holds");
    }
    Ok(count)
}
