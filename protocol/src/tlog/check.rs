//! What somebody who trusts no oracle asks of its log.

use super::checkpoint::Checkpoint;
use super::entry::{Batches, Entry, batch_root_leaf};
use super::leaf_hash;
use super::tree::{verify_consistency, verify_inclusion};
use crate::hash::Hash;
use crate::merkle;
use crate::receipt::BatchReceipt;

/// An entry's place in a log, proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Its index in the log.
    pub index: u64,
    /// Entries of the log that the proof is of.
    pub size: u64,
    /// From the entry upward.
    pub path: Vec<Hash>,
}

/// A batch's place in a log, proven: in its second, and the second in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchProof {
    /// From the batch upward, in the tree of its second.
    pub batch_path: Vec<Hash>,
    /// The second's entry.
    pub inclusion: Inclusion,
}

/// Why a log does not hold what it should, or does not go on from what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The proof is of another size than the checkpoint.
    #[error("the proof is of {proof} entries, the checkpoint of {checkpoint}")]
    OtherSize {
        /// What the proof is of.
        proof: u64,
        /// What is signed.
        checkpoint: u64,
    },
    /// The proof leads to another root.
    #[error("the proof does not lead from entry {0} to the root that is signed")]
    NotIncluded(u64),
    /// Not an entry of batches, or not of this one.
    #[error("the entry does not hold batch {0} as its receipt has it")]
    OtherBatch(u64),
    /// Two checkpoints of one log that do not go together.
    #[error("the log of {size} entries does not begin with that of {old} as it was signed: its past was altered")]
    Inconsistent {
        /// The smaller one.
        old: u64,
        /// The larger one.
        size: u64,
    },
}

/// Whether an entry is in the log that a checkpoint is of. The checkpoint's signature is the caller's to verify.
pub fn entry_is_logged(inclusion: &Inclusion, checkpoint: &Checkpoint) -> Result<(), LogFault> {
    if inclusion.size != checkpoint.size {
        return Err(LogFault::OtherSize { proof: inclusion.size, checkpoint: checkpoint.size });
    }
    let leaf = leaf_hash(&inclusion.entry);
    if verify_inclusion(&checkpoint.root, checkpoint.size, inclusion.index, &leaf, &inclusion.path) {
        Ok(())
    } else {
        Err(LogFault::NotIncluded(inclusion.index))
    }
}

/// Whether the batch of a receipt is in the log that a checkpoint is of, with the receipt's root, count and time. The
/// signatures of both are the caller's to verify.
pub fn batch_is_logged(receipt: &BatchReceipt, proof: &BatchProof, checkpoint: &Checkpoint) -> Result<(), LogFault> {
    entry_is_logged(&proof.inclusion, checkpoint)?;
    let other = LogFault::OtherBatch(receipt.batch_no);
    let Ok(Entry::Batches(batches)) = Entry::decode(&proof.inclusion.entry) else {
        return Err(other);
    };
    if is_batch_of(receipt, &batches, &proof.batch_path) { Ok(()) } else { Err(other) }
}

fn is_batch_of(receipt: &BatchReceipt, batches: &Batches, path: &[Hash]) -> bool {
    let leaf = batch_root_leaf(receipt);
    batches
        .position(receipt.batch_no)
        .is_some_and(|position| merkle::verify(&batches.root, &leaf, position, batches.count, path))
}

/// Whether one checkpoint goes on from another of the same log.
pub fn is_consistent(old: &Checkpoint, new: &Checkpoint, proof: &[Hash]) -> Result<(), LogFault> {
    let good = old.origin == new.origin && verify_consistency(old.size, &old.root, new.size, &new.root, proof);
    if good { Ok(()) } else { Err(LogFault::Inconsistent { old: old.size, size: new.size }) }
}
