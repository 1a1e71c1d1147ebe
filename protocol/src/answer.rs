//! An oracle's answer to a heartbeat request: one verdict per frame, in the frames' order, and the receipts that the
//! accepted ones point to. The answer itself is unsigned; what binds the oracle are the receipts in it.

use crate::hash::Hash;
use crate::heartbeat::MAX_FRAMES;
use crate::merkle::MAX_DEPTH;
use crate::reason::Reason;
use crate::receipt::{self, BatchReceipt};
use crate::wire::{Domain, Frame, Reader, WireError, at_most, short_count};

/// First bytes of an answer.
pub const MAGIC: [u8; 4] = *b"MSAN";
/// `receipt_ref` of a verdict without a receipt.
pub const NO_RECEIPT: u8 = 255;
/// The most receipts of an answer.
pub const MAX_RECEIPTS: usize = 255;

/// Where a frame stands in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Which of the answer's receipts.
    pub receipt_ref: u8,
    /// Number of the frame in the batch.
    pub index: u32,
    /// Siblings from the leaf upward.
    pub path: Vec<Hash>,
}

/// The verdict on one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted, or why not.
    pub reason: Reason,
    /// The last sequence number accepted from this node, 0 if unknown.
    pub last_seq: u64,
    /// When the frame arrived by the oracle's clock, Unix milliseconds.
    pub received_at_ms: u64,
    /// Present exactly when accepted.
    pub inclusion: Option<Inclusion>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The oracle's clock, Unix milliseconds.
    pub oracle_time_ms: u64,
    /// Whole signed [`BatchReceipt`] frames.
    pub receipts: Vec<Vec<u8>>,
    /// One per frame of the request, in its order.
    pub verdicts: Vec<Verdict>,
}

/// Why an answer proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A receipt is refused.
    #[error("receipt {index} of the answer is refused: {source}")]
    Receipt {
        /// Which receipt.
        index: usize,
        /// Why.
        source: WireError,
    },
    /// A receipt is signed by another key than the oracle's.
    #[error("receipt {0} of the answer is signed by another oracle")]
    OtherOracle(usize),
    /// Another number of verdicts than frames.
    #[error("the answer has {verdicts} verdicts for {frames} frames")]
    Count {
        /// Verdicts of the answer.
        verdicts: usize,
        /// Frames of the request.
        frames: usize,
    },
    /// An accepted frame is not in the batch that the verdict names.
    #[error("the receipt does not prove frame {0}")]
    NotProven(usize),
}

impl Answer {
    /// The answer's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        self.validate()?;
        let mut out = Vec::with_capacity(64 + self.receipts.len() * 200 + self.verdicts.len() * 128);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&1u16.to_le_bytes());
        out.extend_from_slice(&self.oracle_time_ms.to_le_bytes());
        out.push(self.receipts.len() as u8);
        for receipt in &self.receipts {
            out.extend_from_slice(receipt);
        }
        out.extend_from_slice(&(self.verdicts.len() as u16).to_le_bytes());
        for verdict in &self.verdicts {
            out.push(verdict.reason.code());
            out.extend_from_slice(&verdict.last_seq.to_le_bytes());
            out.extend_from_slice(&verdict.received_at_ms.to_le_bytes());
            let (receipt_ref, index, path) = match &verdict.inclusion {
                Some(inclusion) => (inclusion.receipt_ref, inclusion.index, inclusion.path.as_slice()),
                None => (NO_RECEIPT, 0, [].as_slice()),
            };
            out.push(receipt_ref);
            out.extend_from_slice(&index.to_le_bytes());
            out.push(path.len() as u8);
            out.extend_from_slice(path.as_flattened());
        }
        Ok(out)
    }

    /// Reads an answer; the receipts in it stay unverified.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.file_header(MAGIC)?;
        let oracle_time_ms = r.u64("oracle time")?;
        let receipt_count = r.u8("receipt count")?;
        let mut receipts = Vec::new();
        for _ in 0..receipt_count {
            receipts.push(r.take(receipt::LEN, "receipt")?.to_vec());
        }
        let verdict_count = r.u16("verdict count")?;
        at_most("verdict count", verdict_count.into(), MAX_FRAMES as u64, "at most 256 are allowed")?;
        let mut verdicts = Vec::new();
        for _ in 0..verdict_count {
            verdicts.push(read_verdict(&mut r)?);
        }
        r.finish()?;
        let answer = Self { oracle_time_ms, receipts, verdicts };
        answer.validate()?;
        Ok(answer)
    }

    /// Checks every receipt (signed by `oracle_key`) and that each accepted frame is in the batch that its verdict
    /// names. `frames` are those of the request, in its order. Gives the decoded receipts.
    pub fn verify(
        &self,
        domain: &Domain,
        oracle_key: &[u8; 32],
        frames: &[&[u8]],
    ) -> Result<Vec<BatchReceipt>, AnswerError> {
        if self.verdicts.len() != frames.len() {
            return Err(AnswerError::Count { verdicts: self.verdicts.len(), frames: frames.len() });
        }
        let mut receipts = Vec::with_capacity(self.receipts.len());
        for (index, bytes) in self.receipts.iter().enumerate() {
            let receipt = BatchReceipt::decode_verified(domain, bytes)
                .map_err(|source| AnswerError::Receipt { index, source })?;
            if receipt.oracle_key != *oracle_key {
                return Err(AnswerError::OtherOracle(index));
            }
            receipts.push(receipt);
        }
        for (i, (verdict, frame)) in self.verdicts.iter().zip(frames).enumerate() {
            let Some(inclusion) = &verdict.inclusion else {
                if verdict.reason == Reason::Accepted {
                    return Err(AnswerError::NotProven(i));
                }
                continue;
            };
            let proven = receipts
                .get(usize::from(inclusion.receipt_ref))
                .is_some_and(|receipt| receipt.proves(frame, verdict.received_at_ms, inclusion.index, &inclusion.path));
            if !proven {
                return Err(AnswerError::NotProven(i));
            }
        }
        Ok(receipts)
    }

    fn validate(&self) -> Result<(), WireError> {
        short_count("receipt count", self.receipts.len(), MAX_RECEIPTS, "at most 255 are allowed")?;
        short_count("verdict count", self.verdicts.len(), MAX_FRAMES, "at most 256 are allowed")?;
        for receipt in &self.receipts {
            if receipt.len() != receipt::LEN {
                let rule = "a receipt has 196 bytes";
                return Err(WireError::Value { field: "receipt length", value: receipt.len() as u64, rule });
            }
        }
        for (index, verdict) in self.verdicts.iter().enumerate() {
            if verdict.inclusion.is_some() != (verdict.reason == Reason::Accepted) {
                return Err(WireError::Inconsistent { field: "receipt_ref", index });
            }
            let Some(inclusion) = &verdict.inclusion else {
                continue;
            };
            if usize::from(inclusion.receipt_ref) >= self.receipts.len() {
                let rule = "it must name a receipt of the answer";
                return Err(WireError::Value { field: "receipt_ref", value: inclusion.receipt_ref.into(), rule });
            }
            short_count("path length", inclusion.path.len(), MAX_DEPTH.into(), "at most 20 are allowed")?;
        }
        Ok(())
    }
}

fn read_verdict(r: &mut Reader<'_>) -> Result<Verdict, WireError> {
    let code = r.u8("reason")?;
    let reason = Reason::from_code(code).ok_or(WireError::Value {
        field: "reason",
        value: code.into(),
        rule: "which is no known code",
    })?;
    let last_seq = r.u64("last_seq")?;
    let received_at_ms = r.u64("received_at_ms")?;
    let receipt_ref = r.u8("receipt_ref")?;
    let index = r.u32("index")?;
    let path_len = r.u8("path length")?;
    short_count("path length", path_len.into(), MAX_DEPTH.into(), "at most 20 are allowed")?;
    let mut path = Vec::with_capacity(path_len.into());
    for _ in 0..path_len {
        path.push(r.array("path")?);
    }
    let inclusion = if receipt_ref != NO_RECEIPT {
        Some(Inclusion { receipt_ref, index, path })
    } else if index == 0 && path.is_empty() {
        None
    } else {
        return Err(WireError::Reserved("position without a receipt"));
    };
    Ok(Verdict { reason, last_seq, received_at_ms, inclusion })
}
