use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use muster_network::{
    mints::Transfer,
    state::{Network, pause},
};

use crate::{constants::*, errors::JobsError, events::JobSubmitted, state::*};

/// What a submitter states.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SubmitArgs {
    /// The config's `job_count`: the index that the job gets.
    pub index: u64,
    /// Base units; the network's default when none.
    pub stake: Option<u64>,
    /// Base units on top of the stake, for priority.
    pub tip: u64,
    /// Second of the clock.
    pub deadline: i64,
    /// Replicas, 1 to 8, or 0 for adaptive.
    pub redundancy: u8,
    pub descriptor_hash: [u8; 32],
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: SubmitArgs)]
pub struct Submit<'info> {
    #[account(mut)]
    pub submitter: Signer<'info>,
    #[account(
        seeds = [muster_network::NETWORK_SEED], bump = network.bump, seeds::program = muster_network::ID,
    )]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [CONFIG_SEED], bump = config.bump)]
    pub config: Box<Account<'info, JobsConfig>>,
    #[account(
        init, payer = submitter, space = 8 + size_of::<Job>(), seeds = [JOB_SEED, &args.index.to_le_bytes()], bump,
    )]
    pub job: AccountLoader<'info, Job>,
    #[account(
        init, payer = submitter, seeds = [ESCROW_SEED, job.key().as_ref()], bump,
        token::mint = mint, token::authority = job, token::token_program = token_program,
    )]
    pub escrow: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Pays the stake, and gets every refund.
    #[account(mut, token::mint = mint, token::authority = submitter, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = config.mint @ JobsError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl Submit<'_> {
    fn validate(&self, args: &SubmitArgs) -> Result<()> {
        // submitter, config, job, escrow, source, mint - checked by their constraints.
        let now = Clock::get()?.unix_timestamp;
        self.network.require_running(pause::SUBMIT, now)?;
        require!(args.index == self.config.job_count, JobsError::WrongIndex);
        require!(self.stake(args) >= self.config.stake_min, JobsError::StakeTooSmall);
        require!(args.deadline > now && args.deadline - now <= DEADLINE_MAX_S, JobsError::DeadlineOutOfRange);
        require!(usize::from(args.redundancy) <= JOB_NODES_MAX, JobsError::RedundancyOutOfRange);
        require!(args.descriptor_hash != [0; 32], JobsError::ZeroDescriptor);
        Ok(())
    }

    fn stake(&self, args: &SubmitArgs) -> u64 {
        args.stake.unwrap_or(self.config.default_stake)
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn submit(ctx: Context<Self>, args: SubmitArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let stake = accounts.stake(&args);
        let escrowed = stake.checked_add(args.tip).ok_or(JobsError::Overflow)?;
        Transfer {
            from: &accounts.source,
            to: &mut accounts.escrow,
            mint: &accounts.mint,
            authority: accounts.submitter.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(escrowed, &[])?;
        accounts.config.job_count = args.index.checked_add(1).ok_or(JobsError::Overflow)?;
        // A fee change names an epoch: the one of now holds.
        let fee_bps = accounts.network.fee_bps_at(accounts.network.epoch_at(now));

        let mut job = accounts.job.load_init()?;
        job.submitter = accounts.submitter.key();
        job.descriptor_hash = args.descriptor_hash;
        job.refund_account = accounts.source.key();
        job.rent_payer = accounts.submitter.key();
        job.index = args.index;
        job.stake = stake;
        job.tip = args.tip;
        job.created_at = now;
        job.deadline = args.deadline;
        job.fee_bps = fee_bps;
        job.redundancy = args.redundancy;
        job.state = job_state::OPEN;
        job.escrow_bump = ctx.bumps.escrow;
        job.bump = ctx.bumps.job;
        job.version = ACCOUNT_VERSION;
        let event = JobSubmitted {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: now,
            index: args.index,
            submitter: job.submitter,
            refund_account: job.refund_account,
            stake,
            tip: args.tip,
            fee_bps,
            redundancy: args.redundancy,
            deadline: args.deadline,
            descriptor_hash: args.descriptor_hash,
        };
        drop(job);
        emit_cpi!(event);
        Ok(())
    }
}
