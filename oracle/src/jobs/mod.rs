//! Jobs: followed from the chain, assigned in turn, judged by every oracle itself, attested and settled.
//!
//! [`core`] decides; this shell keeps its evidence in PostgreSQL ([`store`]), follows the chain and pays what the core
//! owes it ([`chain`]), asks the other oracles ([`peers`]) and listens to nodes and submitters ([`api`]).

pub mod core;
pub mod store;

mod api;
mod archives;
mod chain;
mod counters;
mod peers;
mod problem;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use axum::{Extension, Router};
use muster_client::Pubkey;
use muster_client::chain::Chain;
use muster_client::muster_jobs::state::Job;
use muster_protocol::heartbeat::Status;
use muster_protocol::units::EpochIndex;
use sqlx::PgPool;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinSet;

use self::core::{Accepted, ChainJob, Core, Key, NodeInfo, OracleSet, Refusal, Rules, Source};
use self::counters::Counters;
use self::store::{Store, StoreError};
use crate::context::OracleContext;
use crate::server::JobPart;

/// What a node gets on top of the task's own time limit: to fetch the task, load the image, upload the result.
const MARGIN_MS: u64 = 30_000;
/// How long after its lease a result is still taken.
const SLACK_MS: u64 = 10_000;
/// Buckets without a heartbeat after which a node gets no task.
const SEEN_BUCKETS: u64 = 3;
/// A job without a descriptor, or without nodes, fails after so long.
const WAIT_MS: u64 = 300_000;
/// Requests in work at a time; more are shed.
const REQUESTS_MAX: usize = 128;
/// Unknown jobs looked up on chain at a time.
const LOOKUPS_MAX: usize = 4;
/// Workers that send transactions.
const WORKERS: usize = 2;

/// The running scheduler. Its tasks end with this value.
pub struct JobsHandle {
    /// To be merged into the oracle's API.
    pub router: Router,
    /// For the oracle's statistics.
    pub jobs: Arc<Jobs>,
    /// What they are at is in the tables and goes on at the next start.
    tasks: JoinSet<()>,
}

/// The scheduler of an oracle, which runs for as long as its routes are served; none without a database.
pub async fn routes(ctx: Arc<OracleContext>) -> anyhow::Result<JobPart> {
    let Some(url) = &ctx.settings.database_url else {
        tracing::warn!("no database URL is set: this oracle takes part in no job");
        return Ok(JobPart::default());
    };
    let pool = store::connect(url, &ctx.settings.schema).await?;
    let JobsHandle { router, jobs, tasks } = start(ctx, pool).await?;
    let router = router.layer(Extension(Arc::new(tasks)));
    Ok(JobPart { router, stats: Some(Arc::new(move || jobs.stats())) })
}

/// Loads what is known, and starts to follow the chain and the peers. `pool` is [`store::connect`]'s.
pub async fn start(ctx: Arc<OracleContext>, pool: PgPool) -> anyhow::Result<JobsHandle> {
    // At `confirmed`, whatever the registry reads at: a vote that is not seen for the time of finality is sent again, and
    // a job that is rolled back takes its votes with it.
    let chain = Chain::new(&ctx.settings.rpc_url);
    let jobs = Arc::new(Jobs::load(ctx, chain, pool).await?);
    archives::prepare(&jobs).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(chain::follow(jobs.clone()));
    tasks.spawn(peers::follow(jobs.clone()));
    for _ in 0..WORKERS {
        tasks.spawn(chain::work(jobs.clone()));
    }
    Ok(JobsHandle { router: api::router(jobs.clone()), jobs, tasks })
}

/// The shell around the core.
pub struct Jobs {
    ctx: Arc<OracleContext>,
    chain: Chain,
    store: Store,
    core: Mutex<Core>,
    /// Tenures that jobs can pay; a bond is never closed.
    bonds: RwLock<HashSet<Key>>,
    counters: Counters,
    /// Tells the workers that something is due.
    due: Notify,
    requests: Semaphore,
    lookups: Semaphore,
    archive_writes: Semaphore,
}

/// Why evidence was not taken.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Evidence as it comes in.
#[derive(Clone, Copy, Debug)]
enum Evidence<'a> {
    Descriptor(&'a Key, &'a [u8]),
    Assignment(&'a [u8]),
    Result(&'a [u8], Source),
    Progress(&'a [u8], Source),
}

impl Jobs {
    async fn load(ctx: Arc<OracleContext>, chain: Chain, pool: PgPool) -> anyhow::Result<Self> {
        let store = Store::new(pool, ctx.domain);
        let mut core = Core::new(Rules {
            domain: ctx.domain,
            me: ctx.identity.key,
            lease_s: ctx.settings.job_lease_s,
            margin_ms: MARGIN_MS,
            slack_ms: SLACK_MS,
            seen_within_ms: SEEN_BUCKETS * ctx.schedule.bucket_len() * 1000,
            descriptor_wait_ms: WAIT_MS,
            nodes_wait_ms: WAIT_MS,
        });
        for state in store.open_jobs().await? {
            core.jobs.insert(state.chain.job, state);
        }
        tracing::info!(open_jobs = core.jobs.len(), "the job scheduler has its tables");
        let jobs = Self {
            ctx,
            chain,
            store,
            core: Mutex::new(core),
            bonds: RwLock::default(),
            counters: Counters::default(),
            due: Notify::new(),
            requests: Semaphore::new(REQUESTS_MAX),
            lookups: Semaphore::new(LOOKUPS_MAX),
            archive_writes: Semaphore::new(archives::WRITES_MAX),
        };
        jobs.refresh_registry().await;
        Ok(jobs)
    }

    /// What came in and what became of it, as JSON.
    pub fn stats(&self) -> serde_json::Value {
        self.counters.json()
    }

    /// Checks evidence, commits it, and only then lets it count: what is acknowledged survives a crash.
    async fn take(&self, evidence: Evidence<'_>) -> Result<Accepted, TakeError> {
        let now_ms = self.ctx.now_ms();
        let mut core = self.core.lock().await;
        let accepted = match evidence {
            Evidence::Descriptor(job, bytes) => core.check_descriptor(job, bytes),
            Evidence::Assignment(frame) => core.check_assignment(frame, now_ms),
            Evidence::Result(frame, source) => core.check_result(frame, source, now_ms),
            Evidence::Progress(frame, source) => core.check_progress(frame, source, now_ms),
        }?;
        self.store.save(&accepted, now_ms).await?;
        core.insert(accepted.clone());
        Ok(accepted)
    }

    /// Takes a job's account, on disk first.
    async fn take_job(&self, job: ChainJob) -> Result<(), StoreError> {
        self.store.save_job(&job).await?;
        let (key, index) = (job.job, job.index);
        if !self.core.lock().await.on_chain_job(job) {
            tracing::warn!(job = %Pubkey::from(key), index, "too many open jobs, this one waits on chain");
        }
        Ok(())
    }

    /// Brings the core's picture of oracles and nodes up to date.
    async fn refresh_registry(&self) {
        let registry = self.ctx.registry();
        let now_s = self.ctx.now_ms() / 1000;
        let epoch = self.ctx.schedule.epoch_of(now_s).get();
        let set = OracleSet {
            version: registry.oracle_set.version,
            threshold: usize::from(registry.oracle_set.threshold),
            keys: registry.oracle_set.oracles.iter().map(|oracle| oracle.key).collect(),
        };
        let mut nodes = self::core::Registry::new();
        {
            let bonds = self.bonds.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            for node in registry.nodes.values() {
                let Some(tenure) = registry.tenures.get(&node.tenure) else {
                    continue;
                };
                let seen = self.ctx.seen(&node.node_key);
                let info = NodeInfo {
                    tenure: node.tenure,
                    node_key: node.node_key,
                    holder: tenure.holder,
                    active: node.is_active() && !node.is_suspended(EpochIndex::new(epoch)),
                    bonded: bonds.contains(&node.tenure),
                    last_seen_ms: seen.map_or(0, |seen| seen.at_ms),
                    busy: seen.is_some_and(|seen| seen.status != Status::Online),
                };
                nodes.insert(info.tenure, info);
            }
        }
        let mut core = self.core.lock().await;
        core.set = set;
        core.registry = nodes;
    }
}

/// A job's account, as the core wants it.
pub fn chain_job(address: &Pubkey, job: &Job) -> ChainJob {
    ChainJob {
        job: address.to_bytes(),
        index: job.index,
        descriptor_hash: job.descriptor_hash,
        refund_account: job.refund_account.to_bytes(),
        rent_payer: job.rent_payer.to_bytes(),
        created_at: job.created_at,
        deadline: job.deadline,
        cancel_at: job.cancel_at,
        settled_at: job.settled_at,
        redundancy: job.redundancy,
        state: job.state,
        votes: job.votes.to_vec(),
        votes_version: job.votes_version,
        seq: job.seq,
        result_hash: job.result_hash,
    }
}
