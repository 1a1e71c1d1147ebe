//! Every state change, by `emit_cpi!`. `stream` is the account that keeps the gapless `seq`;
//! `timestamp` is the clock's. An indexer that holds 1..=seq of every stream has missed nothing.

use anchor_lang::prelude::*;

use crate::state::PointsFormula;

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct NetworkInitialized {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub authority: Pubkey,
    pub guardian: Pubkey,
    pub treasury_owner: Pubkey,
    pub job_mint: Pubkey,
    pub fee_bps: u16,
    pub epoch_len: u32,
    pub bucket_len: u32,
    pub grace: u32,
    pub root_delay: u32,
    pub hold_limit: u32,
    pub oracle_set_delay: u32,
}

/// Stream: the network. The set is in force when `effective_at` is not later than `timestamp`; else it waits, and comes
/// into force by being named again.
#[event]
#[derive(Debug, Clone)]
pub struct OracleSetChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub set_version: u32,
    pub threshold: u8,
    pub effective_at: i64,
    pub oracles: Vec<Pubkey>,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct ProjectCreated {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub index: u64,
    pub owner: Pubkey,
    pub settler: Pubkey,
    pub collection: Pubkey,
    pub distribution: Pubkey,
    pub reward_mint: Pubkey,
    pub payment_mint: Pubkey,
    pub price: u64,
    pub licences_max: u32,
    pub formula: PointsFormula,
    pub max_epoch_budget: u64,
    pub reward_mode: u8,
    pub next_epoch: u64,
    pub name: String,
    pub uri: String,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct ProjectFunded {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub funder: Pubkey,
    pub amount: u64,
    /// In the budget vault after it.
    pub balance: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct LicenceSold {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub licence: Pubkey,
    pub serial: u32,
    pub buyer: Pubkey,
    pub payment_mint: Pubkey,
    pub price: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct NodeBound {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub licence: Pubkey,
    pub serial: u32,
    pub holder: Pubkey,
    pub node_key: Pubkey,
    pub tenure: Pubkey,
    pub tenure_number: u32,
    pub leaf_index: u32,
    pub from_epoch: u64,
    pub payout: Pubkey,
    pub payout_owner: Pubkey,
    pub metadata_hash: [u8; 32],
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct NodeAccepted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub node_key: Pubkey,
}

/// Stream: the epoch's view set.
#[event]
#[derive(Debug, Clone)]
pub struct ViewsCommitted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub epoch: u64,
    pub set_version: u32,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub hashes: Vec<[u8; 32]>,
    pub in_count: u8,
    /// This commit closed the set.
    pub closed: bool,
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct EpochSettled {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    /// Epochs from..`epoch` were skipped and can never be settled.
    pub skipped_from: u64,
    pub points_root: [u8; 32],
    pub total_points: u64,
    pub node_count: u32,
    pub budget: u64,
    pub fee_bps: u16,
    pub fee: u64,
    pub node_pool: u64,
    pub dataset_hash: [u8; 32],
    pub scores_hash: [u8; 32],
    /// Budget 0: nothing to approve.
    pub is_final: bool,
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct RootVoted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub epoch: u64,
    pub revision: u32,
    pub root: [u8; 32],
    pub total: u64,
    pub count: u32,
    pub dataset_hash: [u8; 32],
    pub log_head: [u8; 32],
    pub set_version: u32,
    /// Equal votes, this one included.
    pub votes: u8,
    pub approved: bool,
    /// When the root may be activated; 0 unless approved.
    pub eta: i64,
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct RootActivated {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    pub root: [u8; 32],
    pub total: u64,
    pub count: u32,
    pub budget: u64,
    pub fee: u64,
    pub node_pool: u64,
    pub log_head: [u8; 32],
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct Claimed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub payout: Pubkey,
    pub leaf_index: u32,
    pub amount: u64,
    pub claimed_total: u64,
}
