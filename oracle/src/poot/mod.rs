//! Proof of operational time: what this oracle counted of a node, so far or for good, as a signed statement; the same of a
//! whole project; and what nodes earned over all epochs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use muster_protocol::dataset::Member;
use muster_protocol::units::EpochIndex;

use crate::context::OracleContext;
use crate::epochs::Epochs;
use crate::http::problem::Problem;
use crate::ingest::Handle;
use calculation::Calculation;

pub mod calculation;
pub mod core;
pub mod credits;
pub mod proof;

/// Projects whose figures so far are kept.
const PROJECTS_MAX: usize = 256;
/// A calculation takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// The members of an epoch after some buckets, as far as the chain was read.
struct Cached {
    epoch: u64,
    elapsed: u32,
    seq: u64,
    members: Arc<Vec<Member>>,
}

/// See the module.
pub struct Poot {
    ctx: Arc<OracleContext>,
    epochs: Arc<Epochs>,
    ingest: Handle,
    running: tokio::sync::Mutex<()>,
    took_ms: AtomicU64,
    calculations: AtomicU64,
    cached: Mutex<BTreeMap<[u8; 32], Cached>>,
    /// The newest figures of each project's running epoch.
    newest: Mutex<BTreeMap<[u8; 32], Arc<Calculation>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Poot {
    /// Answers from what the core counted and `epochs` computed.
    pub fn new(ctx: Arc<OracleContext>, epochs: Arc<Epochs>, ingest: Handle) -> Self {
        Self {
            ctx,
            epochs,
            ingest,
            running: tokio::sync::Mutex::default(),
            took_ms: AtomicU64::default(),
            calculations: AtomicU64::default(),
            cached: Mutex::default(),
            newest: Mutex::default(),
        }
    }

    /// How many calculations were made since the start.
    pub fn calculations(&self) -> u64 {
        self.calculations.load(Ordering::Relaxed)
    }

    /// How long the last calculation took, in whole seconds and at least one.
    fn retry_after_s(&self) -> u32 {
        let seconds = self.took_ms.load(Ordering::Relaxed).div_ceil(1000);
        u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
    }

    fn remember(&self, made: Calculation) -> Arc<Calculation> {
        self.took_ms.store(made.took_ms, Ordering::Relaxed);
        self.calculations.fetch_add(1, Ordering::Relaxed);
        let made = Arc::new(made);
        if !made.is_final {
            let mut newest = lock(&self.newest);
            if newest.len() < PROJECTS_MAX || newest.contains_key(&made.project) {
                newest.insert(made.project, made.clone());
            }
        }
        made
    }

    /// The newest figures of a project's epoch, if they are of this epoch: kept ones while it runs, the dataset's after.
    pub fn newest(&self, project: &[u8; 32], epoch: u64) -> Result<Option<Arc<Calculation>>, Problem> {
        let computed = self.epochs.known(project, epoch)?.and_then(|report| report.computed);
        if let Some(computed) = computed {
            let buckets = computed.dataset.header.schedule.buckets();
            return Ok(Some(Arc::new(Calculation {
                project: *project,
                epoch,
                is_final: true,
                dataset_hash: Some(computed.hash),
                is_same: None,
                elapsed: buckets,
                buckets,
                at_ms: self.ctx.now_ms(),
                took_ms: 0,
                lines: calculation::of_dataset(&computed.dataset),
            })));
        }
        let kept = lock(&self.newest).get(project).cloned();
        Ok(kept.filter(|calculation| calculation.epoch == epoch))
    }

    /// The members of an epoch after the buckets that are over.
    fn members(&self, project: &[u8; 32], epoch: u64) -> Result<Arc<Vec<Member>>, Problem> {
        let registry = self.ctx.registry();
        let unknown = || Problem::not_found("unknown_project", "this oracle knows no such project");
        let history = registry.histories.get(project).ok_or_else(unknown)?.history();
        let (schedule, number) = (&self.ctx.schedule, EpochIndex::new(epoch));
        let elapsed = core::elapsed(schedule, number, self.ctx.now_ms());
        let seq = history.last_seq();
        if let Some(cached) = lock(&self.cached).get(project)
            && (cached.epoch, cached.elapsed, cached.seq) == (epoch, elapsed, seq)
        {
            return Ok(cached.members.clone());
        }
        let now_s = i64::try_from(self.ctx.now_ms() / 1000).unwrap_or(i64::MAX);
        let end_s = i64::try_from(schedule.epoch_end(number)).unwrap_or(i64::MAX);
        let tenures = history.tenures_before(end_s.min(now_s.saturating_add(1)));
        let members = core::members_until(schedule, number, elapsed, tenures);
        let members = members.map_err(|error| Problem::unavailable("starting", error.to_string(), 2))?;
        let members = Arc::new(members);
        let mut all = lock(&self.cached);
        if all.len() >= PROJECTS_MAX && !all.contains_key(project) {
            all.clear();
        }
        all.insert(*project, Cached { epoch, elapsed, seq, members: members.clone() });
        Ok(members)
    }

    /// Calculates every project's running epoch once a bucket, for ever.
    pub async fn run(self: Arc<Self>) {
        let bucket = Duration::from_secs(self.ctx.schedule.bucket_len());
        loop {
            let began = tokio::time::Instant::now();
            let projects: Vec<[u8; 32]> = self.ctx.registry().projects.keys().copied().take(PROJECTS_MAX).collect();
            let epoch = self.ctx.schedule.epoch_of(self.ctx.now_ms() / 1000).get();
            for project in projects {
                let own = self.clone();
                let made = tokio::task::spawn_blocking(move || own.so_far(&project, epoch)).await;
                match made {
                    Ok(Ok(made)) => drop(self.remember(made)),
                    Ok(Err(problem)) => tracing::debug!(epoch, why = problem.detail, "no figures so far"),
                    Err(error) => tracing::error!(%error, "a calculation failed"),
                }
            }
            tokio::time::sleep(bucket.max(began.elapsed() * SHARE)).await;
        }
    }
}
