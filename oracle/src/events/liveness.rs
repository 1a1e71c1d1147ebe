//! Which nodes are offline: those of which nothing was heard for as many whole buckets as the oracle waits for. Pure:
//! nodes and time in, changes out.

use std::collections::BTreeSet;

use muster_protocol::units::Schedule;

/// A node at the moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its hot key.
    pub node_key: [u8; 32],
    /// When it was last heard, Unix milliseconds.
    pub last_seen_ms: Option<u64>,
    /// From when on it is waited for, Unix milliseconds: its accept, the oracle's own start, the end of maintenance.
    pub since_ms: u64,
    /// In announced maintenance or suspended: nobody waits for it.
    pub is_excused: bool,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing was heard of it for `missed` whole buckets.
    Offline {
        /// The node.
        node_key: [u8; 32],
        /// When it was last heard, Unix milliseconds.
        last_seen_ms: Option<u64>,
        /// Whole buckets since.
        missed: u64,
    },
    /// It is heard again.
    Recovered {
        /// The node.
        node_key: [u8; 32],
        /// When it was heard, Unix milliseconds.
        last_seen_ms: u64,
    },
}

/// Whole buckets that are over and began after the one of `heard_ms`.
pub fn missed_buckets(schedule: &Schedule, heard_ms: u64, now_ms: u64) -> u64 {
    let len_ms = schedule.bucket_len() * 1000;
    let over = now_ms.saturating_sub(schedule.bucket_slack_ms()) / len_ms;
    over.saturating_sub(heard_ms / len_ms + 1)
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liveness {
    offline: BTreeSet<[u8; 32]>,
}

impl Liveness {
    /// With those that were offline when the oracle stopped.
    pub fn restore(offline: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self { offline: offline.into_iter().collect() }
    }

    /// Those that are offline.
    pub fn offline(&self) -> &BTreeSet<[u8; 32]> {
        &self.offline
    }

    /// Looks at all nodes that run. One that is not among them any more is forgotten.
    pub fn step(
        &mut self,
        schedule: &Schedule,
        offline_after: u64,
        now_ms: u64,
        nodes: impl IntoIterator<Item = Watched>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut still = BTreeSet::new();
        for node in nodes {
            let Watched { node_key, last_seen_ms, since_ms, is_excused } = node;
            if self.offline.contains(&node_key) {
                match last_seen_ms.filter(|seen| missed_buckets(schedule, *seen, now_ms) < offline_after) {
                    Some(last_seen_ms) => changes.push(Change::Recovered { node_key, last_seen_ms }),
                    None => {
                        still.insert(node_key);
                    }
                }
                continue;
            }
            let missed = missed_buckets(schedule, last_seen_ms.unwrap_or(0).max(since_ms), now_ms);
            if missed >= offline_after && !is_excused {
                changes.push(Change::Offline { node_key, last_seen_ms, missed });
                still.insert(node_key);
            }
        }
        self.offline = still;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Buckets of 10 s, so a slack of 1 s.
    fn schedule() -> Schedule {
        Schedule::new(60, 10).unwrap()
    }

    fn node(last_seen_ms: Option<u64>, since_ms: u64) -> Watched {
        Watched { node_key: [1; 32], last_seen_ms, since_ms, is_excused: false }
    }

    #[test]
    fn a_bucket_is_missed_when_it_is_over_with_its_slack() {
        let missed = |heard_ms, now_ms| missed_buckets(&schedule(), heard_ms, now_ms);
        // Heard in the bucket of 100 to 110 s: the next ends at 120 s, and 1 s later nothing of it counts any more.
        assert_eq!(missed(100_000, 120_999), 0);
        assert_eq!(missed(109_999, 121_000), 1);
        assert_eq!(missed(109_999, 151_000), 4);
        assert_eq!(missed(130_000, 100_000), 0, "a clock that was set back");
    }

    #[test]
    fn a_node_goes_offline_once_and_recovers_once() {
        let mut liveness = Liveness::default();
        let mut step = |last_seen_ms, now_ms| liveness.step(&schedule(), 3, now_ms, [node(Some(last_seen_ms), 0)]);
        assert_eq!(step(105_000, 140_999), []);
        let offline = Change::Offline { node_key: [1; 32], last_seen_ms: Some(105_000), missed: 3 };
        assert_eq!(step(105_000, 141_000), [offline]);
        assert_eq!(step(105_000, 200_000), []);
        assert_eq!(step(199_000, 200_000), [Change::Recovered { node_key: [1; 32], last_seen_ms: 199_000 }]);
        assert_eq!(step(199_000, 200_000), []);
    }

    #[test]
    fn nobody_is_offline_for_what_the_oracle_itself_missed_and_nobody_recovers_by_its_restart() {
        // Given an oracle that started at 200 s, a node that it heard before, one that it never did.
        let mut liveness = Liveness::restore([[9; 32]]);
        let known = Watched { node_key: [9; 32], ..node(Some(50_000), 200_000) };
        let nodes = [node(Some(105_000), 200_000), Watched { node_key: [2; 32], ..node(None, 200_000) }, known];
        // When it looks soon, then nothing changed; after three buckets those that are silent are offline.
        assert_eq!(liveness.step(&schedule(), 3, 230_000, nodes), []);
        assert_eq!(liveness.step(&schedule(), 3, 241_000, nodes).len(), 2);
        assert_eq!(liveness.offline().len(), 3);
    }

    #[test]
    fn an_excused_node_is_not_waited_for_and_one_that_left_is_forgotten() {
        let mut liveness = Liveness::default();
        let excused = Watched { is_excused: true, ..node(Some(0), 0) };
        assert_eq!(liveness.step(&schedule(), 3, 900_000, [excused]), []);
        assert_eq!(liveness.step(&schedule(), 3, 900_000, [node(Some(0), 0)]).len(), 1);
        // Maintenance does not bring it back; being heard does.
        assert_eq!(liveness.step(&schedule(), 3, 900_000, [excused]), []);
        assert_eq!(liveness.step(&schedule(), 3, 900_000, []), []);
        assert!(liveness.offline().is_empty());
    }

    proptest! {
        /// Against a model that looks at every bucket by itself.
        #[test]
        fn offline_is_who_has_no_bit_in_so_many_buckets_in_a_row(
            heard_s in prop::collection::vec(0u64..600, 0..12), after in 1u64..5, steps in 1usize..40,
        ) {
            let mut liveness = Liveness::default();
            let mut offline = false;
            for step in 0..steps as u64 {
                let now_ms = step * 15_000;
                let last = heard_s.iter().map(|s| s * 1000).filter(|ms| *ms <= now_ms).max();
                let changes = liveness.step(&schedule(), after, now_ms, [node(last, 0)]);
                let over = |b: u64| (b + 1) * 10_000 + 1_000 <= now_ms;
                let silent = |b: u64| last.is_none_or(|ms| ms / 10_000 < b) && b > 0;
                let missed = (0..70).filter(|b| over(*b) && silent(*b)).count() as u64;
                let expected = if missed >= after { true } else { offline && last.is_none() };
                prop_assert_eq!(changes.len(), usize::from(expected != offline));
                offline = expected;
                prop_assert_eq!(liveness.offline().len(), usize::from(offline));
            }
        }
    }
}
