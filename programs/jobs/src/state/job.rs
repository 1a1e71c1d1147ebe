use anchor_lang::prelude::*;
use muster_network::constants::ORACLES_MAX;

/// Where a job stands on-chain; queueing and running are the oracles' business.
pub mod job_state {
    /// Escrow holds stake and tip; oracles may attest.
    pub const OPEN: u8 = 1;
    pub const COMPLETED: u8 = 2;
    pub const FAILED: u8 = 3;
    pub const CANCELLED: u8 = 4;
    pub const EXPIRED: u8 = 5;
}

/// One paid submission.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Job {
    pub submitter: Pubkey,
    /// SHA-256 of the descriptor's bytes.
    pub descriptor_hash: [u8; 32],
    /// The submitter's token account; every refund goes there.
    pub refund_account: Pubkey,
    pub rent_payer: Pubkey,
    pub result_hash: [u8; 32],
    pub outcome_hash: [u8; 32],
    /// One replaceable vote per oracle: the hash of the outcome; zeros mean none.
    pub votes: [[u8; 32]; ORACLES_MAX],
    pub index: u64,
    /// Base units of the job mint, as every amount here.
    pub stake: u64,
    pub tip: u64,
    pub sponsored: u64,
    pub to_nodes: u64,
    pub to_treasury: u64,
    pub refunded: u64,
    pub created_at: i64,
    pub deadline: i64,
    /// Zero unless the submitter asked to cancel.
    pub cancel_at: i64,
    pub settled_at: i64,
    /// Last event of this account's stream.
    pub seq: u64,
    /// Oracle set version that the votes belong to.
    pub votes_version: u32,
    pub sponsor_count: u32,
    /// Snapshot of the network's fee at submission.
    pub fee_bps: u16,
    /// Replicas, or 0 for adaptive; a snapshot too.
    pub redundancy: u8,
    /// One of `job_state`.
    pub state: u8,
    pub node_count: u8,
    pub escrow_bump: u8,
    pub bump: u8,
    pub version: u8,
    pub _reserved: [u8; 128],
}

impl Job {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
