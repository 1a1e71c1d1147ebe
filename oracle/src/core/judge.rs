//! The verdict on each frame, in the order of the checks: length and layout, domain, oracle, known node; then the
//! signatures, in batches; then the node's token bucket, which nobody else can empty; then sequence, bucket, clock and
//! receipt. What is accepted goes into the draft of the next batch; its bit is set when that is on disk.

use std::collections::HashSet;

use muster_protocol::answer::MAX_RECEIPTS;
use muster_protocol::heartbeat::{Heartbeat, MAX_CLOCK_SKEW_MS, Status, frame_hash};
use muster_protocol::reason::Reason;
use muster_protocol::sig::verify_batch;
use muster_protocol::wire::{Frame, signed_part};

use super::batch::Draft;
use super::epoch::Mark;
use super::frames::NODE_KEY_AT;
use super::node::{Ack, Last, Print};
use super::{Core, EpochState, Judged, Outcome};

/// A request that is a list of frames: id, receive time, frames.
pub(super) type Parsed<'a> = (u64, u64, Vec<&'a [u8]>);

/// What the requests of a batch come to.
pub(super) struct JudgedAll {
    /// Outcomes per request.
    pub(super) requests: Vec<(u64, Vec<Outcome>)>,
    /// The accepted frames.
    pub(super) draft: Draft,
    /// Whose they are, in the draft's order.
    pub(super) taken: Vec<Taken>,
}

/// One frame of the open batch.
pub(super) struct Taken {
    pub(super) slot: u32,
    pub(super) mark: Mark,
    pub(super) status: Status,
    /// What it displaced, to be put back if it does not reach the disk.
    pub(super) before: Option<Last>,
}

/// What the cheap checks let through.
struct Candidate {
    heartbeat: Heartbeat,
    signature: [u8; 64],
    slot: u32,
    /// The node's last accepted bytes: verified before.
    repeated: bool,
}

impl Core {
    /// The verdicts; or, before anything is counted, the slots whose acknowledgements are in the log alone.
    pub(super) fn judge_all(&mut self, requests: &[Parsed<'_>]) -> Result<JudgedAll, Vec<u32>> {
        let frames = || requests.iter().flat_map(|(_, _, frames)| frames.iter().copied());
        let candidates: Vec<_> = frames().map(|frame| self.admit(frame)).collect();
        let repeated = candidates.iter().flatten().filter(|candidate| candidate.repeated);
        let logged: Vec<u32> = repeated.map(|candidate| candidate.slot).filter(|slot| self.is_logged(*slot)).collect();
        if !logged.is_empty() {
            return Err(logged);
        }
        self.counters.received += candidates.len() as u64;
        let verdicts = self.verify(&candidates, frames());

        let count = candidates.len();
        let mut taken = Vec::with_capacity(count);
        let mut draft = Draft::new(count, frames().map(<[u8]>::len).sum());
        let mut judged = Vec::with_capacity(requests.len());
        let mut candidates = candidates.into_iter().zip(verdicts);
        for (id, received_at_ms, frames) in requests {
            let at_ms = *received_at_ms;
            let mut outcomes = Vec::with_capacity(frames.len());
            let mut receipts = HashSet::new();
            for (frame, (candidate, signed)) in frames.iter().zip(candidates.by_ref()) {
                let outcome = match candidate {
                    Ok(candidate) if signed => {
                        self.judge(&candidate, frame, at_ms, &mut receipts, &mut draft, &mut taken)
                    }
                    Ok(candidate) => self.refused(Some(candidate.slot), Reason::BadSignature, at_ms),
                    Err(reason) => self.refused(self.named_by(frame), reason, at_ms),
                };
                outcomes.push(outcome);
            }
            judged.push((*id, outcomes));
        }
        Ok(JudgedAll { requests: judged, draft, taken })
    }

    /// The checks that cost next to nothing.
    fn admit(&self, frame: &[u8]) -> Result<Candidate, Reason> {
        let decoded = Heartbeat::decode(&self.config.domain, frame);
        let (heartbeat, signature) = decoded.map_err(|error| Reason::from(&error))?;
        if heartbeat.oracle_key != self.oracle_key {
            return Err(Reason::WrongOracle);
        }
        let number = self.roster.find(&heartbeat.node_key).ok_or(Reason::UnknownNode)?;
        let slot = self.roster.slot(number);
        if slot.standing.is_none() {
            return Err(Reason::UnknownNode);
        }
        let repeated = slot.last.as_ref().is_some_and(|last| last.is(heartbeat.seq, frame));
        Ok(Candidate { heartbeat, signature, slot: number, repeated })
    }

    /// One verdict per candidate; the node's last accepted bytes are known to be good.
    fn verify<'a>(
        &self,
        candidates: &[Result<Candidate, Reason>],
        frames: impl Iterator<Item = &'a [u8]>,
    ) -> Vec<bool> {
        let mut verdicts = vec![false; candidates.len()];
        let (mut at, mut items) = (Vec::with_capacity(candidates.len()), Vec::with_capacity(candidates.len()));
        for (i, (candidate, frame)) in candidates.iter().zip(frames).enumerate() {
            match candidate {
                Ok(candidate) if candidate.repeated => verdicts[i] = true,
                Ok(candidate) => {
                    at.push(i);
                    items.push((&self.roster.slot(candidate.slot).key, signed_part(frame), &candidate.signature));
                }
                Err(_) => {}
            }
        }
        for (i, good) in at.into_iter().zip(verify_batch(&items)) {
            verdicts[i] = good;
        }
        verdicts
    }

    /// A frame whose signature is good.
    fn judge(
        &mut self,
        candidate: &Candidate,
        frame: &[u8],
        received_at_ms: u64,
        receipts: &mut HashSet<u64>,
        draft: &mut Draft,
        taken: &mut Vec<Taken>,
    ) -> Outcome {
        let (number, heartbeat) = (candidate.slot, &candidate.heartbeat);
        if !self.roster.slot_mut(number).tokens.take(&self.config.rate, received_at_ms) {
            return self.refused(Some(number), Reason::RateLimited, received_at_ms);
        }
        match self.rules(number, heartbeat, frame, received_at_ms, receipts) {
            Err(reason) => self.refused(Some(number), reason, received_at_ms),
            Ok(Some(known)) => {
                self.counters.accepted += 1;
                self.counters.repeated += 1;
                known
            }
            Ok(None) => {
                self.counters.accepted += 1;
                let ack = Ack::Open(draft.count());
                let hash = frame_hash(frame);
                draft.push(received_at_ms, frame, &hash);
                let (seq, status) = (heartbeat.seq, heartbeat.status);
                let last = Last { seq, received_at_ms, status, print: Print::Hash(hash), ack: ack.clone() };
                let before = self.roster.slot_mut(number).last.replace(last);
                let mark = Mark { epoch: heartbeat.epoch, bucket: heartbeat.bucket, seq };
                taken.push(Taken { slot: number, mark, status, before });
                Outcome { last_seq: seq, received_at_ms, verdict: Judged::Accepted(ack) }
            }
        }
    }

    /// The rules for a frame whose signature is good. `Some`: the last accepted bytes again, as they were acknowledged.
    fn rules(
        &self,
        number: u32,
        heartbeat: &Heartbeat,
        frame: &[u8],
        received_at_ms: u64,
        receipts: &mut HashSet<u64>,
    ) -> Result<Option<Outcome>, Reason> {
        let slot = self.roster.slot(number);
        if let Some(last) = &slot.last
            && heartbeat.seq <= last.seq
        {
            if !last.is(heartbeat.seq, frame) {
                return Err(Reason::StaleSeq);
            }
            if let Ack::Gone = &last.ack {
                return Err(Reason::StaleSeq);
            }
            if let Ack::Durable(committed, _) = &last.ack {
                receipts.insert(committed.receipt().batch_no);
                // An answer has room for so many receipts, the open batch's included.
                if receipts.len() >= MAX_RECEIPTS {
                    return Err(Reason::RateLimited);
                }
            }
            // The receipt's leaf holds the time of the first arrival.
            let (last_seq, received_at_ms) = (last.seq, last.received_at_ms);
            return Ok(Some(Outcome { last_seq, received_at_ms, verdict: Judged::Accepted(last.ack.clone()) }));
        }
        if self.clock_unsure {
            return Err(Reason::ClockUnsure);
        }
        let (epoch, bucket) = (heartbeat.epoch, heartbeat.bucket);
        let schedule = &self.config.schedule;
        if epoch.get() < self.frozen_before || !schedule.bucket_accepts(epoch, bucket, received_at_ms) {
            return Err(Reason::WrongBucket);
        }
        if heartbeat.sent_at_ms.abs_diff(received_at_ms) > MAX_CLOCK_SKEW_MS {
            return Err(Reason::ClockSkew);
        }
        if !self.roots.is_fresh(&heartbeat.receipt_root, received_at_ms) {
            return Err(Reason::StaleReceipt);
        }
        let standing = slot.standing.ok_or(Reason::UnknownNode)?;
        if standing.is_suspended(epoch) {
            return Err(Reason::Suspended);
        }
        if !standing.may_earn_in(epoch) || bucket < standing.first_bucket(schedule, epoch) {
            return Err(Reason::NotAcceptedYet);
        }
        Ok(None)
    }

    /// The known node that a frame names, whatever else is wrong with it.
    fn named_by(&self, frame: &[u8]) -> Option<u32> {
        let key = frame.get(NODE_KEY_AT..)?.first_chunk()?;
        self.roster.find(key).filter(|number| self.roster.slot(*number).standing.is_some())
    }

    fn refused(&mut self, slot: Option<u32>, reason: Reason, received_at_ms: u64) -> Outcome {
        self.counters.refuse(reason);
        if let Some(slot) = slot {
            let epoch = self.config.schedule.bucket_at_ms(received_at_ms).0.get();
            if epoch >= self.frozen_before {
                let buckets = self.config.schedule.buckets();
                self.epochs.entry(epoch).or_insert_with(|| EpochState::new(buckets)).refuse(slot, reason);
            }
        }
        let last_seq = slot.map_or(0, |slot| self.roster.slot(slot).last_seq());
        Outcome { last_seq, received_at_ms, verdict: Judged::Refused(reason) }
    }
}
