//! The oracle's state machine: registry, heartbeats, ticks and epoch ends in; records for the disk, answers and views
//! out. No socket, no disk and no clock of its own: `now_ms` is an argument.
//!
//! One batch is open at a time: [`Output::Write`] asks the shell to make a record durable, [`Input::Written`] says that
//! it is, and only then do the answers leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, MAX_BODY_LEN, Status, frames};
use muster_protocol::reason::Reason;
use muster_protocol::sig::FrameSigner;
use muster_protocol::units::Schedule;
use muster_protocol::view::View;
use muster_protocol::wire::{Domain, Frame, HEADER_LEN, WireError, write_header};

use crate::registry::{Change, Registry, changes};
use crate::signer::OracleKey;
use batch::{Committed, Draft};
use commit::OpenBatch;
use counters::Counters;
use epoch::{EpochRef, EpochState};
use frames::NODE_KEY_AT;
use judge::JudgedAll;
use node::{Ack, Last, Rate};
use roots::RecentRoots;
use roster::Roster;

pub mod batch;
mod commit;
pub mod counters;
pub mod epoch;
mod frames;
mod judge;
pub mod node;
mod recall;
mod replay;
pub mod roots;
pub mod roster;
mod snapshot;
#[cfg(test)]
mod tests;

pub use recall::Recall;

/// Epochs whose bitmaps stay in memory after they were frozen; older ones are read from the published view.
pub const FROZEN_EPOCHS_KEPT: u64 = 2;

/// What does not change while an oracle runs.
#[derive(Clone)]
pub struct Config {
    /// Which network frames belong to.
    pub domain: Domain,
    /// Signs receipts.
    pub signing_key: OracleKey,
    /// The network's calendar.
    pub schedule: Schedule,
    /// How often one node may send.
    pub rate: Rate,
}

/// One request body and when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The same, and what is new in it against the last one; finding that out takes longer than ingest should wait.
    Changes(Arc<Registry>, Vec<Change>),
    /// Whether this oracle's clock is too far off its peers' to count anything.
    ClockUnsure(bool),
    /// A record that the log holds, at start, in the log's order.
    Replay(&'a [u8]),
    /// A batch that [`Output::Recall`] asked for: the log's record of its number, none if it is there no more.
    Recalled(&'a Recall, Option<&'a [u8]>),
    /// Requests that arrived together.
    Heartbeats(Vec<Request>),
    /// Time for an empty batch, so that nodes find a fresh receipt root.
    Tick,
    /// The record of the last [`Output::Write`] is on disk.
    Written,
    /// It is not, and nothing of it ever will be: as if its requests had never come.
    Unwritten,
    /// An epoch is over: no bit of it changes any more.
    Freeze(u64),
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Append this record and sync it, then tell [`Input::Written`].
    Write(Vec<u8>),
    /// Read these batches out of the log, tell each as [`Input::Recalled`], then bring the requests again.
    Recall {
        /// What is wanted.
        batches: Vec<Recall>,
        /// Nothing of them is judged yet.
        requests: Vec<Request>,
    },
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
    /// A batch, which may be a tick, is on disk.
    Committed(Arc<Committed>),
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

/// See the module.
pub struct Core {
    config: Config,
    oracle_key: [u8; 32],
    /// What every frame for this oracle begins with.
    shared: [u8; NODE_KEY_AT],
    registry: Arc<Registry>,
    roster: Roster,
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
        let oracle_key = config.signing_key.public_key();
        let mut header = Vec::with_capacity(HEADER_LEN);
        write_header(&mut header, &config.domain, Heartbeat::KIND);
        let mut shared = [0; NODE_KEY_AT];
        shared[..HEADER_LEN].copy_from_slice(&header);
        shared[HEADER_LEN..].copy_from_slice(&oracle_key);
        Self {
            config,
            oracle_key,
            shared,
            registry: Arc::default(),
            roster: Roster::default(),
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
                let changes = changes(&self.registry.nodes, &registry.nodes);
                self.change(registry, &changes);
                Vec::new()
            }
            Input::Changes(registry, changes) => {
                self.change(registry, &changes);
                Vec::new()
            }
            Input::ClockUnsure(unsure) => {
                self.clock_unsure = unsure;
                Vec::new()
            }
            Input::Replay(record) => self.replay(record),
            Input::Recalled(recall, payload) => {
                self.recalled(recall, payload);
                Vec::new()
            }
            Input::Heartbeats(requests) => self.heartbeats(requests, now_ms),
            Input::Tick => {
                let (requests, draft, taken) = (Vec::new(), Draft::new(0, 0), Vec::new());
                self.open_batch(JudgedAll { requests, draft, taken }, now_ms)
            }
            Input::Written => self.written(),
            Input::Unwritten => self.unwritten(),
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
    pub fn epoch(&self, epoch: u64) -> Option<EpochRef<'_>> {
        self.epochs.get(&epoch).map(|state| EpochRef { roster: &self.roster, shared: &self.shared, state })
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

    /// What was last accepted of a node.
    pub fn last(&self, node_key: &[u8; 32]) -> Option<&Last> {
        self.roster.slot(self.roster.find(node_key)?).last.as_ref()
    }

    /// Every node that was ever heard, with what was last accepted of it.
    pub fn heard(&self) -> impl Iterator<Item = (&[u8; 32], &Last)> {
        self.roster.slots().iter().filter_map(|slot| Some((slot.key.as_bytes(), slot.last.as_ref()?)))
    }

    fn change(&mut self, registry: Arc<Registry>, changes: &[Change]) {
        for (key, standing) in changes {
            self.roster.set_standing(key, *standing);
        }
        self.registry = registry;
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
        let judged = match self.judge_all(&good) {
            Ok(judged) => judged,
            Err(slots) => {
                let ids: Vec<u64> = good.iter().map(|(id, _, _)| *id).collect();
                let again = requests.into_iter().filter(|request| ids.contains(&request.id)).collect();
                outputs.push(self.ask_for(slots.into_iter(), again));
                return outputs;
            }
        };
        if judged.taken.is_empty() {
            let answers = judged.requests.into_iter();
            outputs.extend(answers.map(|(id, outcomes)| self.answer(id, &outcomes, now_ms)));
        } else {
            outputs.extend(self.open_batch(judged, now_ms));
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

    fn freeze(&mut self, epoch: u64) -> Option<View> {
        // Frames of the open batch are about to be counted.
        if epoch < self.frozen_before || self.open.is_some() {
            return None;
        }
        self.frozen_before = epoch + 1;
        let buckets = self.config.schedule.buckets();
        let state = self.epochs.entry(epoch).or_insert_with(|| EpochState::new(buckets));
        let seen = EpochRef { roster: &self.roster, shared: &self.shared, state };
        let view = seen.view(self.oracle_key, epoch);
        state.forget_frames();
        let kept_from = self.frozen_before.saturating_sub(FROZEN_EPOCHS_KEPT);
        self.epochs = self.epochs.split_off(&kept_from);
        Some(view)
    }
}
