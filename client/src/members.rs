//! The chain's accounts as `muster_protocol` takes them: formula and membership of an epoch.

use std::collections::HashMap;

use muster_network::state::{Node, Project, Tenure};
use muster_protocol::{
    dataset::Member,
    membership::{self, KeyFacts, LeafMissing, TenureFacts},
    points::Formula,
    units::{EpochIndex, Schedule},
};
use solana_sdk::pubkey::Pubkey;

/// The formula of a project's epoch.
pub fn formula_at(project: &Project, epoch: u64) -> Formula {
    let formula = project.formula_at(epoch);
    Formula {
        w_uptime: formula.w_uptime,
        w_task: formula.w_task,
        cap: formula.cap,
        min_uptime_bps: formula.min_uptime_bps,
    }
}

/// The rows of an epoch's dataset off a project's accounts as they were taken soon after the epoch: right if nobody had
/// bound, unbound, rotated a key or been suspended since. [`crate::history::History`] is right at any time.
pub fn members(
    schedule: &Schedule,
    project: &Pubkey,
    epoch: u64,
    tenures: &[(Pubkey, Tenure)],
    nodes: &[(Pubkey, Node)],
) -> Result<Vec<Member>, LeafMissing> {
    let nodes: HashMap<Pubkey, &Node> = nodes.iter().map(|(address, node)| (*address, node)).collect();
    let facts = |(address, tenure): &(Pubkey, Tenure)| {
        let node = nodes.get(&tenure.node);
        let current = node.filter(|node| node.tenure == *address && node.accepted_at > 0);
        TenureFacts {
            tenure: address.to_bytes(),
            node: tenure.node.to_bytes(),
            leaf_index: tenure.leaf_index,
            created_at: tenure.created_at,
            from_epoch: tenure.from_epoch,
            until_epoch: tenure.until_epoch,
            key: current.map(|node| KeyFacts { node_key: node.node_key.to_bytes(), accepted_at: node.accepted_at }),
            suspended: node.map_or((0, 0), |node| (node.suspended_from_epoch, node.suspended_until_epoch)),
            maintenance: node.map_or((0, 0), |node| (node.maintenance_start, node.maintenance_end)),
        }
    };
    let tenures = tenures.iter().filter(|(_, tenure)| tenure.project == *project);
    membership::members(schedule, EpochIndex::new(epoch), tenures.map(facts))
}
