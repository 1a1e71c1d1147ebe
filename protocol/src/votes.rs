//! What oracles vote for on chain: one hash over everything that they must agree on.

use crate::hash::{Hash, hashv};

/// Domain tag of a vote on a settlement's root.
pub const ROOT_TAG: &[u8] = b"muster:root:1";
/// Domain tag of a vote on a job's outcome.
pub const OUTCOME_TAG: &[u8] = b"muster:outcome:1";
/// Domain tag of a vote on a node's suspension.
pub const SUSPENSION_TAG: &[u8] = b"muster:suspension:1";
/// Domain tag of the ledger's chain.
pub const LEDGER_TAG: &[u8] = b"muster:ledger:1";
/// Domain tag of the chain of jobs that are over.
pub const JOBS_LEDGER_TAG: &[u8] = b"muster:jobs:1";

/// A vote for the cumulative root of a project's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootVote {
    /// Address of the project.
    pub project: [u8; 32],
    /// The settled epoch.
    pub epoch: u64,
    /// Which replacement of the settlement, from 0.
    pub revision: u32,
    /// Root of the cumulative distribution.
    pub root: Hash,
    /// Sum of all cumulative amounts, in base units.
    pub total: u64,
    /// Leaves of the distribution.
    pub count: u32,
    /// SHA-256 of the dataset's bytes.
    pub dataset_hash: Hash,
    /// Head of the ledger after this settlement.
    pub log_head: Hash,
    /// Version of the oracle set that votes.
    pub set_version: u32,
}

/// `H("muster:root:1" || project || epoch || revision || root || total || count || dataset_hash || log_head ||
/// set_version)`.
pub fn root_vote_hash(vote: &RootVote) -> Hash {
    hashv(&[
        ROOT_TAG,
        &vote.project,
        &vote.epoch.to_le_bytes(),
        &vote.revision.to_le_bytes(),
        &vote.root,
        &vote.total.to_le_bytes(),
        &vote.count.to_le_bytes(),
        &vote.dataset_hash,
        &vote.log_head,
        &vote.set_version.to_le_bytes(),
    ])
}

/// `H("muster:outcome:1" || job || set_version || outcome_bytes)`; the outcome's bytes are the jobs program's argument
/// as it is serialised there.
pub fn outcome_hash(job: &[u8; 32], set_version: u32, outcome_bytes: &[u8]) -> Hash {
    hashv(&[OUTCOME_TAG, job, &set_version.to_le_bytes(), outcome_bytes])
}

/// One link of the ledger of settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Address of the project.
    pub project: [u8; 32],
    /// The settled epoch.
    pub epoch: u64,
    /// Which replacement of the settlement, from 0.
    pub revision: u32,
    /// Root of the epoch's points.
    pub points_root: Hash,
    /// Root of the cumulative distribution.
    pub root: Hash,
    /// Sum of all cumulative amounts, in base units.
    pub total: u64,
    /// SHA-256 of the dataset's bytes.
    pub dataset_hash: Hash,
}

/// `H("muster:ledger:1" || prev || project || epoch || revision || points_root || root || total || dataset_hash)`;
/// the first entry's `prev` is zero.
pub fn ledger_head(prev: &Hash, entry: &LedgerEntry) -> Hash {
    hashv(&[
        LEDGER_TAG,
        prev,
        &entry.project,
        &entry.epoch.to_le_bytes(),
        &entry.revision.to_le_bytes(),
        &entry.points_root,
        &entry.root,
        &entry.total.to_le_bytes(),
        &entry.dataset_hash,
    ])
}

/// One link of the network's ledger of jobs that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEntry {
    /// Its number in the ledger, from 1.
    pub number: u64,
    /// When it was over, by the chain's clock.
    pub timestamp: i64,
    /// Address of the job.
    pub job: [u8; 32],
    /// How it ended: 2 completed, 3 failed, 4 cancelled, 5 expired.
    pub state: u8,
    /// What the oracles attested; zeros if it expired.
    pub outcome_hash: Hash,
    /// Zeros unless completed.
    pub result_hash: Hash,
    /// To the nodes' bonds, base units.
    pub to_nodes: u64,
    /// To the treasury, base units.
    pub to_treasury: u64,
    /// Back to submitter and sponsors, or kept for them, base units.
    pub returned: u64,
}

/// `H("muster:jobs:1" || prev || number || timestamp || job || state || outcome_hash || result_hash || to_nodes ||
/// to_treasury || returned)`; the first entry's `prev` is zero.
pub fn job_ledger_head(prev: &Hash, entry: &JobEntry) -> Hash {
    hashv(&[
        JOBS_LEDGER_TAG,
        prev,
        &entry.number.to_le_bytes(),
        &entry.timestamp.to_le_bytes(),
        &entry.job,
        &[entry.state],
        &entry.outcome_hash,
        &entry.result_hash,
        &entry.to_nodes.to_le_bytes(),
        &entry.to_treasury.to_le_bytes(),
        &entry.returned.to_le_bytes(),
    ])
}

/// A vote to suspend a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspensionVote {
    /// Address of the node.
    pub node: [u8; 32],
    /// Why, as a number.
    pub reason: u16,
    /// SHA-256 of the evidence.
    pub evidence_hash: Hash,
    /// Epochs from the next one on; 0 lifts.
    pub epochs: u8,
    /// Version of the oracle set that votes.
    pub set_version: u32,
}

/// `H("muster:suspension:1" || node || reason || evidence_hash || epochs || set_version)`.
pub fn suspension_vote_hash(vote: &SuspensionVote) -> Hash {
    hashv(&[
        SUSPENSION_TAG,
        &vote.node,
        &vote.reason.to_le_bytes(),
        &vote.evidence_hash,
        &[vote.epochs],
        &vote.set_version.to_le_bytes(),
    ])
}
