use anchor_lang::prelude::*;

use crate::{
    constants::RETENTION_S,
    errors::JobsError,
    events::{JobClosed, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct CloseJob<'info> {
    /// Made by `submit` alone, whose nonce lay within an hour of the clock 90 days ago: it is never made again.
    #[account(mut, close = rent_payer)]
    pub job: AccountLoader<'info, Job>,
    /// CHECK: gets the rent back; the address is the one that the job recorded.
    #[account(mut, address = job.load()?.rent_payer)]
    pub rent_payer: UncheckedAccount<'info>,
}

impl CloseJob<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // job - known by its type. rent_payer - checked by its constraint.
        let job = self.job.load()?;
        require!(job.state != job_state::OPEN, JobsError::JobOpen);
        require!(
            now >= job.settled_at.saturating_add(RETENTION_S) && job.sponsor_count == 0 && job.owed == 0,
            JobsError::RetentionRuns
        );
        Ok(())
    }

    /// The escrow is closed already: it closes with the last money that leaves it.
    pub fn close_job(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let mut job = accounts.job.load_mut()?;
        let event = JobClosed { stream: accounts.job.key(), seq: job.next_seq(), timestamp: now, index: job.index };
        drop(job);
        emit(&accounts.event_authority, &event)
    }
}
