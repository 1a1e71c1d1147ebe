//! What this oracle saw in one epoch: a bitmap and the last frame per node in flat arrays by slot number, and the
//! refusals of those that had any.

use std::collections::{BTreeMap, BTreeSet};

use muster_protocol::bitmap::{Bitmap, byte_len};
use muster_protocol::reason::Reason;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::view::{NodeView, View};

use super::frames::{LastFrames, NODE_KEY_AT};
use super::roster::Roster;

/// Appends zeros up to `len`. The first array of an epoch comes zeroed from the system, page by page as it is used.
pub(super) fn grow(bytes: &mut Vec<u8>, len: usize) {
    if bytes.is_empty() {
        *bytes = vec![0; len];
    } else if bytes.len() < len {
        bytes.resize(len, 0);
    }
}

/// One node in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEpoch {
    /// The counted buckets.
    pub bitmap: Bitmap,
    /// By reason, ascending.
    pub refused: Vec<(Reason, u32)>,
}

/// What of a frame says where its bit belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The bucket.
    pub bucket: Bucket,
    /// The frame's sequence number.
    pub seq: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct EpochState {
    buckets: u32,
    bits: Vec<u8>,
    frames: LastFrames,
    refused: BTreeMap<(u32, Reason), u32>,
}

impl EpochState {
    /// Nothing seen yet.
    pub fn new(buckets: u32) -> Self {
        Self { buckets, bits: Vec::new(), frames: LastFrames::default(), refused: BTreeMap::new() }
    }

    fn bits_of(&self, slot: u32) -> &[u8] {
        let len = byte_len(self.buckets);
        let at = slot as usize * len;
        self.bits.get(at..at + len).unwrap_or_default()
    }

    fn refused_of(&self, slot: u32) -> Vec<(Reason, u32)> {
        let all = self.refused.range((slot, Reason::Accepted)..).take_while(|((of, _), _)| *of == slot);
        all.map(|((_, reason), count)| (*reason, *count)).collect()
    }

    /// A slot as it was seen; none if it was not.
    pub fn slot(&self, slot: u32) -> Option<NodeEpoch> {
        let refused = self.refused_of(slot);
        let bits = self.bits_of(slot);
        if refused.is_empty() && bits.iter().all(|byte| *byte == 0) {
            return None;
        }
        let bitmap = Bitmap::from_bytes(self.buckets, bits).unwrap_or_else(|_| Bitmap::new(self.buckets));
        Some(NodeEpoch { bitmap, refused })
    }

    /// Counts a bucket of one of `slots` slots. Again changes nothing.
    pub fn count(&mut self, slot: u32, slots: usize, mark: Mark, frame: &[u8]) {
        let bucket = mark.bucket.get();
        if bucket >= self.buckets {
            return;
        }
        self.make_room(slots);
        let len = byte_len(self.buckets);
        self.bits[slot as usize * len + (bucket / 8) as usize] |= 1 << (bucket % 8);
        self.frames.put(slot, mark.seq, frame);
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, slot: u32, reason: Reason) {
        let count = self.refused.entry((slot, reason)).or_default();
        *count = count.saturating_add(1);
    }

    /// Appends what a snapshot holds of a slot; says whether there is anything.
    pub(super) fn push_slot(
        &self,
        out: &mut Vec<u8>,
        epoch: u64,
        slot: u32,
        shared: &[u8; NODE_KEY_AT],
        key: &[u8; 32],
    ) -> bool {
        let Some(seen) = self.slot(slot) else {
            return false;
        };
        out.extend_from_slice(&epoch.to_le_bytes());
        out.extend_from_slice(seen.bitmap.as_bytes());
        out.push(seen.refused.len() as u8);
        for (reason, count) in &seen.refused {
            out.push(reason.code());
            out.extend_from_slice(&count.to_le_bytes());
        }
        let frame = self.frames.get(slot, shared, key);
        let rest = frame.get(NODE_KEY_AT + key.len()..).unwrap_or_default();
        out.extend_from_slice(&(rest.len() as u16).to_le_bytes());
        out.extend_from_slice(rest);
        true
    }

    /// Takes back what a snapshot holds of one of `slots` slots, the last frame with its sequence number.
    pub(super) fn restore_slot(
        &mut self,
        slot: u32,
        slots: usize,
        bits: &Bitmap,
        refused: &[(Reason, u32)],
        frame: Option<(u64, &[u8])>,
    ) {
        self.make_room(slots);
        let len = byte_len(self.buckets);
        for (held, byte) in self.bits[slot as usize * len..].iter_mut().zip(bits.as_bytes()) {
            *held |= byte;
        }
        for (reason, count) in refused {
            self.refused.insert((slot, *reason), *count);
        }
        if let Some((seq, frame)) = frame {
            self.frames.put(slot, seq, frame);
        }
    }

    fn make_room(&mut self, slots: usize) {
        let len = byte_len(self.buckets);
        if self.bits.len() < slots * len {
            grow(&mut self.bits, slots * len);
            self.frames.grow(slots);
        }
    }

    /// Forgets the frames: they are in the published view.
    pub fn forget_frames(&mut self) {
        self.frames = LastFrames::default();
    }
}

/// An epoch and who is who in it.
#[derive(Clone, Copy, Debug)]
pub struct EpochRef<'a> {
    pub(super) roster: &'a Roster,
    /// What all of this oracle's frames begin with.
    pub(super) shared: &'a [u8; NODE_KEY_AT],
    pub(super) state: &'a EpochState,
}

impl EpochRef<'_> {
    /// One node as it was seen; none if it was not.
    pub fn node(&self, key: &[u8; 32]) -> Option<NodeEpoch> {
        self.state.slot(self.roster.find(key)?)
    }

    /// The view, unsigned.
    pub fn view(&self, oracle_key: [u8; 32], epoch: u64) -> View {
        let Self { roster, shared, state } = self;
        let refused: BTreeSet<u32> = state.refused.keys().map(|(slot, _)| *slot).collect();
        let heard = (0..roster.len() as u32).filter(|slot| state.frames.holds(*slot) || refused.contains(slot));
        let key = |slot: u32| roster.slot(slot).key.as_bytes();
        // The first bytes decide nearly always, without a look at the slot.
        let head = |slot: u32| key(slot).first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        let mut order: Vec<(u64, u32)> = heard.map(|slot| (head(slot), slot)).collect();
        order.sort_unstable_by(|(a_head, a), (b_head, b)| a_head.cmp(b_head).then_with(|| key(*a).cmp(key(*b))));
        let node_view = |(_, slot): (u64, u32)| {
            let seen = state.slot(slot);
            let seen = seen.unwrap_or_else(|| NodeEpoch { bitmap: Bitmap::new(state.buckets), refused: Vec::new() });
            NodeView {
                node_key: *key(slot),
                bitmap: seen.bitmap,
                refused: seen.refused,
                last_frame: state.frames.get(slot, shared, key(slot)),
            }
        };
        View {
            oracle_key,
            epoch: EpochIndex::new(epoch),
            buckets: state.buckets,
            nodes: order.into_iter().map(node_view).collect(),
        }
    }
}
