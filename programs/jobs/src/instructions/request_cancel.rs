use anchor_lang::prelude::*;

use crate::{
    errors::JobsError,
    events::{JobCancelRequested, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct RequestCancel<'info> {
    #[account(constraint = submitter.key() == job.load()?.submitter @ JobsError::NotSubmitter)]
    pub submitter: Signer<'info>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
}

impl RequestCancel<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // submitter - checked by its constraint. job - known by its type. Never paused.
        self.job.load()?.require_undecided(now)
    }

    /// Records the time and moves nothing: oracles attest what was done until then, or the job expires.
    pub fn request_cancel(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let mut job = accounts.job.load_mut()?;
        job.cancel_at = now;
        let event =
            JobCancelRequested { stream: accounts.job.key(), seq: job.next_seq(), timestamp: now, cancel_at: now };
        drop(job);
        emit(&accounts.event_authority, &event)
    }
}
