//! The heartbeat: a node's signed proof that it was alive in one bucket, addressed to one oracle.

use crate::hash::{Hash, hashv};
use crate::sig::SIGNATURE_LEN;
use crate::units::{Bucket, EpochIndex};
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, at_most, kind, short_count};

pub use crate::reason::Reason;

/// The most workload entries of a heartbeat.
pub const MAX_WORKLOADS: usize = 16;
/// Bytes of a workload entry.
pub const WORKLOAD_LEN: usize = 20;
/// Bytes of a heartbeat without workload entries.
pub const MIN_LEN: usize = HEADER_LEN + 162 + SIGNATURE_LEN;
/// Bytes of the largest heartbeat.
pub const MAX_LEN: usize = MIN_LEN + MAX_WORKLOADS * WORKLOAD_LEN;
/// The most frames of one request body.
pub const MAX_FRAMES: usize = 256;
/// The most bytes of one request body.
pub const MAX_BODY_LEN: usize = MAX_FRAMES * (2 + MAX_LEN);
/// `sent_at_ms` further than this from the oracle's time is [`Reason::ClockSkew`].
pub const MAX_CLOCK_SKEW_MS: u64 = 30_000;
/// A receipt root older than this is [`Reason::StaleReceipt`].
pub const MAX_RECEIPT_AGE_MS: u64 = 300_000;

/// What the node says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Ready for work.
    Online = 1,
    /// At work.
    Busy = 2,
    /// Announced maintenance.
    Maintenance = 3,
}

/// One workload's state on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// First 16 bytes of the workload's or job's address.
    pub id: [u8; 16],
    /// State, defined by the agent: 0 unknown, 1 waiting, 2 running, 3 done, 4 failed.
    pub state: u8,
    /// Progress in percent, 0..=100.
    pub progress: u8,
}

/// A heartbeat without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The oracle that it is for.
    pub oracle_key: [u8; 32],
    /// The node's hot key, which signs.
    pub node_key: [u8; 32],
    /// The epoch that it is for.
    pub epoch: EpochIndex,
    /// The bucket that it is for.
    pub bucket: Bucket,
    /// The node's clock, Unix milliseconds.
    pub sent_at_ms: u64,
    /// Strictly increasing per node and oracle: max(last + 1, Unix milliseconds).
    pub seq: u64,
    /// [`crate::bitmap::Bitmap::digest`] of the node's own bitmap of this epoch so far.
    pub bitmap_digest: Hash,
    /// Root of the last batch receipt or tick that the node has from this oracle, at most 5 minutes old.
    pub receipt_root: Hash,
    /// What the node says about itself.
    pub status: Status,
    /// CPU load in thousandths, 0..=1000.
    pub cpu_permille: u16,
    /// Memory load in thousandths, 0..=1000.
    pub memory_permille: u16,
    /// At most [`MAX_WORKLOADS`].
    pub workloads: Vec<Workload>,
}

impl Frame for Heartbeat {
    const KIND: u8 = kind::HEARTBEAT;
    const MAX_LEN: usize = MAX_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.node_key
    }

    fn validate(&self) -> Result<(), WireError> {
        at_most("cpu_permille", self.cpu_permille.into(), 1000, "at most 1000 is allowed")?;
        at_most("memory_permille", self.memory_permille.into(), 1000, "at most 1000 is allowed")?;
        short_count("workload count", self.workloads.len(), MAX_WORKLOADS, "at most 16 are allowed")?;
        for workload in &self.workloads {
            at_most("workload progress", workload.progress.into(), 100, "at most 100 is allowed")?;
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.oracle_key);
        out.extend_from_slice(&self.node_key);
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.extend_from_slice(&self.bucket.get().to_le_bytes());
        out.extend_from_slice(&self.sent_at_ms.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.bitmap_digest);
        out.extend_from_slice(&self.receipt_root);
        out.push(self.status as u8);
        out.extend_from_slice(&self.cpu_permille.to_le_bytes());
        out.extend_from_slice(&self.memory_permille.to_le_bytes());
        out.push(self.workloads.len() as u8);
        for workload in &self.workloads {
            out.extend_from_slice(&workload.id);
            out.extend_from_slice(&[workload.state, workload.progress, 0, 0]);
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut heartbeat = Self {
            oracle_key: r.array("oracle key")?,
            node_key: r.array("node key")?,
            epoch: EpochIndex::new(r.u64("epoch")?),
            bucket: Bucket::new(r.u32("bucket")?),
            sent_at_ms: r.u64("sent_at_ms")?,
            seq: r.u64("seq")?,
            bitmap_digest: r.array("bitmap digest")?,
            receipt_root: r.array("receipt root")?,
            status: match r.u8("status")? {
                1 => Status::Online,
                2 => Status::Busy,
                3 => Status::Maintenance,
                value => {
                    let rule = "1 (online), 2 (busy) and 3 (maintenance) are known";
                    return Err(WireError::Value { field: "status", value: value.into(), rule });
                }
            },
            cpu_permille: r.u16("cpu_permille")?,
            memory_permille: r.u16("memory_permille")?,
            workloads: Vec::new(),
        };
        let count = r.u8("workload count")?;
        short_count("workload count", count.into(), MAX_WORKLOADS, "at most 16 are allowed")?;
        for _ in 0..count {
            let workload = Workload {
                id: r.array("workload id")?,
                state: r.u8("workload state")?,
                progress: r.u8("workload progress")?,
            };
            r.reserved_u16("workload")?;
            heartbeat.workloads.push(workload);
        }
        Ok(heartbeat)
    }
}

/// SHA-256 of a whole frame, signature included: what receipts name it by.
pub fn frame_hash(frame: &[u8]) -> Hash {
    hashv(&[frame])
}

/// Appends a frame to a request body: its length (u16) and its bytes.
pub fn push_frame(body: &mut Vec<u8>, frame: &[u8]) -> Result<(), WireError> {
    let len =
        u16::try_from(frame.len()).map_err(|_| WireError::TooLong { len: frame.len(), max: usize::from(u16::MAX) })?;
    body.extend_from_slice(&len.to_le_bytes());
    body.extend_from_slice(frame);
    Ok(())
}

/// The frames of a request body, each u16 length and bytes, at most [`MAX_FRAMES`]. After an error nothing follows.
pub fn frames(body: &[u8]) -> Frames<'_> {
    Frames { reader: Reader::new(body), count: 0, failed: false }
}

/// See [`frames`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    reader: Reader<'a>,
    count: usize,
    failed: bool,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.remaining() == 0 {
            return None;
        }
        let frame = if self.count == MAX_FRAMES {
            let rule = "at most 256 are allowed in one request";
            Err(WireError::Value { field: "frame count", value: self.count as u64 + 1, rule })
        } else {
            self.reader.u16("frame length").and_then(|len| self.reader.take(usize::from(len), "frame"))
        };
        self.count += 1;
        self.failed = frame.is_err();
        Some(frame)
    }
}
