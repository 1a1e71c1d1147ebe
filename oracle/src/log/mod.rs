//! The append-only log that acknowledgements rest on. What was synced is there after any crash; what a crash tore is cut
//! off; what rotted is never started on; what is held by snapshots and old enough is removed.

use std::path::PathBuf;

pub mod read;
pub mod retention;
pub mod scan;
pub mod segment;
pub mod snapshot;
pub mod storage;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use storage::{Disk, Storage};
pub use store::{Options, SegmentLog};

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk refused.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no room. What was to be appended is not in the log; later there may be room again.
    #[error(
        "the disk of {} is full but for {free_bytes} bytes; free some: {reserve_bytes} are kept for snapshots and views",
        path.display()
    )]
    Full {
        /// The folder.
        path: PathBuf,
        /// What is left.
        free_bytes: u64,
        /// What is kept.
        reserve_bytes: u64,
    },
    /// Another key signed for this folder before.
    #[error(
        "the data folder {} belongs to oracle {found}, not to {expected}; name another --data-dir or the other key",
        path.display()
    )]
    OtherOracle {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Who asks.
        expected: String,
    },
    /// Another process has it open.
    #[error("the data folder {} is in use by another process; stop it or name another --data-dir", .0.display())]
    InUse(PathBuf),
    /// The bytes are not what was written.
    #[error(
        "the log segment {} is damaged at byte {at}: {why}; restore the folder from a copy, or start with an empty \
         --data-dir and a new key",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Offset of the first bad byte.
        at: u64,
        /// In words.
        why: String,
    },
    /// A record larger than a log takes.
    #[error("a record of {0} bytes is larger than the log takes (16 MiB)")]
    TooLarge(usize),
    /// `replay` has to come first.
    #[error("the log was appended to before it was replayed")]
    NotReplayed,
    /// What was appended last may be on disk or not: nobody can tell before the next start reads it again.
    #[error("the log failed to sync before; the oracle has to start again")]
    Unsynced,
}

/// A place in the log between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment that begins there.
    pub segment: u64,
    /// Number of the record that follows.
    pub number: u64,
    /// Seal of the segment before, zero for the first.
    pub previous: [u8; 32],
}

impl Position {
    /// Where every log begins.
    pub const START: Self = Self { segment: 0, number: 1, previous: [0; 32] };
}

/// Takes a record's number and payload; an error says why it cannot be what was appended.
pub type Take<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), String>;

/// What the oracle needs of a log; the Kafka protocol can take its place.
pub trait Log: Send {
    /// Reads all records from `from` on in order, once, before anything is appended. A record that a crash tore is cut off.
    fn replay(&mut self, from: &Position, take: Take<'_>) -> Result<(), LogError>;
    /// Whether there is room for more: [`LogError::Full`] if not.
    fn check_room(&mut self) -> Result<(), LogError>;
    /// Appends records; nothing is promised before [`Log::sync`]. After [`LogError::Full`] none of them is in the log.
    fn append_batch(&mut self, records: &[&[u8]]) -> Result<(), LogError>;
    /// Makes all that was appended durable. A failure is final: the disk may have dropped what it did not write.
    fn sync(&mut self) -> Result<(), LogError>;
    /// A place from which replay may start, after everything that was appended.
    fn mark(&mut self) -> Result<Position, LogError>;
    /// A record by its number; none if it is not there (any more).
    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, LogError>;
}
