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
    /// Nothing to approve.
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

/// Stream: the network. A zero key withdraws the proposal.
#[event]
#[derive(Debug, Clone)]
pub struct AuthorityProposed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    /// One of `authority_role`.
    pub role: u8,
    pub proposed: Pubkey,
}

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct AuthorityAccepted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    /// One of `authority_role`.
    pub role: u8,
    pub former: Pubkey,
    pub holder: Pubkey,
}

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct FeeChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    /// The fee of the epochs before `from_epoch`.
    pub former_fee_bps: u16,
    pub fee_bps: u16,
    pub from_epoch: u64,
}

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct MintAllowed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub mint: Pubkey,
    pub treasury: Pubkey,
}

/// Stream: the network. Projects that use the mint go on.
#[event]
#[derive(Debug, Clone)]
pub struct MintForbidden {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub mint: Pubkey,
}

/// Stream: the network. What is paused after it, by the authority and by the guardian.
#[event]
#[derive(Debug, Clone)]
pub struct PauseChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub by: Pubkey,
    pub paused: u32,
    pub guardian_paused: u32,
    /// When the guardian's bits lapse.
    pub guardian_pause_until: i64,
}

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct TreasuryWithdrawn {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub mint: Pubkey,
    pub amount: u64,
    pub destination: Pubkey,
    /// In the treasury after it.
    pub balance: u64,
}

/// Stream: the network.
#[event]
#[derive(Debug, Clone)]
pub struct OracleUrlChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub url: String,
}

/// Stream: the project. A zero key withdraws the proposal.
#[event]
#[derive(Debug, Clone)]
pub struct OwnerProposed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub proposed: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct OwnerAccepted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub former: Pubkey,
    pub owner: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct SettlerChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub former: Pubkey,
    pub settler: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct FormulaChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub formula: PointsFormula,
    pub from_epoch: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct MaxEpochBudgetChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub max_epoch_budget: u64,
    pub from_epoch: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct SaleChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub payment_mint: Pubkey,
    pub price: u64,
    pub licences_max: u32,
}

/// Stream: the project. An amount of 0 withdraws the announcement.
#[event]
#[derive(Debug, Clone)]
pub struct WithdrawalAnnounced {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub amount: u64,
    pub due_at: i64,
    pub lapses_at: i64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct BudgetWithdrawn {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub amount: u64,
    pub destination: Pubkey,
    /// In the budget vault after it.
    pub balance: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct ProjectClosed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct LicenceGifted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub licence: Pubkey,
    pub serial: u32,
    pub recipient: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PoolCreated {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub pool: Pubkey,
    pub index: u32,
    pub capacity: u16,
    pub name: String,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PoolClosed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub pool: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PoolCapacityChanged {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub pool: Pubkey,
    pub capacity: u16,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PoolJoined {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub pool: Pubkey,
    pub node: Pubkey,
    /// Nodes in the pool after it.
    pub count: u16,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PoolLeft {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub pool: Pubkey,
    pub node: Pubkey,
    /// Who took the node out.
    pub by: Pubkey,
    /// Nodes in the pool after it.
    pub count: u16,
}

/// Stream: the distribution. The statement that replaces the one before it; every vote is void.
#[event]
#[derive(Debug, Clone)]
pub struct SettlementReplaced {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    pub points_root: [u8; 32],
    pub total_points: u64,
    pub node_count: u32,
    /// Only the difference to `budget` moved.
    pub budget_before: u64,
    pub budget: u64,
    pub fee_bps: u16,
    pub fee: u64,
    pub node_pool: u64,
    pub dataset_hash: [u8; 32],
    pub scores_hash: [u8; 32],
    /// Nothing to approve.
    pub is_final: bool,
}

/// Stream: the distribution. The budget is back in the budget vault; the epoch may be settled again.
#[event]
#[derive(Debug, Clone)]
pub struct SettlementVoided {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    pub budget: u64,
    pub caller: Pubkey,
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct RootHeld {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    pub root: [u8; 32],
    /// Or approved and waiting for its delay.
    pub is_active: bool,
    pub held_until: i64,
    pub set_version: u32,
}

/// Stream: the distribution. Ended before `held_until`.
#[event]
#[derive(Debug, Clone)]
pub struct HoldEnded {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub revision: u32,
    pub root: [u8; 32],
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct CorrectionVoted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub epoch: u64,
    /// The held root's and one.
    pub revision: u32,
    pub root: [u8; 32],
    pub total: u64,
    pub count: u32,
    pub dataset_hash: [u8; 32],
    pub log_head: [u8; 32],
    pub set_version: u32,
    /// Votes equal to this one, itself included.
    pub votes: u8,
    /// Whether the held root is active, or waits.
    pub is_active: bool,
    /// The threshold is reached: the root took the held one's place.
    pub corrected: bool,
    /// When it may be activated, or pays; 0 unless corrected.
    pub from: i64,
}

/// Stream: the distribution.
#[event]
#[derive(Debug, Clone)]
pub struct DistributionToppedUp {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub payer: Pubkey,
    pub amount: u64,
    /// All that was ever added.
    pub topped_up: u64,
}

/// Stream: the distribution. The epoch's account is closed; its statement is in the events.
#[event]
#[derive(Debug, Clone)]
pub struct EpochClosed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub project: Pubkey,
    pub epoch: u64,
    pub rent_payer: Pubkey,
}

/// Stream: the view set, whose last event it is.
#[event]
#[derive(Debug, Clone)]
pub struct ViewSetClosed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub epoch: u64,
    pub rent_payer: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct NodeUnbound {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub tenure: Pubkey,
    /// First epoch that the tenure no longer earns.
    pub until_epoch: u64,
    pub thaw_at: i64,
}

/// Stream: the project. The node is free.
#[event]
#[derive(Debug, Clone)]
pub struct NodeThawed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub tenure: Pubkey,
}

/// Stream: the project. The new key accepted at `timestamp`.
#[event]
#[derive(Debug, Clone)]
pub struct NodeKeyRotated {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub tenure: Pubkey,
    /// The holder or the operator.
    pub authority: Pubkey,
    pub old_key: Pubkey,
    pub node_key: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct PayoutSet {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub payout: Pubkey,
    pub payout_owner: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct OperatorSet {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub operator: Pubkey,
    /// Share of the payout that it can count on.
    pub bps: u16,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct OperatorReleased {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub operator: Pubkey,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct MetadataSet {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub metadata_hash: [u8; 32],
}

/// Stream: the project. Zeros cancel what was announced.
#[event]
#[derive(Debug, Clone)]
pub struct MaintenanceAnnounced {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub start: i64,
    pub end: i64,
    /// Seconds that maintenance takes of the 30 days before `end`, these included.
    pub used_s: u64,
}

/// Stream: the project. By the project's owner.
#[event]
#[derive(Debug, Clone)]
pub struct NodeSuspended {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub reason: u16,
    pub evidence_hash: [u8; 32],
    pub from_epoch: u64,
    pub until_epoch: u64,
}

/// Stream: the project. By the project's owner.
#[event]
#[derive(Debug, Clone)]
pub struct SuspensionLifted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub from_epoch: u64,
    pub until_epoch: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct SuspensionVoted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub reason: u16,
    pub evidence_hash: [u8; 32],
    /// 0 lifts.
    pub epochs: u8,
    pub set_version: u32,
    /// Equal votes, this one included.
    pub votes: u8,
    /// This vote made the threshold, and the node is suspended or lifted.
    pub reached: bool,
    /// The suspension after this vote.
    pub from_epoch: u64,
    pub until_epoch: u64,
}

/// Stream: the project.
#[event]
#[derive(Debug, Clone)]
pub struct SuspensionAppealed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    /// The holder or the operator.
    pub authority: Pubkey,
    pub evidence_hash: [u8; 32],
}

/// Stream: the split.
#[event]
#[derive(Debug, Clone)]
pub struct SplitCreated {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub creator: Pubkey,
    pub id: u32,
    pub mint: Pubkey,
    pub vault: Pubkey,
    pub recipients: Vec<Pubkey>,
    pub shares_bps: Vec<u16>,
}

/// Stream: the split.
#[event]
#[derive(Debug, Clone)]
pub struct SplitReleased {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub index: u8,
    pub recipient: Pubkey,
    pub amount: u64,
    /// Paid to this recipient so far.
    pub released: u64,
    pub released_total: u64,
}

/// Stream: the project. Its licences are the assets of this collection from now on.
#[event]
#[derive(Debug, Clone)]
pub struct CollectionLinked {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub collection: Pubkey,
    /// One of `licence_standard`.
    pub standard: u8,
}

/// Stream: the project. The holder who bound the node no longer holds the licence.
#[event]
#[derive(Debug, Clone)]
pub struct NodeDetached {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub node: Pubkey,
    pub licence: Pubkey,
    pub holder: Pubkey,
    pub tenure: Pubkey,
    /// First epoch in which the tenure no longer earns.
    pub until_epoch: u64,
}
