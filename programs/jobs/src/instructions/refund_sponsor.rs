use anchor_lang::prelude::*;

use crate::{
    errors::JobsError,
    escrow::Escrow,
    events::{SponsorRefunded, emit},
    state::*,
    tokens::Tokens,
};

#[event_cpi]
#[derive(Accounts)]
pub struct RefundSponsor<'info> {
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    /// Made by `sponsor` alone, one for a job and a sponsor.
    #[account(mut, close = sponsor, has_one = job, has_one = sponsor)]
    pub sponsorship: Box<Account<'info, Sponsorship>>,
    /// CHECK: gets the sponsorship's rent back; the sponsorship names him.
    #[account(mut)]
    pub sponsor: UncheckedAccount<'info>,
    /// CHECK: by its address; gone when the job was completed.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: the address is the one that the sponsorship recorded.
    #[account(mut, address = sponsorship.refund_account @ JobsError::WrongRefundAccount)]
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

impl RefundSponsor<'_> {
    fn validate(&self) -> Result<()> {
        // sponsorship, sponsor, escrow, refund_account, rent_payer, mint, token_program - checked by their constraints.
        // Never paused.
        require!(self.job.load()?.state != job_state::OPEN, JobsError::JobOpen);
        Ok(())
    }

    /// Gives a sponsor back what he brought to a job that was not completed, and closes his sponsorship.
    #[access_control(ctx.accounts.validate())]
    pub fn refund_sponsor(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut job = accounts.job.load_mut()?;
        let amount = if job.state == job_state::COMPLETED { 0 } else { accounts.sponsorship.amount };
        job.sponsor_count = job.sponsor_count.checked_sub(1).ok_or(JobsError::Overflow)?;
        job.sponsors_left = job.sponsors_left.checked_sub(amount).ok_or(JobsError::Overflow)?;
        let is_last = job.sponsors_left == 0 && job.owed == 0;
        let event = SponsorRefunded {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            sponsor: accounts.sponsorship.sponsor,
            refund_account: accounts.sponsorship.refund_account,
            amount,
        };
        drop(job);
        if amount > 0 {
            let decimals = accounts.config.load()?.decimals;
            let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
            let escrow = Escrow { job: &accounts.job, account: &accounts.escrow, tokens };
            escrow.pay_out(&accounts.refund_account, amount, is_last, &accounts.rent_payer)?;
        }
        emit(&accounts.event_authority, &event)
    }
}
