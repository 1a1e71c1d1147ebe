//! Every state change, as a call of the program to itself. `stream` is the account that keeps the gapless `seq`.

use anchor_lang::prelude::*;
use muster_network::emit::emit_from;

/// An event of this program. `event_authority` is the account that `#[event_cpi]` adds.
pub fn emit<E: anchor_lang::Event>(event_authority: &AccountInfo, event: &E) -> Result<()> {
    emit_from(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1, event, event_authority)
}

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
    pub sponsor_min: u64,
    pub attest_grace: u32,
    pub cancel_window: u32,
    pub unbond_delay: u32,
    pub slash_delay: u32,
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
    /// With the submitter it makes the job's address; Unix milliseconds.
    pub nonce: u64,
    pub refund_account: Pubkey,
    pub stake: u64,
    pub tip: u64,
    pub fee_bps: u16,
    pub redundancy: u8,
    pub deadline: i64,
    pub attest_grace: u32,
    pub cancel_window: u32,
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
    /// Back to the submitter, with this event.
    pub refunded: u64,
    /// Left in the escrow for the submitter.
    pub owed: u64,
    /// Left in the escrow for the sponsors.
    pub to_sponsors: u64,
    /// Number of this job's block in the ledger of jobs, from 1.
    pub number: u64,
    /// Hash of that block.
    pub ledger_head: [u8; 32],
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

/// Stream: the config. The limits from now on; jobs keep those that they were submitted under.
#[event]
#[derive(Debug, Clone)]
pub struct JobsConfigSet {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub default_stake: u64,
    pub stake_min: u64,
    pub sponsor_min: u64,
    pub attest_grace: u32,
    pub cancel_window: u32,
    pub unbond_delay: u32,
    pub slash_delay: u32,
}

/// Stream: the job.
#[event]
#[derive(Debug, Clone)]
pub struct JobSponsored {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub sponsor: Pubkey,
    pub refund_account: Pubkey,
    pub amount: u64,
    /// What this sponsor brought in all.
    pub total: u64,
    /// What all sponsors brought.
    pub sponsored: u64,
}

/// Stream: the job.
#[event]
#[derive(Debug, Clone)]
pub struct JobTipped {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub amount: u64,
    /// The job's tip after it.
    pub tip: u64,
}

/// Stream: the job.
#[event]
#[derive(Debug, Clone)]
pub struct JobCancelRequested {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub cancel_at: i64,
}

/// Stream: the job. What the escrow still held for its submitter.
#[event]
#[derive(Debug, Clone)]
pub struct JobRefunded {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub refund_account: Pubkey,
    pub amount: u64,
}

/// Stream: the job. The sponsorship's account is gone.
#[event]
#[derive(Debug, Clone)]
pub struct SponsorRefunded {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub sponsor: Pubkey,
    pub refund_account: Pubkey,
    /// 0 when the job was completed: the nodes and the treasury have it.
    pub amount: u64,
}

/// Stream: the job, whose last event this is: the account is gone.
#[event]
#[derive(Debug, Clone)]
pub struct JobClosed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub index: u64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct BondStaked {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub staker: Pubkey,
    pub amount: u64,
    /// The bond's `staked` after it.
    pub staked: u64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct BondUnbonding {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub amount: u64,
    /// The bond's amounts after it.
    pub staked: u64,
    pub unbonding: u64,
    pub unbond_at: i64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct BondUnbonded {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    pub amount: u64,
    pub destination: Pubkey,
    /// What stays unbonding, because a decided slash may take it.
    pub unbonding: u64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct SlashVoted {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub oracle: Pubkey,
    pub oracle_index: u8,
    pub amount: u64,
    pub reason: u16,
    pub evidence_hash: [u8; 32],
    pub set_version: u32,
    /// Equal votes, this one included.
    pub votes: u8,
    /// When it may be executed; 0 below the threshold.
    pub eta: i64,
    /// What it takes, and until when that stays in the bond; zeros below the threshold.
    pub set_aside: u64,
    pub set_aside_until: i64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct SlashHeld {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub held_until: i64,
    /// Until when what it takes stays in the bond.
    pub set_aside_until: i64,
}

/// Stream: the bond.
#[event]
#[derive(Debug, Clone)]
pub struct SlashVoided {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub evidence_hash: [u8; 32],
}

/// Stream: the bond. To the treasury; the three parts sum to what was taken.
#[event]
#[derive(Debug, Clone)]
pub struct BondSlashed {
    pub stream: Pubkey,
    pub seq: u64,
    pub timestamp: i64,
    pub tenure: Pubkey,
    /// What a threshold decided; half of what the bond held then is the most that is taken.
    pub decided: u64,
    pub reason: u16,
    pub evidence_hash: [u8; 32],
    pub from_earned: u64,
    pub from_staked: u64,
    pub from_unbonding: u64,
}
