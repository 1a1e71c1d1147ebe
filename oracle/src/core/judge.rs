//! The verdict on each frame, in the order of the checks: length and layout, domain, oracle, known node; then the
//! signatures, in batches; then the node's token bucket, which nobody else can empty; then sequence, bucket, clock and
//! receipt; then one bit.

use std::collections::HashSet;
use std::sync::Arc;

use muster_protocol::answer::MAX_RECEIPTS;
use muster_protocol::heartbeat::{Heartbeat, MAX_CLOCK_SKEW_MS, Status};
use muster_protocol::reason::Reason;
use muster_protocol::sig::{PublicKey, verify_batch};
use muster_protocol::wire::{Frame, signed_part};

use super::batch::Received;
use super::node::Ack;
use super::{Core, Judged, Outcome};

/// A request that is a list of frames: id, receive time, frames.
pub(super) type Parsed<'a> = (u64, u64, Vec<&'a [u8]>);
/// Outcomes per request; frames of the batch; node key and status of each of them.
type JudgedAll = (Vec<(u64, Vec<Outcome>)>, Vec<Received>, Vec<([u8; 32], Status)>);

/// The node, if it is known, and why not.
type Refusal = (Option<[u8; 32]>, Reason);

/// What the cheap checks let through.
struct Candidate {
    heartbeat: Heartbeat,
    signature: [u8; 64],
    key: PublicKey,
    /// The node's last accepted bytes: verified before.
    known: bool,
}

impl Core {
    pub(super) fn judge_all(&mut self, requests: &[Parsed<'_>]) -> JudgedAll {
        let mut candidates = Vec::new();
        for (_, _, frames) in requests {
            for frame in frames {
                self.counters.received += 1;
                candidates.push(self.admit(frame));
            }
        }
        let frames = || requests.iter().flat_map(|(_, _, frames)| frames);
        let verdicts = verify(&candidates, frames().copied());

        let (mut accepted, mut nodes) = (Vec::new(), Vec::new());
        let mut judged = Vec::with_capacity(requests.len());
        let mut candidates = candidates.into_iter().zip(verdicts);
        for (id, received_at_ms, frames) in requests {
            let mut outcomes = Vec::with_capacity(frames.len());
            let mut receipts = HashSet::new();
            for (frame, (candidate, signed)) in frames.iter().zip(candidates.by_ref()) {
                let verdict = match candidate {
                    Ok(_) if !signed => Err((None, Reason::BadSignature)),
                    Ok(candidate) if !self.spend(&candidate.heartbeat.node_key, *received_at_ms) => {
                        Err((Some(candidate.heartbeat.node_key), Reason::RateLimited))
                    }
                    Ok(candidate) => self
                        .rules(&candidate.heartbeat, frame, *received_at_ms, &mut receipts)
                        .map(|known| (candidate.heartbeat, known))
                        .map_err(|reason| (None, reason)),
                    Err((key, reason)) => Err((key, reason)),
                };
                let outcome = match verdict {
                    Ok((heartbeat, Some(ack))) => {
                        self.counters.repeated += 1;
                        self.accepted(&heartbeat.node_key, ack)
                    }
                    Ok((heartbeat, None)) => {
                        let ack = Ack::Open(accepted.len() as u32);
                        let bytes: Arc<[u8]> = Arc::from(*frame);
                        self.take(&heartbeat, &bytes, *received_at_ms, ack.clone());
                        nodes.push((heartbeat.node_key, heartbeat.status));
                        accepted.push(Received { at_ms: *received_at_ms, frame: bytes });
                        self.accepted(&heartbeat.node_key, ack)
                    }
                    Err((key, reason)) => {
                        let key = key.or_else(|| node_key_of(frame));
                        self.refused(key.as_ref(), reason, *received_at_ms)
                    }
                };
                outcomes.push(outcome);
            }
            judged.push((*id, outcomes));
        }
        (judged, accepted, nodes)
    }

    /// Takes one frame out of what a node may send.
    fn spend(&mut self, node_key: &[u8; 32], received_at_ms: u64) -> bool {
        let node = self.nodes.entry(*node_key).or_default();
        node.tokens.take(&self.config.rate, received_at_ms)
    }

    /// The checks that cost next to nothing. An error names the node if it is known.
    fn admit(&self, frame: &[u8]) -> Result<Candidate, Refusal> {
        let decoded = Heartbeat::decode(&self.config.domain, frame);
        let (heartbeat, signature) = decoded.map_err(|error| (None, Reason::from(&error)))?;
        if heartbeat.oracle_key != self.oracle_key {
            return Err((None, Reason::WrongOracle));
        }
        let node_key = heartbeat.node_key;
        let Some(key) = self.registry.keys.get(&node_key).copied() else {
            return Err((None, Reason::UnknownNode));
        };
        let last = self.nodes.get(&node_key).and_then(|node| node.last.as_ref());
        let known = last.is_some_and(|last| *last.frame == *frame);
        Ok(Candidate { heartbeat, signature, key, known })
    }

    /// The rules for a frame whose signature is good. `Some(ack)`: the last accepted bytes again.
    fn rules(
        &self,
        heartbeat: &Heartbeat,
        frame: &[u8],
        received_at_ms: u64,
        receipts: &mut HashSet<u64>,
    ) -> Result<Option<Ack>, Reason> {
        let last = self.nodes.get(&heartbeat.node_key).and_then(|node| node.last.as_ref());
        if let Some(last) = last {
            if *last.frame == *frame {
                if let Ack::Durable(committed, _) = &last.ack {
                    receipts.insert(committed.receipt().batch_no);
                    // An answer has room for so many receipts, the open batch's included.
                    if receipts.len() >= MAX_RECEIPTS {
                        return Err(Reason::RateLimited);
                    }
                }
                return Ok(Some(last.ack.clone()));
            }
            if heartbeat.seq <= last.seq {
                return Err(Reason::StaleSeq);
            }
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
        let Some(node) = self.registry.nodes.get(&heartbeat.node_key) else {
            return Err(Reason::UnknownNode);
        };
        if node.is_suspended(epoch) {
            return Err(Reason::Suspended);
        }
        if !node.may_earn_in(epoch) || bucket < node.first_bucket(schedule, epoch) {
            return Err(Reason::NotAcceptedYet);
        }
        Ok(None)
    }

    fn accepted(&mut self, node_key: &[u8; 32], ack: Ack) -> Outcome {
        self.counters.accepted += 1;
        let last = self.nodes.get(node_key).and_then(|node| node.last.as_ref());
        Outcome {
            last_seq: last.map_or(0, |last| last.seq),
            // The receipt's leaf holds the time of the first arrival.
            received_at_ms: last.map_or(0, |last| last.received_at_ms),
            verdict: Judged::Accepted(ack),
        }
    }

    fn refused(&mut self, key: Option<&[u8; 32]>, reason: Reason, received_at_ms: u64) -> Outcome {
        self.counters.refuse(reason);
        let known = key.filter(|key| self.registry.keys.contains_key(*key));
        if let Some(key) = known {
            let epoch = self.config.schedule.bucket_at_ms(received_at_ms).0.get();
            if epoch >= self.frozen_before {
                let buckets = self.config.schedule.buckets();
                let state = self.epochs.entry(epoch);
                state.or_insert_with(|| super::EpochState::new(buckets)).refuse(key, reason);
            }
        }
        let node = known.and_then(|key| self.nodes.get(key));
        Outcome { last_seq: node.map_or(0, |node| node.last_seq()), received_at_ms, verdict: Judged::Refused(reason) }
    }
}

/// Where a heartbeat carries its node key, whatever else is wrong with it; only frames that decoded ask.
fn node_key_of(frame: &[u8]) -> Option<[u8; 32]> {
    const AT: usize = muster_protocol::wire::HEADER_LEN + 32;
    frame.get(AT..AT + 32)?.try_into().ok()
}

/// One verdict per candidate; the node's last accepted bytes are known to be good.
fn verify<'a>(candidates: &[Result<Candidate, Refusal>], frames: impl Iterator<Item = &'a [u8]>) -> Vec<bool> {
    let mut verdicts = vec![false; candidates.len()];
    let (mut at, mut items) = (Vec::new(), Vec::new());
    for (i, (candidate, frame)) in candidates.iter().zip(frames).enumerate() {
        match candidate {
            Ok(candidate) if candidate.known => verdicts[i] = true,
            Ok(candidate) => {
                at.push(i);
                items.push((&candidate.key, signed_part(frame), &candidate.signature));
            }
            Err(_) => {}
        }
    }
    for (i, good) in at.into_iter().zip(verify_batch(&items)) {
        verdicts[i] = good;
    }
    verdicts
}
