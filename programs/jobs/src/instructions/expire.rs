use anchor_lang::prelude::*;
use muster_network::state::OracleSet;

use crate::{
    errors::JobsError,
    escrow::Escrow,
    events::{JobFinished, emit},
    state::*,
    tokens::{Tokens, balance},
};

#[event_cpi]
#[derive(Accounts)]
pub struct Expire<'info> {
    /// The only account of its type that can exist.
    #[account(mut)]
    pub config: AccountLoader<'info, JobsConfig>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    /// CHECK: by its address.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: the address is the one that the job recorded. Left out, the submitter's money waits in the escrow.
    #[account(mut, address = job.load()?.refund_account @ JobsError::WrongRefundAccount)]
    pub refund_account: Option<UncheckedAccount<'info>>,
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

impl Expire<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // escrow, refund_account, rent_payer, mint, token_program - checked by their constraints. Never paused.
        let job = self.job.load()?;
        job.require_open()?;
        let set = self.oracle_set.load()?;
        require!(now > job.expires_after(&set), JobsError::NotExpired);
        Ok(())
    }

    /// Everything goes back, to each what he brought.
    pub fn expire(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let to_sponsors = accounts.job.load()?.sponsors_left;
        let to_submitter = balance(&accounts.escrow)?.checked_sub(to_sponsors).ok_or(JobsError::Overflow)?;
        let decimals = accounts.config.load()?.decimals;
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        let escrow = Escrow { job: &accounts.job, account: &accounts.escrow, tokens };
        let (refunded, owed) = escrow.pay_or_owe(accounts.refund_account.as_deref(), to_submitter)?;
        if owed == 0 && to_sponsors == 0 {
            escrow.close(&accounts.rent_payer)?;
        }

        let mut job = accounts.job.load_mut()?;
        job.state = job_state::EXPIRED;
        job.refunded = refunded;
        job.owed = owed;
        job.settled_at = now;
        let mut config = accounts.config.load_mut()?;
        config.chain(&accounts.job.key(), &job)?;
        let event = JobFinished {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: now,
            state: job_state::EXPIRED,
            outcome_hash: [0; 32],
            result_hash: [0; 32],
            reason: 0,
            to_nodes: 0,
            to_treasury: 0,
            refunded,
            owed,
            to_sponsors,
            number: config.finished_count,
            ledger_head: config.ledger_head,
            credits: Vec::new(),
        };
        drop(job);
        drop(config);
        emit(&accounts.event_authority, &event)
    }
}
