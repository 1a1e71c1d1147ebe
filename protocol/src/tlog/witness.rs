//! The rules of C2SP's `tlog-witness`: what a witness takes and what it refuses. Where it keeps its memory is elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, open};
use super::note::{Note, NoteError, Verifier};
use super::tree::{empty_root, verify_consistency};
use crate::hash::Hash;

/// The most hashes of a consistency proof.
const PROOF_MAX: usize = 63;

/// A request to cosign: `old <size>`, the proof's hashes, an empty line, the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is thought to know.
    pub old_size: u64,
    /// From that size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

impl AddCheckpoint {
    /// The request's body.
    pub fn encode(&self) -> String {
        let lines: String = self.proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
        format!("old {}\n{lines}\n{}", self.old_size, self.note.encode())
    }

    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a request is `old SIZE`, hashes in base64, an empty line and a checkpoint");
        let text = std::str::from_utf8(body).map_err(|_| wrong.clone())?;
        let (head, note) = text.split_once("\n\n").ok_or(wrong.clone())?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(wrong.clone())?;
        let old_size: u64 = old.parse().map_err(|_| wrong.clone())?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let proof: Option<Vec<Hash>> = lines.map(hash).collect();
        let proof = proof.filter(|proof| proof.len() <= PROOF_MAX && old_size.to_string() == old).ok_or(wrong)?;
        Ok(Self { old_size, proof, note: Note::parse(note.as_bytes())? })
    }
}

/// The newest checkpoint that a witness cosigned for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Default for Known {
    fn default() -> Self {
        Self { size: 0, root: empty_root() }
    }
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400.
    #[error("{0}")]
    Malformed(NoteError),
    /// 403.
    #[error("{0}")]
    NotSigned(NoteError),
    /// 400: the proof would lead backwards.
    #[error("the old size {old} is above the checkpoint's {size}")]
    Backwards {
        /// What the request named.
        old: u64,
        /// The checkpoint's.
        size: u64,
    },
    /// 409, with the size that the witness knows: a log that was rolled back or runs twice, or one that lost its count.
    #[error("the newest size that was cosigned is {known}, not {named}")]
    OtherSize {
        /// What the witness knows.
        known: u64,
        /// What the request named.
        named: u64,
    },
    /// 409: two roots for one size.
    #[error("another root of size {0} was cosigned: the log is forked")]
    Forked(u64),
    /// 422.
    #[error("the proof does not lead from size {old} to size {size}: the log is forked, or the proof wrong")]
    BadProof {
        /// What the witness knows.
        old: u64,
        /// The checkpoint's.
        size: u64,
    },
}

/// Decides on a request for the log of `log`, of which `known` was cosigned last. What it gives must be durable before
/// the cosignature leaves.
pub fn judge(known: Known, request: &AddCheckpoint, log: &Verifier) -> Result<Checkpoint, Refusal> {
    let checkpoint = open(&request.note, log).map_err(|error| match error {
        NoteError::Malformed(_) => Refusal::Malformed(error),
        _ => Refusal::NotSigned(error),
    })?;
    let (old, size) = (request.old_size, checkpoint.size);
    if old > size {
        return Err(Refusal::Backwards { old, size });
    }
    if old != known.size {
        return Err(Refusal::OtherSize { known: known.size, named: old });
    }
    if old == size && checkpoint.root != known.root {
        return Err(Refusal::Forked(size));
    }
    if !verify_consistency(old, &known.root, size, &checkpoint.root, &request.proof) {
        return Err(Refusal::BadProof { old, size });
    }
    Ok(checkpoint)
}
