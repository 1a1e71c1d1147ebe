use anchor_lang::prelude::*;
use muster_network::state::pause;

use super::running_network;
use crate::{
    constants::*,
    errors::JobsError,
    events::{JobSponsored, emit},
    state::*,
    tokens::{Tokens, require_source},
};

#[event_cpi]
#[derive(Accounts)]
pub struct Sponsor<'info> {
    #[account(mut)]
    pub sponsor: Signer<'info>,
    /// CHECK: its owner and its type, in `validate`; the only one of its type that can exist.
    pub network: UncheckedAccount<'info>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    #[account(
        init_if_needed, payer = sponsor, space = 8 + Sponsorship::INIT_SPACE,
        seeds = [SPONSOR_SEED, job.key().as_ref(), sponsor.key().as_ref()], bump,
    )]
    pub sponsorship: Box<Account<'info, Sponsorship>>,
    /// CHECK: by its address.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: a token account of the sponsor's, in `validate`.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl Sponsor<'_> {
    fn validate(&self, amount: u64, now: i64) -> Result<()> {
        // sponsorship, escrow, mint, token_program - checked by their constraints. config, job - by their types.
        running_network(&self.network, pause::SUBMIT, now)?;
        let job = self.job.load()?;
        job.require_undecided(now)?;
        require!(amount >= self.config.load()?.sponsor_min, JobsError::SponsorshipTooSmall);
        require!(self.sponsorship.version != 0 || job.sponsor_count < SPONSORS_MAX, JobsError::TooManySponsors);
        require_source(&self.source, self.sponsor.key)
    }

    /// Adds to a job's prize; a second time adds to the same sponsorship, whose refund goes to the account that paid
    /// first.
    pub fn sponsor(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(amount, now)?;
        let decimals = accounts.config.load()?.decimals;
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        tokens.send(&accounts.source, &accounts.escrow, &accounts.sponsor, amount, &[])?;

        let mut job = accounts.job.load_mut()?;
        let sponsorship = &mut *accounts.sponsorship;
        // A new account is all zeros.
        if sponsorship.version == 0 {
            sponsorship.version = ACCOUNT_VERSION;
            sponsorship.bump = ctx.bumps.sponsorship;
            sponsorship.job = accounts.job.key();
            sponsorship.sponsor = accounts.sponsor.key();
            sponsorship.refund_account = accounts.source.key();
            job.sponsor_count += 1;
        }
        sponsorship.amount = sponsorship.amount.checked_add(amount).ok_or(JobsError::Overflow)?;
        job.sponsored = job.sponsored.checked_add(amount).ok_or(JobsError::Overflow)?;
        job.sponsors_left = job.sponsors_left.checked_add(amount).ok_or(JobsError::Overflow)?;
        let event = JobSponsored {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: now,
            sponsor: sponsorship.sponsor,
            refund_account: sponsorship.refund_account,
            amount,
            total: sponsorship.amount,
            sponsored: job.sponsored,
        };
        drop(job);
        emit(&accounts.event_authority, &event)
    }
}
