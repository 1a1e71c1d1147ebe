//! Jobs from the chain, and votes and settlements back to it.

use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use muster_client::Pubkey;
use muster_client::accounts::DISCRIMINATOR_LEN;
use muster_client::addresses;
use muster_client::chain::ChainError;
use muster_client::instructions::{JobSettlement, attest_job, settle_job};
use muster_client::muster_jobs::state::{Job, job_state};
use muster_protocol::assignment::Assignment;
use muster_protocol::wire::Frame;

use super::core::{Action, Key};
use super::store::{StoreError, Work, WorkKind};
use super::view::{base58, outcome_json};
use super::{Evidence, Jobs, chain_job, peers};

/// Between two looks at the bonds.
const BONDS_EVERY: Duration = Duration::from_secs(5);
/// How long a worker sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(1);
/// Each place after the first waits so much longer before it settles: losing the race costs a fee.
const SETTLE_STAGGER_MS: u64 = 1_500;
/// Missed jobs that are looked up one by one in one tick.
const LOOKUPS_PER_TICK: usize = 256;

/// Why a tick or a transaction failed.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Chain(Box<ChainError>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
}

impl From<ChainError> for StepError {
    fn from(error: ChainError) -> Self {
        Self::Chain(Box::new(error))
    }
}

/// Follows the chain and does what the core plans, for ever.
pub async fn follow(jobs: Arc<Jobs>) {
    let every = Duration::from_millis(jobs.ctx.settings.poll_ms.clamp(200, 60_000));
    let mut bonds_due = tokio::time::Instant::now();
    let mut know_history = false;
    let mut failures: u32 = 0;
    loop {
        let step = async {
            if !know_history {
                history(&jobs).await?;
                know_history = true;
            }
            if tokio::time::Instant::now() >= bonds_due {
                refresh_bonds(&jobs).await?;
                bonds_due = tokio::time::Instant::now() + BONDS_EVERY;
            }
            look(&jobs).await
        };
        match step.await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures.is_power_of_two() {
                    tracing::warn!(failures, %error, "the chain's jobs could not be followed, trying again");
                }
            }
        }
        // Time passes without the chain too: turns, leases, waits.
        jobs.refresh_registry().await;
        if let Err(error) = act(&jobs).await {
            tracing::error!(%error, "the plan could not be carried out");
        }
        tokio::time::sleep(every * failures.clamp(1, 16)).await;
    }
}

/// Jobs that came and went while this oracle was away.
async fn history(jobs: &Jobs) -> Result<(), StepError> {
    for (address, job) in jobs.chain.jobs().await?.into_iter().filter(is_in_place) {
        jobs.take_job(chain_job(&address, &job)).await?;
    }
    Ok(())
}

async fn refresh_bonds(jobs: &Jobs) -> Result<(), StepError> {
    let bonds = jobs.chain.bonds().await?;
    let tenures = bonds.iter().map(|(_, bond)| bond.tenure.to_bytes());
    let mut held = jobs.bonds.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    held.extend(tenures);
    Ok(())
}

/// Takes the open jobs' accounts, and looks up those that are open no longer.
async fn look(jobs: &Jobs) -> Result<(), StepError> {
    let state_at = DISCRIMINATOR_LEN + offset_of!(Job, state);
    let mut open = jobs.chain.all_where::<Job>(&[(state_at, &[job_state::OPEN])]).await?;
    open.retain(is_in_place);
    let mut gone: Vec<Key> = {
        let core = jobs.core.lock().await;
        core.jobs.keys().copied().collect()
    };
    gone.retain(|job| open.binary_search_by_key(job, |(address, _)| address.to_bytes()).is_err());
    for (address, job) in open {
        jobs.take_job(chain_job(&address, &job)).await?;
    }
    gone.truncate(LOOKUPS_PER_TICK);
    for job in gone {
        refresh(jobs, &job).await?;
    }
    Ok(())
}

/// Whether a job and its escrow are where everybody looks for them. The program leaves the choice of the bumps to the
/// submitter; a job at another address is nobody's work and expires.
fn is_in_place((address, job): &(Pubkey, Job)) -> bool {
    addresses::job(&job.submitter, job.nonce) == *address && addresses::escrow(address) == job.escrow
}

/// Reads one job anew. Whether it exists.
pub async fn refresh_job(jobs: &Jobs, job: &Key) -> bool {
    refresh(jobs, job).await.is_ok_and(|found| found.is_some())
}

async fn refresh(jobs: &Jobs, key: &Key) -> Result<Option<Job>, StepError> {
    let address = Pubkey::from(*key);
    let job = jobs.chain.job(&address).await?.filter(|job| is_in_place(&(address, *job)));
    if let Some(job) = &job {
        jobs.take_job(chain_job(&address, job)).await?;
    }
    Ok(job)
}

/// Carries out the core's plan.
async fn act(jobs: &Jobs) -> Result<(), StepError> {
    let now_ms = jobs.ctx.now_ms();
    let plan = jobs.core.lock().await.plan(now_ms);
    for action in plan {
        match action {
            // The peers are asked about every open job anyway, about these first.
            Action::FetchDescriptor(_) => {}
            Action::Assign(assignment) => assign(jobs, &assignment.job).await?,
            Action::Attest { job, set_version, outcome } => {
                let kind = WorkKind::Attest;
                jobs.store.put_work(&job, kind, set_version, &outcome, now_ms).await?;
                jobs.due.notify_waiters();
            }
            Action::Settle { job, set_version, outcome } => {
                let due_ms = now_ms + settle_wait_ms(jobs, &job).await;
                let kind = WorkKind::Settle;
                jobs.store.put_work(&job, kind, set_version, &outcome, due_ms).await?;
                jobs.due.notify_waiters();
            }
        }
    }
    Ok(())
}

/// The place where a job's turns begin settles first.
async fn settle_wait_ms(jobs: &Jobs, job: &Key) -> u64 {
    let core = jobs.core.lock().await;
    let count = core.set.keys.len() as u64;
    let place = core.set.position(&core.rules.me).unwrap_or(0) as u64;
    let first = core.first_place(job).unwrap_or(0);
    (place + count).saturating_sub(first).checked_rem(count).unwrap_or(0) * SETTLE_STAGGER_MS
}

/// Asks the peers once more, and assigns if it still is due: kept first, then told to the peers, then to the nodes.
async fn assign(jobs: &Jobs, job: &Key) -> Result<(), StepError> {
    peers::pull(jobs, job).await;
    let assignment = jobs.core.lock().await.plan_assignment(job, jobs.ctx.now_ms());
    let Some(assignment) = assignment else {
        return Ok(());
    };
    let frame = sign(jobs, &assignment)?;
    let taken = jobs.take(Evidence::Assignment(&frame)).await;
    taken.map_err(|error| StepError::Other(format!("the own assignment was not taken: {error}")))?;
    let nodes: Vec<String> = assignment.nodes.iter().map(|node| base58(&node.node_key)).collect();
    tracing::info!(job = %Pubkey::from(*job), attempt = assignment.attempt, ?nodes, "assigned a job");
    peers::push_assignment(jobs, &frame).await;
    Ok(())
}

fn sign(jobs: &Jobs, assignment: &Assignment) -> Result<Vec<u8>, StepError> {
    assignment
        .encode_signed(&jobs.ctx.domain, &jobs.ctx.identity.signing_key)
        .map_err(|error| StepError::Other(format!("an assignment could not be signed: {error}")))
}

/// Sends what is due, for ever.
pub async fn work(jobs: Arc<Jobs>) {
    loop {
        let woken = jobs.due.notified();
        match jobs.store.take_work(jobs.ctx.now_ms()).await {
            Ok(Some(work)) => {
                if let Err(error) = send_and_note(&jobs, work).await {
                    tracing::error!(%error, "the queue of transactions could not be updated");
                    tokio::time::sleep(IDLE).await;
                }
            }
            Ok(None) => {
                let _ = tokio::time::timeout(IDLE, woken).await;
            }
            Err(error) => {
                tracing::error!(%error, "the queue of transactions could not be read");
                tokio::time::sleep(IDLE).await;
            }
        }
    }
}

async fn send_and_note(jobs: &Jobs, work: Work) -> Result<(), StoreError> {
    let (job, kind) = (work.job, work.kind);
    match send(jobs, &work).await {
        Ok(signature) => {
            let outcome = outcome_json(&work.outcome);
            work.done().await?;
            if let Some(signature) = signature {
                tracing::info!(job = %Pubkey::from(job), ?kind, %outcome, %signature, "the chain has it");
            }
        }
        Err(error) => {
            let last = work.failed(&error.to_string(), jobs.ctx.now_ms()).await?;
            if last {
                tracing::error!(job = %Pubkey::from(job), ?kind, %error, "given up after the last try");
            } else {
                tracing::debug!(job = %Pubkey::from(job), ?kind, %error, "will try again");
            }
        }
    }
    Ok(())
}

/// The transaction's signature; none if the chain has it already or needs it no longer.
async fn send(jobs: &Jobs, work: &Work) -> Result<Option<String>, StepError> {
    let address = Pubkey::from(work.job);
    let job = refresh(jobs, &work.job).await?;
    let job = job.ok_or_else(|| StepError::Other("the job's account is gone".to_owned()))?;
    if job.state != job_state::OPEN {
        return Ok(None);
    }
    let instruction = match work.kind {
        WorkKind::Attest => {
            let set = jobs.core.lock().await.set.clone();
            if set.version != work.set_version {
                return Ok(None);
            }
            let hash = work
                .outcome
                .hash(&address, work.set_version)
                .map_err(|error| StepError::Other(format!("an outcome without a hash: {error}")))?;
            let place = set.position(&jobs.ctx.identity.key);
            let voted = place.and_then(|place| job.votes.get(place)) == Some(&hash);
            if voted && job.votes_version == set.version {
                return Ok(None);
            }
            attest_job(&Pubkey::from(jobs.ctx.identity.key), &address, hash, work.set_version)
        }
        WorkKind::Settle => {
            let (mint, token_program) = mint(jobs).await?;
            let settlement = JobSettlement {
                job: address,
                refund_account: Some(job.refund_account),
                rent_payer: job.rent_payer,
                mint,
                token_program,
            };
            settle_job(&settlement, work.outcome.clone())
        }
    };
    let sent = jobs.chain.send(&[instruction], &[&jobs.ctx.identity.signing_key]).await;
    // Also after a failure: another oracle may have been faster.
    let now = refresh(jobs, &work.job).await?;
    match sent {
        Ok(signature) => Ok(Some(signature.to_string())),
        Err(_) if now.is_some_and(|now| now.state != job_state::OPEN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The jobs' mint and the token program that it belongs to.
async fn mint(jobs: &Jobs) -> Result<(Pubkey, Pubkey), StepError> {
    let config = jobs.chain.jobs_config().await?;
    let config = config.ok_or_else(|| StepError::Other("the jobs program is not initialised".to_owned()))?;
    let account = jobs.chain.account(&config.mint).await?;
    let account = account.ok_or_else(|| StepError::Other(format!("the mint {} is gone", config.mint)))?;
    Ok((config.mint, account.owner))
}
