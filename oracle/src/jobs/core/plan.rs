//! What this oracle is to do now.

use std::collections::{BTreeSet, HashMap};

use anchor_lang::prelude::Pubkey;
use muster_client::muster_jobs::state::{Outcome, failure_reason};
use muster_protocol::assignment::{Assignee, Assignment};
use muster_protocol::{Hash, hashv};

use super::evidence::{seconds_to_ms, work_ms};
use super::{ATTEMPTS_MAX, Core, JobState, Key, NodeInfo, Standing};

/// A lease shorter than this is not worth a start.
const LEASE_MIN_MS: u64 = 5_000;

/// One thing to do. All are harmless when done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the peers for a descriptor.
    FetchDescriptor(Key),
    /// Sign and publish, unless a peer turns out to have one alive.
    Assign(Assignment),
    /// Vote on chain: this oracle's vote there is absent, another one or void.
    Attest { job: Key, set_version: u32, outcome: Outcome },
    /// A threshold voted for this on chain.
    Settle { job: Key, set_version: u32, outcome: Outcome },
}

impl Core {
    /// Everything that is to be done at `now_ms`, in the order of the jobs' urgency.
    pub fn plan(&self, now_ms: u64) -> Vec<Action> {
        let mut jobs: Vec<&JobState> = self.jobs.values().collect();
        jobs.sort_by_key(|state| (std::cmp::Reverse(urgency(state, now_ms)), state.chain.index));
        let mut actions = Vec::new();
        let mut busy = self.busy(now_ms);
        for state in jobs {
            let job = state.chain.job;
            if state.descriptor.is_none() {
                actions.push(Action::FetchDescriptor(job));
            }
            if let Some(outcome) = self.attested(state, now_ms) {
                actions.push(Action::Settle { job, set_version: self.set.version, outcome });
            }
            match state.outcome(&self.set, &self.rules, now_ms) {
                Some(outcome) => actions.extend(self.vote(state, outcome)),
                None => {
                    if let Some(assignment) = self.assign(state, &busy, now_ms) {
                        busy.extend(assignment.nodes.iter().map(|node| node.node_key));
                        actions.push(Action::Assign(assignment));
                    }
                }
            }
        }
        actions
    }

    /// One job's assignment, decided anew: for a last look after the peers were asked.
    pub fn plan_assignment(&self, job: &Key, now_ms: u64) -> Option<Assignment> {
        let state = self.jobs.get(job)?;
        if state.outcome(&self.set, &self.rules, now_ms).is_some() {
            return None;
        }
        self.assign(state, &self.busy(now_ms), now_ms)
    }

    /// Nodes that owe a result of a live assignment.
    fn busy(&self, now_ms: u64) -> BTreeSet<Key> {
        let mut busy = BTreeSet::new();
        // Nodes stop working on a cancelled job.
        for state in self.jobs.values().filter(|state| state.chain.cancel_at == 0) {
            for assigned in state.assignments.values() {
                if state.standing(assigned, now_ms) != Standing::Live {
                    continue;
                }
                let owes = |key: &Key| {
                    let report = assigned.reports.get(key);
                    report.is_none_or(|report| report.results.is_empty())
                };
                let nodes = assigned.signed.body.nodes.iter();
                busy.extend(nodes.map(|node| node.node_key).filter(owes));
            }
        }
        busy
    }

    /// The vote that is missing on chain, if this oracle is of the set and its vote there differs.
    fn vote(&self, state: &JobState, outcome: Outcome) -> Option<Action> {
        let place = self.set.position(&self.rules.me)?;
        let hash = self.hash(state, &outcome)?;
        let current = state.chain.votes_version == self.set.version;
        if current && state.chain.votes.get(place) == Some(&hash) {
            return None;
        }
        Some(Action::Attest { job: state.chain.job, set_version: self.set.version, outcome })
    }

    /// The outcome that a threshold voted for, as far as this oracle can tell what their hash says.
    fn attested(&self, state: &JobState, now_ms: u64) -> Option<Outcome> {
        if state.chain.votes_version != self.set.version || self.set.threshold == 0 {
            return None;
        }
        let votes = &state.chain.votes[..self.set.keys.len().min(state.chain.votes.len())];
        let mut counts: HashMap<Hash, usize> = HashMap::new();
        for vote in votes.iter().filter(|vote| **vote != [0; 32]) {
            *counts.entry(*vote).or_default() += 1;
        }
        let (winner, _) = counts.into_iter().find(|(_, count)| *count >= self.set.threshold)?;
        let decided = state.assignments.values().filter_map(|assigned| match state.standing(assigned, now_ms) {
            Standing::Decided(outcome) => Some(outcome),
            _ => None,
        });
        let failures = (failure_reason::IMAGE..=failure_reason::NO_NODES).map(|reason| Outcome::Failed { reason });
        let is_cancelled = state.chain.cancel_at != 0;
        let cancelled = is_cancelled.then(|| state.cancelled(&self.set, &self.rules));
        decided.chain(failures).chain(cancelled).find(|outcome| self.hash(state, outcome) == Some(winner))
    }

    fn hash(&self, state: &JobState, outcome: &Outcome) -> Option<Hash> {
        outcome.hash(&Pubkey::from(state.chain.job), self.set.version).ok()
    }

    /// The oracle whose turn it is: the job's key says who begins, every lease the next one follows.
    pub fn coordinator(&self, state: &JobState, now_ms: u64) -> Option<&Key> {
        let waited_ms = now_ms.saturating_sub(seconds_to_ms(state.chain.created_at));
        let turn = waited_ms / 1000 / self.rules.lease_s.max(1);
        let count = self.set.keys.len() as u64;
        let place = self.first_place(&state.chain.job)?.wrapping_add(turn) % count;
        self.set.keys.get(place as usize)
    }

    /// The place in the set where a job's turns begin; none without a set.
    pub fn first_place(&self, job: &Key) -> Option<u64> {
        let mut first = [0; 8];
        first.copy_from_slice(&job[..8]);
        u64::from_le_bytes(first).checked_rem(self.set.keys.len() as u64)
    }

    fn assign(&self, state: &JobState, busy: &BTreeSet<Key>, now_ms: u64) -> Option<Assignment> {
        let descriptor = state.descriptor.as_ref()?.parsed.as_ref().ok()?;
        if state.chain.cancel_at != 0 {
            return None;
        }
        let attempt = state.next_attempt();
        let live = |assigned| state.standing(assigned, now_ms) == Standing::Live;
        let mine = self.coordinator(state, now_ms) == Some(&self.rules.me);
        if !mine || attempt >= ATTEMPTS_MAX || state.assignments.values().any(live) {
            return None;
        }
        let lease_until_ms = now_ms
            .saturating_add(work_ms(descriptor))
            .saturating_add(self.rules.margin_ms)
            .min(seconds_to_ms(state.chain.deadline));
        if lease_until_ms < now_ms.saturating_add(LEASE_MIN_MS) {
            return None;
        }
        Some(Assignment {
            job: state.chain.job,
            attempt,
            oracle_key: self.rules.me,
            assigned_at_ms: now_ms,
            lease_until_ms,
            descriptor_hash: state.chain.descriptor_hash,
            nodes: self.choose(state, attempt, busy, now_ms)?,
        })
    }

    /// As many nodes as the job has replicas, of different holders; those that had this job least often come first, then
    /// a hash decides, so that no node can push itself forward.
    fn choose(&self, state: &JobState, attempt: u32, busy: &BTreeSet<Key>, now_ms: u64) -> Option<Vec<Assignee>> {
        let fit = |node: &&NodeInfo| {
            node.active
                && node.bonded
                && !node.busy
                && !busy.contains(&node.node_key)
                && now_ms.saturating_sub(node.last_seen_ms) <= self.rules.seen_within_ms
        };
        let had = |node: &NodeInfo| {
            let assignments = state.assignments.values();
            assignments.filter(|a| a.signed.body.assignee(&node.node_key).is_some()).count()
        };
        let lot = |node: &NodeInfo| hashv(&[&state.chain.job, &attempt.to_le_bytes(), &node.node_key]);
        let mut nodes: Vec<&NodeInfo> = self.registry.values().filter(fit).collect();
        nodes.sort_by_cached_key(|node| (had(node), lot(node)));
        let mut chosen: Vec<&NodeInfo> = Vec::with_capacity(state.chain.quorum());
        for node in nodes {
            if chosen.len() == state.chain.quorum() {
                break;
            }
            if chosen.iter().all(|other| other.holder != node.holder) {
                chosen.push(node);
            }
        }
        let assignee = |node: &NodeInfo| Assignee { tenure: node.tenure, node_key: node.node_key };
        (chosen.len() == state.chain.quorum()).then(|| chosen.into_iter().map(assignee).collect())
    }
}

/// The submitter's priority, one more for every minute of waiting, so that nobody waits for ever.
fn urgency(state: &JobState, now_ms: u64) -> u64 {
    let parsed = state.descriptor.as_ref().and_then(|d| d.parsed.as_ref().ok());
    let priority = parsed.map_or(0, |descriptor| u64::from(descriptor.priority));
    let waited_ms = now_ms.saturating_sub(seconds_to_ms(state.chain.created_at));
    priority + waited_ms / 60_000
}
