//! What this oracle knows of the chain: one consistent picture, replaced as a whole by every poll. A failed poll leaves
//! the last picture in place, so an RPC error never removes a node.

use std::collections::{BTreeMap, HashMap};

use muster_client::chain::Followed;
use muster_network::state::{Distribution, node_status};
use muster_protocol::points::Formula;
use muster_protocol::units::{Bucket, EpochIndex, Schedule};

pub mod ledger;
pub mod poll;
pub mod rpc;
mod standing;

pub use standing::{Change, Standing, changes};

/// A node, by its hot key.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// Address of the node account.
    pub node: [u8; 32],
    /// Address of its project.
    pub project: [u8; 32],
    /// Its hot key.
    pub node_key: [u8; 32],
    /// Address of its current tenure.
    pub tenure: [u8; 32],
    /// One of `muster_network::state::node_status`.
    pub status: u8,
    /// Clock of the chain when the key accepted, Unix seconds; 0 before.
    pub accepted_at: i64,
    /// Earns nothing in epochs from..until.
    pub suspended: (u64, u64),
    /// First epoch in which its tenure can no longer earn.
    pub until_epoch: u64,
    /// Announced maintenance, Unix seconds, start..end; zeros when there is none.
    pub maintenance: (i64, i64),
}

impl NodeInfo {
    /// Whether the node's key accepted and nobody unbound it.
    pub fn is_active(&self) -> bool {
        self.status == node_status::ACTIVE
    }

    /// Whether it may earn in an epoch.
    pub fn may_earn_in(&self, epoch: EpochIndex) -> bool {
        self.standing().may_earn_in(epoch)
    }

    /// Whether the node is suspended in an epoch.
    pub fn is_suspended(&self, epoch: EpochIndex) -> bool {
        self.standing().is_suspended(epoch)
    }

    /// The first bucket of an epoch that counts.
    pub fn first_bucket(&self, schedule: &Schedule, epoch: EpochIndex) -> Bucket {
        self.standing().first_bucket(schedule, epoch)
    }
}

/// A tenure.
#[derive(Clone, Debug)]
pub struct TenureInfo {
    /// Address of the tenure account.
    pub tenure: [u8; 32],
    /// Address of its node.
    pub node: [u8; 32],
    /// Address of its project.
    pub project: [u8; 32],
    /// The wallet that holds the licence and owns everything that the tenure earns.
    pub holder: [u8; 32],
    /// Who runs the node for a share; zero when the holder does.
    pub operator: [u8; 32],
    /// Its leaf.
    pub leaf_index: u32,
    /// First epoch in which it can no longer earn.
    pub until_epoch: u64,
}

/// A project.
#[derive(Clone, Debug)]
pub struct ProjectInfo {
    /// Address of the project account.
    pub project: [u8; 32],
    /// Address of its distribution.
    pub distribution: [u8; 32],
    /// The project's owner.
    pub owner: [u8; 32],
    /// The key that settles epochs and signs score files.
    pub settler: [u8; 32],
    /// The first epoch that may still be settled.
    pub next_epoch: u64,
    /// The formula until `next_formula_epoch`, and from it on.
    pub formulas: (Formula, Formula),
    /// See `formulas`.
    pub next_formula_epoch: u64,
    /// Number of the newest event of its stream.
    pub seq: u64,
}

impl ProjectInfo {
    /// The formula that holds in an epoch.
    pub fn formula_at(&self, epoch: u64) -> Formula {
        if epoch >= self.next_formula_epoch { self.formulas.1 } else { self.formulas.0 }
    }
}

/// One oracle of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OraclePeer {
    /// Its key.
    pub key: [u8; 32],
    /// Base URL of its API, without a slash at the end.
    pub url: String,
}

/// The oracle set in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OracleSetInfo {
    /// Raised by every change.
    pub version: u32,
    /// How many must agree.
    pub threshold: u8,
    /// In the set's order.
    pub oracles: Vec<OraclePeer>,
}

impl OracleSetInfo {
    /// The position of a key.
    pub fn position(&self, key: &[u8; 32]) -> Option<usize> {
        self.oracles.iter().position(|oracle| oracle.key == *key)
    }
}

/// One picture of the chain.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The chain's clock when the picture was taken, Unix seconds. It was read **before** the accounts: whatever is
    /// stamped before it is in the picture.
    pub clock_s: i64,
    /// The slot that the clock was read in: nothing in the picture, and nothing that is read with it, is older.
    pub slot: u64,
    /// Seconds after an epoch's end in which views are committed.
    pub grace_s: u32,
    /// The oracle set in force.
    pub oracle_set: OracleSetInfo,
    /// Pools of all projects.
    pub pools: u64,
    /// By address.
    pub projects: BTreeMap<[u8; 32], ProjectInfo>,
    /// By project.
    pub distributions: BTreeMap<[u8; 32], Distribution>,
    /// Those that a key runs or may run, by node key.
    pub nodes: BTreeMap<[u8; 32], NodeInfo>,
    /// By address.
    pub tenures: HashMap<[u8; 32], TenureInfo>,
    /// By project: what has happened, which decides who is paid for an epoch. Complete when it has reached the project's
    /// `seq`.
    pub histories: BTreeMap<[u8; 32], Followed>,
}

impl Registry {
    /// The node that a tenure belongs to, if it is the node's current one.
    pub fn node_of_tenure(&self, tenure: &[u8; 32]) -> Option<&NodeInfo> {
        self.nodes.values().find(|node| node.tenure == *tenure)
    }
}
