//! The committer: takes all requests that wait, steps the core, appends, syncs once, then answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::frames;
use muster_protocol::reason::Reason;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::view::View;
use tokio::sync::oneshot;

use crate::context::{ClockFn, Seen};
use crate::core::{Config, Core, Input, Output, Recall, Request};
use crate::log::{Log, LogError, Options, Position, SegmentLog, Storage};
use crate::ops::latency::{Latency, observe};
use crate::registry::Registry;

use super::snapshots::{Figures, Snapshots};

/// Receipts that wait for who follows at most; one who lags reads the log.
const COMMITTED_MAX: usize = 8_192;
/// Requests of one batch at most; with 256 frames each a record stays under its limit.
const BATCH_REQUESTS_MAX: usize = 64;

/// What a request gets.
#[derive(Debug)]
pub enum Reply {
    /// One verdict per frame.
    Answer(Answer),
    /// The body is not a list of frames.
    Refused(Reason, String),
}

enum Command {
    Heartbeats(Request, oneshot::Sender<Reply>),
    Registry(Arc<Registry>),
    ClockUnsure(bool),
    Freeze(u64, oneshot::Sender<Option<View>>),
    Mark(oneshot::Sender<Marked>),
    Stop,
}

/// Where a snapshot stands in the log, and the chunks that it begins with.
pub struct Marked {
    /// Replay goes on here.
    pub position: Position,
    /// What the core said there.
    pub head: Vec<Vec<u8>>,
}

/// Node key -> when it was last heard.
pub type SeenMap = Arc<RwLock<HashMap<[u8; 32], Seen>>>;

/// Why the committer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log is not usable.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The first tick could not be written.
    #[error("the log takes no record: {0}")]
    FirstTick(String),
}

/// What the committer needs.
pub struct Start {
    /// What does not change.
    pub config: Config,
    /// Epochs below it have a published view.
    pub frozen_before: u64,
    /// Where acknowledged frames go.
    pub log: Box<dyn Log>,
    /// Where snapshots are; none of an oracle that makes none.
    pub snapshots: Option<Snapshots>,
    /// The first picture of the chain.
    pub registry: Arc<Registry>,
    /// Written at every accepted frame.
    pub seen: SeenMap,
    /// The wall clock.
    pub clock: ClockFn,
    /// An idle oracle commits an empty batch this often.
    pub tick_every: Duration,
    /// Requests that wait at most.
    pub queue_requests_max: usize,
}

/// The way to the committer; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    queue: SyncSender<Command>,
    /// Registry, freeze and stop never wait behind heartbeats that are shed.
    control: SyncSender<Command>,
    core: Arc<Mutex<Core>>,
    shed_frames: Arc<AtomicU64>,
    next_id: Arc<AtomicU64>,
    /// Set when the disk failed: nothing can be acknowledged any more.
    failed: Arc<Mutex<Option<String>>>,
    latency: Latency,
    /// Until somebody follows.
    committed: Arc<Mutex<Option<Receiver<BatchReceipt>>>>,
    /// Set while there is no room for another batch.
    full: Arc<Mutex<Option<String>>>,
    appended_bytes: Arc<AtomicU64>,
    figures: Option<Arc<Figures>>,
}

/// A queue that is full, or a committer that is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Overloaded;

impl Start {
    /// Replays the log, writes a first tick and starts the thread.
    pub fn start(self) -> Result<(Handle, JoinHandle<()>), StartError> {
        let (handle, committer) = self.prepare()?;
        let thread = std::thread::Builder::new().name("committer".into()).spawn(move || committer.run());
        let thread = thread.map_err(|error| StartError::FirstTick(error.to_string()))?;
        Ok((handle, thread))
    }

    /// Replays the log and writes a first tick. The caller takes the committer's turns.
    pub fn prepare(self) -> Result<(Handle, Committer), StartError> {
        let Self { config, frozen_before, mut log, registry, seen, clock, .. } = self;
        let (mut core, from) = match &self.snapshots {
            Some(snapshots) => snapshots.restore(&config, frozen_before)?,
            None => (Core::new(config, frozen_before), Position::START),
        };
        core.step(Input::Registry(registry), clock());
        let mut records: u64 = 0;
        log.replay(&from, &mut |_, payload| {
            records += 1;
            for output in core.step(Input::Replay(payload), 0) {
                if let Output::Corrupt(why) = output {
                    return Err(why);
                }
            }
            Ok(())
        })?;
        note(&seen, core.heard().map(|(key, last)| (*key, Seen { at_ms: last.received_at_ms, status: last.status })));
        tracing::info!(from_segment = from.segment, records, "the log is replayed");
        let core = Arc::new(Mutex::new(core));
        let (queue, requests) = sync_channel(self.queue_requests_max.max(1));
        let (control, commands) = sync_channel(64);
        let (committed, receipts) = sync_channel(COMMITTED_MAX);
        let latency = Latency::default();
        let (full, appended_bytes, shed_frames) = (Arc::default(), Arc::default(), Arc::default());
        let mut worker = Worker {
            core: core.clone(),
            log,
            clock,
            seen,
            latency: latency.clone(),
            waiting: HashMap::new(),
            committed,
            full: Arc::clone(&full),
            appended_bytes: Arc::clone(&appended_bytes),
            shed_frames: Arc::clone(&shed_frames),
        };
        // Nodes find a fresh root from the first moment on.
        worker.tick().map_err(StartError::FirstTick)?;
        let failed = Arc::new(Mutex::new(None));
        let handle = Handle {
            queue,
            control,
            core,
            shed_frames,
            next_id: Arc::default(),
            failed: failed.clone(),
            latency,
            committed: Arc::new(Mutex::new(Some(receipts))),
            full,
            appended_bytes,
            figures: self.snapshots.map(|snapshots| snapshots.figures),
        };
        let tick_every = self.tick_every;
        Ok((handle, Committer { worker, requests, commands, tick_every, failed }))
    }
}

/// Opens the log in `data_dir/log`.
pub fn open_log(
    storage: Arc<dyn Storage>,
    data_dir: &Path,
    oracle_key: [u8; 32],
    options: Options,
) -> Result<Box<dyn Log>, LogError> {
    Ok(Box::new(SegmentLog::open(storage, &data_dir.join("log"), oracle_key, options)?))
}

impl Handle {
    /// Hands a body to the committer; the reply comes after the fsync. A full queue sheds it.
    pub fn heartbeats(&self, received_at_ms: u64, body: Vec<u8>) -> Result<oneshot::Receiver<Reply>, Overloaded> {
        let (sender, receiver) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request { id, received_at_ms, body };
        match self.queue.try_send(Command::Heartbeats(request, sender)) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) => {
                if let Command::Heartbeats(request, _) = command {
                    shed(&self.shed_frames, &request);
                }
                Err(Overloaded)
            }
        }
    }

    /// A new picture of the chain. A full queue drops it: the next one follows.
    pub fn registry(&self, registry: Arc<Registry>) {
        let _ = self.control.try_send(Command::Registry(registry));
    }

    /// Whether this oracle's clock is to be trusted.
    pub fn clock_unsure(&self, unsure: bool) {
        let _ = self.control.try_send(Command::ClockUnsure(unsure));
    }

    /// Freezes an epoch between two batches; none if it was frozen before or the committer is gone.
    pub async fn freeze(&self, epoch: u64) -> Option<View> {
        let (sender, receiver) = oneshot::channel();
        self.control.try_send(Command::Freeze(epoch, sender)).ok()?;
        receiver.await.ok()?
    }

    /// A place in the log between two batches for a snapshot to stand at; none if the disk is full or the committer gone.
    pub fn mark(&self) -> Option<Marked> {
        let (sender, receiver) = oneshot::channel();
        self.control.try_send(Command::Mark(sender)).ok()?;
        receiver.blocking_recv().ok()
    }

    /// Bytes that went into the log since the start.
    pub fn appended_bytes(&self) -> u64 {
        self.appended_bytes.load(Ordering::Relaxed)
    }

    /// What snapshots came to since the start, where any are made.
    pub fn snapshot_figures(&self) -> Option<&Figures> {
        self.figures.as_deref()
    }

    /// Why nothing can be acknowledged for now, while the disk is full.
    pub fn disk_full(&self) -> Option<String> {
        lock(&self.full).clone()
    }

    /// Finishes the open batch and ends the thread.
    pub fn stop(&self) {
        let _ = self.control.send(Command::Stop);
    }

    /// A look at the core; keep it short, ingest waits meanwhile.
    pub fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    /// Frames that were turned away because the queue was full.
    pub fn shed_frames(&self) -> u64 {
        self.shed_frames.load(Ordering::Relaxed)
    }

    /// How long the disk and an acknowledgement take.
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// The receipt of every batch that is committed from now on, to one who follows.
    pub fn take_committed(&self) -> Option<Receiver<BatchReceipt>> {
        lock(&self.committed).take()
    }

    /// Why the log failed, if it did.
    pub fn failure(&self) -> Option<String> {
        lock(&self.failed).clone()
    }
}

fn shed(counter: &AtomicU64, request: &Request) {
    let count = frames(&request.body).count().max(1);
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn note(seen: &SeenMap, heard: impl Iterator<Item = ([u8; 32], Seen)>) {
    let mut seen = seen.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    seen.extend(heard);
}

fn heard(output: &Output) -> Option<([u8; 32], Seen)> {
    match output {
        Output::Seen { node_key, at_ms, status } => Some((*node_key, Seen { at_ms: *at_ms, status: *status })),
        _ => None,
    }
}

/// What a turn of the committer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing was written.
    Idle,
    /// A batch is on disk.
    Committed,
    /// It was told to stop, or the disk failed: there is no further turn.
    Stopped,
}

/// Owns core and log; takes turns on a thread of its own, or as its owner says.
pub struct Committer {
    worker: Worker,
    requests: Receiver<Command>,
    commands: Receiver<Command>,
    tick_every: Duration,
    failed: Arc<Mutex<Option<String>>>,
}

impl Committer {
    /// Takes turns until it is told to stop, or the disk fails.
    pub fn run(mut self) {
        let mut committed = Instant::now();
        loop {
            let is_idle_for_long = committed.elapsed() >= self.tick_every;
            // Short enough that control commands do not wait, whatever the traffic.
            match self.turn(Duration::from_millis(20), is_idle_for_long) {
                Turn::Idle => {}
                Turn::Committed => committed = Instant::now(),
                Turn::Stopped => return,
            }
        }
    }

    /// Does what it was told, then commits what waits, or what comes within `patience`; if nothing did and `tick`, an
    /// empty batch.
    pub fn turn(&mut self, patience: Duration, tick: bool) -> Turn {
        self.try_turn(patience, tick).unwrap_or_else(|error| {
            tracing::error!(%error, "the log failed; this oracle acknowledges nothing any more");
            *lock(&self.failed) = Some(error);
            Turn::Stopped
        })
    }

    fn try_turn(&mut self, patience: Duration, tick: bool) -> Result<Turn, String> {
        while let Ok(command) = self.commands.try_recv() {
            if self.worker.control(command)? {
                return Ok(Turn::Stopped);
            }
        }
        let mut written = false;
        match self.requests.recv_timeout(patience) {
            Ok(first) => {
                let batch = self.worker.gather(first, &self.requests);
                written = self.worker.heartbeats(batch)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Turn::Stopped),
        }
        if tick && !written {
            written = self.worker.tick()?;
        }
        Ok(if written { Turn::Committed } else { Turn::Idle })
    }
}

struct Worker {
    core: Arc<Mutex<Core>>,
    log: Box<dyn Log>,
    clock: ClockFn,
    seen: SeenMap,
    latency: Latency,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
    committed: SyncSender<BatchReceipt>,
    full: Arc<Mutex<Option<String>>>,
    appended_bytes: Arc<AtomicU64>,
    shed_frames: Arc<AtomicU64>,
}

impl Worker {
    fn gather(&mut self, first: Command, requests: &Receiver<Command>) -> Vec<Request> {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next {
            if let Command::Heartbeats(request, sender) = command {
                self.waiting.insert(request.id, sender);
                batch.push(request);
            }
            next = if batch.len() < BATCH_REQUESTS_MAX { requests.try_recv().ok() } else { None };
        }
        batch
    }

    /// Says whether to stop.
    fn control(&mut self, command: Command) -> Result<bool, String> {
        match command {
            Command::Registry(registry) => {
                self.step(Input::Registry(registry))?;
            }
            Command::ClockUnsure(unsure) => {
                self.step(Input::ClockUnsure(unsure))?;
            }
            Command::Freeze(epoch, sender) => {
                let now_ms = (self.clock)();
                let outputs = lock(&self.core).step(Input::Freeze(epoch), now_ms);
                let view = outputs.into_iter().find_map(|output| match output {
                    Output::View(view) => Some(view),
                    _ => None,
                });
                let _ = sender.send(view);
            }
            Command::Mark(sender) => {
                // On a full disk there is no place to mark; whoever asked comes again.
                match self.log.mark() {
                    Ok(position) => {
                        let _ = sender.send(Marked { position, head: lock(&self.core).snapshot_head() });
                    }
                    Err(LogError::Full { .. }) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            Command::Heartbeats(..) => {}
            Command::Stop => return Ok(true),
        }
        Ok(false)
    }

    /// Asks the log for something. None while the disk is full, which is said once, and once that it is no more.
    fn when_there_is_room<T>(
        &mut self,
        ask: impl FnOnce(&mut dyn Log) -> Result<T, LogError>,
    ) -> Result<Option<T>, String> {
        let mut full = lock(&self.full);
        match ask(&mut *self.log) {
            Ok(done) => {
                if full.take().is_some() {
                    tracing::info!("there is room on the disk again");
                }
                Ok(Some(done))
            }
            Err(error @ LogError::Full { .. }) => {
                if full.replace(error.to_string()).is_none() {
                    tracing::error!(%error, "the disk is full; nothing is acknowledged until there is room");
                }
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes an empty batch if there is room; says whether it did.
    fn tick(&mut self) -> Result<bool, String> {
        match self.when_there_is_room(|log| log.check_room())? {
            Some(()) => self.step(Input::Tick),
            None => Ok(false),
        }
    }

    /// Judges requests if there is room for what they come to; says whether something was written.
    fn heartbeats(&mut self, batch: Vec<Request>) -> Result<bool, String> {
        if self.when_there_is_room(|log| log.check_room())?.is_some() {
            return self.step(Input::Heartbeats(batch));
        }
        let why = lock(&self.full).clone().unwrap_or_default();
        for request in batch {
            shed(&self.shed_frames, &request);
            self.deliver(Output::Refused { id: request.id, reason: Reason::Overloaded, detail: why.clone() })?;
        }
        Ok(false)
    }

    /// Reads batches that the core asked for out of the log.
    fn recall(&mut self, batches: &[Recall]) -> Result<(), String> {
        for recall in batches {
            let record = self.log.read(recall.batch_no).map_err(|error| error.to_string())?;
            lock(&self.core).step(Input::Recalled(recall, record.as_deref()), 0);
        }
        Ok(())
    }

    /// Steps the core and does what it asks for; says whether something was written.
    fn step(&mut self, input: Input<'_>) -> Result<bool, String> {
        let now_ms = (self.clock)();
        let outputs = lock(&self.core).step(input, now_ms);
        let mut written = false;
        for output in outputs {
            match output {
                Output::Write(record) => {
                    let started = Instant::now();
                    written = self.when_there_is_room(|log| log.append_batch(&[&record]))?.is_some();
                    if written {
                        self.log.sync().map_err(|error| error.to_string())?;
                        observe(&self.latency.commit, started);
                        self.appended_bytes.fetch_add(record.len() as u64, Ordering::Relaxed);
                    }
                    let input = if written { Input::Written } else { Input::Unwritten };
                    let answers = lock(&self.core).step(input, now_ms);
                    note(&self.seen, answers.iter().filter_map(heard));
                    for answer in answers {
                        self.deliver(answer)?;
                    }
                }
                Output::Recall { batches, requests } => {
                    self.recall(&batches)?;
                    return self.step(Input::Heartbeats(requests));
                }
                other => self.deliver(other)?,
            }
        }
        Ok(written)
    }

    fn deliver(&mut self, output: Output) -> Result<(), String> {
        let (id, reply) = match output {
            Output::Answer { id, answer } => (id, Reply::Answer(answer)),
            Output::Refused { id, reason, detail } => (id, Reply::Refused(reason, detail)),
            Output::Corrupt(why) => return Err(why),
            Output::Committed(committed) => {
                // Whoever lags reads the log instead; nobody is waited for.
                let _ = self.committed.try_send(*committed.receipt());
                return Ok(());
            }
            Output::Write(_) | Output::Recall { .. } | Output::View(_) | Output::Seen { .. } => return Ok(()),
        };
        if let Some(sender) = self.waiting.remove(&id) {
            // Whoever hung up gets the same acknowledgement for the same bytes later.
            let _ = sender.send(reply);
        }
        Ok(())
    }
}
