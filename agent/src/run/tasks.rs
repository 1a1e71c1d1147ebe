//! Asks the oracles for tasks, checks what they offer, runs one at a time and signs the results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use muster_client::Pubkey;
use muster_protocol::Hash;
use muster_protocol::assignment::Assignment;
use muster_protocol::result::TaskStatus;
use muster_protocol::wire::Frame;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::offer::{self, Offered};
use super::outbox::{self, Outbox, Record};
use super::work::{self, Ended, Task};
use super::{Shared, reports};
use crate::container::ContainerRunner;
use crate::core::tasks::{Choice, Offer, Stage, choose};
use crate::network::{Network, Oracle};
use crate::oracle_api::now_ms;
use crate::profile::Profile;

/// Offers of one oracle that are looked at.
const OFFERS_MAX: usize = 16;
/// Assignments whose warning is remembered.
const WARNED_MAX: usize = 1_024;

/// The task at work.
struct Worker {
    task: Task,
    /// Turned true, ends it early.
    stop: watch::Sender<bool>,
    /// Its job was cancelled.
    is_called_off: bool,
    handle: JoinHandle<Ended>,
}

/// Runs until the agent ends; a running task is stopped then.
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
    worker: Option<Worker>,
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
        if let Some(worker) = &self.worker {
            worker.stop.send_replace(true);
            let ended = ended(&mut self.worker).await;
            self.ended(ended);
        }
    }

    fn choose(&self) -> Option<Choice> {
        let offers: Vec<Offer> = self.offers.values().map(|task| task.offer.clone()).collect();
        let running = self.worker.as_ref().map(|worker| worker.task.offer.job);
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
        let mut cancelling: BTreeMap<Hash, BTreeSet<[u8; 32]>> = BTreeMap::new();
        for (oracle, answer) in answers {
            match answer {
                Ok(offered) => {
                    for one in offered.iter().take(OFFERS_MAX).filter(|one| one.cancelled) {
                        if let Ok(frame) = hex::decode(&one.assignment) {
                            cancelling.entry(Assignment::hash(&frame)).or_default().insert(oracle.key);
                        }
                    }
                    for one in offered.iter().take(OFFERS_MAX) {
                        self.look_at(&network, oracle, one).await;
                    }
                }
                Err(error) => tracing::debug!(oracle = oracle.url, %error, "an oracle tells no tasks"),
            }
        }
        self.call_off(&network, &cancelling).await;
    }

    /// Ends the task at work, and forgets offers, whose job was cancelled.
    async fn call_off(&mut self, network: &Network, cancelling: &BTreeMap<Hash, BTreeSet<[u8; 32]>>) {
        for (hash, oracles) in cancelling {
            let at_work = self.worker.as_ref().filter(|worker| worker.task.offer.assignment_hash == *hash);
            let Some(task) = at_work.map(|worker| &worker.task).or_else(|| self.offers.get(hash)) else {
                continue;
            };
            let job = task.offer.job;
            if !offer::is_cancelled(&self.shared, network, &job, oracles.len()).await {
                continue;
            }
            self.offers.remove(hash);
            let at_work = self.worker.as_mut().filter(|worker| worker.task.offer.assignment_hash == *hash);
            if let Some(worker) = at_work.filter(|worker| !worker.is_called_off) {
                tracing::info!(job = %Pubkey::from(job), "the job was cancelled; its task is stopped");
                worker.is_called_off = true;
                worker.stop.send_replace(true);
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
        if offered.cancelled || self.offers.contains_key(&hash) || self.is_at_work_on(&hash) {
            return;
        }
        let checked = offer::check(&self.shared, network, &frame, hash, &offered.descriptor);
        let task = match checked {
            Ok(task) => task,
            Err(why) => {
                self.warn(hash, oracle, &why);
                return;
            }
        };
        match offer::is_open_on_chain(&self.shared, &task).await {
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
        self.worker.as_ref().is_some_and(|worker| worker.task.offer.assignment_hash == *hash)
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
        let (stop, stopped) = watch::channel(false);
        let handle = tokio::spawn(reports::perform(self.shared.clone(), runner, task.clone(), stopped));
        self.worker = Some(Worker { task, stop, is_called_off: false, handle });
    }

    fn ended(&mut self, ended: Ended) {
        self.shared.set_running(None);
        let Some(worker) = self.worker.take() else {
            return;
        };
        let Some(record) = self.outbox.get(&worker.task.offer.assignment_hash) else {
            return;
        };
        // What was finished all the same may have been in time.
        if worker.is_called_off && ended.status == TaskStatus::FailedNode {
            let message = "the job was cancelled".to_owned();
            if let Err(error) = self.outbox.put(Record { stage: Stage::CalledOff, message, ..record }) {
                tracing::error!(%error, "the end of a cancelled task cannot be noted");
            }
        } else {
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
        record.log = ended.log.map(hex::encode);
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
        record.log = done.log;
        record.message = format!("the result of assignment {} again", done.assignment_hash);
        tracing::info!(job = base58_of(&record.job), "a result at hand serves another assignment");
        self.outbox.put(record).map_err(|error| error.to_string())
    }
}

/// The worker's end; never, if there is none.
async fn ended(worker: &mut Option<Worker>) -> Ended {
    match worker {
        Some(worker) => match (&mut worker.handle).await {
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
        log: None,
        delivered: BTreeMap::new(),
        uploaded: BTreeMap::new(),
        refused: BTreeMap::new(),
        message: String::new(),
    }
}
