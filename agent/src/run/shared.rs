use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use muster_client::chain::Chain;
use muster_protocol::heartbeat::{Status, Workload};
use muster_protocol::reason::Reason;
use muster_protocol::wire::Domain;
use tokio::sync::{mpsc, watch};

use super::recorder::Recorded;
use super::sequence::SequenceFile;
use crate::cli::{Context, Identity};
use crate::core::safety::Book;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::network::Network;
use crate::oracle_api::{OracleApi, now_ms};
use crate::receipts;
use crate::settings::Settings;

/// What the last sample said, thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Of all CPUs.
    pub cpu_permille: u16,
    /// Of the memory.
    pub memory_permille: u16,
}

/// The job at work.
#[derive(Clone, Debug)]
pub struct Running {
    /// The job.
    pub job: [u8; 32],
    /// 0..=100.
    pub percent: u8,
    /// Unix milliseconds.
    pub started_at_ms: u64,
}

/// How one oracle answers.
#[derive(Clone, Debug, Default)]
pub struct LinkState {
    /// Acknowledged heartbeats.
    pub accepted: u64,
    /// Refusals by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Calls without a usable answer.
    pub failed: u64,
    /// Failures in a row.
    pub failures_in_row: u32,
    /// Last acknowledgement, Unix milliseconds.
    pub last_ack_ms: u64,
    /// From sending to acknowledgement, milliseconds.
    pub last_latency_ms: u64,
    /// The last failure or refusal.
    pub last_error: String,
    /// Oracle's clock minus the machine's where it was corrected, milliseconds.
    pub clock_offset_ms: i64,
}

/// What was counted since the start.
#[derive(Default)]
pub struct Counters {
    /// Tasks that ran, by the name of their status.
    pub tasks: Mutex<BTreeMap<&'static str, u64>>,
    /// Kept receipts.
    pub receipts: AtomicU64,
}

/// What the parts of a running agent share.
pub struct Shared {
    /// Effective settings.
    pub settings: Settings,
    /// The node's folder.
    pub data: DataDir,
    /// The node's key.
    pub identity: Identity,
    /// The oracles.
    pub api: OracleApi,
    /// The chain, unless the agent does without.
    pub chain: Option<Chain>,
    /// The oracles to start from.
    pub bootstrap: Vec<String>,
    /// The newest picture of the network; its domain and calendar never change while the agent runs.
    pub network: watch::Receiver<Arc<Network>>,
    /// Turns true once.
    pub stop: watch::Receiver<bool>,
    /// When the agent started, Unix milliseconds.
    pub started_at_ms: u64,
    /// Counters.
    pub counters: Counters,
    receipts: mpsc::Sender<Recorded>,
    book: Mutex<Book>,
    sequence: Mutex<SequenceFile>,
    load: Mutex<Load>,
    running: Mutex<Option<Running>>,
    maintenance: Mutex<bool>,
    links: Mutex<BTreeMap<[u8; 32], LinkState>>,
}

/// A poisoned lock only says that another part panicked, which ends the agent anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared {
    /// Takes up what an earlier process left: sequence numbers, and the buckets of which receipts are kept.
    pub fn new(
        context: Context,
        identity: Identity,
        network: watch::Receiver<Arc<Network>>,
        receipts: mpsc::Sender<Recorded>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, Failure> {
        let now = now_ms();
        let picture = network.borrow().clone();
        // A call must leave time for another one in the same bucket.
        let timeout_ms = (picture.schedule.bucket_len() * 1000 / 3).clamp(500, 5_000);
        let book = restored_book(&context, &picture, &identity, now);
        Ok(Self {
            api: OracleApi::new(Duration::from_millis(timeout_ms))?,
            chain: context.chain(),
            bootstrap: context.bootstrap(),
            sequence: Mutex::new(SequenceFile::open(context.data.sequence())?),
            settings: context.settings,
            data: context.data,
            identity,
            network,
            stop,
            started_at_ms: now,
            counters: Counters::default(),
            receipts,
            book: Mutex::new(book),
            load: Mutex::default(),
            running: Mutex::default(),
            maintenance: Mutex::new(false),
            links: Mutex::default(),
        })
    }

    /// The newest picture of the network.
    pub fn network(&self) -> Arc<Network> {
        self.network.borrow().clone()
    }

    /// What every frame names.
    pub fn domain(&self) -> Domain {
        self.network.borrow().domain
    }

    /// How long receipts and results are kept.
    pub fn keep(&self) -> Duration {
        Duration::from_secs(self.settings.keep_days.unwrap_or(30).max(1).saturating_mul(86_400))
    }

    /// The next sequence number, reserved on disk.
    pub fn next_seq(&self) -> std::io::Result<u64> {
        lock(&self.sequence).next(now_ms())
    }

    /// An oracle has seen this sequence number.
    pub fn seen_seq(&self, last_seq: u64) {
        lock(&self.sequence).seen(last_seq, now_ms());
    }

    /// Which buckets are acknowledged.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// The last sample of the machine's load.
    pub fn load(&self) -> Load {
        *lock(&self.load)
    }

    /// A new sample of the machine's load.
    pub fn set_load(&self, load: Load) {
        *lock(&self.load) = load;
    }

    /// Whether the holder announced maintenance for now.
    pub fn set_maintenance(&self, maintenance: bool) {
        *lock(&self.maintenance) = maintenance;
    }

    /// The job at work.
    pub fn running(&self) -> Option<Running> {
        lock(&self.running).clone()
    }

    /// Changes the job at work.
    pub fn set_running(&self, running: Option<Running>) {
        *lock(&self.running) = running;
    }

    /// What a heartbeat says of the node now.
    pub fn status(&self) -> (Status, Vec<Workload>) {
        let workloads = self.running().map(|running| {
            let mut id = [0; 16];
            id.copy_from_slice(&running.job[..16]);
            Workload { id, state: 2, progress: running.percent.min(100) }
        });
        let status = match (*lock(&self.maintenance), workloads.is_some()) {
            (true, _) => Status::Maintenance,
            (false, true) => Status::Busy,
            (false, false) => Status::Online,
        };
        (status, workloads.into_iter().collect())
    }

    /// Hands a verified receipt to the disk.
    pub async fn keep_receipt(&self, recorded: Recorded) {
        self.counters.receipts.fetch_add(1, Ordering::Relaxed);
        if self.receipts.send(recorded).await.is_err() {
            tracing::error!("a receipt could not be kept, the recorder has ended");
        }
    }

    /// Changes what is known of one oracle's answers.
    pub fn on_link(&self, oracle: &[u8; 32], change: impl FnOnce(&mut LinkState)) {
        change(lock(&self.links).entry(*oracle).or_default());
    }

    /// How every oracle answers.
    pub fn links(&self) -> BTreeMap<[u8; 32], LinkState> {
        lock(&self.links).clone()
    }

    /// Counts a finished task.
    pub fn count_task(&self, status: &'static str) {
        *lock(&self.counters.tasks).entry(status).or_insert(0) += 1;
    }

    /// Finished tasks by status.
    pub fn task_counts(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.counters.tasks).clone()
    }

    /// Whether the agent is to end.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns when the agent is to end.
    pub async fn stopped(&self) {
        stopped(self.stop.clone()).await;
    }

    /// Sleeps; true when the agent is to end.
    pub async fn sleep(&self, duration: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => self.is_stopping(),
            () = self.stopped() => true,
        }
    }
}

/// Returns when `stop` turned true, or when nobody can turn it any more.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error is the sender's end, which means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl LinkState {
    /// Counts one verdict.
    pub fn verdict(&mut self, reason: Reason) {
        if reason == Reason::Accepted {
            self.accepted += 1;
            self.last_error.clear();
        } else {
            *self.refused.entry(reason.name()).or_insert(0) += 1;
            self.last_error = reason.name().into();
        }
    }
}

fn restored_book(context: &Context, network: &Network, identity: &Identity, now: u64) -> Book {
    let mut book = Book::new(network.schedule.buckets());
    let current = network.schedule.bucket_at_ms(now).0.get();
    for epoch in current.saturating_sub(1)..=current {
        for oracle in &network.oracles {
            let kept = receipts::read_epoch(&context.data.receipts(), &oracle.key, epoch);
            for one in kept.unwrap_or_default() {
                if let Ok(heartbeat) = one.verify(&network.domain, &oracle.key)
                    && heartbeat.node_key == identity.key
                {
                    book.acknowledged(&oracle.key, heartbeat.epoch, heartbeat.bucket);
                }
            }
        }
    }
    book
}
