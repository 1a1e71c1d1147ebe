use anchor_lang::prelude::*;

use crate::{
    errors::JobsError,
    escrow::Escrow,
    events::{JobRefunded, emit},
    state::*,
    tokens::Tokens,
};

#[event_cpi]
#[derive(Accounts)]
pub struct RefundSubmitter<'info> {
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    /// CHECK: by its address.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: the address is the one that the job recorded.
    #[account(mut, address = job.load()?.refund_account @ JobsError::WrongRefundAccount)]
    pub refund_account: UncheckedAccount<'info>,
    /// CHECK: gets the escrow's rent back; the address is the one that the job recorded.
    #[account(mut, address = job.load()?.rent_payer)]
    pub rent_payer: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

impl RefundSubmitter<'_> {
    fn validate(&self) -> Result<()> {
        // escrow, refund_account, rent_payer, mint, token_program - checked by their constraints. Never paused.
        require!(self.job.load()?.owed > 0, JobsError::NothingOwed);
        Ok(())
    }

    /// Pays what a job's end left in the escrow for its submitter.
    #[access_control(ctx.accounts.validate())]
    pub fn refund_submitter(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut job = accounts.job.load_mut()?;
        let amount = std::mem::take(&mut job.owed);
        job.refunded = job.refunded.checked_add(amount).ok_or(JobsError::Overflow)?;
        let is_last = job.sponsors_left == 0;
        let event = JobRefunded {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            refund_account: job.refund_account,
            amount,
        };
        drop(job);
        let decimals = accounts.config.load()?.decimals;
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        let escrow = Escrow { job: &accounts.job, account: &accounts.escrow, tokens };
        escrow.pay_out(&accounts.refund_account, amount, is_last, &accounts.rent_payer)?;
        emit(&accounts.event_authority, &event)
    }
}
