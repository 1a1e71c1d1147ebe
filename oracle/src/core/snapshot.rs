//! What a snapshot holds of the core, in chunks. It is fuzzy: chunks are made between batches while ingest goes on, so
//! later ones know more than earlier ones, and nothing that is not durable; replay goes on at the place in the log where
//! the first was made, and what a chunk knew already changes nothing again.
//!
//! Chunks, little-endian. Head: `kind u8 = 1 | what all frames begin with[80] | buckets u32 | next batch u64 |
//! frozen_before u64 | first epoch u64 + 1, 0 if none`. Receipt roots: `2 | count u32 | count x (issued_at_ms u64 |
//! root[32])`. Nodes: `3 | count u32 | count x node`, a node being `key[32] | has_last u8 | if so: seq u64 |
//! received_at_ms u64 | status u8 | frame hash[32] | batch_no u64 | index u32; then count of epochs u8, each epoch u64 |
//! bits[one per bucket] | reasons u8, each code u8 and count u32 | length u16 of what a frame has after the node key |
//! that, empty if none is held`.

use std::collections::HashMap;

use muster_protocol::bitmap::{Bitmap, byte_len};
use muster_protocol::heartbeat::{Heartbeat, Status};
use muster_protocol::reason::Reason;
use muster_protocol::wire::{Frame, Reader, WireError};

use super::commit::OpenBatch;
use super::epoch::EpochState;
use super::frames::NODE_KEY_AT;
use super::node::{Ack, Last, Print};
use super::{Core, FROZEN_EPOCHS_KEPT};

const HEAD: u8 = 1;
const ROOTS: u8 = 2;
const NODES: u8 = 3;
/// Roots of one chunk.
const ROOTS_MAX: usize = 8_192;

impl Core {
    /// The chunks to begin with, at a place in the log after which everything is replayed.
    pub fn snapshot_head(&self) -> Vec<Vec<u8>> {
        let mut head = vec![HEAD];
        head.extend_from_slice(&self.shared);
        head.extend_from_slice(&self.config.schedule.buckets().to_le_bytes());
        head.extend_from_slice(&self.next_batch_no.to_le_bytes());
        head.extend_from_slice(&self.frozen_before.to_le_bytes());
        head.extend_from_slice(&self.first_epoch.map_or(0, |epoch| epoch + 1).to_le_bytes());
        let mut chunks = vec![head];
        let roots: Vec<_> = self.roots.issued().collect();
        for some in roots.chunks(ROOTS_MAX) {
            let mut chunk = vec![ROOTS];
            chunk.extend_from_slice(&(some.len() as u32).to_le_bytes());
            for (at_ms, root) in some {
                chunk.extend_from_slice(&at_ms.to_le_bytes());
                chunk.extend_from_slice(root);
            }
            chunks.push(chunk);
        }
        chunks
    }

    /// The chunk of so many nodes from slot `from` on; none behind the last.
    pub fn snapshot_nodes(&self, from: u32, count: usize) -> Option<Vec<u8>> {
        let slots = self.roster.slots().get(from as usize..)?;
        let slots = &slots[..slots.len().min(count)];
        if slots.is_empty() {
            return None;
        }
        let before = self.open.as_ref().map(OpenBatch::displaced).unwrap_or_default();
        let mut chunk = vec![NODES];
        chunk.extend_from_slice(&(slots.len() as u32).to_le_bytes());
        for (number, slot) in (from..).zip(slots) {
            chunk.extend_from_slice(slot.key.as_bytes());
            let last = before.get(&number).copied().unwrap_or(slot.last.as_ref());
            push_last(&mut chunk, last);
            let at = chunk.len();
            chunk.push(0);
            for (epoch, state) in &self.epochs {
                if state.push_slot(&mut chunk, *epoch, number, &self.shared, slot.key.as_bytes()) {
                    chunk[at] = chunk[at].saturating_add(1);
                }
            }
        }
        Some(chunk)
    }

    /// Takes a chunk back, before any record is replayed. After an error the core is of no use.
    pub fn restore(&mut self, chunk: &[u8]) -> Result<(), String> {
        let mut r = Reader::new(chunk);
        let restored = match r.u8("chunk kind").map_err(|error| error.to_string())? {
            HEAD => self.restore_head(&mut r)?,
            ROOTS => self.restore_roots(&mut r),
            NODES => self.restore_nodes(&mut r),
            kind => return Err(format!("chunk kind {kind} is unknown here")),
        };
        restored.and_then(|()| r.finish()).map_err(|error| error.to_string())
    }

    fn restore_head(&mut self, r: &mut Reader<'_>) -> Result<Result<(), WireError>, String> {
        let mut read = || {
            let shared: [u8; NODE_KEY_AT] = r.array("what frames begin with")?;
            let buckets = r.u32("buckets")?;
            Ok((shared, buckets, r.u64("next batch")?, r.u64("frozen_before")?, r.u64("first epoch")?))
        };
        let (shared, buckets, next_batch_no, frozen_before, first_epoch) = match read() {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        if shared != self.shared || buckets != self.config.schedule.buckets() {
            return Err("it is of another network or calendar".into());
        }
        self.next_batch_no = next_batch_no;
        self.frozen_before = self.frozen_before.max(frozen_before);
        self.first_epoch = first_epoch.checked_sub(1);
        Ok(Ok(()))
    }

    fn restore_roots(&mut self, r: &mut Reader<'_>) -> Result<(), WireError> {
        let count = r.u32("root count")?;
        for _ in 0..r.expect_entries(count, 40, "roots")? {
            let at_ms = r.u64("issued_at_ms")?;
            self.roots.issue(r.array("root")?, at_ms);
        }
        Ok(())
    }

    fn restore_nodes(&mut self, r: &mut Reader<'_>) -> Result<(), WireError> {
        let count = r.u32("node count")?;
        for _ in 0..r.expect_entries(count, 34, "nodes")? {
            let key: [u8; 32] = r.array("node key")?;
            let slot = self.roster.find_or_insert(&key)?;
            if r.u8("has_last")? == 1 {
                self.roster.slot_mut(slot).last = Some(read_last(r)?);
            }
            for _ in 0..r.u8("epochs")? {
                self.restore_epoch(r, slot, &key)?;
            }
        }
        Ok(())
    }

    fn restore_epoch(&mut self, r: &mut Reader<'_>, slot: u32, key: &[u8; 32]) -> Result<(), WireError> {
        let epoch = r.u64("epoch")?;
        let buckets = self.config.schedule.buckets();
        let bits = Bitmap::from_bytes(buckets, r.take(byte_len(buckets), "bits")?)?;
        let mut refused = Vec::new();
        for _ in 0..r.u8("reasons")? {
            let code = r.u8("reason")?;
            let rule = "which is no known code";
            let reason =
                Reason::from_code(code).ok_or(WireError::Value { field: "reason", value: code.into(), rule })?;
            refused.push((reason, r.u32("refused count")?));
        }
        let len = r.u16("frame length")?;
        let rest = r.take(len.into(), "frame")?;
        if epoch.saturating_add(FROZEN_EPOCHS_KEPT) < self.frozen_before {
            return Ok(());
        }
        let frame = if rest.is_empty() { None } else { Some([self.shared.as_slice(), key, rest].concat()) };
        let held = match frame.as_deref().filter(|_| epoch >= self.frozen_before) {
            Some(frame) => Some((Heartbeat::decode(&self.config.domain, frame)?.0.seq, frame)),
            None => None,
        };
        let slots = self.roster.len();
        let state = self.epochs.entry(epoch).or_insert_with(|| EpochState::new(buckets));
        state.restore_slot(slot, slots, &bits, &refused, held);
        Ok(())
    }
}

impl OpenBatch {
    /// What each slot had before this batch.
    fn displaced(&self) -> HashMap<u32, Option<&Last>> {
        // The first of a slot's frames displaced what is durable.
        self.taken().iter().rev().map(|taken| (taken.slot, taken.before.as_ref())).collect()
    }
}

fn push_last(out: &mut Vec<u8>, last: Option<&Last>) {
    let place = last.and_then(|last| {
        let (batch_no, index) = match &last.ack {
            Ack::Durable(committed, index) => (committed.receipt().batch_no, *index),
            Ack::Logged { batch_no, index } => (*batch_no, *index),
            Ack::Gone => (0, 0),
            Ack::Open(_) => return None,
        };
        Some((last, last.hash()?, batch_no, index))
    });
    let Some((last, hash, batch_no, index)) = place else {
        out.push(0);
        return;
    };
    out.push(1);
    out.extend_from_slice(&last.seq.to_le_bytes());
    out.extend_from_slice(&last.received_at_ms.to_le_bytes());
    out.push(last.status as u8);
    out.extend_from_slice(&hash);
    out.extend_from_slice(&batch_no.to_le_bytes());
    out.extend_from_slice(&index.to_le_bytes());
}

fn read_last(r: &mut Reader<'_>) -> Result<Last, WireError> {
    let (seq, received_at_ms) = (r.u64("seq")?, r.u64("received_at_ms")?);
    let status = match r.u8("status")? {
        1 => Status::Online,
        2 => Status::Busy,
        3 => Status::Maintenance,
        value => {
            let rule = "1 (online), 2 (busy) and 3 (maintenance) are known";
            return Err(WireError::Value { field: "status", value: value.into(), rule });
        }
    };
    let print = Print::Hash(r.array("frame hash")?);
    let (batch_no, index) = (r.u64("batch_no")?, r.u32("index")?);
    let ack = if batch_no == 0 { Ack::Gone } else { Ack::Logged { batch_no, index } };
    Ok(Last { seq, received_at_ms, status, print, ack })
}
