//! The chain's accounts as `muster_protocol` takes them: formula and membership of an epoch.

use muster_network::state::{Node, Project, Tenure};
use muster_protocol::{
    dataset::Member,
    membership::{self, LeafMissing, NodeFacts, TenureFacts},
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

/// What a tenure's account says about its membership.
pub fn tenure_facts(address: &Pubkey, tenure: &Tenure) -> TenureFacts {
    TenureFacts {
        tenure: address.to_bytes(),
        node: tenure.node.to_bytes(),
        leaf_index: tenure.leaf_index,
        created_at: tenure.created_at,
        until_epoch: tenure.until_epoch,
    }
}

/// What a node's account says about its membership.
pub fn node_facts(node: &Node) -> NodeFacts {
    NodeFacts {
        tenure: node.tenure.to_bytes(),
        node_key: node.node_key.to_bytes(),
        accepted_at: node.accepted_at,
        suspended: (node.suspended_from_epoch, node.suspended_until_epoch),
    }
}

/// `muster_protocol::membership::members` of a project, off its accounts.
pub fn members(
    schedule: &Schedule,
    project: &Pubkey,
    epoch: u64,
    tenures: &[(Pubkey, Tenure)],
    nodes: &[(Pubkey, Node)],
) -> Result<Vec<Member>, LeafMissing> {
    let tenures = tenures.iter().filter(|(_, tenure)| tenure.project == *project);
    let tenures = tenures.map(|(address, tenure)| tenure_facts(address, tenure));
    membership::members(schedule, EpochIndex::new(epoch), tenures, nodes.iter().map(|(_, node)| node_facts(node)))
}
