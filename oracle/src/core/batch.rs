//! A batch: what one fsync makes durable and one receipt stands for; and its record in the log.
//!
//! Record: `kind u8 = 1 | batch_no u64 | committed_at_ms u64 | count u32 | root[32] | count x (received_at_ms u64 |
//! len u16 | frame)`, little-endian. Everything that a receipt says is in the record, so a restarted oracle gives the
//! same receipt again, byte for byte, and has to hash no frame before somebody asks for its place.

use std::sync::OnceLock;

use muster_protocol::Hash;
use muster_protocol::answer::Inclusion;
use muster_protocol::heartbeat::frame_hash;
use muster_protocol::merkle::{MAX_LEAVES, Tree, batch_leaf};
use muster_protocol::receipt::{BatchReceipt, tick_root};
use muster_protocol::sig::FrameSigner;
use muster_protocol::wire::{Domain, Frame, Reader, WireError};

/// First byte of a batch's record. 2 is kept for snapshots.
pub const BATCH_KIND: u8 = 1;
/// Bytes in front of the frames.
const HEAD_LEN: usize = 53;

/// A batch that is being put together.
#[derive(Debug)]
pub struct Draft {
    record: Vec<u8>,
    leaves: Vec<Hash>,
}

impl Draft {
    /// Nothing in it; room for `frame_bytes` bytes of `count` frames.
    pub fn new(count: usize, frame_bytes: usize) -> Self {
        let mut record = Vec::with_capacity(HEAD_LEN + 10 * count + frame_bytes);
        record.resize(HEAD_LEN, 0);
        Self { record, leaves: Vec::with_capacity(count) }
    }

    /// How many frames are in.
    pub fn count(&self) -> u32 {
        self.leaves.len() as u32
    }

    /// Adds a frame of this hash.
    pub fn push(&mut self, received_at_ms: u64, frame: &[u8], hash: &Hash) {
        self.record.extend_from_slice(&received_at_ms.to_le_bytes());
        self.record.extend_from_slice(&(frame.len() as u16).to_le_bytes());
        self.record.extend_from_slice(frame);
        self.leaves.push(batch_leaf(hash, received_at_ms));
    }

    /// The record and what its receipt will say.
    pub fn finish(self, oracle_key: [u8; 32], batch_no: u64, committed_at_ms: u64) -> (Vec<u8>, Committed) {
        let Self { mut record, leaves } = self;
        let tree = if leaves.is_empty() { None } else { Tree::build(leaves).ok() };
        let receipt = match &tree {
            Some(tree) => {
                BatchReceipt { oracle_key, batch_no, committed_at_ms, count: tree.count(), root: tree.root() }
            }
            None => BatchReceipt::tick(oracle_key, batch_no, committed_at_ms),
        };
        record[0] = BATCH_KIND;
        record[1..9].copy_from_slice(&batch_no.to_le_bytes());
        record[9..17].copy_from_slice(&committed_at_ms.to_le_bytes());
        record[17..21].copy_from_slice(&receipt.count.to_le_bytes());
        record[21..HEAD_LEN].copy_from_slice(&receipt.root);
        (record, Committed { receipt, tree: OnceLock::from(tree), record: None, signed: OnceLock::new() })
    }
}

/// A batch's record, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Strictly increasing per oracle.
    pub batch_no: u64,
    /// When it was handed to the disk, Unix milliseconds; acknowledgements leave after the fsync that follows.
    pub committed_at_ms: u64,
    /// Accepted frames; none is a tick.
    pub count: u32,
    /// Root of the batch.
    pub root: Hash,
    frames: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record's payload.
    pub fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(payload);
        let kind = r.u8("record kind")?;
        if kind != BATCH_KIND {
            return Err(WireError::Kind { expected: BATCH_KIND, found: kind });
        }
        let batch_no = r.u64("batch number")?;
        let committed_at_ms = r.u64("committed_at_ms")?;
        let count = r.u32("frame count")?;
        let root = r.array("batch root")?;
        r.expect_entries(count, 10, "frames")?;
        if count > MAX_LEAVES {
            let rule = "at most 1048576 are allowed";
            return Err(WireError::Value { field: "frame count", value: count.into(), rule });
        }
        let record = Self { batch_no, committed_at_ms, count, root, frames: r.take(r.remaining(), "frames")? };
        let mut rest = Reader::new(record.frames);
        for _ in 0..count {
            read_frame(&mut rest)?;
        }
        rest.finish()?;
        Ok(record)
    }

    /// When each frame arrived, Unix milliseconds, and its bytes.
    pub fn frames(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        self.frames_at().map(|(_, at_ms, frame)| (at_ms, frame))
    }

    /// The same, after the place in the record where each frame begins.
    pub(super) fn frames_at(&self) -> impl Iterator<Item = (u32, u64, &'a [u8])> + use<'a> {
        let all = self.frames.len();
        let mut rest = Reader::new(self.frames);
        (0..self.count).map_while(move |_| {
            let (at_ms, frame) = read_frame(&mut rest).ok()?;
            Some(((HEAD_LEN + all - rest.remaining() - frame.len()) as u32, at_ms, frame))
        })
    }
}

fn read_frame<'a>(rest: &mut Reader<'a>) -> Result<(u64, &'a [u8]), WireError> {
    let at_ms = rest.u64("received_at_ms")?;
    let len = rest.u16("frame length")?;
    Ok((at_ms, rest.take(len.into(), "frame")?))
}

/// A batch that is on disk: hands out the receipt and the place of each frame.
#[derive(Debug)]
pub struct Committed {
    receipt: BatchReceipt,
    /// Of a replayed batch it is built when somebody asks. None for a tick.
    tree: OnceLock<Option<Tree>>,
    /// Of a replayed batch.
    record: Option<Box<[u8]>>,
    signed: OnceLock<Vec<u8>>,
}

impl PartialEq for Committed {
    fn eq(&self, other: &Self) -> bool {
        self.receipt == other.receipt
    }
}

impl Committed {
    /// A batch that the log holds. `payload` is what `record` was read from.
    pub fn replayed(oracle_key: [u8; 32], record: &Record<'_>, payload: &[u8]) -> Self {
        let Record { batch_no, committed_at_ms, count, root, .. } = *record;
        // A tick's root follows from its numbers.
        let root = if count == 0 { tick_root(&oracle_key, batch_no, committed_at_ms) } else { root };
        let receipt = BatchReceipt { oracle_key, batch_no, committed_at_ms, count, root };
        let record = (count > 0).then(|| payload.into());
        Self { receipt, tree: OnceLock::new(), record, signed: OnceLock::new() }
    }

    /// What the receipt says.
    pub fn receipt(&self) -> &BatchReceipt {
        &self.receipt
    }

    /// The signed receipt; signed once.
    pub fn signed(&self, domain: &Domain, key: &(impl FrameSigner + ?Sized)) -> Result<&[u8], WireError> {
        if let Some(signed) = self.signed.get() {
            return Ok(signed);
        }
        let signed = self.receipt.encode_signed(domain, key)?;
        Ok(self.signed.get_or_init(|| signed))
    }

    /// Of a replayed batch: `len` bytes of its record.
    pub(super) fn replayed_bytes(&self, at: u32, len: u16) -> Option<&[u8]> {
        self.record.as_deref()?.get(at as usize..)?.get(..len.into())
    }

    fn replayed_frames(&self) -> Option<impl Iterator<Item = (u64, &[u8])>> {
        // It was decoded before it was kept.
        Some(Record::decode(self.record.as_deref()?).ok()?.frames())
    }

    /// The place of frame `index`, for the answer that carries this batch's receipt as number `receipt_ref`.
    pub fn inclusion(&self, receipt_ref: u8, index: u32) -> Option<Inclusion> {
        let build = || {
            let leaf = |(at_ms, frame): (u64, &[u8])| batch_leaf(&frame_hash(frame), at_ms);
            Tree::build(self.replayed_frames()?.map(leaf).collect()).ok()
        };
        let path = self.tree.get_or_init(build).as_ref()?.proof(index)?;
        Some(Inclusion { receipt_ref, index, path })
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::sig::SigningKey;

    use super::*;

    fn domain() -> Domain {
        Domain { genesis_tag: [1; 8], program: [2; 32] }
    }

    #[test]
    fn a_record_gives_the_batch_again_with_the_same_receipt_and_places() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let oracle_key = key.verifying_key().to_bytes();
        for count in [0u8, 1, 2, 5] {
            let sent: Vec<(u64, Vec<u8>)> =
                (0..count).map(|i| (100 + u64::from(i), vec![i; 3 + usize::from(i)])).collect();
            let mut draft = Draft::new(1, 3);
            for (at_ms, frame) in &sent {
                draft.push(*at_ms, frame, &frame_hash(frame));
            }
            assert_eq!(draft.count(), u32::from(count));
            let (payload, live) = draft.finish(oracle_key, 7, 1234);
            let record = Record::decode(&payload).unwrap();
            assert_eq!((record.batch_no, record.committed_at_ms), (7, 1234));
            assert!(record.frames().eq(sent.iter().map(|(at_ms, frame)| (*at_ms, frame.as_slice()))));
            let replayed = Committed::replayed(oracle_key, &record, &payload);
            assert_eq!(replayed.signed(&domain(), &key), live.signed(&domain(), &key));
            for (index, (at_ms, frame)) in sent.iter().enumerate() {
                let place = replayed.inclusion(3, index as u32).unwrap();
                assert_eq!(Some(&place), live.inclusion(3, index as u32).as_ref());
                assert!(replayed.receipt().proves(frame, *at_ms, place.index, &place.path));
                let (at, _, _) = record.frames_at().nth(index).unwrap();
                assert_eq!(replayed.replayed_bytes(at, frame.len() as u16), Some(frame.as_slice()));
            }
            assert_eq!(replayed.inclusion(0, count.into()), None);
            for len in 0..payload.len() {
                assert!(Record::decode(&payload[..len]).is_err(), "cut at {len}");
            }
            assert!(Record::decode(&[payload.as_slice(), &[0]].concat()).is_err());
        }
    }
}
