//! Replay: what the log holds, again. A frame that is applied twice, or after a later one, changes nothing, so replay may
//! begin before the moment that a snapshot is of.

use std::sync::Arc;

use muster_protocol::heartbeat::{Heartbeat, Status};
use muster_protocol::wire::{Frame, WireError};

use super::batch::{Committed, Record};
use super::epoch::Mark;
use super::node::{Ack, Last, Print};
use super::{Core, Output};

/// What replay needs of a frame.
struct Replayed {
    slot: u32,
    mark: Mark,
    status: Status,
}

impl Core {
    /// Nodes that were heard are not told one by one: see [`Core::heard`].
    pub(super) fn replay(&mut self, payload: &[u8]) -> Vec<Output> {
        let corrupt = |why: String| vec![Output::Corrupt(why)];
        let record = match Record::decode(payload) {
            Ok(record) if record.batch_no >= self.next_batch_no => record,
            Ok(record) => return corrupt(format!("batch {} is there twice", record.batch_no)),
            Err(error) => return corrupt(error.to_string()),
        };
        let read: Result<Vec<Replayed>, WireError> =
            record.frames().map(|(_, frame)| self.read_replayed(frame)).collect();
        let read = match read {
            Ok(read) => read,
            Err(error) => return corrupt(error.to_string()),
        };
        let committed = Arc::new(Committed::replayed(self.oracle_key, &record, payload));
        self.book(&committed);
        for (index, (one, (at, at_ms, frame))) in read.iter().zip(record.frames_at()).enumerate() {
            self.count(one.slot, one.mark, frame);
            let slot = self.roster.slot_mut(one.slot);
            if one.mark.seq >= slot.last_seq() {
                let print = Print::InRecord { at, len: frame.len() as u16 };
                let ack = Ack::Durable(committed.clone(), index as u32);
                let (seq, status) = (one.mark.seq, one.status);
                slot.last = Some(Last { seq, received_at_ms: at_ms, status, print, ack });
            }
        }
        Vec::new()
    }

    fn read_replayed(&mut self, frame: &[u8]) -> Result<Replayed, WireError> {
        let (heartbeat, _) = Heartbeat::decode(&self.config.domain, frame)?;
        let slot = self.roster.find_or_insert(&heartbeat.node_key)?;
        let mark = Mark { epoch: heartbeat.epoch, bucket: heartbeat.bucket, seq: heartbeat.seq };
        Ok(Replayed { slot, mark, status: heartbeat.status })
    }
}
