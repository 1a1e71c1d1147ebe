//! What is taken as evidence, and what is refused. `check_*` looks and changes nothing, so that the caller can put the
//! evidence on disk before `insert` makes it count.

use muster_protocol::assignment::Assignment;
use muster_protocol::job::JobDescriptor;
use muster_protocol::reason::Reason;
use muster_protocol::result::{Progress, TaskResult, TaskStatus};
use muster_protocol::wire::{Frame, WireError};
use muster_protocol::{Hash, hashv};

use super::{
    ASSIGNMENTS_PER_TURN_MAX, ATTEMPTS_MAX, Assigned, CONTRADICTIONS_MAX, Core, Descriptor, JobState, Key, Report,
    Signed,
};

/// An assignment dated further ahead of this oracle's clock is refused.
const CLOCK_AHEAD_MS_MAX: u64 = 10_000;
/// What a lease may have on top of the task's own time limit, whatever its oracle is configured to.
const MARGIN_MS_MAX: u64 = 600_000;

/// Who handed in a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The node: this oracle's clock says whether it is late.
    Node,
    /// Another oracle, which took it earlier: the node's signed time says it. Else an oracle that was away could never
    /// agree with the others.
    Peer,
}

/// Why evidence is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no open job of this address here")]
    UnknownJob,
    #[error("the descriptor's SHA-256 is not the one that the job names on chain")]
    WrongDescriptor,
    #[error("the signer is not an oracle of the current set")]
    NotOracle,
    #[error("the assignment is not one that this job can have: {0}")]
    BadAssignment(&'static str),
    #[error("the job's descriptor is not here yet, so its lease cannot be judged")]
    NoDescriptor,
    #[error("the assignment names a node that this oracle does not know, or not with this key")]
    UnknownNode,
    #[error("the assignment is unknown here; send it to /api/v1/assignments, or try again")]
    UnknownAssignment,
    #[error("the node is not part of this assignment")]
    NotAssigned,
    #[error("the lease ended at {lease_until_ms} ms")]
    TooLate { lease_until_ms: u64 },
    #[error("the job is settled")]
    Settled,
    #[error("the job was cancelled at {cancel_at} (Unix seconds): what comes later counts no more")]
    Cancelled { cancel_at: i64 },
    #[error("another result of this node for this assignment was taken before")]
    Conflict,
    #[error("the sequence number is at or below the last one, {last}")]
    StaleSeq { last: u64 },
    #[error("too much of its kind is held already")]
    TooMany,
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl Refusal {
    /// The code that the sender sees and that is counted.
    pub fn reason(&self) -> Reason {
        match self {
            Self::UnknownJob | Self::NoDescriptor => Reason::UnknownJob,
            Self::WrongDescriptor | Self::BadAssignment(_) => Reason::Malformed,
            Self::NotOracle => Reason::WrongOracle,
            Self::UnknownNode => Reason::UnknownNode,
            Self::UnknownAssignment | Self::NotAssigned => Reason::NotAssigned,
            Self::TooLate { .. } | Self::Settled | Self::Cancelled { .. } => Reason::TooLate,
            Self::Conflict => Reason::Conflict,
            Self::StaleSeq { .. } => Reason::StaleSeq,
            Self::TooMany => Reason::Overloaded,
            Self::Wire(error) => error.into(),
        }
    }
}

/// Evidence that passed every check.
#[derive(Clone, Debug)]
pub enum Accepted {
    Descriptor(Key, Descriptor),
    Assignment(Hash, Signed<Assignment>),
    /// With whether it contradicts an earlier one of the same node.
    Result(Signed<TaskResult>, bool),
    Progress {
        signed: Signed<Progress>,
        /// The node's highest `seq` for this assignment.
        is_newest: bool,
        /// The node's earliest time for this assignment.
        is_first: bool,
    },
    /// Known before; nothing is to be kept.
    Known,
}

impl Core {
    /// A descriptor counts for its job when its hash is the job's.
    pub fn check_descriptor(&self, job: &Key, bytes: &[u8]) -> Result<Accepted, Refusal> {
        let state = self.jobs.get(job).ok_or(Refusal::UnknownJob)?;
        if hashv(&[bytes]) != state.chain.descriptor_hash {
            return Err(Refusal::WrongDescriptor);
        }
        if state.descriptor.is_some() {
            return Ok(Accepted::Known);
        }
        Ok(Accepted::Descriptor(*job, Descriptor::new(bytes.to_vec())))
    }

    /// An assignment counts when an oracle of the set signed it for an open job and it names as many nodes as the job
    /// has replicas, all known, bonded and of different holders.
    pub fn check_assignment(&self, frame: &[u8], now_ms: u64) -> Result<Accepted, Refusal> {
        let body = Assignment::decode_verified(&self.rules.domain, frame)?;
        if self.set.position(&body.oracle_key).is_none() {
            return Err(Refusal::NotOracle);
        }
        let state = self.jobs.get(&body.job).ok_or(Refusal::UnknownJob)?;
        let hash = Assignment::hash(frame);
        if state.assignments.contains_key(&hash) {
            return Ok(Accepted::Known);
        }
        self.fits(state, &body, now_ms)?;
        let same_turn = |other: &&Assigned| {
            let other = &other.signed.body;
            other.attempt == body.attempt && other.oracle_key == body.oracle_key
        };
        if state.assignments.values().filter(same_turn).count() >= ASSIGNMENTS_PER_TURN_MAX {
            return Err(Refusal::TooMany);
        }
        let signed = Signed { frame: frame.to_vec(), body };
        Ok(Accepted::Assignment(hash, signed))
    }

    fn fits(&self, state: &JobState, body: &Assignment, now_ms: u64) -> Result<(), Refusal> {
        if body.attempt >= ATTEMPTS_MAX {
            return Err(Refusal::BadAssignment("there are three attempts"));
        }
        if body.descriptor_hash != state.chain.descriptor_hash {
            return Err(Refusal::BadAssignment("it is for another descriptor"));
        }
        if body.nodes.len() != state.chain.quorum() {
            return Err(Refusal::BadAssignment("it has another number of nodes than the job has replicas"));
        }
        let deadline_ms = seconds_to_ms(state.chain.deadline);
        if body.assigned_at_ms >= deadline_ms || body.lease_until_ms > deadline_ms {
            return Err(Refusal::BadAssignment("its lease passes the deadline"));
        }
        if body.assigned_at_ms > state.counts_until_ms(&self.rules) {
            return Err(Refusal::BadAssignment("the job was cancelled before"));
        }
        if body.assigned_at_ms > now_ms.saturating_add(CLOCK_AHEAD_MS_MAX) {
            return Err(Refusal::BadAssignment("it is dated in the future"));
        }
        // An endless lease would keep the others from ever trying again.
        let descriptor = state.descriptor.as_ref().ok_or(Refusal::NoDescriptor)?;
        let work_ms = descriptor.parsed.as_ref().map_or(0, work_ms);
        let lease_ms = body.lease_until_ms.saturating_sub(body.assigned_at_ms);
        if lease_ms > work_ms.saturating_add(MARGIN_MS_MAX) {
            return Err(Refusal::BadAssignment("its lease is longer than the work may take"));
        }
        let mut holders: Vec<Key> = Vec::with_capacity(body.nodes.len());
        for assignee in &body.nodes {
            let node = self.registry.get(&assignee.tenure);
            let node =
                node.filter(|node| node.node_key == assignee.node_key && node.bonded).ok_or(Refusal::UnknownNode)?;
            if holders.contains(&node.holder) {
                return Err(Refusal::BadAssignment("two of its nodes have one holder"));
            }
            holders.push(node.holder);
        }
        Ok(())
    }

    /// A result counts when a node of a known assignment signed it, in time. A second one of the same content is known;
    /// one that says otherwise is kept as proof, and the node's word counts no longer.
    pub fn check_result(&self, frame: &[u8], source: Source, now_ms: u64) -> Result<Accepted, Refusal> {
        let body = TaskResult::decode_verified(&self.rules.domain, frame)?;
        let (state, assigned) = self.assigned(&body.job, &body.assignment_hash)?;
        let assignee = assigned.signed.body.assignee(&body.node_key);
        if assignee.is_none_or(|assignee| assignee.tenure != body.tenure) {
            return Err(Refusal::NotAssigned);
        }
        let none = Report::default();
        let report = assigned.reports.get(&body.node_key).unwrap_or(&none);
        // What only a success can differ in; failures are alike whatever they left behind.
        let alike = |other: &Signed<TaskResult>| {
            other.body.status == body.status
                && (body.status != TaskStatus::Succeeded || other.body.result_hash == body.result_hash)
        };
        let counts_until_ms = state.counts_until_ms(&self.rules);
        let counts = |other: &&Signed<TaskResult>| other.body.finished_at_ms <= counts_until_ms;
        if report.results.iter().filter(counts).any(alike) {
            return Ok(Accepted::Known);
        }
        if is_after(source, now_ms, body.finished_at_ms, counts_until_ms) {
            return Err(Refusal::Cancelled { cancel_at: state.chain.cancel_at });
        }
        let lease_until_ms = assigned.signed.body.lease_until_ms;
        let last_ms = lease_until_ms.saturating_add(self.rules.slack_ms);
        if is_after(source, now_ms, body.finished_at_ms, last_ms) {
            return Err(Refusal::TooLate { lease_until_ms });
        }
        let serious = |status| status != TaskStatus::FailedNode;
        let before = report.results.iter().filter(counts).filter(|other| serious(other.body.status));
        let before = before.count();
        if serious(body.status) && before >= CONTRADICTIONS_MAX {
            return Err(Refusal::Conflict);
        }
        let contradicts = serious(body.status) && before > 0;
        let signed = Signed { frame: frame.to_vec(), body };
        Ok(Accepted::Result(signed, contradicts))
    }

    /// The newest progress by `seq` is shown; the earliest by its time says since when the node works. From a node `seq`
    /// only rises; a peer tells what this oracle missed.
    pub fn check_progress(&self, frame: &[u8], source: Source, now_ms: u64) -> Result<Accepted, Refusal> {
        let body = Progress::decode_verified(&self.rules.domain, frame)?;
        let (state, assigned) = self.assigned(&body.job, &body.assignment_hash)?;
        if assigned.signed.body.assignee(&body.node_key).is_none() {
            return Err(Refusal::NotAssigned);
        }
        let report = assigned.reports.get(&body.node_key);
        let last = report.and_then(|report| report.progress.as_ref());
        let first = report.and_then(|report| report.first_progress.as_ref());
        if [last, first].into_iter().flatten().any(|held| held.body == body) {
            return Ok(Accepted::Known);
        }
        if is_after(source, now_ms, body.at_ms, state.counts_until_ms(&self.rules)) {
            return Err(Refusal::Cancelled { cancel_at: state.chain.cancel_at });
        }
        let is_newest = last.is_none_or(|last| body.seq > last.body.seq);
        let is_first = first.is_none_or(|first| body.at_ms < first.body.at_ms);
        match last {
            Some(last) if !(is_newest || is_first && source == Source::Peer) => {
                Err(Refusal::StaleSeq { last: last.body.seq })
            }
            _ => Ok(Accepted::Progress { signed: Signed { frame: frame.to_vec(), body }, is_newest, is_first }),
        }
    }

    fn assigned(&self, job: &Key, assignment: &Hash) -> Result<(&JobState, &Assigned), Refusal> {
        let state = self.jobs.get(job).ok_or(Refusal::UnknownJob)?;
        let assigned = state.assignments.get(assignment).ok_or(Refusal::UnknownAssignment)?;
        Ok((state, assigned))
    }

    /// Makes checked evidence count.
    pub fn insert(&mut self, accepted: Accepted) {
        match accepted {
            Accepted::Descriptor(job, descriptor) => {
                if let Some(state) = self.jobs.get_mut(&job) {
                    state.descriptor.get_or_insert(descriptor);
                }
            }
            Accepted::Assignment(hash, signed) => {
                if let Some(state) = self.jobs.get_mut(&signed.body.job) {
                    state.add_assignment(hash, signed);
                }
            }
            Accepted::Result(signed, _) => {
                if let Some(state) = self.jobs.get_mut(&signed.body.job) {
                    state.add_result(signed);
                }
            }
            Accepted::Progress { signed, .. } => {
                if let Some(state) = self.jobs.get_mut(&signed.body.job) {
                    state.add_progress(signed);
                }
            }
            Accepted::Known => {}
        }
    }
}

/// Without checks: for what was checked before and for what comes back from this oracle's own tables.
impl JobState {
    pub fn add_assignment(&mut self, hash: Hash, signed: Signed<Assignment>) {
        self.assignments.entry(hash).or_insert_with(|| Assigned { signed, reports: Default::default() });
    }

    pub fn add_result(&mut self, signed: Signed<TaskResult>) {
        if let Some(report) = self.report(&signed.body.assignment_hash, signed.body.node_key) {
            report.results.push(signed);
        }
    }

    pub fn add_progress(&mut self, signed: Signed<Progress>) {
        if let Some(report) = self.report(&signed.body.assignment_hash, signed.body.node_key) {
            let first = &mut report.first_progress;
            if first.as_ref().is_none_or(|first| signed.body.at_ms < first.body.at_ms) {
                *first = Some(signed.clone());
            }
            let newest = &mut report.progress;
            if newest.as_ref().is_none_or(|newest| signed.body.seq > newest.body.seq) {
                *newest = Some(signed);
            }
        }
    }

    fn report(&mut self, assignment: &Hash, node_key: Key) -> Option<&mut Report> {
        let assigned = self.assignments.get_mut(assignment)?;
        Some(assigned.reports.entry(node_key).or_default())
    }
}

/// Whether something comes after a moment: what a node sends by this oracle's clock too, what a peer tells by the node's
/// signed time alone.
fn is_after(source: Source, now_ms: u64, signed_ms: u64, last_ms: u64) -> bool {
    signed_ms > last_ms || source == Source::Node && now_ms > last_ms
}

/// The time limit of a descriptor's container.
pub(super) fn work_ms(descriptor: &JobDescriptor) -> u64 {
    u64::from(descriptor.limits.timeout_s).saturating_mul(1000)
}

/// Unix seconds of an account as milliseconds; the past before 1970 is 0.
pub(super) fn seconds_to_ms(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}
