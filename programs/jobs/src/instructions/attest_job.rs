use anchor_lang::prelude::*;
use muster_network::{constants::ORACLES_MAX, state::OracleSet};

use crate::{constants::*, errors::JobsError, events::JobAttested, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct AttestJob<'info> {
    pub oracle: Signer<'info>,
    #[account(
        seeds = [muster_network::ORACLE_SET_SEED], bump = oracle_set.load()?.bump, seeds::program = muster_network::ID,
    )]
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut, seeds = [JOB_SEED, &job.load()?.index.to_le_bytes()], bump = job.load()?.bump)]
    pub job: AccountLoader<'info, Job>,
}

impl AttestJob<'_> {
    fn validate(&self, outcome_hash: &[u8; 32]) -> Result<()> {
        // oracle - its place in the set, in the handler. oracle_set - checked by its constraints.
        require!(self.job.load()?.state == job_state::OPEN, JobsError::JobSettled);
        require!(*outcome_hash != [0; 32], JobsError::ZeroOutcome);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&outcome_hash))]
    pub fn attest_job(ctx: Context<Self>, outcome_hash: [u8; 32]) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(&accounts.oracle.key()).ok_or(JobsError::NotOracle)?;
        let mut job = accounts.job.load_mut()?;
        if job.votes_version != set.set_version {
            job.votes = [[0; 32]; ORACLES_MAX];
            job.votes_version = set.set_version;
        }
        job.votes[position] = outcome_hash;
        let votes = job.votes[..usize::from(set.count)].iter().filter(|vote| **vote == outcome_hash).count();
        let event = JobAttested {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            outcome_hash,
            set_version: set.set_version,
            votes: votes as u8,
            reached: votes >= usize::from(set.threshold),
        };
        drop(job);
        drop(set);
        emit_cpi!(event);
        Ok(())
    }
}
