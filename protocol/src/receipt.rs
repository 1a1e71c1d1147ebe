//! The batch receipt: one oracle signature over everything that one fsync made durable.

use crate::hash::{Hash, hashv};
use crate::merkle;
use crate::sig::SIGNATURE_LEN;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, kind};

/// Domain tag of an empty batch's root.
pub const TICK_TAG: &[u8] = b"muster:tick:1";
/// Bytes of a receipt.
pub const LEN: usize = HEADER_LEN + 84 + SIGNATURE_LEN;

/// What an oracle signs once per committed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchReceipt {
    /// The oracle, which signs.
    pub oracle_key: [u8; 32],
    /// Strictly increasing per oracle.
    pub batch_no: u64,
    /// When the batch was on disk, Unix milliseconds.
    pub committed_at_ms: u64,
    /// Frames of the batch; 0 is a tick.
    pub count: u32,
    /// Root over [`merkle::batch_leaf`] of each frame, or [`tick_root`].
    pub root: Hash,
}

/// Root of an empty batch: `H("muster:tick:1" || oracle || batch_no || committed_at_ms)`.
pub fn tick_root(oracle_key: &[u8; 32], batch_no: u64, committed_at_ms: u64) -> Hash {
    hashv(&[TICK_TAG, oracle_key, &batch_no.to_le_bytes(), &committed_at_ms.to_le_bytes()])
}

impl BatchReceipt {
    /// The receipt of an empty batch.
    pub fn tick(oracle_key: [u8; 32], batch_no: u64, committed_at_ms: u64) -> Self {
        let root = tick_root(&oracle_key, batch_no, committed_at_ms);
        Self { oracle_key, batch_no, committed_at_ms, count: 0, root }
    }

    /// Whether it proves that `frame` was received at `received_at_ms` as number `index` of this batch.
    pub fn proves(&self, frame: &[u8], received_at_ms: u64, index: u32, path: &[Hash]) -> bool {
        let leaf = merkle::batch_leaf(&hashv(&[frame]), received_at_ms);
        merkle::verify(&self.root, &leaf, index, self.count, path)
    }
}

impl Frame for BatchReceipt {
    const KIND: u8 = kind::BATCH_RECEIPT;
    const MAX_LEN: usize = LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.oracle_key
    }

    fn validate(&self) -> Result<(), WireError> {
        if self.count > merkle::MAX_LEAVES {
            let rule = "at most 1048576 are allowed";
            return Err(WireError::Value { field: "batch count", value: self.count.into(), rule });
        }
        if self.count == 0 && self.root != tick_root(&self.oracle_key, self.batch_no, self.committed_at_ms) {
            return Err(WireError::Inconsistent { field: "root of an empty batch", index: 0 });
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.oracle_key);
        out.extend_from_slice(&self.batch_no.to_le_bytes());
        out.extend_from_slice(&self.committed_at_ms.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.root);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            oracle_key: r.array("oracle key")?,
            batch_no: r.u64("batch number")?,
            committed_at_ms: r.u64("committed_at_ms")?,
            count: r.u32("batch count")?,
            root: r.array("batch root")?,
        })
    }
}
