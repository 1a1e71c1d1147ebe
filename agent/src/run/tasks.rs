//! Asks the oracles for tasks, checks what they offer, runs one at a time and signs the results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use muster_client::Pubkey;
use muster_client::muster_jobs::state::job_state;
use muster_protocol::assignment::Assignment;
use muster_protocol::job::JobDescriptor;
use muster_protocol::result::Progress;
use muster_protocol::wire::Frame;
use muster_protocol::{Hash, hashv};
use reqwest::Method;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Shared;
use super::outbox::{self, Outbox, Record};
use super::shared::Running;
use super::work::{self, Ended, Task};
use crate::container::ContainerRunner;
use crate::core::tasks::{Choice, Offer, Stage, choose};
use crate::network::{Network, Oracle};
use crate::oracle_api::now_ms;
use crate::profile::Profile;

/// Offers of one oracle that are looked at.
const OFFERS_MAX: usize = 16;
/// Assignments whose warning is remembered.
const WARNED_MAX: usize = 1_024;
/// Between two progress frames of a task.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// An entry of `GET /api/v1/tasks`.
#[derive(Debug, Deserialize)]
struct Offered {
    /// Hex of the signed frame.
    assignment: String,
    /// Base64.
    descriptor: String,
    #[serde(default)]
    result_seen: bool,
}

/// Runs until the agent ends; a running task is cancelled then.
pub async fn run(shared: Arc<Shared>) {
    let outbox = match Outbox::open(shared.data.tasks(), &shared.data.archives(), shared.keep()) {
        Ok(outbox) => Arc::new(outbox),
        Err(error) => {
            tracing::error!(%error, "the node takes no tasks");
            return;
        }
    };
    let deliveries = tokio::spawn(outbox.clone().run(shared.clone()));
    let mut desk = Desk::new(shared, outbox);
    desk.finish_cut_short();
    desk.connect().await;
    desk.work().await;
    desk.outbox.close();
    if deliveries.await.is_err() {
        tracing::error!("the deliveries of results ended by a panic");
    }
}

/// Everything about tasks that is not shared.
struct Desk {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    profile: Profile,
    runner: Option<Arc<ContainerRunner>>,
    offers: BTreeMap<Hash, Task>,
    worker: Option<(Task, JoinHandle<Ended>)>,
    /// Offers that were warned about: the oracles repeat them every poll.
    warned: BTreeSet<Hash>,
}

impl Desk {
    fn new(shared: Arc<Shared>, outbox: Arc<Outbox>) -> Self {
        let profile = Profile::of_this_machine(None);
        Self { shared, outbox, profile, runner: None, offers: BTreeMap::new(), worker: None, warned: BTreeSet::new() }
    }

    /// What a crash cut short is never run again: the network is told, so that another node gets it.
    fn finish_cut_short(&self) {
        for record in self.outbox.cut_short() {
            let ended = Ended::node_failed(record.started_at_ms, "the agent was restarted while the task ran");
            self.finish(record, &ended);
        }
    }

    async fn connect(&mut self) {
        let connected = ContainerRunner::connect(self.shared.identity.base58(), self.shared.data.scratch()).await;
        let runner = match connected {
            Ok(runner) => runner,
            Err(error) => {
                tracing::warn!(%error, "no container engine: tasks will fail on this node");
                return;
            }
        };
        match runner.cleanup().await {
            Ok(cleaned) => tracing::info!(
                engine = runner.engine_name(),
                runtime = runner.runtime_name(),
                left_over = cleaned.containers,
                "tasks run in containers"
            ),
            Err(error) => tracing::warn!(%error, "what an earlier process left in the engine cannot be removed"),
        }
        self.runner = Some(Arc::new(runner));
    }

    async fn work(&mut self) {
        let every = Duration::from_millis(self.shared.settings.task_poll_ms.unwrap_or(2_000).max(200));
        let shared = self.shared.clone();
        let mut poll = tokio::time::interval(every);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shared.stopped() => break,
                _ = poll.tick() => self.poll().await,
                ended = ended(&mut self.worker) => self.ended(ended),
            }
            while let Some(choice) = self.choose() {
                self.start(choice).await;
            }
        }
        if self.worker.is_some() {
            let ended = ended(&mut self.worker).await;
            self.ended(ended);
        }
    }

    fn choose(&self) -> Option<Choice> {
        let offers: Vec<Offer> = self.offers.values().map(|task| task.offer.clone()).collect();
        let running = self.worker.as_ref().map(|(task, _)| task.offer.job);
        choose(&offers, &self.outbox.known(), running, now_ms())
    }

    /// Asks every oracle; what one of them offers is enough.
    async fn poll(&mut self) {
        let shared = self.shared.clone();
        let network = shared.network();
        let domain = shared.domain();
        let calls = network.oracles.iter().filter(|oracle| !oracle.url.is_empty()).map(|oracle| {
            let (shared, domain) = (&shared, &domain);
            async move {
                let signer = outbox::signer(shared, domain, oracle);
                let offered = shared.api.signed_json::<Vec<Offered>>(&signer, &oracle.url, "/api/v1/tasks").await;
                (oracle, offered)
            }
        });
        let answers = futures_util::future::join_all(calls).await;
        let now = now_ms();
        self.offers.retain(|_, task| task.offer.lease_until_ms > now);
        for (oracle, answer) in answers {
            match answer {
                Ok(offered) => {
                    for one in offered.iter().take(OFFERS_MAX) {
                        self.look_at(&network, oracle, one).await;
                    }
                }
                Err(error) => tracing::debug!(oracle = oracle.url, %error, "an oracle tells no tasks"),
            }
        }
    }

    async fn look_at(&mut self, network: &Network, oracle: &Oracle, offered: &Offered) {
        let Ok(frame) = hex::decode(&offered.assignment) else {
            tracing::debug!(oracle = oracle.url, "an assignment is not hex");
            return;
        };
        let hash = Assignment::hash(&frame);
        if let Some(record) = self.outbox.get(&hash) {
            if record.stage == Stage::Finished && !offered.result_seen {
                self.outbox.missed_by(&hash, &oracle.key);
            }
            return;
        }
        if self.offers.contains_key(&hash) || self.is_at_work_on(&hash) {
            return;
        }
        let checked = check(&self.shared, network, &frame, hash, &offered.descriptor);
        let task = match checked {
            Ok(task) => task,
            Err(why) => {
                self.warn(hash, oracle, &why);
                return;
            }
        };
        match is_open_on_chain(&self.shared, &task).await {
            Ok(()) => {
                self.offers.insert(hash, task);
            }
            Err(why) => self.warn(hash, oracle, &why),
        }
    }

    /// Once per assignment.
    fn warn(&mut self, hash: Hash, oracle: &Oracle, why: &str) {
        if self.warned.len() >= WARNED_MAX {
            self.warned.clear();
        }
        if self.warned.insert(hash) {
            tracing::warn!(oracle = oracle.url, why, "an assignment is not taken");
        }
    }

    fn is_at_work_on(&self, hash: &Hash) -> bool {
        self.worker.as_ref().is_some_and(|(task, _)| task.offer.assignment_hash == *hash)
    }

    async fn start(&mut self, choice: Choice) {
        let (Choice::Run(hash) | Choice::Reuse { assignment: hash, .. }) = choice;
        let Some(task) = self.offers.remove(&hash) else {
            return;
        };
        let record = new_record(&task);
        if let Choice::Reuse { of, .. } = choice {
            if let Err(why) = self.sign_again(record, &of) {
                tracing::warn!(why, "a result at hand cannot be signed for another assignment");
            }
            return;
        }
        // On disk before anything runs: after a crash it is known to have been started.
        if let Err(error) = self.outbox.put(record.clone()) {
            tracing::error!(%error, "a task is not started, for it cannot be noted");
            return;
        }
        let job = Pubkey::from(task.offer.job);
        tracing::info!(%job, attempt = task.assignment.attempt, title = task.descriptor.title, "a task starts");
        let allow_network = self.shared.settings.allow_network.unwrap_or(false);
        if let Err(why) = work::suits(&task.descriptor, &self.profile, allow_network) {
            return self.finish(record, &Ended::node_failed(now_ms(), why));
        }
        if self.runner.is_none() {
            self.connect().await;
        }
        let Some(runner) = self.runner.clone() else {
            return self.finish(record, &Ended::node_failed(now_ms(), "the node has no container engine"));
        };
        let worker = tokio::spawn(perform(self.shared.clone(), runner, task.clone()));
        self.worker = Some((task, worker));
    }

    fn ended(&mut self, ended: Ended) {
        self.shared.set_running(None);
        let Some((task, _)) = self.worker.take() else {
            return;
        };
        if let Some(record) = self.outbox.get(&task.offer.assignment_hash) {
            self.finish(record, &ended);
        }
    }

    /// Signs and keeps a result; the outbox delivers it.
    fn finish(&self, mut record: Record, ended: &Ended) {
        self.shared.count_task(ended.status.name());
        tracing::info!(
            job = base58_of(&record.job),
            status = ended.status.name(),
            exit_code = ended.exit_code,
            why = ended.message,
            "a task ended"
        );
        match self.sign(&record, ended) {
            Ok(frame) => record.result = Some(hex::encode(frame)),
            Err(why) => {
                tracing::error!(why, "a result cannot be signed");
                return;
            }
        }
        record.stage = Stage::Finished;
        record.reusable = ended.is_about_the_job();
        record.archive = ended.archive.map(hex::encode);
        record.message.clone_from(&ended.message);
        if let Err(error) = self.outbox.put(record) {
            tracing::error!(%error, "a result cannot be kept");
        }
    }

    fn sign(&self, record: &Record, ended: &Ended) -> Result<Vec<u8>, String> {
        let field = |text: &str| -> Result<[u8; 32], String> {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).map_err(|error| error.to_string())?;
            Ok(bytes)
        };
        let seq = self.shared.next_seq().map_err(|error| error.to_string())?;
        let identity = &self.shared.identity;
        let result = ended.result(
            field(&record.job)?,
            field(&record.assignment_hash)?,
            identity.key,
            field(&record.tenure)?,
            seq,
        );
        result.encode_signed(&self.shared.domain(), &identity.signing_key).map_err(|error| error.to_string())
    }

    /// The result of a finished assignment of the same job, signed for this one.
    fn sign_again(&self, mut record: Record, of: &Hash) -> Result<(), String> {
        use muster_protocol::result::TaskResult;
        let done = self.outbox.get(of).ok_or("it is gone")?;
        let frame = hex::decode(done.result.as_deref().unwrap_or("")).map_err(|error| error.to_string())?;
        let domain = self.shared.domain();
        let mut result = TaskResult::decode_verified(&domain, &frame).map_err(|error| error.to_string())?;
        let into =
            |text: &str, bytes: &mut [u8; 32]| hex::decode_to_slice(text, bytes).map_err(|error| error.to_string());
        into(&record.assignment_hash, &mut result.assignment_hash)?;
        into(&record.tenure, &mut result.tenure)?;
        result.seq = self.shared.next_seq().map_err(|error| error.to_string())?;
        let frame =
            result.encode_signed(&domain, &self.shared.identity.signing_key).map_err(|error| error.to_string())?;
        record.result = Some(hex::encode(frame));
        record.stage = Stage::Finished;
        record.reusable = true;
        record.archive = done.archive;
        record.message = format!("the result of assignment {} again", done.assignment_hash);
        tracing::info!(job = base58_of(&record.job), "a result at hand serves another assignment");
        self.outbox.put(record).map_err(|error| error.to_string())
    }
}

/// The worker's end; never, if there is none.
async fn ended(worker: &mut Option<(Task, JoinHandle<Ended>)>) -> Ended {
    match worker {
        Some((_, handle)) => match handle.await {
            Ok(ended) => ended,
            Err(error) => Ended::node_failed(now_ms(), format!("the task's part of the agent failed: {error}")),
        },
        None => std::future::pending().await,
    }
}

fn base58_of(hex_text: &str) -> String {
    hex::decode(hex_text).map_or_else(|_| hex_text.to_owned(), |bytes| bs58::encode(bytes).into_string())
}

fn new_record(task: &Task) -> Record {
    Record {
        assignment_hash: hex::encode(task.offer.assignment_hash),
        job: hex::encode(task.offer.job),
        tenure: hex::encode(task.tenure),
        lease_until_ms: task.offer.lease_until_ms,
        started_at_ms: now_ms(),
        stage: Stage::Started,
        reusable: false,
        result: None,
        archive: None,
        delivered: BTreeMap::new(),
        uploaded: BTreeMap::new(),
        refused: BTreeMap::new(),
        message: String::new(),
    }
}

/// Believes an assignment only if an oracle of the set signed it for this node and the descriptor is the one it names.
fn check(shared: &Shared, network: &Network, frame: &[u8], hash: Hash, descriptor: &str) -> Result<Task, String> {
    let assignment = Assignment::decode_verified(&network.domain, frame).map_err(|error| error.to_string())?;
    if !network.has(&assignment.oracle_key) {
        return Err("its signer is no oracle of the set".into());
    }
    let assignee = assignment.assignee(&shared.identity.key).ok_or("it is for other nodes")?;
    let tenure = assignee.tenure;
    if let Some(own) = shared.settings.tenure.as_deref()
        && own != Pubkey::from(tenure).to_string()
    {
        return Err(format!(
            "it pays the tenure {}, this node's is {own}; run muster-agent join again if that is meant",
            Pubkey::from(tenure)
        ));
    }
    if assignment.lease_until_ms <= now_ms() {
        return Err("its lease has ended".into());
    }
    let bytes = BASE64_STANDARD.decode(descriptor).map_err(|error| format!("its descriptor is not base64: {error}"))?;
    if hashv(&[&bytes]) != assignment.descriptor_hash {
        return Err("its descriptor has another hash than it says".into());
    }
    let descriptor = JobDescriptor::decode(&bytes).map_err(|error| error.to_string())?;
    let offer = Offer {
        assignment_hash: hash,
        job: assignment.job,
        priority: descriptor.priority,
        assigned_at_ms: assignment.assigned_at_ms,
        lease_until_ms: assignment.lease_until_ms,
    };
    Ok(Task { offer, assignment, descriptor, tenure })
}

/// The chain's word on the job, for agents that have an RPC node.
async fn is_open_on_chain(shared: &Shared, task: &Task) -> Result<(), String> {
    let Some(chain) = &shared.chain else {
        return Ok(());
    };
    let address = Pubkey::from(task.offer.job);
    match chain.job(&address).await {
        Ok(Some(job)) if job.descriptor_hash != task.assignment.descriptor_hash => {
            Err(format!("the job {address} has another descriptor on the chain"))
        }
        Ok(Some(job)) if job.state != job_state::OPEN => Err(format!("the job {address} is not open")),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("the chain has no job {address}")),
        Err(error) => Err(format!("the job {address} cannot be read: {error}")),
    }
}

/// Runs a task while its progress goes to the oracles.
async fn perform(shared: Arc<Shared>, runner: Arc<ContainerRunner>, task: Task) -> Ended {
    shared.set_running(Some(Running { job: task.offer.job, percent: 0, started_at_ms: now_ms() }));
    let (percent, seen) = watch::channel(0);
    let (done, ended) = mpsc::channel::<()>(1);
    let reports = tokio::spawn(report(shared.clone(), task.offer.job, task.offer.assignment_hash, seen, ended));
    let result = work::perform(&shared, &runner, &task, &percent, shared.stop.clone()).await;
    drop(done);
    drop(percent);
    // A report on its way may take its time-out; the result need not wait for it.
    reports.abort();
    result
}

/// Sends progress to every oracle, at most once a second; lost frames are replaced by the next.
async fn report(
    shared: Arc<Shared>,
    job: [u8; 32],
    assignment_hash: Hash,
    mut seen: watch::Receiver<u8>,
    mut ended: mpsc::Receiver<()>,
) {
    loop {
        let percent = *seen.borrow_and_update();
        match progress_frame(&shared, job, assignment_hash, percent) {
            Ok(frame) => {
                let network = shared.network();
                let calls = network
                    .oracles
                    .iter()
                    .map(|oracle| outbox::call(&shared, oracle, Method::POST, "/api/v1/progress", frame.clone()));
                for (oracle, result) in network.oracles.iter().zip(futures_util::future::join_all(calls).await) {
                    if let Err(error) = result {
                        tracing::debug!(oracle = oracle.url, %error, "a progress report was not taken");
                    }
                }
            }
            Err(error) => tracing::warn!(error, "progress cannot be signed"),
        }
        tokio::select! {
            _ = ended.recv() => return,
            () = tokio::time::sleep(PROGRESS_EVERY) => {}
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

fn progress_frame(shared: &Shared, job: [u8; 32], assignment_hash: Hash, percent: u8) -> Result<Vec<u8>, String> {
    let seq = shared.next_seq().map_err(|error| error.to_string())?;
    let node_key = shared.identity.key;
    let progress = Progress { job, node_key, assignment_hash, percent: percent.min(100), seq, at_ms: now_ms() };
    progress.encode_signed(&shared.domain(), &shared.identity.signing_key).map_err(|error| error.to_string())
}
