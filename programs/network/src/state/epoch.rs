use anchor_lang::prelude::*;

use crate::constants::RETENTION_EPOCHS;

/// Where a settlement stands.
pub mod epoch_status {
    /// Stated by the settler, waiting for the oracles.
    pub const SETTLED: u8 = 1;
    /// A threshold of oracles approved one root.
    pub const APPROVED: u8 = 2;
    /// Its root is active, or its budget was 0.
    pub const FINAL: u8 = 3;
}

/// The project owner's statement of an epoch.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Epoch {
    pub project: Pubkey,
    pub points_root: [u8; 32],
    pub dataset_hash: [u8; 32],
    pub scores_hash: [u8; 32],
    pub rent_payer: Pubkey,
    pub epoch: u64,
    pub total_points: u64,
    pub budget: u64,
    pub fee: u64,
    pub node_pool: u64,
    pub settled_at: i64,
    pub final_at: i64,
    pub revision: u32,
    /// Leaves of the points tree.
    pub node_count: u32,
    pub fee_bps: u16,
    /// One of `epoch_status`.
    pub status: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 3],
    pub _reserved: [u8; 128],
}

/// Whether the accounts of an epoch have been kept long enough in the `current` one. Nothing of such an epoch is made
/// again.
pub fn is_past_retention(epoch: u64, current: u64) -> bool {
    current >= epoch.saturating_add(RETENTION_EPOCHS)
}
