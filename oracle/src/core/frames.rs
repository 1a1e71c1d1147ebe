//! The last accepted frame of every node in one epoch, in one flat array: what all frames share (header, oracle key,
//! node key) is not kept, and the rest has a fixed length but for the workload entries.

use muster_protocol::heartbeat::MIN_LEN;
use muster_protocol::sig::SIGNATURE_LEN;
use muster_protocol::wire::HEADER_LEN;

/// Where the node key stands: header and oracle key are before it.
pub(super) const NODE_KEY_AT: usize = HEADER_LEN + 32;
/// Where the fields begin that differ from frame to frame.
const FIELDS_AT: usize = NODE_KEY_AT + 32;
/// Bytes of those fields, without workload entries.
const FIELDS_LEN: usize = MIN_LEN - FIELDS_AT - SIGNATURE_LEN;
/// Bytes of a place.
const PLACE_LEN: usize = FIELDS_LEN + SIGNATURE_LEN;
/// Where a place holds the sequence number: after epoch, bucket and time.
const SEQ_AT: usize = 20;
/// Where a place holds the status, which is never 0: after sequence number, digest and root.
const STATUS_AT: usize = SEQ_AT + 8 + 64;

/// See the module. Places are by slot number.
#[derive(Clone, Debug, Default)]
pub struct LastFrames {
    places: Vec<u8>,
    workloads: Vec<Option<Box<[u8]>>>,
}

impl LastFrames {
    /// Makes room for slots below `count`.
    pub fn grow(&mut self, count: usize) {
        super::epoch::grow(&mut self.places, count * PLACE_LEN);
        if self.workloads.len() < count {
            self.workloads.resize(count, None);
        }
    }

    fn place(&self, slot: u32) -> Option<&[u8]> {
        let at = slot as usize * PLACE_LEN;
        self.places.get(at..at + PLACE_LEN).filter(|place| place[STATUS_AT] != 0)
    }

    /// Whether a frame is held.
    pub fn holds(&self, slot: u32) -> bool {
        self.place(slot).is_some()
    }

    /// Keeps a frame unless a later one is held. There must be room.
    pub fn put(&mut self, slot: u32, seq: u64, frame: &[u8]) {
        let held = self.place(slot).and_then(|place| place[SEQ_AT..].first_chunk());
        if held.is_some_and(|held| u64::from_le_bytes(*held) > seq) {
            return;
        }
        let workloads = &frame[FIELDS_AT + FIELDS_LEN..frame.len() - SIGNATURE_LEN];
        let place = &mut self.places[slot as usize * PLACE_LEN..][..PLACE_LEN];
        place[..FIELDS_LEN].copy_from_slice(&frame[FIELDS_AT..][..FIELDS_LEN]);
        place[FIELDS_LEN..].copy_from_slice(&frame[frame.len() - SIGNATURE_LEN..]);
        let kept = &mut self.workloads[slot as usize];
        if !workloads.is_empty() || kept.is_some() {
            *kept = (!workloads.is_empty()).then(|| workloads.into());
        }
    }

    /// The whole frame again; `shared` is what all of this oracle's frames begin with. Empty if none is held.
    pub fn get(&self, slot: u32, shared: &[u8; NODE_KEY_AT], node_key: &[u8; 32]) -> Vec<u8> {
        let Some(place) = self.place(slot) else {
            return Vec::new();
        };
        let (fields, signature) = place.split_at(FIELDS_LEN);
        let workloads = self.workloads[slot as usize].as_deref().unwrap_or_default();
        [shared.as_slice(), node_key, fields, workloads, signature].concat()
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::heartbeat::{Heartbeat, Status, Workload};
    use muster_protocol::sig::SigningKey;
    use muster_protocol::units::{Bucket, EpochIndex};
    use muster_protocol::wire::{Domain, Frame};

    use super::*;

    fn frame(seq: u64, workloads: usize) -> Vec<u8> {
        let key = SigningKey::from_bytes(&[3; 32]);
        let heartbeat = Heartbeat {
            oracle_key: [8; 32],
            node_key: key.verifying_key().to_bytes(),
            epoch: EpochIndex::new(u64::MAX - 5),
            bucket: Bucket::new(287),
            sent_at_ms: 1_700_000_000_123,
            seq,
            bitmap_digest: [21; 32],
            receipt_root: [22; 32],
            status: Status::Maintenance,
            cpu_permille: 1000,
            memory_permille: 999,
            workloads: vec![Workload { id: [7; 16], state: 2, progress: 55 }; workloads],
        };
        heartbeat.encode_signed(&Domain { genesis_tag: [1; 8], program: [2; 32] }, &key).unwrap()
    }

    #[test]
    fn a_frame_comes_back_byte_for_byte_and_an_earlier_one_displaces_no_later() {
        let mut frames = LastFrames::default();
        frames.grow(3);
        let get = |frames: &LastFrames, like: &[u8]| {
            let (shared, rest) = like.split_first_chunk().unwrap();
            frames.get(1, shared, rest.first_chunk().unwrap())
        };
        assert!(!frames.holds(1) && get(&frames, &frame(1, 0)).is_empty());
        for (seq, workloads) in [(5, 0), (6, 16), (7, 1), (8, 0)] {
            let sent = frame(seq, workloads);
            frames.put(1, seq, &sent);
            assert_eq!(get(&frames, &sent), sent, "{workloads} workloads");
            frames.put(1, 4, &frame(4, 2));
            assert_eq!(get(&frames, &sent), sent, "the later one stays");
        }
        assert!(frames.holds(1) && !frames.holds(0) && !frames.holds(2) && !frames.holds(3));
    }
}
