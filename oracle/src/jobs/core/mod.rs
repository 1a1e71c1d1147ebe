//! The job scheduler's core: evidence and chain facts in, verdicts and actions out. No clock, no socket, no disk; the
//! caller hands in `now_ms`, and keeps what is accepted.
//!
//! Two oracles that hold the same evidence come to the same verdict, in whatever order it reached them: what counts is a
//! function of the set, never of who was first. Only the decisions to assign and to give up look at the time.

mod cancel;
mod evidence;
mod judge;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use muster_client::muster_jobs::state::job_state;
use muster_protocol::Hash;
use muster_protocol::assignment::Assignment;
use muster_protocol::job::JobDescriptor;
use muster_protocol::result::{Progress, TaskResult, TaskStatus};
use muster_protocol::wire::Domain;

pub use evidence::{Accepted, Refusal, Source};
pub use judge::Standing;
pub use plan::Action;

/// A public key or an account's address.
pub type Key = [u8; 32];

/// Attempts at one job; the last one's failure is the job's.
pub const ATTEMPTS_MAX: u32 = 3;
/// Replicas of a job whose submitter left the number to the network.
pub const ADAPTIVE_REPLICAS: u8 = 2;
/// Jobs that the core considers at a time; more wait on chain.
pub const OPEN_JOBS_MAX: usize = 10_000;
/// Different assignments kept of one oracle for one attempt: two prove the equivocation.
pub const ASSIGNMENTS_PER_TURN_MAX: usize = 2;
/// Contradictory verdicts kept of one node for one assignment: two prove the equivocation.
pub const CONTRADICTIONS_MAX: usize = 2;

/// What does not change while a core lives. Times in milliseconds unless said otherwise.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The network and cluster that frames belong to.
    pub domain: Domain,
    /// This oracle's key.
    pub me: Key,
    /// How long an oracle has the turn to assign, seconds.
    pub lease_s: u64,
    /// What a node gets on top of the task's own time limit: download, start, upload.
    pub margin_ms: u64,
    /// How long after its lease a result is still taken.
    pub slack_ms: u64,
    /// A node without a heartbeat for longer gets no task.
    pub seen_within_ms: u64,
    /// A job without its descriptor fails after so long.
    pub descriptor_wait_ms: u64,
    /// A job that nobody could be assigned to fails after so long.
    pub nodes_wait_ms: u64,
}

/// A job's account, as far as the scheduler needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainJob {
    pub job: Key,
    pub index: u64,
    pub descriptor_hash: Hash,
    pub refund_account: Key,
    pub rent_payer: Key,
    /// Seconds of the chain's clock, as all times here.
    pub created_at: i64,
    pub deadline: i64,
    /// Zero unless the submitter asked to cancel.
    pub cancel_at: i64,
    pub settled_at: i64,
    /// 0 is adaptive.
    pub redundancy: u8,
    /// One of `muster_jobs::state::job_state`.
    pub state: u8,
    /// One per place in the oracle set, zeros where none.
    pub votes: Vec<Hash>,
    pub votes_version: u32,
    /// Last event of the account's stream: of two pictures the higher one is newer.
    pub seq: u64,
    pub result_hash: Hash,
}

impl ChainJob {
    /// How many equal results make a quorum, and how many nodes an attempt has.
    pub fn quorum(&self) -> usize {
        usize::from(match self.redundancy {
            0 => ADAPTIVE_REPLICAS,
            given => given,
        })
    }

    /// Whether its escrow still waits for an outcome.
    pub fn open(&self) -> bool {
        self.state == job_state::OPEN
    }
}

/// The oracle set in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OracleSet {
    pub version: u32,
    pub threshold: usize,
    /// In the order of the set.
    pub keys: Vec<Key>,
}

impl OracleSet {
    pub fn position(&self, key: &Key) -> Option<usize> {
        self.keys.iter().position(|other| other == key)
    }
}

/// A node as this oracle knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    pub tenure: Key,
    pub node_key: Key,
    pub holder: Key,
    /// The node key accepted, the node is neither suspended nor unbinding.
    pub active: bool,
    /// The tenure can be paid by jobs.
    pub bonded: bool,
    /// This oracle's last counted heartbeat, Unix milliseconds; 0 for none.
    pub last_seen_ms: u64,
    /// What the node said of itself.
    pub busy: bool,
}

/// Nodes by tenure.
pub type Registry = BTreeMap<Key, NodeInfo>;

/// A descriptor whose hash is the one on chain.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub bytes: Vec<u8>,
    /// Or why nobody can run it: the job then fails and is refunded.
    pub parsed: Result<JobDescriptor, String>,
}

impl Descriptor {
    pub fn new(bytes: Vec<u8>) -> Self {
        let parsed = JobDescriptor::decode(&bytes).map_err(|error| error.to_string());
        Self { bytes, parsed }
    }
}

/// A frame beside what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    pub frame: Vec<u8>,
    pub body: T,
}

/// What one node reported about one assignment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// At most one that blames the node itself and [`CONTRADICTIONS_MAX`] others, no two alike in status and hash; of a
    /// cancelled job as many again that came too late to count.
    pub results: Vec<Signed<TaskResult>>,
    /// The one with the highest `seq`.
    pub progress: Option<Signed<Progress>>,
    /// The one with the earliest time: since when the node worked.
    pub first_progress: Option<Signed<Progress>>,
}

impl Report {
    /// The node's verdict, unless it gave none or contradicted itself. A node that first blamed itself and then delivered
    /// (an agent that restarted) did not contradict itself.
    pub fn verdict(&self) -> Option<&TaskResult> {
        self.verdict_until(u64::MAX)
    }

    /// The verdict by the results that were finished until then.
    fn verdict_until(&self, until_ms: u64) -> Option<&TaskResult> {
        let mut serious = self.until(until_ms).filter(|result| result.status != TaskStatus::FailedNode);
        match (serious.next(), serious.next()) {
            (Some(only), None) => Some(only),
            (None, _) => self.until(until_ms).next(),
            (Some(_), Some(_)) => None,
        }
    }

    fn until(&self, until_ms: u64) -> impl Iterator<Item = &TaskResult> {
        self.results.iter().map(|result| &result.body).filter(move |result| result.finished_at_ms <= until_ms)
    }

    /// Two results that cannot both be true.
    pub fn contradicts_itself(&self) -> bool {
        self.verdict().is_none() && !self.results.is_empty()
    }
}

/// An accepted assignment and what its nodes said.
#[derive(Clone, Debug)]
pub struct Assigned {
    pub signed: Signed<Assignment>,
    /// By node key; only nodes of the assignment.
    pub reports: BTreeMap<Key, Report>,
}

/// Everything known about a job.
#[derive(Clone, Debug)]
pub struct JobState {
    pub chain: ChainJob,
    pub descriptor: Option<Descriptor>,
    /// By frame hash.
    pub assignments: BTreeMap<Hash, Assigned>,
}

impl JobState {
    pub fn new(chain: ChainJob) -> Self {
        Self { chain, descriptor: None, assignments: BTreeMap::new() }
    }

    /// All accepted results.
    pub fn results(&self) -> impl Iterator<Item = &Signed<TaskResult>> {
        self.assignments.values().flat_map(|assigned| assigned.reports.values()).flat_map(|report| &report.results)
    }
}

/// All open jobs, and who may work and vote.
#[derive(Clone, Debug)]
pub struct Core {
    pub rules: Rules,
    pub set: OracleSet,
    pub registry: Registry,
    pub jobs: HashMap<Key, JobState>,
}

impl Core {
    pub fn new(rules: Rules) -> Self {
        Self { rules, set: OracleSet::default(), registry: Registry::new(), jobs: HashMap::new() }
    }

    /// Takes a picture of a job's account, unless a newer one is held. A job that is open no longer leaves the core;
    /// false if it does not fit in.
    pub fn on_chain_job(&mut self, chain: ChainJob) -> bool {
        if !chain.open() {
            self.jobs.remove(&chain.job);
            return true;
        }
        if let Some(state) = self.jobs.get_mut(&chain.job) {
            if chain.seq >= state.chain.seq {
                state.chain = chain;
            }
            return true;
        }
        if self.jobs.len() >= OPEN_JOBS_MAX {
            return false;
        }
        self.jobs.insert(chain.job, JobState::new(chain));
        true
    }
}
