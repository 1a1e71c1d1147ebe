//! The node's sequence numbers with their reservation on disk.

use std::io;
use std::path::PathBuf;

use crate::core::seq::Sequence;
use crate::data_dir::write_whole;
use crate::failure::Failure;

/// See the module.
pub struct SequenceFile {
    path: PathBuf,
    sequence: Sequence,
}

impl SequenceFile {
    /// Goes on behind the last process' reservation.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        let reserved = match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| {
                Failure::Local(format!("{} does not hold a number; remove it if you know why", path.display()))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(Failure::disk(format!("reading {}", path.display()), error)),
        };
        Ok(Self { path, sequence: Sequence::after(reserved) })
    }

    /// The next number; an error means that it may not be used.
    pub fn next(&mut self, now_ms: u64) -> io::Result<u64> {
        let before = self.sequence;
        let next = self.sequence.next(now_ms);
        if let Some(reserve) = next.reserve
            && let Err(error) = write_whole(&self.path, reserve.to_string().as_bytes())
        {
            self.sequence = before;
            return Err(error);
        }
        Ok(next.seq)
    }

    /// An oracle has seen this number.
    pub fn seen(&mut self, last_seq: u64, now_ms: u64) {
        self.sequence.seen(last_seq, now_ms);
    }
}
