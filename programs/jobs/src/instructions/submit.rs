use std::cell::RefMut;

use anchor_lang::prelude::*;
use muster_network::create::create_account;
use muster_network::state::{NetworkTerms, pause};

use super::running_network;
use crate::{
    constants::*,
    errors::JobsError,
    events::{JobSubmitted, emit},
    state::*,
    tokens::{Tokens, require_source},
};

/// Bytes of a job's account.
const JOB_LEN: usize = 8 + size_of::<Job>();

/// What a submitter states.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SubmitArgs {
    /// Unix milliseconds, by which with the submitter the job is known: his own, so that nobody else's come in between.
    pub nonce: u64,
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
pub struct Submit<'info> {
    #[account(mut)]
    pub submitter: Signer<'info>,
    /// CHECK: its owner and its type, in `validate`; the only one of its type that can exist.
    pub network: UncheckedAccount<'info>,
    /// The only account of its type that can exist.
    #[account(mut)]
    pub config: AccountLoader<'info, JobsConfig>,
    /// CHECK: made here, at the address that the seeds sign for.
    #[account(mut)]
    pub job: UncheckedAccount<'info>,
    /// CHECK: made here, at the address that the seeds sign for.
    #[account(mut)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: a token account of the submitter's, in `validate`. Pays the stake, and gets every refund.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: by its address, in `validate`.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address, in `validate`.
    pub token_program: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl Submit<'_> {
    fn validate(&self, args: &SubmitArgs, now: i64) -> Result<NetworkTerms> {
        // job, escrow - made by the handler. config - known by its type.
        let network = running_network(&self.network, pause::SUBMIT, now)?;
        require_source(&self.source, self.submitter.key)?;
        let config = self.config.load()?;
        require_keys_eq!(*self.mint.key, config.mint, JobsError::WrongMint);
        require_keys_eq!(*self.token_program.key, config.token_program, JobsError::WrongTokenProgram);
        // No nonce comes again after `close_job`, which is far longer after it.
        let now_ms = u64::try_from(now).unwrap_or(0).saturating_mul(1_000);
        require!(args.nonce.abs_diff(now_ms) <= NONCE_WINDOW_MS, JobsError::NonceOutOfRange);
        require!(args.stake.unwrap_or(config.default_stake) >= config.stake_min, JobsError::StakeTooSmall);
        require!(args.deadline > now && args.deadline - now <= DEADLINE_MAX_S, JobsError::DeadlineOutOfRange);
        require!(usize::from(args.redundancy) <= JOB_NODES_MAX, JobsError::RedundancyOutOfRange);
        require!(args.descriptor_hash != [0; 32], JobsError::ZeroDescriptor);
        Ok(network)
    }

    /// Anybody's bumps do: a job that is not where its nonce leads stays unseen by the oracles, and expires.
    pub fn submit(ctx: Context<Self>, args: SubmitArgs, job_bump: u8, escrow_bump: u8) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let network = accounts.validate(&args, now)?;
        let mut config = accounts.config.load_mut()?;
        let index = config.job_count;
        config.job_count = index.checked_add(1).ok_or(JobsError::Overflow)?;
        let stake = args.stake.unwrap_or(config.default_stake);
        let escrowed = stake.checked_add(args.tip).ok_or(JobsError::Overflow)?;
        let rent = Rent::get()?;
        let mut job = accounts.create_job(&rent, args.nonce, job_bump)?;
        accounts.fill_escrow(&rent, escrowed, config.decimals, escrow_bump)?;

        job.submitter = accounts.submitter.key();
        job.descriptor_hash = args.descriptor_hash;
        job.refund_account = accounts.source.key();
        job.rent_payer = accounts.submitter.key();
        job.escrow = accounts.escrow.key();
        job.index = index;
        job.nonce = args.nonce;
        job.stake = stake;
        job.tip = args.tip;
        job.created_at = now;
        job.deadline = args.deadline;
        job.attest_grace = config.attest_grace;
        job.cancel_window = config.cancel_window;
        // A fee change names an epoch: the one of now holds.
        job.fee_bps = network.fee_bps_at(network.epoch_at(now));
        job.redundancy = args.redundancy;
        job.state = job_state::OPEN;
        job.bump = job_bump;
        job.version = ACCOUNT_VERSION;
        let event = JobSubmitted {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: now,
            index,
            submitter: job.submitter,
            nonce: args.nonce,
            refund_account: job.refund_account,
            stake,
            tip: args.tip,
            fee_bps: job.fee_bps,
            redundancy: args.redundancy,
            deadline: args.deadline,
            attest_grace: job.attest_grace,
            cancel_window: job.cancel_window,
            descriptor_hash: args.descriptor_hash,
        };
        drop(job);
        emit(&accounts.event_authority, &event)
    }

    /// Makes the job's account, all zeros but for its type.
    fn create_job(&self, rent: &Rent, nonce: u64, bump: u8) -> Result<RefMut<'_, Job>> {
        let seeds: &[&[u8]] = &[JOB_SEED, self.submitter.key.as_ref(), &nonce.to_le_bytes(), &[bump]];
        create_account(&self.job, &self.submitter, &self.system_program, rent, JOB_LEN, &crate::ID, &[seeds])?;
        let mut data = self.job.try_borrow_mut_data()?;
        data[..8].copy_from_slice(Job::DISCRIMINATOR);
        Ok(RefMut::map(data, |data| bytemuck::from_bytes_mut(&mut data[8..])))
    }

    /// Makes the job's own token account and moves the money there.
    fn fill_escrow(&self, rent: &Rent, amount: u64, decimals: u8, bump: u8) -> Result<()> {
        let job = self.job.key();
        let tokens = Tokens { mint: &self.mint, program: &self.token_program, decimals };
        let seeds: &[&[u8]] = &[ESCROW_SEED, job.as_ref(), &[bump]];
        tokens.open(&self.escrow, &job, &self.submitter, &self.system_program, rent, &[seeds])?;
        tokens.send(&self.source, &self.escrow, &self.submitter, amount, &[])
    }
}
