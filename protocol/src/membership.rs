//! Which tenures have a row in an epoch's dataset, and from which bucket each counts: from facts that the chain's
//! accounts keep, so that a finalised read at any time after the epoch's end gives the same answer.

use std::collections::HashMap;

use crate::dataset::Member;
use crate::units::{Bucket, EpochIndex, Schedule};

/// What a tenure's account says.
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
    /// First epoch in which it can no longer earn.
    pub until_epoch: u64,
}

/// What a node's account says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// Address of its current tenure.
    pub tenure: [u8; 32],
    /// Its hot key.
    pub node_key: [u8; 32],
    /// Clock of the chain when the key accepted, Unix seconds; 0 before.
    pub accepted_at: i64,
    /// Earns nothing in epochs from..until.
    pub suspended: (u64, u64),
}

impl NodeFacts {
    /// Whether the node is suspended in an epoch.
    pub fn is_suspended(&self, epoch: EpochIndex) -> bool {
        (self.suspended.0..self.suspended.1).contains(&epoch.get())
    }

    /// The first bucket of `epoch` that counts: the first that starts after the accept; `buckets()` if none does.
    pub fn first_bucket(&self, schedule: &Schedule, epoch: EpochIndex) -> Bucket {
        match u64::try_from(self.accepted_at) {
            Ok(accepted_at) if accepted_at > 0 && !self.is_suspended(epoch) => {
                schedule.first_bucket_after(epoch, accepted_at)
            }
            _ => Bucket::new(schedule.buckets()),
        }
    }
}

/// The accounts give no complete list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index} of the project has no tenure among the accounts")]
pub struct LeafMissing {
    /// The first leaf without one.
    pub index: usize,
}

/// The tenures that were made before the epoch's end, in leaf order. A key counts from the first bucket after it
/// accepted; a suspended, ended or unaccepted one in none.
pub fn members(
    schedule: &Schedule,
    epoch: EpochIndex,
    tenures: impl IntoIterator<Item = TenureFacts>,
    nodes: impl IntoIterator<Item = NodeFacts>,
) -> Result<Vec<Member>, LeafMissing> {
    let end_s = i64::try_from(schedule.epoch_end(epoch)).unwrap_or(i64::MAX);
    let by_tenure: HashMap<[u8; 32], NodeFacts> = nodes.into_iter().map(|node| (node.tenure, node)).collect();
    let mut listed: Vec<TenureFacts> = tenures.into_iter().filter(|tenure| tenure.created_at < end_s).collect();
    listed.sort_unstable_by_key(|tenure| tenure.leaf_index);
    let mut members = Vec::with_capacity(listed.len());
    for (index, tenure) in listed.into_iter().enumerate() {
        if tenure.leaf_index as usize != index {
            return Err(LeafMissing { index });
        }
        // A key counts once it accepted, which it must have done before the epoch's end.
        let node = by_tenure.get(&tenure.tenure).filter(|node| (1..end_s).contains(&node.accepted_at));
        let first_bucket = match node {
            Some(node) if epoch.get() < tenure.until_epoch => node.first_bucket(schedule, epoch),
            _ => Bucket::new(schedule.buckets()),
        };
        members.push(Member {
            index: tenure.leaf_index,
            tenure: tenure.tenure,
            node: tenure.node,
            node_key: node.map_or([0; 32], |node| node.node_key),
            first_bucket,
            excused: 0,
        });
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenure(id: u8, leaf_index: u32, created_at: i64) -> TenureFacts {
        TenureFacts { tenure: [id; 32], node: [id + 100; 32], leaf_index, created_at, until_epoch: u64::MAX }
    }

    #[test]
    fn a_key_counts_from_the_first_bucket_after_it_accepted() {
        // Given epochs of 120 s in buckets of 10 s, and two tenures of which one's key accepted 31 s into epoch 5.
        let schedule = Schedule::new(120, 10).unwrap();
        let tenures = [tenure(1, 1, 600), tenure(2, 0, 599), tenure(3, 2, 720)];
        let nodes = [NodeFacts { tenure: [1; 32], node_key: [9; 32], accepted_at: 631, suspended: (0, 0) }];
        let list =
            |epoch, tenures: &[TenureFacts]| members(&schedule, EpochIndex::new(epoch), tenures.iter().copied(), nodes);
        // When epoch 5 is listed, then the third tenure is not in it yet.
        let listed = list(5, &tenures).unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!((listed[0].first_bucket.get(), listed[0].node_key), (12, [0; 32]));
        assert_eq!((listed[1].first_bucket.get(), listed[1].node_key), (4, [9; 32]));
        // And in the next one it counts whole.
        let listed = list(6, &tenures).unwrap();
        assert_eq!((listed.len(), listed[1].first_bucket.get()), (3, 0));
        // Without one of the leaves there is no list.
        assert_eq!(list(6, &tenures[..1]), Err(LeafMissing { index: 0 }));
    }

    #[test]
    fn a_suspended_node_and_an_ended_tenure_count_in_no_bucket() {
        let schedule = Schedule::new(120, 10).unwrap();
        let node = NodeFacts { tenure: [1; 32], node_key: [9; 32], accepted_at: 1, suspended: (5, 7) };
        let first = |epoch, tenure: TenureFacts| {
            members(&schedule, EpochIndex::new(epoch), [tenure], [node]).unwrap()[0].first_bucket.get()
        };
        let lasting = tenure(1, 0, 1);
        assert_eq!([4, 5, 6, 7].map(|epoch| first(epoch, lasting)), [0, 12, 12, 0]);
        let ended = TenureFacts { until_epoch: 8, ..lasting };
        assert_eq!([7, 8].map(|epoch| first(epoch, ended)), [0, 12]);
    }
}
