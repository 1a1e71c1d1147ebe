//! The append-only log that acknowledgements rest on. What was synced is there after any crash; what a crash tore is cut
//! off; what rotted is never started on.

use std::path::PathBuf;

pub mod segment;
pub mod storage;
pub mod store;
#[cfg(test)]
mod tests;

pub use storage::{Disk, Storage};
pub use store::SegmentLog;

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
}

/// What the oracle needs of a log; the Kafka protocol can take its place.
pub trait Log: Send {
    /// Reads all records in order, once, before anything is appended. A record that a crash tore is cut off.
    fn replay(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), LogError>;
    /// Appends records; nothing is promised before [`Log::sync`].
    fn append_batch(&mut self, records: &[&[u8]]) -> Result<(), LogError>;
    /// Makes all that was appended durable.
    fn sync(&mut self) -> Result<(), LogError>;
}
