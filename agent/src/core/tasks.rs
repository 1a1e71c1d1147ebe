//! Which task comes next, from what the oracles offer and what this node did before.

use std::collections::BTreeMap;

use muster_protocol::Hash;
use serde::{Deserialize, Serialize};

/// An assignment whose signature, node, descriptor and job were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Hash of the assignment's frame.
    pub assignment_hash: Hash,
    /// The job.
    pub job: [u8; 32],
    /// 9 first.
    pub priority: u8,
    /// Unix milliseconds.
    pub assigned_at_ms: u64,
    /// Unix milliseconds; a later result does not count.
    pub lease_until_ms: u64,
}

/// How far an assignment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was started. After a restart that means: it was cut short.
    Started,
    /// Its result is signed.
    Finished,
    /// Its job was cancelled: nobody waits for a result.
    CalledOff,
}

/// What is remembered of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The job.
    pub job: [u8; 32],
    /// How far it is.
    pub stage: Stage,
    /// Whether its result speaks about the job and not about this node, so that it may be signed for another
    /// assignment of the same job.
    pub reusable: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Run the job for this assignment.
    Run(Hash),
    /// Sign the result of `of` for this assignment as well.
    Reuse {
        /// The assignment without a result.
        assignment: Hash,
        /// The finished assignment of the same job.
        of: Hash,
    },
}

/// Chooses among `offers`; `running` is the job at work. Results at hand are signed first; then, when nothing runs,
/// the highest priority, the oldest first. The same assignment never starts twice.
pub fn choose(
    offers: &[Offer],
    known: &BTreeMap<Hash, Known>,
    running: Option<[u8; 32]>,
    now_ms: u64,
) -> Option<Choice> {
    let open = |offer: &&Offer| offer.lease_until_ms > now_ms && !known.contains_key(&offer.assignment_hash);
    for offer in offers.iter().filter(open) {
        let done =
            known.iter().find(|(_, known)| known.job == offer.job && known.stage == Stage::Finished && known.reusable);
        if let Some((of, _)) = done {
            return Some(Choice::Reuse { assignment: offer.assignment_hash, of: *of });
        }
    }
    if running.is_some() {
        return None;
    }
    let first = offers
        .iter()
        .filter(open)
        .min_by_key(|offer| (u8::MAX - offer.priority, offer.assigned_at_ms, offer.assignment_hash));
    first.map(|offer| Choice::Run(offer.assignment_hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: u8, job: u8) -> Offer {
        Offer { assignment_hash: [id; 32], job: [job; 32], priority: 5, assigned_at_ms: 1_000, lease_until_ms: 9_000 }
    }

    fn finished(job: u8, reusable: bool) -> Known {
        Known { job: [job; 32], stage: Stage::Finished, reusable }
    }

    #[test]
    fn the_highest_priority_comes_first_then_the_oldest() {
        let (mut a, mut b, c) = (offer(1, 1), offer(2, 2), offer(3, 3));
        b.assigned_at_ms = 500;
        let none = BTreeMap::new();
        assert_eq!(choose(&[a.clone(), b.clone(), c.clone()], &none, None, 2_000), Some(Choice::Run([2; 32])));
        a.priority = 9;
        assert_eq!(choose(&[a, b, c], &none, None, 2_000), Some(Choice::Run([1; 32])));
    }

    #[test]
    fn one_at_a_time_never_twice_and_never_late() {
        let offers = [offer(1, 1)];
        let none = BTreeMap::new();
        assert_eq!(choose(&offers, &none, Some([9; 32]), 2_000), None);
        assert_eq!(choose(&offers, &none, None, 9_000), None);
        let started = BTreeMap::from([([1; 32], Known { job: [1; 32], stage: Stage::Started, reusable: false })]);
        assert_eq!(choose(&offers, &started, None, 2_000), None);
        assert_eq!(choose(&offers, &BTreeMap::from([([1; 32], finished(1, true))]), None, 2_000), None);
    }

    #[test]
    fn a_result_at_hand_serves_another_assignment_even_while_something_runs() {
        let offers = [offer(2, 1)];
        let known = BTreeMap::from([([1; 32], finished(1, true))]);
        let reuse = Some(Choice::Reuse { assignment: [2; 32], of: [1; 32] });
        assert_eq!(choose(&offers, &known, None, 2_000), reuse);
        assert_eq!(choose(&offers, &known, Some([9; 32]), 2_000), reuse);
        // another job's result is none, and the node's own failure is tried again
        assert_eq!(
            choose(&offers, &BTreeMap::from([([1; 32], finished(7, true))]), None, 2_000),
            Some(Choice::Run([2; 32]))
        );
        assert_eq!(
            choose(&offers, &BTreeMap::from([([1; 32], finished(1, false))]), None, 2_000),
            Some(Choice::Run([2; 32]))
        );
    }
}
