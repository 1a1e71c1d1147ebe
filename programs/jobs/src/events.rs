//! Every state change, by `emit_cpi!`. `stream` is the account that keeps the gapless `seq`.

use anchor_lang::prelude::*;

/// Stream: the config.
#[event]
#[derive(Debug, Clone)]
pub struct JobsInitialized {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub network: Pubkey,
    pub mint: Pubkey,
    pub default_stake: u64,
    pub stake_min: u64,
    pub attest_grace: u32,
    pub cancel_window: u32,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct BondOpened {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub holder: Pubkey,
}

/// Stream: the job.
#[event]
#[derive(Debug, Clone)]
pub struct JobSubmitted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub index: u64,
    pub submitter: Pubkey,
    pub refund_account: Pubkey,
    pub stake: u64,
    pub tip: u64,
    pub fee_bps: u16,
    pub redundancy: u8,
    pub deadline: i64,
    pub descriptor_hash: [u8; 32],
}

/// Stream: the job.
#[event]
#[derive(Debug, Clone)]
pub struct JobAttested {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub outcome_hash: [u8; 32],
    pub set_version: u32,
    /// Equal votes, this one included.
    pub votes: u8,
    pub reached: bool,
}

/// What one bond got. Covers event `seq` of the bond's own stream.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct BondCredit {
    pub bond: Pubkey,
    pub seq: u64,
    pub tenure: Pubkey,
    pub amount: u64,
    /// The bond's `earned` after it.
    pub earned: u64,
}

/// Stream: the job, and each credited bond.
#[event]
#[derive(Debug, Clone)]
pub struct JobFinished {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    /// One of `job_state`.
    pub state: u8,
    pub outcome_hash: [u8; 32],
    /// Zeros unless completed.
    pub result_hash: [u8; 32],
    /// Reason code of a failed job, else 0.
    pub reason: u16,
    pub to_nodes: u64,
    pub to_treasury: u64,
    pub refunded: u64,
    pub credits: Vec<BondCredit>,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct BondWithdrawn {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub amount: u64,
    pub destination: Pubkey,
    /// The bond's `earned` after it.
    pub earned: u64,
}
