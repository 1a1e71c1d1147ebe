use anchor_lang::prelude::*;
use muster_protocol::votes::{JobEntry, job_ledger_head};

use super::Job;
use crate::errors::JobsError;

/// One per network: the job mint, the limits, the counters that enumerate jobs and bonds.
#[account(zero_copy)]
#[derive(Debug)]
pub struct JobsConfig {
    pub network: Pubkey,
    /// The network's job mint, and the token program that it belongs to.
    pub mint: Pubkey,
    pub token_program: Pubkey,
    pub bond_vault: Pubkey,
    /// The network's treasury of the job mint.
    pub treasury: Pubkey,
    /// Stake of a job that names none, base units.
    pub default_stake: u64,
    pub stake_min: u64,
    /// Least amount that one sponsorship brings.
    pub sponsor_min: u64,
    pub job_count: u64,
    pub bond_count: u64,
    /// Last event of this account's stream.
    pub seq: u64,
    /// Seconds after a job's deadline until it expires.
    pub attest_grace: u32,
    /// Seconds after a requested cancellation until the job expires.
    pub cancel_window: u32,
    /// Seconds between unbonding and withdrawal.
    pub unbond_delay: u32,
    /// Seconds between a slash's approval and its execution, and between two slashes of a bond.
    pub slash_delay: u32,
    pub decimals: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 5],
    /// Jobs that are over: blocks of the ledger of jobs.
    pub finished_count: u64,
    /// Hash of its newest block, zeros before the first.
    pub ledger_head: [u8; 32],
    pub _reserved: [u8; 88],
}

impl JobsConfig {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Chains a job that is over to all that were before it.
    pub fn chain(&mut self, address: &Pubkey, job: &Job) -> Result<()> {
        let returned = job.refunded.checked_add(job.owed).and_then(|sum| sum.checked_add(job.sponsors_left));
        self.finished_count += 1;
        self.ledger_head = job_ledger_head(
            &self.ledger_head,
            &JobEntry {
                number: self.finished_count,
                timestamp: job.settled_at,
                job: address.to_bytes(),
                state: job.state,
                outcome_hash: job.outcome_hash,
                result_hash: job.result_hash,
                to_nodes: job.to_nodes,
                to_treasury: job.to_treasury,
                returned: returned.ok_or(JobsError::Overflow)?,
            },
        );
        Ok(())
    }
}
