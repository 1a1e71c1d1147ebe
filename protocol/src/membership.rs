//! Which tenures have a row in an epoch's dataset, and from which bucket each counts: from what the chain had stamped
//! before the epoch's end, so that a finalised read at any time after it gives the same answer.

use std::collections::HashMap;

use crate::dataset::Member;
use crate::units::{Bucket, EpochIndex, Schedule};

/// A node key that accepted, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The hot key.
    pub node_key: [u8; 32],
    /// Clock of the chain when it accepted, Unix seconds.
    pub accepted_at: i64,
}

impl KeyFacts {
    /// The first bucket of `epoch` that counts: the first that starts after the accept; `buckets()` if none does.
    pub fn first_bucket(&self, schedule: &Schedule, epoch: EpochIndex) -> Bucket {
        match u64::try_from(self.accepted_at) {
            Ok(accepted_at) if accepted_at > 0 => schedule.first_bucket_after(epoch, accepted_at),
            _ => Bucket::new(schedule.buckets()),
        }
    }
}

/// What had happened to a tenure before an epoch's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenureFacts {
    /// Address of the tenure account.
    pub tenure: [u8; 32],
    /// Address of its node.
    pub node: [u8; 32],
    /// Its leaf.
    pub leaf_index: u32,
    /// Clock of the chain when it was made, Unix seconds.
    pub created_at: i64,
    /// First epoch in which it can earn.
    pub from_epoch: u64,
    /// First epoch in which it can no longer.
    pub until_epoch: u64,
    /// The key that ran the node for it at the epoch's end; none if none had accepted.
    pub key: Option<KeyFacts>,
    /// The node earns nothing in epochs from..until.
    pub suspended: (u64, u64),
    /// Announced maintenance of the node, Unix seconds, start..end; zeros when there is none.
    pub maintenance: (i64, i64),
}

impl TenureFacts {
    /// Whether it can earn in an epoch at all.
    fn earns_in(&self, epoch: EpochIndex) -> bool {
        (self.from_epoch..self.until_epoch).contains(&epoch.get()) && !is_suspended(self.suspended, epoch)
    }
}

/// How many buckets of an epoch lie whole within `start..end`, Unix seconds.
fn buckets_within(schedule: &Schedule, epoch: EpochIndex, (start, end): (i64, i64)) -> u32 {
    let (begins, ends) = (schedule.epoch_start(epoch), schedule.epoch_end(epoch));
    let inside = |moment: i64| u64::try_from(moment).unwrap_or(0).clamp(begins, ends) - begins;
    let first = inside(start).div_ceil(schedule.bucket_len());
    let last = inside(end) / schedule.bucket_len();
    // at most the buckets of an epoch
    last.saturating_sub(first) as u32
}

/// Whether an epoch lies in a suspension's epochs `from..until`.
pub fn is_suspended((from, until): (u64, u64), epoch: EpochIndex) -> bool {
    (from..until).contains(&epoch.get())
}

/// The accounts give no complete list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index} of the project has no tenure among the accounts")]
pub struct LeafMissing {
    /// The first leaf without one.
    pub index: usize,
}

/// The tenures that were made before the epoch's end, in leaf order. A key counts from the first bucket after it
/// accepted; a suspended, ended or unaccepted one in none. A key that was freed and accepted by another node within
/// the epoch counts for the node that had it first: one machine is one node in an epoch.
pub fn members(
    schedule: &Schedule,
    epoch: EpochIndex,
    tenures: impl IntoIterator<Item = TenureFacts>,
) -> Result<Vec<Member>, LeafMissing> {
    let end_s = i64::try_from(schedule.epoch_end(epoch)).unwrap_or(i64::MAX);
    let none = Bucket::new(schedule.buckets());
    let mut listed: Vec<TenureFacts> = tenures.into_iter().filter(|tenure| tenure.created_at < end_s).collect();
    listed.sort_unstable_by_key(|tenure| tenure.leaf_index);
    let mut first_users: HashMap<[u8; 32], (i64, u32)> = HashMap::new();
    for (index, tenure) in listed.iter().enumerate() {
        if tenure.leaf_index as usize != index {
            return Err(LeafMissing { index });
        }
        if let Some(key) = tenure.key.filter(|_| tenure.earns_in(epoch)) {
            let user = (key.accepted_at, tenure.leaf_index);
            let first = first_users.entry(key.node_key).or_insert(user);
            *first = user.min(*first);
        }
    }
    let member = |tenure: TenureFacts| {
        // A key counts once it accepted, which it must have done before the epoch's end.
        let key = tenure.key.filter(|key| (1..end_s).contains(&key.accepted_at));
        let counts = |key: &KeyFacts| {
            tenure.earns_in(epoch)
                && first_users.get(&key.node_key).is_some_and(|(_, leaf_index)| *leaf_index == tenure.leaf_index)
        };
        Member {
            index: tenure.leaf_index,
            tenure: tenure.tenure,
            node: tenure.node,
            node_key: key.map_or([0; 32], |key| key.node_key),
            first_bucket: key.filter(counts).map_or(none, |key| key.first_bucket(schedule, epoch)),
            excused: buckets_within(schedule, epoch, tenure.maintenance),
        }
    };
    Ok(listed.into_iter().map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenure(id: u8, leaf_index: u32, key: Option<(u8, i64)>) -> TenureFacts {
        TenureFacts {
            tenure: [id; 32],
            node: [id + 100; 32],
            leaf_index,
            created_at: 1,
            from_epoch: 0,
            until_epoch: u64::MAX,
            key: key.map(|(key, accepted_at)| KeyFacts { node_key: [key; 32], accepted_at }),
            suspended: (0, 0),
            maintenance: (0, 0),
        }
    }

    /// Epochs of 120 s in buckets of 10 s.
    fn first_buckets(epoch: u64, tenures: &[TenureFacts]) -> Vec<u32> {
        let schedule = Schedule::new(120, 10).unwrap();
        let listed = members(&schedule, EpochIndex::new(epoch), tenures.iter().copied()).unwrap();
        listed.iter().map(|member| member.first_bucket.get()).collect()
    }

    #[test]
    fn a_key_counts_from_the_first_bucket_after_it_accepted() {
        // Given two tenures of which one's key accepted 31 s into epoch 5, named in any order.
        let tenures = [tenure(1, 1, Some((9, 631))), tenure(2, 0, None)];
        // When epochs 5 and 6 are listed, then it counts from the fourth bucket on, and then whole.
        assert_eq!(first_buckets(5, &tenures), [12, 4]);
        assert_eq!(first_buckets(6, &tenures), [12, 0]);
        // One that was made after the epoch is not in it.
        let later = TenureFacts { created_at: 840, ..tenure(3, 2, None) };
        assert_eq!(first_buckets(6, &[tenures[0], tenures[1], later]).len(), 2);
        // Without one of the leaves there is no list.
        let schedule = Schedule::new(120, 10).unwrap();
        let listed = members(&schedule, EpochIndex::new(6), tenures[..1].iter().copied());
        assert_eq!(listed, Err(LeafMissing { index: 0 }));
    }

    #[test]
    fn a_suspended_node_and_an_ended_or_coming_tenure_count_in_no_bucket() {
        let lasting = TenureFacts { suspended: (5, 7), ..tenure(1, 0, Some((9, 1))) };
        let first = |epoch, facts: &TenureFacts| first_buckets(epoch, std::slice::from_ref(facts))[0];
        assert_eq!([4, 5, 6, 7].map(|epoch| first(epoch, &lasting)), [0, 12, 12, 0]);
        let ended = TenureFacts { until_epoch: 8, ..tenure(1, 0, Some((9, 1))) };
        assert_eq!([7, 8].map(|epoch| first(epoch, &ended)), [0, 12]);
        let coming = TenureFacts { from_epoch: 8, ..tenure(1, 0, Some((9, 1))) };
        assert_eq!([7, 8].map(|epoch| first(epoch, &coming)), [12, 0]);
    }

    #[test]
    fn announced_maintenance_excuses_the_buckets_that_lie_whole_within_it() {
        // Given epochs of 120 s in buckets of 10 s; epoch 5 is 600 to 720 s.
        let schedule = Schedule::new(120, 10).unwrap();
        let excused = |epoch, maintenance| {
            let facts = TenureFacts { maintenance, ..tenure(1, 0, Some((9, 1))) };
            members(&schedule, EpochIndex::new(epoch), [facts]).unwrap()[0].excused
        };
        assert_eq!(excused(5, (0, 0)), 0);
        assert_eq!(excused(5, (610, 630)), 2);
        assert_eq!(excused(5, (611, 639)), 1, "those that it cuts are not excused");
        assert_eq!(excused(5, (611, 619)), 0);
        // Over several epochs each has its own part.
        assert_eq!([4, 5, 6, 7].map(|epoch| excused(epoch, (590, 745))), [1, 12, 2, 0]);
        assert_eq!(excused(5, (-5, i64::MAX)), 12);
        assert_eq!(excused(5, (700, 650)), 0);
    }

    #[test]
    fn a_key_that_moves_to_another_node_within_an_epoch_counts_for_the_first_alone() {
        // Given a tenure that ends with epoch 5, and another whose node took over its key 40 s into the epoch.
        let before = TenureFacts { until_epoch: 6, ..tenure(1, 0, Some((9, 100))) };
        let after = tenure(2, 1, Some((9, 640)));
        // When the epochs are listed, then no bucket of the key is counted twice.
        assert_eq!(first_buckets(5, &[before, after]), [0, 12]);
        assert_eq!(first_buckets(6, &[before, after]), [12, 0]);
    }
}
