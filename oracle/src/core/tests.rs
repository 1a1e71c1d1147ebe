//! The core against a naive model: a set of (node, epoch, bucket), the last frame of each node and a list of roots.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use muster_network::state::node_status;
use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, Status, push_frame};
use muster_protocol::reason::Reason;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::{Bucket, EpochIndex, Schedule};
use muster_protocol::wire::{Domain, Frame};
use proptest::prelude::*;
use proptest::test_runner::{Config as RunConfig, TestRunner};

use super::node::Rate;
use super::{Config, Core, Input, Output, Request};
use crate::registry::{NodeInfo, Registry};

const EPOCH_S: u64 = 60;
const BUCKET_S: u64 = 10;
const START_MS: u64 = 1_000_000 * EPOCH_S * 1000;
/// Late enough in the first epoch that the two buckets before it do not count.
const SECOND_ACCEPTED_S: i64 = (START_MS / 1000 + 15) as i64;

fn domain() -> Domain {
    Domain { genesis_tag: [1; 8], program: [2; 32] }
}

fn schedule() -> Schedule {
    Schedule::new(EPOCH_S, BUCKET_S).unwrap()
}

fn node_key(node: usize) -> SigningKey {
    SigningKey::from_bytes(&[10 + node as u8; 32])
}

fn oracle_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn public(key: &SigningKey) -> [u8; 32] {
    key.verifying_key().to_bytes()
}

/// Nodes 0 and 1 count, 1 from the middle of the first epoch on; 2 never accepted; 3 is suspended; 4 is unknown.
fn registry() -> Arc<Registry> {
    let mut registry = Registry::default();
    let accepted = [1, SECOND_ACCEPTED_S, 0, 1];
    for (node, accepted_at) in accepted.into_iter().enumerate() {
        registry.insert_node(NodeInfo {
            node: [node as u8; 32],
            project: [0; 32],
            node_key: public(&node_key(node)),
            tenure: [100 + node as u8; 32],
            status: if accepted_at == 0 { node_status::BOUND } else { node_status::ACTIVE },
            accepted_at,
            suspended: if node == 3 { (0, u64::MAX) } else { (0, 0) },
            until_epoch: u64::MAX,
            maintenance: (0, 0),
        });
    }
    Arc::new(registry)
}

fn config(rate: Rate) -> Config {
    Config { domain: domain(), signing_key: oracle_key().into(), schedule: schedule(), rate }
}

fn core(frozen_before: u64, rate: Rate) -> Core {
    let mut core = Core::new(config(rate), frozen_before);
    core.step(Input::Registry(registry()), START_MS);
    core
}

const UNLIMITED: Rate = Rate { burst: u32::MAX, refill_ms: 1 };

/// One frame as a test describes it.
#[derive(Clone, Debug)]
struct Sent {
    node: usize,
    /// Relative to the receive time's bucket.
    bucket: i64,
    /// Relative to the node's last sequence number.
    seq: i64,
    skew_ms: i64,
    fresh_root: bool,
    good_signature: bool,
    right_oracle: bool,
}

#[derive(Clone, Debug)]
enum Op {
    Send(Vec<Sent>),
    /// The last accepted bytes of a node again, so many times in one body.
    Again(usize, usize),
    Wait(u64),
    Tick,
    /// The next piece of a snapshot.
    Piece,
    Restart,
    Freeze,
}

fn sent() -> impl Strategy<Value = Sent> {
    let mostly = |p: f64| prop::bool::weighted(p);
    let node = prop_oneof![8 => 0usize..2, 1 => 2usize..5];
    let bucket = prop_oneof![6 => Just(0i64), 1 => -2i64..=2];
    let seq = prop_oneof![5 => 1i64..5, 1 => -3i64..=0];
    let skew_ms = prop_oneof![12 => -29_000i64..29_000, 1 => Just(40_000i64), 1 => Just(-31_000i64)];
    (node, bucket, seq, skew_ms, mostly(0.93), mostly(0.95), mostly(0.95)).prop_map(
        |(node, bucket, seq, skew_ms, fresh_root, good_signature, right_oracle)| Sent {
            node,
            bucket,
            seq,
            skew_ms,
            fresh_root,
            good_signature,
            right_oracle,
        },
    )
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => prop::collection::vec(sent(), 1..6).prop_map(Op::Send),
        3 => (0usize..2, 1usize..4).prop_map(|(node, times)| Op::Again(node, times)),
        5 => (0u64..9_000).prop_map(Op::Wait),
        1 => Just(Op::Tick),
        8 => Just(Op::Piece),
        2 => Just(Op::Restart),
        1 => Just(Op::Freeze),
    ];
    prop::collection::vec(op, 1..90)
}

/// What must be true, said as simply as possible.
#[derive(Default)]
struct Model {
    bits: HashSet<(usize, u64, u32)>,
    last: HashMap<usize, (u64, Vec<u8>)>,
    frozen_before: u64,
}

impl Model {
    fn verdict(&mut self, sent: &Sent, heartbeat: &Heartbeat, frame: &[u8], now_ms: u64) -> Reason {
        if !sent.right_oracle {
            return Reason::WrongOracle;
        }
        if sent.node == 4 {
            return Reason::UnknownNode;
        }
        if self.last.get(&sent.node).is_some_and(|(_, last)| last == frame) {
            return Reason::Accepted;
        }
        if !sent.good_signature {
            return Reason::BadSignature;
        }
        if self.last.get(&sent.node).is_some_and(|(seq, _)| heartbeat.seq <= *seq) {
            return Reason::StaleSeq;
        }
        let (epoch, bucket) = (heartbeat.epoch.get(), heartbeat.bucket.get());
        let start_ms = (epoch * EPOCH_S + u64::from(bucket) * BUCKET_S) * 1000;
        // A tenth of the bucket on both sides.
        let in_time = now_ms + 1000 >= start_ms && now_ms < start_ms + BUCKET_S * 1000 + 1000;
        if epoch < self.frozen_before || !in_time {
            return Reason::WrongBucket;
        }
        if sent.skew_ms.abs() > 30_000 {
            return Reason::ClockSkew;
        }
        if !sent.fresh_root {
            return Reason::StaleReceipt;
        }
        match sent.node {
            3 => return Reason::Suspended,
            2 => return Reason::NotAcceptedYet,
            1 if start_ms < SECOND_ACCEPTED_S as u64 * 1000 => return Reason::NotAcceptedYet,
            _ => {}
        }
        self.bits.insert((sent.node, epoch, bucket));
        self.last.insert(sent.node, (heartbeat.seq, frame.to_vec()));
        Reason::Accepted
    }
}

/// A snapshot: how many records were there when it was begun, and its chunks so far.
#[derive(Clone, Default)]
struct Snapshot {
    records: usize,
    chunks: Vec<Vec<u8>>,
    next_slot: u32,
}

struct Driver {
    core: Core,
    taking: Option<Snapshot>,
    newest: Option<Snapshot>,
    /// Acknowledgements that came out of the log.
    recalled: u64,
    model: Model,
    records: Vec<Vec<u8>>,
    now_ms: u64,
    next_id: u64,
    /// Receipts that nodes kept: node, epoch, bucket.
    kept: HashSet<(usize, u64, u32)>,
    /// The first acknowledgement of each node's last frame.
    acks: HashMap<usize, (Vec<u8>, Vec<u8>)>,
    seen: BTreeMap<Reason, u64>,
}

impl Driver {
    fn new() -> Self {
        let mut driver = Self {
            core: core(0, UNLIMITED),
            taking: None,
            newest: None,
            recalled: 0,
            model: Model::default(),
            records: Vec::new(),
            now_ms: START_MS,
            next_id: 0,
            kept: HashSet::new(),
            acks: HashMap::new(),
            seen: BTreeMap::new(),
        };
        driver.step(Input::Tick);
        driver
    }

    /// Steps and plays the disk.
    fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut outputs = self.core.step(input, self.now_ms);
        if let [Output::Recall { batches, requests }] = &outputs[..] {
            for recall in batches {
                let record = &self.records[recall.batch_no as usize - 1];
                self.core.step(Input::Recalled(recall, Some(record)), 0);
                self.recalled += 1;
            }
            outputs = self.core.step(Input::Heartbeats(requests.clone()), self.now_ms);
        }
        if let Some(at) = outputs.iter().position(|output| matches!(output, Output::Write(_))) {
            if let Output::Write(record) = outputs.remove(at) {
                self.records.push(record);
            }
            // A snapshot goes on while a batch is on its way to the disk.
            if self.taking.is_some() {
                self.piece();
            }
            outputs.extend(self.core.step(Input::Written, self.now_ms));
        }
        outputs
    }

    fn request(&mut self, frames: &[Vec<u8>]) -> Answer {
        let mut body = Vec::new();
        for frame in frames {
            push_frame(&mut body, frame).unwrap();
        }
        self.next_id += 1;
        let request = Request { id: self.next_id, received_at_ms: self.now_ms, body };
        let outputs = self.step(Input::Heartbeats(vec![request]));
        let answer = outputs.into_iter().find_map(|output| match output {
            Output::Answer { answer, .. } => Some(answer),
            _ => None,
        });
        let answer = answer.expect("every list of frames is answered");
        let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        answer.verify(&domain(), &public(&oracle_key()), &slices).expect("receipts prove what they say");
        // The wire form keeps all of it.
        assert_eq!(Answer::decode(&answer.encode().unwrap()).unwrap(), answer);
        answer
    }

    fn make(&self, sent: &Sent, last_seq: u64) -> (Heartbeat, Vec<u8>) {
        let bucket_no = (self.now_ms / 1000 / BUCKET_S).saturating_add_signed(sent.bucket);
        let per_epoch = EPOCH_S / BUCKET_S;
        let key = node_key(sent.node);
        let oracle = if sent.right_oracle { public(&oracle_key()) } else { [77; 32] };
        let heartbeat = Heartbeat {
            oracle_key: oracle,
            node_key: public(&key),
            epoch: EpochIndex::new(bucket_no / per_epoch),
            bucket: Bucket::new((bucket_no % per_epoch) as u32),
            sent_at_ms: self.now_ms.saturating_add_signed(sent.skew_ms),
            seq: last_seq.saturating_add_signed(sent.seq),
            bitmap_digest: [0; 32],
            receipt_root: if sent.fresh_root { self.core.newest().unwrap().receipt().root } else { [5; 32] },
            status: Status::Online,
            cpu_permille: 0,
            memory_permille: 0,
            workloads: Vec::new(),
        };
        let mut frame = heartbeat.encode_signed(&domain(), &key).unwrap();
        if !sent.good_signature {
            // The first byte of s: the signature stays well formed.
            let at = frame.len() - 32;
            frame[at] ^= 1;
        }
        (heartbeat, frame)
    }

    fn send(&mut self, all: &[Sent]) {
        let mut seqs: HashMap<usize, u64> = self.model.last.iter().map(|(n, (seq, _))| (*n, *seq)).collect();
        let made: Vec<_> = all
            .iter()
            .map(|sent| {
                let last = seqs.entry(sent.node).or_insert(1000);
                let (heartbeat, frame) = self.make(sent, *last);
                *last = (*last).max(heartbeat.seq);
                (heartbeat, frame)
            })
            .collect();
        let frames: Vec<Vec<u8>> = made.iter().map(|(_, frame)| frame.clone()).collect();
        let answer = self.request(&frames);
        for ((sent, (heartbeat, frame)), verdict) in all.iter().zip(&made).zip(&answer.verdicts) {
            let expected = self.model.verdict(sent, heartbeat, frame, self.now_ms);
            assert_eq!(verdict.reason, expected, "{sent:?} {heartbeat:?}");
            *self.seen.entry(expected).or_default() += 1;
            if expected == Reason::Accepted {
                self.kept.insert((sent.node, heartbeat.epoch.get(), heartbeat.bucket.get()));
                let receipt_ref = verdict.inclusion.as_ref().unwrap().receipt_ref;
                let receipt = answer.receipts[usize::from(receipt_ref)].clone();
                self.acks.insert(sent.node, (frame.clone(), receipt));
            }
            if expected == Reason::StaleSeq {
                assert!(verdict.last_seq >= heartbeat.seq);
            }
        }
    }

    fn again(&mut self, node: usize, times: usize) {
        let Some((frame, receipt)) = self.acks.get(&node).cloned() else {
            return;
        };
        let answer = self.request(&vec![frame; times]);
        assert_eq!(answer.receipts, vec![receipt], "the same bytes get the same acknowledgement");
        assert!(answer.verdicts.iter().all(|verdict| verdict.reason == Reason::Accepted));
        *self.seen.entry(Reason::Accepted).or_default() += times as u64;
    }

    /// Begins a snapshot, or takes one node more into it, or ends it.
    fn piece(&mut self) {
        let Some(taking) = &mut self.taking else {
            let chunks = self.core.snapshot_head();
            self.taking = Some(Snapshot { records: self.records.len(), chunks, next_slot: 0 });
            return;
        };
        match self.core.snapshot_nodes(taking.next_slot, 1) {
            Some(chunk) => {
                taking.chunks.push(chunk);
                taking.next_slot += 1;
            }
            None => self.newest = self.taking.take(),
        }
    }

    fn restored(&self, snapshot: &Snapshot) -> Core {
        let mut core = core(self.model.frozen_before, UNLIMITED);
        for chunk in &snapshot.chunks {
            core.restore(chunk).unwrap();
            for len in 0..chunk.len().min(200) {
                assert!(super::Core::new(config(UNLIMITED), 0).restore(&chunk[..len]).is_err(), "cut at {len}");
            }
        }
        for record in &self.records[snapshot.records..] {
            assert_eq!(core.step(Input::Replay(record), 0), []);
        }
        core
    }

    fn restart(&mut self) {
        self.check_counters();
        let full = self.restored(&Snapshot::default());
        self.core = match self.newest.take() {
            Some(snapshot) => {
                let restored = self.restored(&snapshot);
                self.check_same(&restored, &full);
                self.newest = Some(snapshot);
                restored
            }
            None => full,
        };
        self.taking = None;
        self.seen.clear();
        // As the shell does: nodes find a fresh root.
        self.step(Input::Tick);
    }

    /// A snapshot and the records after it come to what all records come to. Refusals are in no record.
    fn check_same(&self, restored: &Core, full: &Core) {
        for node in 0..5 {
            let last = |core: &Core| {
                let last = core.last(&public(&node_key(node)))?;
                Some((last.seq, last.received_at_ms, last.status as u8, last.hash()))
            };
            assert_eq!(last(restored), last(full), "node {node}");
        }
        for epoch in self.model.frozen_before..=self.now_ms / 1000 / EPOCH_S + 1 {
            let seen = |core: &Core| {
                let view = core.epoch(epoch).map(|seen| seen.view(public(&oracle_key()), epoch));
                let nodes = view.map_or_else(Vec::new, |view| view.nodes);
                let heard = nodes.into_iter().filter(|node| !node.last_frame.is_empty());
                heard.map(|node| (node.node_key, node.bitmap, node.last_frame)).collect::<Vec<_>>()
            };
            assert_eq!(seen(restored), seen(full), "epoch {epoch}");
        }
        assert!(restored.roots.issued().eq(full.roots.issued()));
        assert_eq!((restored.next_batch_no, restored.first_epoch), (full.next_batch_no, full.first_epoch));
    }

    fn freeze(&mut self) {
        let epoch = self.now_ms / 1000 / EPOCH_S - 1;
        let outputs = self.step(Input::Freeze(epoch));
        if epoch < self.model.frozen_before {
            assert!(outputs.is_empty(), "a view is signed once");
            return;
        }
        self.model.frozen_before = epoch + 1;
        let Some(Output::View(view)) = outputs.first() else { panic!("no view: {outputs:?}") };
        for node in 0..5 {
            let seen = view.node(&public(&node_key(node)));
            for bucket in 0..6 {
                let bit = seen.is_some_and(|seen| seen.bitmap.get(Bucket::new(bucket)));
                assert_eq!(bit, self.model.bits.contains(&(node, epoch, bucket)));
                assert!(bit || !self.kept.contains(&(node, epoch, bucket)), "a receipt without its bit");
            }
        }
        view.encode_signed(&domain(), &oracle_key()).expect("a view is always good to sign");
    }

    fn check_bits(&self) {
        let first = self.model.frozen_before.max(START_MS / 1000 / EPOCH_S - 1);
        for epoch in first..=self.now_ms / 1000 / EPOCH_S + 1 {
            for node in 0..5 {
                for bucket in 0..6 {
                    let seen = self.core.epoch(epoch).and_then(|e| e.node(&public(&node_key(node))));
                    let bit = seen.is_some_and(|seen| seen.bitmap.get(Bucket::new(bucket)));
                    assert_eq!(bit, self.model.bits.contains(&(node, epoch, bucket)));
                }
            }
        }
    }

    fn check_counters(&self) {
        let counters = self.core.counters();
        assert_eq!(counters.received, counters.accepted + counters.rejected_total());
        assert_eq!(counters.accepted, self.seen.get(&Reason::Accepted).copied().unwrap_or(0));
        for (reason, count) in &counters.rejected {
            assert_eq!(self.seen.get(reason), Some(count), "{reason}");
        }
    }
}

#[test]
fn the_core_agrees_with_a_naive_model_also_when_it_starts_from_a_snapshot() {
    let exercised = RefCell::new(BTreeMap::<Reason, u64>::new());
    let mut runner = TestRunner::new(RunConfig {
        cases: 64,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..RunConfig::default()
    });
    let run = runner.run(&ops(), |ops| {
        let mut driver = Driver::new();
        for op in &ops {
            match op {
                Op::Send(all) => driver.send(all),
                Op::Again(node, times) => driver.again(*node, *times),
                Op::Wait(ms) => driver.now_ms += ms,
                Op::Tick => {
                    driver.step(Input::Tick);
                }
                Op::Piece => driver.piece(),
                Op::Restart => driver.restart(),
                Op::Freeze => driver.freeze(),
            }
            driver.check_bits();
            for (reason, count) in &driver.seen {
                *exercised.borrow_mut().entry(*reason).or_default() += count;
            }
        }
        driver.check_counters();
        Ok(())
    });
    run.unwrap();
    use Reason::*;
    let all = [
        Accepted,
        WrongOracle,
        UnknownNode,
        NotAcceptedYet,
        BadSignature,
        StaleSeq,
        WrongBucket,
        ClockSkew,
        StaleReceipt,
        Suspended,
    ];
    for reason in all {
        assert!(exercised.borrow().contains_key(&reason), "{reason} was never exercised");
    }
}

fn good(node: usize, seq: i64) -> Sent {
    Sent { node, bucket: 0, seq, skew_ms: 0, fresh_root: true, good_signature: true, right_oracle: true }
}

#[test]
fn after_a_start_from_a_snapshot_the_last_bytes_get_their_acknowledgement_out_of_the_log() {
    let mut driver = Driver::new();
    // Both nodes count by then.
    driver.now_ms += 20_000;
    driver.send(&[good(0, 1), good(1, 1)]);
    while driver.newest.is_none() {
        driver.piece();
    }
    driver.restart();
    driver.again(0, 3);
    assert_eq!(driver.recalled, 1, "one batch");
    driver.again(1, 1);
    driver.again(0, 1);
    assert_eq!(driver.recalled, 1, "both were in it");
    driver.send(&[good(0, 1)]);
    driver.again(0, 1);
    // Retention removed the batch: the bytes are known, and nothing proves it any more.
    driver.restart();
    let (frame, _) = driver.acks[&1].clone();
    let mut body = Vec::new();
    push_frame(&mut body, &frame).unwrap();
    let request = Request { id: 1, received_at_ms: driver.now_ms, body };
    let outputs = driver.core.step(Input::Heartbeats(vec![request]), driver.now_ms);
    let [Output::Recall { batches, requests }] = &outputs[..] else { panic!("{outputs:?}") };
    driver.core.step(Input::Recalled(&batches[0], None), 0);
    for _ in 0..2 {
        let outputs = driver.core.step(Input::Heartbeats(requests.clone()), driver.now_ms);
        let [Output::Answer { answer, .. }] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!(answer.verdicts[0].reason, Reason::StaleSeq);
    }
}

#[test]
fn a_root_older_than_five_minutes_is_stale_and_a_tick_helps() {
    let mut driver = Driver::new();
    driver.now_ms += 300_001;
    let (_, frame) = driver.make(&good(0, 1), 1000);
    assert_eq!(driver.request(&[frame]).verdicts[0].reason, Reason::StaleReceipt);
    driver.step(Input::Tick);
    let (_, frame) = driver.make(&good(0, 1), 1000);
    assert_eq!(driver.request(&[frame]).verdicts[0].reason, Reason::Accepted);
}

#[test]
fn a_node_that_sends_too_often_is_limited_and_recovers() {
    let mut driver = Driver::new();
    driver.core = core(0, Rate { burst: 2, refill_ms: 1000 });
    driver.step(Input::Tick);
    let frames: Vec<Vec<u8>> = (1..=3).map(|seq| driver.make(&good(0, seq), 1000).1).collect();
    let reasons: Vec<Reason> = driver.request(&frames).verdicts.iter().map(|v| v.reason).collect();
    assert_eq!(reasons, [Reason::Accepted, Reason::Accepted, Reason::RateLimited]);
    driver.now_ms += 1000;
    let (_, frame) = driver.make(&good(0, 9), 1000);
    assert_eq!(driver.request(&[frame]).verdicts[0].reason, Reason::Accepted);
}

#[test]
fn a_clock_that_was_set_back_leaves_no_node_limited_and_no_epoch_without_a_view() {
    // Given an oracle that started with its clock an hour ahead, and a node that used its allowance up.
    let mut driver = Driver::new();
    let right_ms = driver.now_ms;
    driver.core = core(0, Rate { burst: 2, refill_ms: 1000 });
    driver.now_ms += 3_600_000;
    driver.step(Input::Tick);
    let frames: Vec<Vec<u8>> = (1..=2).map(|seq| driver.make(&good(0, seq), 1000).1).collect();
    driver.request(&frames);
    // When the clock is set right, then the node is heard a second later, and the oracle was awake in that epoch.
    driver.now_ms = right_ms;
    driver.step(Input::Tick);
    let (_, frame) = driver.make(&good(0, 3_600_003), 1000);
    driver.request(&[frame]);
    driver.now_ms += 2000;
    let (_, frame) = driver.make(&good(0, 3_600_003), 1000);
    assert_ne!(driver.request(&[frame]).verdicts[0].reason, Reason::RateLimited);
    assert_eq!(driver.core.first_epoch(), Some(right_ms / 1000 / EPOCH_S));
}

#[test]
fn forged_frames_use_up_no_nodes_allowance() {
    let mut driver = Driver::new();
    driver.core = core(0, Rate { burst: 2, refill_ms: 1000 });
    driver.step(Input::Tick);
    let forged = |seq| Sent { good_signature: false, ..good(0, seq) };
    let sent = [forged(7), forged(8), forged(9), good(0, 1), good(0, 2)];
    let frames: Vec<Vec<u8>> = sent.iter().map(|sent| driver.make(sent, 1000).1).collect();
    let reasons: Vec<Reason> = driver.request(&frames).verdicts.iter().map(|v| v.reason).collect();
    let (bad, accepted) = (Reason::BadSignature, Reason::Accepted);
    assert_eq!(reasons, [bad, bad, bad, accepted, accepted]);
}

#[test]
fn an_unsure_clock_counts_nothing_but_repeats_what_it_acknowledged() {
    let mut driver = Driver::new();
    let (_, frame) = driver.make(&good(0, 1), 1000);
    assert_eq!(driver.request(std::slice::from_ref(&frame)).verdicts[0].reason, Reason::Accepted);
    driver.step(Input::ClockUnsure(true));
    assert_eq!(driver.request(&[frame]).verdicts[0].reason, Reason::Accepted);
    let (_, next) = driver.make(&good(0, 2), 1000);
    assert_eq!(driver.request(&[next]).verdicts[0].reason, Reason::ClockUnsure);
}

#[test]
fn bodies_that_are_no_lists_of_frames_are_counted_and_change_nothing() {
    let mut driver = Driver::new();
    for body in [vec![1], vec![9, 0, 1, 2], vec![0; 300 << 10]] {
        let request = Request { id: 1, received_at_ms: driver.now_ms, body };
        let outputs = driver.step(Input::Heartbeats(vec![request]));
        assert!(matches!(outputs[..], [Output::Refused { .. }]), "{outputs:?}");
    }
    assert_eq!(driver.core.counters().received, 3);
    assert_eq!(driver.core.counters().rejected_total(), 3);
    assert_eq!(driver.records.len(), 1);
}

#[test]
fn a_record_that_is_there_twice_or_garbled_is_reported() {
    let driver = Driver::new();
    let mut core = core(0, UNLIMITED);
    assert_eq!(core.step(Input::Replay(&driver.records[0]), 0), []);
    for record in [driver.records[0].as_slice(), &[1, 2, 3]] {
        assert!(matches!(core.step(Input::Replay(record), 0)[..], [Output::Corrupt(_)]));
    }
}

#[test]
fn a_batch_that_did_not_reach_the_disk_never_was() {
    let mut driver = Driver::new();
    let frames: Vec<Vec<u8>> = (1..=3).map(|seq| driver.make(&good(0, seq), 1000).1).collect();
    driver.request(&frames[..1]);
    let before = driver.core.counters().clone();
    // Given a batch of two frames and one that was acknowledged before, on its way to a disk that is full.
    let mut body = Vec::new();
    for frame in [&frames[0], &frames[1], &frames[2]] {
        push_frame(&mut body, frame).unwrap();
    }
    let request = Request { id: 77, received_at_ms: driver.now_ms, body };
    let outputs = driver.core.step(Input::Heartbeats(vec![request]), driver.now_ms);
    assert!(matches!(outputs[..], [Output::Write(_)]));
    assert_eq!(driver.core.step(Input::Freeze(0), driver.now_ms), [], "no view while bits are on their way");
    // When the disk refuses, then the request is refused as a whole and counted so.
    let outputs = driver.core.step(Input::Unwritten, driver.now_ms);
    assert!(matches!(outputs[..], [Output::Refused { id: 77, reason: Reason::Overloaded, .. }]), "{outputs:?}");
    let counters = driver.core.counters();
    assert_eq!((counters.accepted, counters.repeated), (before.accepted, before.repeated));
    assert_eq!(counters.rejected[&Reason::Overloaded], 3);
    assert_eq!(counters.received, counters.accepted + counters.rejected_total());
    // The same frames are accepted once there is room: the first again, the others anew.
    let answer = driver.request(&frames);
    assert!(answer.verdicts.iter().all(|verdict| verdict.reason == Reason::Accepted));
    assert_eq!(answer.receipts.len(), 2);
}

#[test]
fn replay_again_and_out_of_order_changes_nothing() {
    let mut driver = Driver::new();
    let mut frames = Vec::new();
    for seq in 1..=3 {
        let (_, frame) = driver.make(&good(0, seq), 1000);
        driver.request(std::slice::from_ref(&frame));
        frames.push(frame);
        driver.now_ms += 1000;
    }
    let last = |core: &Core| core.last(&public(&node_key(0))).map(|last| (last.seq, last.received_at_ms));
    let expected = last(&driver.core);
    // Given an oracle that knows everything up to the last frame already, as out of a snapshot.
    let mut core = core(0, UNLIMITED);
    core.step(Input::Replay(driver.records.last().unwrap()), 0);
    assert_eq!(last(&core), expected);
    core.next_batch_no = 1;
    // When the log is replayed from before it, then nothing goes back and the acknowledgement is the same.
    for record in &driver.records {
        assert_eq!(core.step(Input::Replay(record), 0), []);
    }
    assert_eq!(last(&core), expected);
    let answer = driver.request(&frames[2..]);
    driver.core = core;
    assert_eq!(driver.request(&frames[2..]), answer);
}
