use anchor_lang::prelude::*;
use muster_network::{constants::ORACLES_MAX, state::OracleSet};

use crate::{constants::UNSETTLED_S, errors::JobsError};

/// Where a job stands on-chain; queueing and running are the oracles' business.
pub mod job_state {
    /// Escrow holds stake, tip and sponsorships; oracles may attest.
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
    /// The token account that holds the job's money.
    pub escrow: Pubkey,
    pub result_hash: [u8; 32],
    pub outcome_hash: [u8; 32],
    /// One replaceable vote per oracle: the hash of the outcome; zeros mean none.
    pub votes: [[u8; 32]; ORACLES_MAX],
    pub index: u64,
    /// What makes the address, with the submitter; Unix milliseconds.
    pub nonce: u64,
    /// Base units of the job mint, as every amount here.
    pub stake: u64,
    pub tip: u64,
    /// What all sponsors brought.
    pub sponsored: u64,
    pub to_nodes: u64,
    pub to_treasury: u64,
    /// What went back to the submitter.
    pub refunded: u64,
    /// What the escrow still holds for the submitter of a job that is over.
    pub owed: u64,
    /// What the escrow still holds for the sponsors.
    pub sponsors_left: u64,
    pub created_at: i64,
    pub deadline: i64,
    /// Zero unless the submitter asked to cancel.
    pub cancel_at: i64,
    pub settled_at: i64,
    /// Last event of this account's stream.
    pub seq: u64,
    /// Oracle set version that the votes belong to.
    pub votes_version: u32,
    /// Sponsorship accounts that exist.
    pub sponsor_count: u32,
    /// Snapshots of the config at submission.
    pub attest_grace: u32,
    pub cancel_window: u32,
    /// Snapshot of the network's fee at submission.
    pub fee_bps: u16,
    /// Replicas, or 0 for adaptive; a snapshot too.
    pub redundancy: u8,
    /// One of `job_state`.
    pub state: u8,
    pub node_count: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 1],
    pub _reserved: [u8; 120],
}

impl Job {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Refuses a job that is over.
    pub fn require_open(&self) -> Result<()> {
        require!(self.state == job_state::OPEN, JobsError::JobSettled);
        Ok(())
    }

    /// Refuses a job that is over, past its deadline, or to be cancelled: it takes neither money nor a request.
    pub fn require_undecided(&self, now: i64) -> Result<()> {
        self.require_open()?;
        require!(now < self.deadline, JobsError::DeadlinePassed);
        require!(self.cancel_at == 0, JobsError::CancelRequested);
        Ok(())
    }

    /// Oracles of the set in force that voted for this hash.
    pub fn votes_for(&self, hash: &[u8; 32], set: &OracleSet) -> usize {
        if self.votes_version != set.set_version {
            return 0;
        }
        self.votes.iter().take(usize::from(set.count)).filter(|vote| *vote == hash).count()
    }

    /// Whether a threshold of the set in force agrees on any outcome.
    fn is_attested(&self, set: &OracleSet) -> bool {
        let threshold = usize::from(set.threshold);
        self.votes.iter().any(|vote| *vote != [0; 32] && self.votes_for(vote, set) >= threshold)
    }

    /// The last second in which this job can be decided. An attested outcome has seven days more to be settled, then
    /// it must not lock the money any longer.
    pub fn expires_after(&self, set: &OracleSet) -> i64 {
        let by_deadline = self.deadline.saturating_add(i64::from(self.attest_grace));
        let by_cancel = match self.cancel_at {
            0 => i64::MAX,
            at => at.saturating_add(i64::from(self.cancel_window)),
        };
        let more = if self.is_attested(set) { UNSETTLED_S } else { 0 };
        by_deadline.min(by_cancel).saturating_add(more)
    }
}
