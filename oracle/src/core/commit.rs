//! From the accepted frames to the acknowledgements: the open batch, its way to the disk, and the answers.

use std::sync::Arc;

use muster_protocol::answer::{Answer, Verdict};
use muster_protocol::reason::Reason;

use super::batch::{Committed, Record};
use super::epoch::{EpochState, Mark};
use super::judge::{JudgedAll, Taken};
use super::node::Ack;
use super::{Core, Judged, Outcome, Output};

/// A batch on its way to the disk.
pub(super) struct OpenBatch {
    committed: Arc<Committed>,
    /// What is on its way to the disk.
    record: Vec<u8>,
    taken: Vec<Taken>,
    requests: Vec<(u64, Vec<Outcome>)>,
}

impl OpenBatch {
    /// Whose frames are in it, in its order.
    pub(super) fn taken(&self) -> &[Taken] {
        &self.taken
    }
}

impl Core {
    pub(super) fn open_batch(&mut self, judged: JudgedAll, now_ms: u64) -> Vec<Output> {
        if self.open.is_some() {
            return Vec::new();
        }
        let JudgedAll { requests, draft, taken } = judged;
        let (record, committed) = draft.finish(self.oracle_key, self.next_batch_no, now_ms);
        let written = record.clone();
        self.open = Some(OpenBatch { committed: Arc::new(committed), record, taken, requests });
        vec![Output::Write(written)]
    }

    pub(super) fn written(&mut self) -> Vec<Output> {
        let Some(open) = self.open.take() else {
            return Vec::new();
        };
        let OpenBatch { committed, record, taken, requests } = open;
        let record = match Record::decode(&record) {
            Ok(record) => record,
            Err(error) => return vec![Output::Corrupt(error.to_string())],
        };
        self.book(&committed);
        let mut outputs = Vec::with_capacity(requests.len() + taken.len() + 1);
        for (index, (taken, (at_ms, frame))) in taken.iter().zip(record.frames()).enumerate() {
            self.count(taken.slot, taken.mark, frame);
            let slot = self.roster.slot_mut(taken.slot);
            if let Some(last) = &mut slot.last
                && matches!(last.ack, Ack::Open(at) if at == index as u32)
            {
                last.ack = Ack::Durable(committed.clone(), index as u32);
            }
            outputs.push(Output::Seen { node_key: *slot.key.as_bytes(), at_ms, status: taken.status });
        }
        for (id, mut outcomes) in requests {
            for outcome in &mut outcomes {
                if let Judged::Accepted(Ack::Open(index)) = outcome.verdict {
                    outcome.verdict = Judged::Accepted(Ack::Durable(committed.clone(), index));
                }
            }
            outputs.push(self.answer(id, &outcomes, committed.receipt().committed_at_ms));
        }
        outputs.push(Output::Committed(committed));
        outputs
    }

    /// Puts back what the open batch displaced; what it had accepted is refused, and may be sent again.
    pub(super) fn unwritten(&mut self) -> Vec<Output> {
        let Some(open) = self.open.take() else {
            return Vec::new();
        };
        let taken = open.taken.len() as u64;
        for taken in open.taken.into_iter().rev() {
            self.roster.slot_mut(taken.slot).last = taken.before;
        }
        let mut outputs = Vec::with_capacity(open.requests.len());
        let mut accepted = 0;
        for (id, outcomes) in open.requests {
            for _ in outcomes.iter().filter(|outcome| matches!(outcome.verdict, Judged::Accepted(_))) {
                self.counters.refuse(Reason::Overloaded);
                accepted += 1;
            }
            let detail = "the batch of this request did not reach the disk; send the same frames again".to_owned();
            outputs.push(Output::Refused { id, reason: Reason::Overloaded, detail });
        }
        self.counters.accepted -= accepted;
        self.counters.repeated -= accepted - taken;
        outputs
    }

    /// Books a batch that is on disk.
    pub(super) fn book(&mut self, committed: &Arc<Committed>) {
        let receipt = committed.receipt();
        self.next_batch_no = receipt.batch_no + 1;
        let epoch = self.config.schedule.bucket_at_ms(receipt.committed_at_ms).0.get();
        // The earliest, not the first: an oracle that started with its clock ahead must not be silent until then.
        self.first_epoch = Some(self.first_epoch.map_or(epoch, |first| first.min(epoch)));
        self.roots.issue(receipt.root, receipt.committed_at_ms);
        self.counters.batches += 1;
        self.counters.ticks += u64::from(receipt.count == 0);
        self.newest = Some(committed.clone());
    }

    /// The one place where a frame sets a bit. Again changes nothing.
    pub(super) fn count(&mut self, slot: u32, mark: Mark, frame: &[u8]) {
        let epoch = mark.epoch.get();
        if epoch >= self.frozen_before {
            let buckets = self.config.schedule.buckets();
            let state = self.epochs.entry(epoch).or_insert_with(|| EpochState::new(buckets));
            state.count(slot, self.roster.len(), mark, frame);
        }
    }

    /// Puts the answer together: each receipt once, each accepted frame with its place.
    pub(super) fn answer(&self, id: u64, outcomes: &[Outcome], now_ms: u64) -> Output {
        let mut receipts: Vec<Vec<u8>> = Vec::new();
        let mut numbers: Vec<u64> = Vec::new();
        let mut verdicts = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let (reason, inclusion) = match &outcome.verdict {
                Judged::Accepted(Ack::Durable(committed, index)) => {
                    let no = committed.receipt().batch_no;
                    let receipt_ref = numbers.iter().rposition(|other| *other == no).or_else(|| {
                        let signed = committed.signed(&self.config.domain, &self.config.signing_key).ok()?;
                        receipts.push(signed.to_vec());
                        numbers.push(no);
                        Some(numbers.len() - 1)
                    });
                    match receipt_ref {
                        Some(receipt_ref) => (Reason::Accepted, committed.inclusion(receipt_ref as u8, *index)),
                        // It is counted, and whoever keeps the key did not sign: the same bytes get their receipt later.
                        None => (Reason::Overloaded, None),
                    }
                }
                // `written` made every accepted frame durable before, and no other acknowledgement is given.
                Judged::Accepted(Ack::Open(_) | Ack::Logged { .. } | Ack::Gone) => (Reason::Overloaded, None),
                Judged::Refused(reason) => (*reason, None),
            };
            verdicts.push(Verdict {
                reason,
                last_seq: outcome.last_seq,
                received_at_ms: outcome.received_at_ms,
                inclusion,
            });
        }
        let answer = Answer { oracle_time_ms: now_ms, receipts, verdicts };
        Output::Answer { id, answer }
    }
}
