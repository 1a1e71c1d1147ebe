//! Acknowledgements of batches that only the log holds: after a start from a snapshot, a node that sends its last accepted
//! bytes again gets its acknowledgement out of the batch's record.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::{Committed, Record};
use super::frames::NODE_KEY_AT;
use super::node::Ack;
use super::{Core, Output, Request};

/// A batch that the log is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Its number, which is its record's.
    pub batch_no: u64,
    /// Whose acknowledgements are wanted.
    pub(super) slots: Vec<u32>,
}

impl Core {
    /// Asks for the batches of these slots' acknowledgements; the requests come again after them.
    pub(super) fn ask_for(&self, slots: impl Iterator<Item = u32>, requests: Vec<Request>) -> Output {
        let mut wanted: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for slot in slots {
            if let Some(Ack::Logged { batch_no, .. }) = self.roster.slot(slot).last.as_ref().map(|last| &last.ack) {
                wanted.entry(*batch_no).or_default().push(slot);
            }
        }
        let batches = wanted.into_iter().map(|(batch_no, slots)| Recall { batch_no, slots }).collect();
        Output::Recall { batches, requests }
    }

    /// Whether a slot's acknowledgement is in the log alone.
    pub(super) fn is_logged(&self, slot: u32) -> bool {
        let last = self.roster.slot(slot).last.as_ref();
        last.is_some_and(|last| matches!(last.ack, Ack::Logged { .. }))
    }

    /// A batch that was asked for; none if the log holds it no more.
    pub(super) fn recalled(&mut self, recall: &Recall, payload: Option<&[u8]>) {
        let record = payload.and_then(|payload| Some((payload, Record::decode(payload).ok()?)));
        if let Some((payload, record)) = record.filter(|(_, record)| record.batch_no == recall.batch_no) {
            let committed = Arc::new(Committed::replayed(self.oracle_key, &record, payload));
            for (at, (_, frame)) in (0..).zip(record.frames()) {
                let key = frame.get(NODE_KEY_AT..).and_then(|rest| rest.first_chunk());
                let Some(slot) = key.and_then(|key| self.roster.find(key)) else {
                    continue;
                };
                if let Some(last) = &mut self.roster.slot_mut(slot).last
                    && matches!(last.ack, Ack::Logged { batch_no, index } if (batch_no, index) == (recall.batch_no, at))
                {
                    last.ack = Ack::Durable(committed.clone(), at);
                }
            }
        }
        for slot in &recall.slots {
            if self.is_logged(*slot)
                && let Some(last) = &mut self.roster.slot_mut(*slot).last
            {
                last.ack = Ack::Gone;
            }
        }
    }
}
