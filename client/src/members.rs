//! Which tenures have a row in an epoch's dataset, and from which bucket they count: read off the chain's accounts.

use std::collections::HashMap;

use muster_network::state::{Node, Project, Tenure};
use muster_protocol::{
    dataset::Member,
    points::Formula,
    units::{Bucket, EpochIndex, Schedule},
};
use solana_sdk::pubkey::Pubkey;

/// Why the accounts give no complete list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index} of the project has no tenure among the accounts")]
pub struct LeafMissing {
    pub index: usize,
}

/// The formula of a project's epoch, as `muster_protocol` takes it.
pub fn formula_at(project: &Project, epoch: u64) -> Formula {
    let formula = project.formula_at(epoch);
    Formula {
        w_uptime: formula.w_uptime,
        w_task: formula.w_task,
        cap: formula.cap,
        min_uptime_bps: formula.min_uptime_bps,
    }
}

/// The tenures that were made before the epoch's end, in leaf order. A key counts from the first bucket after it
/// accepted; a suspended, ended or unaccepted one in none.
pub fn members(
    schedule: &Schedule,
    project: &Pubkey,
    epoch: u64,
    tenures: &[(Pubkey, Tenure)],
    nodes: &[(Pubkey, Node)],
) -> Result<Vec<Member>, LeafMissing> {
    let epoch_index = EpochIndex::new(epoch);
    let end_s = i64::try_from(schedule.epoch_end(epoch_index)).unwrap_or(i64::MAX);
    let by_tenure: HashMap<Pubkey, &Node> = nodes.iter().map(|(_, node)| (node.tenure, node)).collect();
    let mut listed: Vec<&(Pubkey, Tenure)> =
        tenures.iter().filter(|(_, tenure)| tenure.project == *project && tenure.created_at < end_s).collect();
    listed.sort_by_key(|(_, tenure)| tenure.leaf_index);
    let none = Bucket::new(schedule.buckets());
    let mut members = Vec::with_capacity(listed.len());
    for (index, (address, tenure)) in listed.into_iter().enumerate() {
        if tenure.leaf_index as usize != index {
            return Err(LeafMissing { index });
        }
        let node = by_tenure.get(address).filter(|node| (1..end_s).contains(&node.accepted_at));
        let first_bucket = match node {
            Some(node) if epoch < tenure.until_epoch && !is_suspended(node, epoch) => {
                schedule.first_bucket_after(epoch_index, node.accepted_at.max(0) as u64)
            }
            _ => none,
        };
        members.push(Member {
            index: tenure.leaf_index,
            tenure: address.to_bytes(),
            node: tenure.node.to_bytes(),
            node_key: node.map_or([0; 32], |node| node.node_key.to_bytes()),
            first_bucket,
            excused: 0,
        });
    }
    Ok(members)
}

fn is_suspended(node: &Node, epoch: u64) -> bool {
    (node.suspended_from_epoch..node.suspended_until_epoch).contains(&epoch)
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use muster_network::state::EPOCH_NEVER;

    use super::*;

    fn tenure(project: Pubkey, leaf_index: u32, created_at: i64) -> (Pubkey, Tenure) {
        let tenure = Tenure { project, leaf_index, created_at, until_epoch: EPOCH_NEVER, ..Tenure::zeroed() };
        (Pubkey::new_unique(), tenure)
    }

    #[test]
    fn a_key_counts_from_the_first_bucket_after_it_accepted() {
        // Given epochs of 120 s in buckets of 10 s, and two tenures of which one's key accepted 31 s into epoch 5
        let schedule = Schedule::new(120, 10).unwrap();
        let project = Pubkey::new_unique();
        let tenures = [tenure(project, 1, 600), tenure(project, 0, 599), tenure(project, 2, 720)];
        let node_key = Pubkey::new_unique();
        let node = Node { tenure: tenures[0].0, node_key, accepted_at: 631, ..Node::zeroed() };
        let nodes = [(Pubkey::new_unique(), node)];
        // When epoch 5 is listed, then the third tenure is not in it yet.
        let listed = members(&schedule, &project, 5, &tenures, &nodes).unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!((listed[0].first_bucket.get(), listed[0].node_key), (12, [0; 32]));
        assert_eq!((listed[1].first_bucket.get(), listed[1].node_key), (4, node_key.to_bytes()));
        // And in the next one it counts whole.
        let listed = members(&schedule, &project, 6, &tenures, &nodes).unwrap();
        assert_eq!((listed.len(), listed[1].first_bucket.get()), (3, 0));
        // Without one of the leaves there is no list.
        assert_eq!(members(&schedule, &project, 6, &tenures[..1], &nodes), Err(LeafMissing { index: 0 }));
    }
}
