//! How a run ended and who answers for it.

use std::{path::PathBuf, time::Duration};

use super::{Progress, SpecError};

/// What the image did wrong: the submitter's, not the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// It ended with another code than 0; the code is in [`Outcome::exit_code`].
    ExitCode,
    /// It wanted more memory than its limit.
    OutOfMemory,
    /// Its output has too many bytes or files.
    OutputLimit,
    /// Its output has a path that an archive cannot carry.
    BadOutput,
    /// It cannot be started: no entry point, or not for this kind of machine.
    CannotStart,
}

/// What the node could not do; another node may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFault {
    /// The engine refused or did not answer.
    Engine,
    /// The image is not here and could not be fetched.
    ImageMissing,
    /// No room, or the disk failed.
    Disk,
}

/// The end of a run.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Exit code 0 and the output collected.
    Completed,
    /// The spec itself is wrong.
    Refused(SpecError),
    /// The image is at fault.
    ImageFailed {
        /// In which way.
        fault: ImageFault,
        /// One sentence.
        message: String,
    },
    /// The node is at fault.
    NodeFailed {
        /// In which way.
        fault: NodeFault,
        /// One sentence.
        message: String,
    },
    /// Killed at the wall-clock limit.
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// Stopped by the caller.
    Cancelled,
}

impl Verdict {
    pub(super) fn image(fault: ImageFault, message: impl Into<String>) -> Self {
        Self::ImageFailed { fault, message: message.into() }
    }

    pub(super) fn node(fault: NodeFault, message: impl Into<String>) -> Self {
        Self::NodeFailed { fault, message: message.into() }
    }

    /// A local file operation failed.
    pub(super) fn disk(doing: &str, error: &std::io::Error) -> Self {
        Self::node(NodeFault::Disk, format!("{doing} failed: {error}"))
    }
}

/// The collected output. The file is the caller's to move or delete; [`super::ContainerRunner::cleanup`] deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultArchive {
    /// A ustar file: regular files sorted by path, mode 0644, owner 0, time 0.
    pub path: PathBuf,
    /// Of the archive's bytes: the result hash.
    pub sha256: [u8; 32],
    /// Size of the archive.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// Links and special files that were left out; they are never followed.
    pub left_out: u64,
}

/// Everything about a finished run.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// The process's own, if it came to an end by itself or by a kill of the kernel.
    pub exit_code: Option<i64>,
    /// The last progress seen.
    pub progress: Progress,
    /// The end of both streams, in order of arrival.
    pub log: Vec<u8>,
    /// Bytes that the image logged in all.
    pub log_bytes: u64,
    /// Only with [`Verdict::Completed`].
    pub result: Option<ResultArchive>,
    /// From start to end of the process.
    pub wall_clock: Duration,
    /// `runsc` under gVisor, else the engine's default.
    pub runtime: String,
}

impl Outcome {
    /// The log as text; bytes that are not UTF-8 are replaced.
    pub fn log_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.log)
    }
}
