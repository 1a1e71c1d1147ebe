//! What a node reports about a task: progress on the way, one result at the end.

use crate::hash::{Hash, hashv};
use crate::sig::SIGNATURE_LEN;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, at_most, kind};

/// One, in the unit of accuracy and loss.
pub const MILLIONTHS: u32 = 1_000_000;
/// Bytes of a result frame.
pub const RESULT_LEN: usize = HEADER_LEN + 269 + SIGNATURE_LEN;
/// The most bytes of a log that a result names.
pub const LOG_LEN_MAX: usize = 64 * 1024;
/// Bytes of a progress frame.
pub const PROGRESS_LEN: usize = HEADER_LEN + 113 + SIGNATURE_LEN;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TaskStatus {
    /// The container ended with exit code 0 and left a result.
    Succeeded = 1,
    /// The image is at fault: it ended with another exit code or left no result.
    FailedImage = 2,
    /// The node is at fault: no engine, no disk, inputs not to be had.
    FailedNode = 3,
    /// The wall-clock limit ended it.
    TimedOut = 4,
}

impl TaskStatus {
    /// From the byte on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Succeeded),
            2 => Some(Self::FailedImage),
            3 => Some(Self::FailedNode),
            4 => Some(Self::TimedOut),
            _ => None,
        }
    }

    /// The snake_case name for logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::FailedImage => "failed_image",
            Self::FailedNode => "failed_node",
            Self::TimedOut => "timed_out",
        }
    }
}

/// One node's result of one assignment, signed by the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskResult {
    /// Address of the job.
    pub job: [u8; 32],
    /// [`crate::assignment::Assignment`]'s frame hash.
    pub assignment_hash: Hash,
    /// The node's hot key, which signs.
    pub node_key: [u8; 32],
    /// Address of the tenure that is to be paid.
    pub tenure: [u8; 32],
    /// How it ended.
    pub status: TaskStatus,
    /// The container's exit code, 0 if it never ran.
    pub exit_code: i32,
    /// SHA-256 of the result that replicas are compared by, zero if there is none.
    pub result_hash: Hash,
    /// Start of the work, Unix milliseconds.
    pub started_at_ms: u64,
    /// End of the work, Unix milliseconds.
    pub finished_at_ms: u64,
    /// Accuracy in millionths, 0 if the workload has none.
    pub accuracy_millionths: u32,
    /// Loss in millionths, 0 if the workload has none.
    pub loss_millionths: u64,
    /// Training epochs, 0 if the workload has none.
    pub epochs: u32,
    /// SHA-256 of the result archive, zero if there is none.
    pub archive_hash: Hash,
    /// SHA-256 of the end of what the task wrote to its output streams, [`LOG_LEN_MAX`] bytes at most; zero if it wrote
    /// nothing. Replicas are not compared by it.
    pub log_hash: Hash,
    /// Strictly increasing per node.
    pub seq: u64,
}

impl Frame for TaskResult {
    const KIND: u8 = kind::TASK_RESULT;
    const MAX_LEN: usize = RESULT_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.node_key
    }

    fn validate(&self) -> Result<(), WireError> {
        at_most("accuracy", self.accuracy_millionths.into(), MILLIONTHS.into(), "at most 1000000 is allowed")?;
        if self.finished_at_ms < self.started_at_ms {
            let rule = "which is before started_at_ms";
            return Err(WireError::Value { field: "finished_at_ms", value: self.finished_at_ms, rule });
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.job);
        out.extend_from_slice(&self.assignment_hash);
        out.extend_from_slice(&self.node_key);
        out.extend_from_slice(&self.tenure);
        out.push(self.status as u8);
        out.extend_from_slice(&self.exit_code.to_le_bytes());
        out.extend_from_slice(&self.result_hash);
        out.extend_from_slice(&self.started_at_ms.to_le_bytes());
        out.extend_from_slice(&self.finished_at_ms.to_le_bytes());
        out.extend_from_slice(&self.accuracy_millionths.to_le_bytes());
        out.extend_from_slice(&self.loss_millionths.to_le_bytes());
        out.extend_from_slice(&self.epochs.to_le_bytes());
        out.extend_from_slice(&self.archive_hash);
        out.extend_from_slice(&self.log_hash);
        out.extend_from_slice(&self.seq.to_le_bytes());
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            job: r.array("job")?,
            assignment_hash: r.array("assignment hash")?,
            node_key: r.array("node key")?,
            tenure: r.array("tenure")?,
            status: {
                let code = r.u8("status")?;
                let rule = "1 to 4 are known";
                TaskStatus::from_code(code).ok_or(WireError::Value { field: "status", value: code.into(), rule })?
            },
            exit_code: r.i32("exit code")?,
            result_hash: r.array("result hash")?,
            started_at_ms: r.u64("started_at_ms")?,
            finished_at_ms: r.u64("finished_at_ms")?,
            accuracy_millionths: r.u32("accuracy")?,
            loss_millionths: r.u64("loss")?,
            epochs: r.u32("epochs")?,
            archive_hash: r.array("archive hash")?,
            log_hash: r.array("log hash")?,
            seq: r.u64("seq")?,
        })
    }
}

/// How far a node is with an assignment, signed by the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Address of the job.
    pub job: [u8; 32],
    /// The node's hot key, which signs.
    pub node_key: [u8; 32],
    /// [`crate::assignment::Assignment`]'s frame hash.
    pub assignment_hash: Hash,
    /// 0..=100.
    pub percent: u8,
    /// Strictly increasing per node.
    pub seq: u64,
    /// The node's clock, Unix milliseconds.
    pub at_ms: u64,
}

impl Frame for Progress {
    const KIND: u8 = kind::PROGRESS;
    const MAX_LEN: usize = PROGRESS_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.node_key
    }

    fn validate(&self) -> Result<(), WireError> {
        at_most("percent", self.percent.into(), 100, "at most 100 is allowed")
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.job);
        out.extend_from_slice(&self.node_key);
        out.extend_from_slice(&self.assignment_hash);
        out.push(self.percent);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.at_ms.to_le_bytes());
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            job: r.array("job")?,
            node_key: r.array("node key")?,
            assignment_hash: r.array("assignment hash")?,
            percent: r.u8("percent")?,
            seq: r.u64("seq")?,
            at_ms: r.u64("at_ms")?,
        })
    }
}

/// SHA-256 of a whole result frame, signature included.
pub fn frame_hash(frame: &[u8]) -> Hash {
    hashv(&[frame])
}
