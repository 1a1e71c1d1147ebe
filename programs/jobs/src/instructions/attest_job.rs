use anchor_lang::prelude::*;
use muster_network::{constants::ORACLES_MAX, state::OracleSet};

use crate::{
    errors::JobsError,
    events::{JobAttested, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct AttestJob<'info> {
    pub oracle: Signer<'info>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
}

impl AttestJob<'_> {
    fn validate(&self, outcome_hash: &[u8; 32], set_version: u32) -> Result<()> {
        // oracle - its place in the set, in the handler. oracle_set, job - known by their types.
        self.job.load()?.require_open()?;
        require!(*outcome_hash != [0; 32], JobsError::ZeroOutcome);
        require!(set_version == self.oracle_set.load()?.set_version, JobsError::WrongSetVersion);
        Ok(())
    }

    /// A vote that was meant for another set is refused, not kept: its hash would bind the wrong version.
    #[access_control(ctx.accounts.validate(&outcome_hash, set_version))]
    pub fn attest_job(ctx: Context<Self>, outcome_hash: [u8; 32], set_version: u32) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(accounts.oracle.key).ok_or(JobsError::NotOracle)?;
        let mut job = accounts.job.load_mut()?;
        if job.votes_version != set_version {
            job.votes = [[0; 32]; ORACLES_MAX];
            job.votes_version = set_version;
        }
        job.votes[position] = outcome_hash;
        let votes = job.votes_for(&outcome_hash, &set);
        let event = JobAttested {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            outcome_hash,
            set_version,
            votes: votes as u8,
            reached: votes >= usize::from(set.threshold),
        };
        drop(job);
        emit(&accounts.event_authority, &event)
    }
}
