use anchor_lang::prelude::*;
use muster_network::state::pause;

use super::running_network;
use crate::{
    errors::JobsError,
    events::{JobTipped, emit},
    state::*,
    tokens::{Tokens, require_source},
};

#[event_cpi]
#[derive(Accounts)]
pub struct AddTip<'info> {
    #[account(constraint = submitter.key() == job.load()?.submitter @ JobsError::NotSubmitter)]
    pub submitter: Signer<'info>,
    /// CHECK: its owner and its type, in `validate`; the only one of its type that can exist.
    pub network: UncheckedAccount<'info>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    /// CHECK: by its address.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: a token account of the submitter's, in `validate`.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

impl AddTip<'_> {
    fn validate(&self, amount: u64, now: i64) -> Result<()> {
        // submitter, escrow, mint, token_program - checked by their constraints. config, job - by their types.
        running_network(&self.network, pause::SUBMIT, now)?;
        self.job.load()?.require_undecided(now)?;
        require_source(&self.source, self.submitter.key)?;
        require!(amount > 0, JobsError::ZeroAmount);
        Ok(())
    }

    /// More priority for the submitter's own job. It goes back as the stake does, to the account that paid first.
    pub fn add_tip(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(amount, now)?;
        let decimals = accounts.config.load()?.decimals;
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        tokens.send(&accounts.source, &accounts.escrow, &accounts.submitter, amount, &[])?;
        let mut job = accounts.job.load_mut()?;
        job.tip = job.tip.checked_add(amount).ok_or(JobsError::Overflow)?;
        let event = JobTipped { stream: accounts.job.key(), seq: job.next_seq(), timestamp: now, amount, tip: job.tip };
        drop(job);
        emit(&accounts.event_authority, &event)
    }
}
