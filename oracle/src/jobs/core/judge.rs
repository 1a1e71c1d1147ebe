//! The verdict: the first assignment, by attempt and place of its oracle in the set, whose own nodes agree.

use std::collections::BTreeMap;

use anchor_lang::prelude::Pubkey;
use muster_client::muster_jobs::state::{Outcome, failure_reason};
use muster_protocol::Hash;
use muster_protocol::result::TaskStatus;

use super::evidence::seconds_to_ms;
use super::{ATTEMPTS_MAX, Assigned, JobState, Key, OracleSet, Rules};

/// Where an assignment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A quorum of its nodes agrees.
    Decided(Outcome),
    /// A quorum may still come.
    Live,
    /// Its lease is over, or its nodes disagree so far that no quorum can come.
    Spent,
    /// Its oracle signed another one for the same attempt.
    Void,
}

impl JobState {
    /// The job's outcome by the evidence held and, for giving up, by the time. None while it may still go either way.
    pub fn outcome(&self, set: &OracleSet, rules: &Rules, now_ms: u64) -> Option<Outcome> {
        if self.descriptor.as_ref().is_some_and(|d| d.parsed.is_err()) {
            return Some(failed(failure_reason::DESCRIPTOR));
        }
        let until_ms = self.counts_until_ms(rules);
        let decided =
            self.in_order(set).into_iter().find_map(|assigned| match self.standing_until(assigned, now_ms, until_ms) {
                Standing::Decided(outcome) => Some(outcome),
                _ => None,
            });
        // What had been given up when the job was cancelled stays so.
        let given_up = || self.given_up(rules, now_ms.min(self.cancel_ms())).map(failed);
        decided.or_else(given_up).or_else(|| (now_ms > until_ms).then(|| self.cancelled(set, rules)))
    }

    /// Assignments by attempt and place of their oracle; those of oracles that left the set come last.
    pub fn in_order(&self, set: &OracleSet) -> Vec<&Assigned> {
        let mut all: Vec<&Assigned> = self.assignments.values().collect();
        all.sort_by_key(|assigned| {
            let body = &assigned.signed.body;
            let place = set.position(&body.oracle_key).unwrap_or(usize::MAX);
            (body.attempt, place, body.oracle_key)
        });
        all
    }

    /// Where one of this job's assignments is.
    pub fn standing(&self, assigned: &Assigned, now_ms: u64) -> Standing {
        self.standing_until(assigned, now_ms, u64::MAX)
    }

    /// Where it is by the results that were finished until then.
    pub(super) fn standing_until(&self, assigned: &Assigned, now_ms: u64, until_ms: u64) -> Standing {
        if self.is_void(assigned) {
            return Standing::Void;
        }
        let body = &assigned.signed.body;
        let quorum = self.chain.quorum();
        let mut missing = 0;
        let mut camps: BTreeMap<(u8, Hash), Vec<Key>> = BTreeMap::new();
        for node in &body.nodes {
            let report = assigned.reports.get(&node.node_key);
            match report.filter(|report| report.until(until_ms).next().is_some()) {
                None => missing += 1,
                Some(report) => {
                    let said = report.verdict_until(until_ms).and_then(|said| camp(said.status, said.result_hash));
                    if let Some(camp) = said {
                        camps.entry(camp).or_default().push(node.tenure);
                    }
                }
            }
        }
        // As many nodes as the quorum: at most one camp can have it.
        for ((status, result_hash), tenures) in &camps {
            if tenures.len() >= quorum {
                return Standing::Decided(decided(*status, *result_hash, tenures));
            }
        }
        let best = camps.values().map(Vec::len).max().unwrap_or(0);
        if now_ms > body.lease_until_ms || best + missing < quorum { Standing::Spent } else { Standing::Live }
    }

    fn is_void(&self, assigned: &Assigned) -> bool {
        let body = &assigned.signed.body;
        self.assignments.values().any(|other| {
            let other = &other.signed.body;
            other.attempt == body.attempt && other.oracle_key == body.oracle_key && other != body
        })
    }

    /// The attempt that the next assignment makes; [`ATTEMPTS_MAX`] when there is none left.
    pub fn next_attempt(&self) -> u32 {
        let made = self.assignments.values().map(|a| a.signed.body.attempt + 1);
        made.max().unwrap_or(0)
    }

    /// The reason for which waiting longer is pointless.
    fn given_up(&self, rules: &Rules, now_ms: u64) -> Option<u16> {
        let waited_ms = now_ms.saturating_sub(seconds_to_ms(self.chain.created_at));
        let over = now_ms > seconds_to_ms(self.chain.deadline).saturating_add(rules.slack_ms);
        if self.descriptor.is_none() && self.assignments.is_empty() {
            return (over || waited_ms > rules.descriptor_wait_ms).then_some(failure_reason::DESCRIPTOR);
        }
        if self.assignments.is_empty() {
            return (over || waited_ms > rules.nodes_wait_ms).then_some(failure_reason::NO_NODES);
        }
        let none_live = || self.assignments.values().all(|assigned| self.is_over(assigned, rules, now_ms));
        (over || self.next_attempt() >= ATTEMPTS_MAX && none_live()).then_some(failure_reason::NO_QUORUM)
    }

    /// No quorum can come any more, not even by results that are late within the slack.
    fn is_over(&self, assigned: &Assigned, rules: &Rules, now_ms: u64) -> bool {
        let within_slack = now_ms.saturating_sub(rules.slack_ms);
        matches!(
            self.standing_until(assigned, within_slack, self.counts_until_ms(rules)),
            Standing::Spent | Standing::Void
        )
    }
}

/// What a report is compared by. A node's own failure is nobody's verdict on the job; neither is a success without a
/// result. Failed images are alike whatever they left behind.
fn camp(status: TaskStatus, result_hash: Hash) -> Option<(u8, Hash)> {
    match status {
        TaskStatus::Succeeded if result_hash == [0; 32] => None,
        TaskStatus::Succeeded => Some((status as u8, result_hash)),
        TaskStatus::FailedImage | TaskStatus::TimedOut => Some((status as u8, [0; 32])),
        TaskStatus::FailedNode => None,
    }
}

fn decided(status: u8, result_hash: Hash, tenures: &[Key]) -> Outcome {
    match TaskStatus::from_code(status) {
        Some(TaskStatus::Succeeded) => {
            let mut tenures: Vec<Pubkey> = tenures.iter().copied().map(Pubkey::from).collect();
            tenures.sort_unstable();
            Outcome::Completed { tenures, result_hash }
        }
        Some(TaskStatus::TimedOut) => failed(failure_reason::TIMEOUT),
        _ => failed(failure_reason::IMAGE),
    }
}

fn failed(reason: u16) -> Outcome {
    Outcome::Failed { reason }
}
