//! What decides whether a node's heartbeats count, and nothing else: ingest holds one of these for every node.

use std::collections::BTreeMap;

use muster_network::state::node_status;
use muster_protocol::membership::{KeyFacts, is_suspended};
use muster_protocol::units::{Bucket, EpochIndex, Schedule};

use super::NodeInfo;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// First epoch in which it can no longer earn.
    earns_until: u64,
    accepted_at: i64,
    suspended: (u64, u64),
}

impl Standing {
    /// Whether the node may earn in an epoch: also to the end of the one in which its holder unbound it.
    pub fn may_earn_in(&self, epoch: EpochIndex) -> bool {
        epoch.get() < self.earns_until
    }

    /// Whether the node is suspended in an epoch.
    pub fn is_suspended(&self, epoch: EpochIndex) -> bool {
        is_suspended(self.suspended, epoch)
    }

    /// The first bucket of an epoch that counts.
    pub fn first_bucket(&self, schedule: &Schedule, epoch: EpochIndex) -> Bucket {
        KeyFacts { node_key: [0; 32], accepted_at: self.accepted_at }.first_bucket(schedule, epoch)
    }
}

impl NodeInfo {
    /// What of it ingest has to know.
    pub fn standing(&self) -> Standing {
        let earns_until = match self.status {
            node_status::ACTIVE => u64::MAX,
            node_status::UNBINDING => self.until_epoch,
            _ => 0,
        };
        Standing { earns_until, accepted_at: self.accepted_at, suspended: self.suspended }
    }
}

/// A node key and what the chain says of it now; none if no node has it any more.
pub type Change = ([u8; 32], Option<Standing>);

/// What ingest has to be told when `new` takes the place of `old`: one pass over both, side by side.
pub fn changes(old: &BTreeMap<[u8; 32], NodeInfo>, new: &BTreeMap<[u8; 32], NodeInfo>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut before = old.iter().peekable();
    for (key, node) in new {
        while let Some((gone, _)) = before.next_if(|(other, _)| *other < key) {
            changes.push((*gone, None));
        }
        let standing = node.standing();
        if before.next_if(|(other, _)| *other == key).is_none_or(|(_, node)| node.standing() != standing) {
            changes.push((*key, Some(standing)));
        }
    }
    changes.extend(before.map(|(gone, _)| (*gone, None)));
    changes
}

#[cfg(test)]
mod tests {
    use super::super::Registry;
    use super::*;

    fn picture(nodes: &[(u8, u8)]) -> BTreeMap<[u8; 32], NodeInfo> {
        let mut registry = Registry::default();
        for (key, status) in nodes {
            registry.insert_node(NodeInfo {
                node: [1; 32],
                project: [2; 32],
                node_key: [*key; 32],
                tenure: [3; 32],
                status: *status,
                accepted_at: 7,
                suspended: (0, 0),
                until_epoch: 5,
                maintenance: (0, 0),
            });
        }
        registry.nodes
    }

    #[test]
    fn changes_name_whoever_came_went_or_stands_otherwise_and_nobody_else() {
        let (active, unbinding) = (node_status::ACTIVE, node_status::UNBINDING);
        let old = picture(&[(1, active), (3, active), (5, active), (9, active)]);
        let new = picture(&[(2, active), (3, active), (5, unbinding), (7, active)]);
        let at = |key: u8| Some(new[&[key; 32]].standing());
        let expected: Vec<Change> =
            [(1, None), (2, at(2)), (5, at(5)), (7, at(7)), (9, None)].map(|(key, what)| ([key; 32], what)).into();
        assert_eq!(changes(&old, &new), expected);
        assert_eq!(changes(&new, &new), []);
        assert_eq!(changes(&BTreeMap::new(), &old).len(), 4);
        // One that its holder unbound earns to the end of that epoch.
        let standing = at(5).unwrap();
        assert!(standing.may_earn_in(EpochIndex::new(4)) && !standing.may_earn_in(EpochIndex::new(5)));
    }
}
