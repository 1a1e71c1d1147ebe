//! The oracle's state machine: registry, heartbeats, ticks and epoch ends in; records for the disk, answers and views
//! out. No socket, no disk and no clock of its own: `now_ms` is an argument.
//!
//! One batch is open at a time: [`Output::Write`] asks the shell to make a record durable, [`Input::Written`] says that
//! it is, and only then do the answers leave.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use muster_protocol::answer::{Answer, Verdict};
use muster_protocol::heartbeat::{Heartbeat, MAX_BODY_LEN, Status, frames};
use muster_protocol::reason::Reason;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::view::View;
use muster_protocol::wire::{Domain, Frame, WireError};

use crate::registry::Registry;
use batch::{Batch, Committed};
use counters::Counters;
use epoch::EpochState;
use node::{Ack, LastFrame, NodeState, Rate};
use roots::RecentRoots;

pub mod batch;
pub mod counters;
pub mod epoch;
mod judge;
pub mod node;
pub mod roots;
#[cfg(test)]
mod tests;

/// Epochs whose bitmaps stay in memory after they were frozen; older ones are read from the published view.
pub const FROZEN_EPOCHS_KEPT: u64 = 2;

/// What does not change while an oracle runs.
pub struct Config {
    /// Which network frames belong to.
    pub domain: Domain,
    /// Signs receipts.
    pub signing_key: SigningKey,
    /// The network's calendar.
    pub schedule: Schedule,
    /// How often one node may send.
    pub rate: Rate,
}

/// One request body and when it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names the request in the outputs.
    pub id: u64,
    /// Receive time, Unix milliseconds.
    pub received_at_ms: u64,
    /// Frames, each u16 length and bytes.
    pub body: Vec<u8>,
}

/// What happens to the core.
pub enum Input<'a> {
    /// A new picture of the chain.
    Registry(Arc<Registry>),
    /// Whether this oracle's clock is too far off its peers' to count anything.
    ClockUnsure(bool),
    /// A record that the log holds, at start, in the log's order.
    Replay(&'a [u8]),
    /// Requests that arrived together.
    Heartbeats(Vec<Request>),
    /// Time for an empty batch, so that nodes find a fresh receipt root.
    Tick,
    /// The record of the last [`Output::Write`] is on disk.
    Written,
    /// An epoch is over: no bit of it changes any more.
    Freeze(u64),
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Append this record and sync it, then tell [`Input::Written`].
    Write(Vec<u8>),
    /// Answer a request.
    Answer {
        /// Which request.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// Refuse a request as a whole: its body is not a list of frames.
    Refused {
        /// Which request.
        id: u64,
        /// Why.
        reason: Reason,
        /// In words.
        detail: String,
    },
    /// A node was heard.
    Seen {
        /// The node's key.
        node_key: [u8; 32],
        /// Receive time, Unix milliseconds.
        at_ms: u64,
        /// What the node said about itself.
        status: Status,
    },
    /// The view of a frozen epoch; to be signed and published once, never again.
    View(View),
    /// A record of the log does not decode; the shell must not start on it.
    Corrupt(String),
}

/// What became of one frame.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    last_seq: u64,
    received_at_ms: u64,
    verdict: Judged,
}

#[derive(Clone, Debug)]
pub(crate) enum Judged {
    Refused(Reason),
    Accepted(Ack),
}

struct OpenBatch {
    batch: Batch,
    /// Node key, status and receive time of each frame.
    nodes: Vec<([u8; 32], Status)>,
    requests: Vec<(u64, Vec<Outcome>)>,
}

/// See the module.
pub struct Core {
    config: Config,
    oracle_key: [u8; 32],
    registry: Arc<Registry>,
    nodes: HashMap<[u8; 32], NodeState>,
    epochs: BTreeMap<u64, EpochState>,
    /// Epochs below it have a published view.
    frozen_before: u64,
    roots: RecentRoots,
    next_batch_no: u64,
    open: Option<OpenBatch>,
    newest: Option<Arc<Committed>>,
    counters: Counters,
    clock_unsure: bool,
    /// The first epoch in which this oracle was awake, as far as the log tells.
    first_epoch: Option<u64>,
}

impl Core {
    /// Starts empty; epochs below `frozen_before` have a published view and take no bit any more.
    pub fn new(config: Config, frozen_before: u64) -> Self {
        let oracle_key = config.signing_key.verifying_key().to_bytes();
        Self {
            config,
            oracle_key,
            registry: Arc::default(),
            nodes: HashMap::new(),
            epochs: BTreeMap::new(),
            frozen_before,
            roots: RecentRoots::default(),
            next_batch_no: 1,
            open: None,
            newest: None,
            counters: Counters::default(),
            clock_unsure: false,
            first_epoch: None,
        }
    }

    /// Takes one step. `now_ms` is the oracle's clock.
    pub fn step(&mut self, input: Input<'_>, now_ms: u64) -> Vec<Output> {
        match input {
            Input::Registry(registry) => {
                self.registry = registry;
                Vec::new()
            }
            Input::ClockUnsure(unsure) => {
                self.clock_unsure = unsure;
                Vec::new()
            }
            Input::Replay(record) => self.replay(record),
            Input::Heartbeats(requests) => self.heartbeats(requests, now_ms),
            Input::Tick => self.open_batch(Vec::new(), Vec::new(), Vec::new(), now_ms),
            Input::Written => self.written(),
            Input::Freeze(epoch) => self.freeze(epoch).map(Output::View).into_iter().collect(),
        }
    }

    /// What was counted since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The newest durable batch, which may be a tick.
    pub fn newest(&self) -> Option<&Arc<Committed>> {
        self.newest.as_ref()
    }

    /// An epoch as this oracle sees it, if it is still in memory.
    pub fn epoch(&self, epoch: u64) -> Option<&EpochState> {
        self.epochs.get(&epoch)
    }

    /// The first epoch that may still change.
    pub fn frozen_before(&self) -> u64 {
        self.frozen_before
    }

    /// The first epoch in which this oracle committed a batch, as far as the log tells.
    pub fn first_epoch(&self) -> Option<u64> {
        self.first_epoch
    }

    /// Whether the oracle counts nothing because its clock is off its peers'.
    pub fn is_clock_unsure(&self) -> bool {
        self.clock_unsure
    }

    /// The last accepted frame of a node.
    pub fn last_frame(&self, node_key: &[u8; 32]) -> Option<&LastFrame> {
        self.nodes.get(node_key)?.last.as_ref()
    }

    fn heartbeats(&mut self, requests: Vec<Request>, now_ms: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut good = Vec::with_capacity(requests.len());
        for request in &requests {
            let parsed: Result<Vec<&[u8]>, WireError> = if request.body.len() > MAX_BODY_LEN {
                let (len, max) = (request.body.len(), MAX_BODY_LEN);
                Err(WireError::TooLong { len, max })
            } else {
                frames(&request.body).collect()
            };
            match parsed {
                _ if self.open.is_some() => outputs.push(self.refuse_body(
                    request.id,
                    Reason::Overloaded,
                    "the previous batch is not on disk yet".into(),
                )),
                Ok(frames) => good.push((request.id, request.received_at_ms, frames)),
                Err(error) => outputs.push(self.refuse_body(request.id, (&error).into(), error.to_string())),
            }
        }
        if good.is_empty() {
            return outputs;
        }
        let (requests, accepted, nodes) = self.judge_all(&good);
        if accepted.is_empty() {
            let answers = requests.into_iter();
            outputs.extend(answers.map(|(id, outcomes)| self.answer(id, &outcomes, now_ms)));
        } else {
            outputs.extend(self.open_batch(accepted, nodes, requests, now_ms));
        }
        outputs
    }

    /// Counts a body that the shell refused before it could be read: one received and rejected message.
    pub fn count_refused_body(&mut self, reason: Reason) {
        self.counters.received += 1;
        self.counters.refuse(reason);
    }

    /// A body that is no list of frames counts as one received and rejected message.
    fn refuse_body(&mut self, id: u64, reason: Reason, detail: String) -> Output {
        self.count_refused_body(reason);
        Output::Refused { id, reason, detail }
    }

    fn open_batch(
        &mut self,
        frames: Vec<batch::Received>,
        nodes: Vec<([u8; 32], Status)>,
        requests: Vec<(u64, Vec<Outcome>)>,
        now_ms: u64,
    ) -> Vec<Output> {
        if self.open.is_some() {
            return Vec::new();
        }
        let batch = Batch { batch_no: self.next_batch_no, committed_at_ms: now_ms, frames };
        let record = batch.encode();
        self.open = Some(OpenBatch { batch, nodes, requests });
        vec![Output::Write(record)]
    }

    fn written(&mut self) -> Vec<Output> {
        let Some(open) = self.open.take() else {
            return Vec::new();
        };
        let committed_at_ms = open.batch.committed_at_ms;
        let committed = match self.commit(&open.batch) {
            Ok(committed) => committed,
            Err(error) => return vec![Output::Corrupt(error.to_string())],
        };
        let mut outputs = Vec::with_capacity(open.requests.len() + open.nodes.len());
        for (index, (node_key, status)) in open.nodes.iter().enumerate() {
            let at_ms = open.batch.frames[index].at_ms;
            self.make_durable(node_key, index as u32, &committed);
            outputs.push(Output::Seen { node_key: *node_key, at_ms, status: *status });
        }
        for (id, mut outcomes) in open.requests {
            for outcome in &mut outcomes {
                if let Judged::Accepted(Ack::Open(index)) = outcome.verdict {
                    outcome.verdict = Judged::Accepted(Ack::Durable(committed.clone(), index));
                }
            }
            outputs.push(self.answer(id, &outcomes, committed_at_ms));
        }
        outputs
    }

    /// Books a batch that is on disk.
    fn commit(&mut self, batch: &Batch) -> Result<Arc<Committed>, WireError> {
        let committed = Arc::new(Committed::new(self.oracle_key, batch)?);
        self.next_batch_no = batch.batch_no + 1;
        let epoch = self.config.schedule.bucket_at_ms(batch.committed_at_ms).0;
        self.first_epoch.get_or_insert(epoch.get());
        self.roots.issue(committed.receipt().root, batch.committed_at_ms);
        self.newest = Some(committed.clone());
        self.counters.batches += 1;
        self.counters.ticks += u64::from(batch.frames.is_empty());
        Ok(committed)
    }

    fn make_durable(&mut self, node_key: &[u8; 32], index: u32, committed: &Arc<Committed>) {
        let last = self.nodes.get_mut(node_key).and_then(|node| node.last.as_mut());
        if let Some(last) = last
            && matches!(last.ack, Ack::Open(at) if at == index)
        {
            last.ack = Ack::Durable(committed.clone(), index);
        }
    }

    fn replay(&mut self, record: &[u8]) -> Vec<Output> {
        let batch = match Batch::decode(record) {
            Ok(batch) if batch.batch_no >= self.next_batch_no => batch,
            Ok(batch) => {
                let no = batch.batch_no;
                return vec![Output::Corrupt(format!("batch {no} is there twice"))];
            }
            Err(error) => return vec![Output::Corrupt(error.to_string())],
        };
        let mut heartbeats = Vec::with_capacity(batch.frames.len());
        for one in &batch.frames {
            match Heartbeat::decode(&self.config.domain, &one.frame) {
                Ok((heartbeat, _)) => heartbeats.push(heartbeat),
                Err(error) => return vec![Output::Corrupt(error.to_string())],
            }
        }
        let committed = match self.commit(&batch) {
            Ok(committed) => committed,
            Err(error) => return vec![Output::Corrupt(error.to_string())],
        };
        let mut outputs = Vec::with_capacity(heartbeats.len());
        for (index, (one, heartbeat)) in batch.frames.iter().zip(&heartbeats).enumerate() {
            let ack = Ack::Durable(committed.clone(), index as u32);
            self.take(heartbeat, &one.frame, one.at_ms, ack);
            outputs.push(Output::Seen { node_key: heartbeat.node_key, at_ms: one.at_ms, status: heartbeat.status });
        }
        outputs
    }

    /// The one place where a frame changes what is known of a node: its last frame and one bit.
    fn take(&mut self, heartbeat: &Heartbeat, frame: &Arc<[u8]>, received_at_ms: u64, ack: Ack) {
        let node = self.nodes.entry(heartbeat.node_key).or_default();
        node.last = Some(LastFrame { seq: heartbeat.seq, frame: frame.clone(), received_at_ms, ack });
        let epoch = heartbeat.epoch.get();
        if epoch >= self.frozen_before {
            let buckets = self.config.schedule.buckets();
            let state = self.epochs.entry(epoch);
            state.or_insert_with(|| EpochState::new(buckets)).count(&heartbeat.node_key, heartbeat.bucket, frame);
        }
    }

    fn freeze(&mut self, epoch: u64) -> Option<View> {
        if epoch < self.frozen_before {
            return None;
        }
        self.frozen_before = epoch + 1;
        let buckets = self.config.schedule.buckets();
        let state = self.epochs.entry(epoch);
        let view = state.or_insert_with(|| EpochState::new(buckets)).view(self.oracle_key, epoch);
        let kept_from = self.frozen_before.saturating_sub(FROZEN_EPOCHS_KEPT);
        self.epochs = self.epochs.split_off(&kept_from);
        Some(view)
    }

    /// Puts the answer together: each receipt once, each accepted frame with its place.
    fn answer(&self, id: u64, outcomes: &[Outcome], now_ms: u64) -> Output {
        let mut receipts: Vec<Vec<u8>> = Vec::new();
        let mut refs: HashMap<u64, u8> = HashMap::new();
        let mut verdicts = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let (reason, inclusion) = match &outcome.verdict {
                Judged::Accepted(Ack::Durable(committed, index)) => {
                    let no = committed.receipt().batch_no;
                    let next = receipts.len();
                    let receipt_ref = *refs.entry(no).or_insert_with(|| {
                        let signed = committed.signed(&self.config.domain, &self.config.signing_key);
                        receipts.push(signed.to_vec());
                        next as u8
                    });
                    (Reason::Accepted, committed.inclusion(receipt_ref, *index))
                }
                // `written` made every accepted frame durable before.
                Judged::Accepted(Ack::Open(_)) => (Reason::Overloaded, None),
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
