//! The transparency log: an RFC 6962 tree as C2SP's `tlog-tiles` serves it, its checkpoints (`tlog-checkpoint`,
//! `signed-note`), witnesses' cosignatures (`tlog-cosignature`) and this project's entries. Pure: who reads and who
//! writes tiles is elsewhere.

use crate::hash::{Hash, hashv};

pub mod check;
pub mod checkpoint;
pub mod entry;
pub mod note;
pub mod tile;
pub mod tree;
pub mod witness;

/// Hash of an entry: `H(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hashv(&[&[0], entry])
}
