//! A batch: what one fsync makes durable and one receipt stands for; and its record in the log.
//!
//! Record: `kind u8 = 1 | batch_no u64 | committed_at_ms u64 | count u32 | count x (received_at_ms u64 | len u16 | frame)`,
//! little-endian. Everything that a receipt says follows from the record, so a restarted oracle gives the same receipt
//! again, byte for byte.

use std::sync::{Arc, OnceLock};

use muster_protocol::answer::Inclusion;
use muster_protocol::hash::hashv;
use muster_protocol::merkle::{Tree, batch_leaf};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::SigningKey;
use muster_protocol::wire::{Domain, Frame, Reader, WireError};

/// First byte of a batch's record. 2 is kept for snapshots.
pub const BATCH_KIND: u8 = 1;

/// A frame and when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Receive time, Unix milliseconds.
    pub at_ms: u64,
    /// The whole frame.
    pub frame: Arc<[u8]>,
}

/// The content of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Strictly increasing per oracle.
    pub batch_no: u64,
    /// When it was handed to the disk, Unix milliseconds; acknowledgements leave after the fsync that follows.
    pub committed_at_ms: u64,
    /// Accepted frames; none is a tick.
    pub frames: Vec<Received>,
}

impl Batch {
    /// The record's payload.
    pub fn encode(&self) -> Vec<u8> {
        let frame_bytes: usize = self.frames.iter().map(|one| 10 + one.frame.len()).sum();
        let mut out = Vec::with_capacity(21 + frame_bytes);
        out.push(BATCH_KIND);
        out.extend_from_slice(&self.batch_no.to_le_bytes());
        out.extend_from_slice(&self.committed_at_ms.to_le_bytes());
        out.extend_from_slice(&(self.frames.len() as u32).to_le_bytes());
        for one in &self.frames {
            out.extend_from_slice(&one.at_ms.to_le_bytes());
            out.extend_from_slice(&(one.frame.len() as u16).to_le_bytes());
            out.extend_from_slice(&one.frame);
        }
        out
    }

    /// Reads a record's payload.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(payload);
        let kind = r.u8("record kind")?;
        if kind != BATCH_KIND {
            return Err(WireError::Kind { expected: BATCH_KIND, found: kind });
        }
        let batch_no = r.u64("batch number")?;
        let committed_at_ms = r.u64("committed_at_ms")?;
        let count = r.u32("frame count")?;
        let count = r.expect_entries(count, 10, "frames")?;
        let mut frames = Vec::with_capacity(count);
        for _ in 0..count {
            let at_ms = r.u64("received_at_ms")?;
            let len = r.u16("frame length")?;
            let frame = r.take(len.into(), "frame")?.into();
            frames.push(Received { at_ms, frame });
        }
        r.finish()?;
        Ok(Self { batch_no, committed_at_ms, frames })
    }
}

/// A batch that is on disk: hands out the receipt and the place of each frame.
#[derive(Debug)]
pub struct Committed {
    receipt: BatchReceipt,
    /// None for a tick.
    tree: Option<Tree>,
    signed: OnceLock<Vec<u8>>,
}

impl Committed {
    /// What follows from a batch's content.
    pub fn new(oracle_key: [u8; 32], batch: &Batch) -> Result<Self, WireError> {
        let (no, at_ms) = (batch.batch_no, batch.committed_at_ms);
        if batch.frames.is_empty() {
            return Ok(Self {
                receipt: BatchReceipt::tick(oracle_key, no, at_ms),
                tree: None,
                signed: OnceLock::new(),
            });
        }
        let leaf = |one: &Received| batch_leaf(&hashv(&[&one.frame]), one.at_ms);
        let leaves = batch.frames.iter().map(leaf).collect();
        let tree = Tree::build(leaves).map_err(|error| WireError::Value {
            field: "frames of a batch",
            value: error.0 as u64,
            rule: "at most 1048576 are allowed",
        })?;
        let receipt =
            BatchReceipt { oracle_key, batch_no: no, committed_at_ms: at_ms, count: tree.count(), root: tree.root() };
        Ok(Self { receipt, tree: Some(tree), signed: OnceLock::new() })
    }

    /// What the receipt says.
    pub fn receipt(&self) -> &BatchReceipt {
        &self.receipt
    }

    /// The signed receipt; signed once.
    pub fn signed(&self, domain: &Domain, key: &SigningKey) -> &[u8] {
        self.signed.get_or_init(|| {
            // The receipt is by this key and within its limits, so encoding cannot fail; an empty one proves nothing.
            self.receipt.encode_signed(domain, key).unwrap_or_default()
        })
    }

    /// The place of frame `index`, for the answer that carries this batch's receipt as number `receipt_ref`.
    pub fn inclusion(&self, receipt_ref: u8, index: u32) -> Option<Inclusion> {
        let path = self.tree.as_ref()?.proof(index)?;
        Some(Inclusion { receipt_ref, index, path })
    }
}
