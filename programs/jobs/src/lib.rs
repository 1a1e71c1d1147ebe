//! The jobs program: job escrow, node bonds, the 80/20 split. One mint: the network's job mint.
//!
//! Every instruction lives in a file of its own under `instructions`; `lib.rs` is the table of contents.
#![deny(unused_must_use)]

use anchor_lang::prelude::*;
use solana_compiler_builtins as _;

pub mod constants;
pub mod errors;
mod escrow;
pub mod events;
pub mod instructions;
pub mod state;
mod tokens;

pub use constants::*;
pub use errors::*;
pub use instructions::*;
use state::Outcome;

declare_id!("71kVaujjDkLjeK5gRVeGmEniSn4YfZWJ6KeroY5T3myc");

#[program]
pub mod muster_jobs {
    use super::*;

    /// Creates the jobs config and the bond vault; the network's authority, once.
    pub fn initialize_jobs(ctx: Context<InitializeJobs>, args: JobsConfigArgs) -> Result<()> {
        InitializeJobs::initialize_jobs(ctx, args)
    }

    /// Changes the limits, for what comes; the network's authority.
    pub fn set_jobs_config(ctx: Context<SetJobsConfig>, args: JobsConfigArgs) -> Result<()> {
        SetJobsConfig::set_jobs_config(ctx, args)
    }

    /// Opens a tenure's bond, without which no job can pay it. Anyone.
    pub fn open_bond(ctx: Context<OpenBond>) -> Result<()> {
        OpenBond::open_bond(ctx)
    }

    /// Puts a job's stake and tip into its escrow. The bumps are those of the job's and the escrow's addresses. Anyone.
    pub fn submit(ctx: Context<Submit>, args: SubmitArgs, job_bump: u8, escrow_bump: u8) -> Result<()> {
        Submit::submit(ctx, args, job_bump, escrow_bump)
    }

    /// Raises a job's tip before its deadline. The job's submitter.
    pub fn add_tip(ctx: Context<AddTip>, amount: u64) -> Result<()> {
        AddTip::add_tip(ctx, amount)
    }

    /// Adds to a job's prize before its deadline; it comes back unless the job is completed. Anyone.
    pub fn sponsor(ctx: Context<Sponsor>, amount: u64) -> Result<()> {
        Sponsor::sponsor(ctx, amount)
    }

    /// Records that a job is not wanted any more; once, before its deadline. The job's submitter.
    pub fn request_cancel(ctx: Context<RequestCancel>) -> Result<()> {
        RequestCancel::request_cancel(ctx)
    }

    /// Votes for a job's outcome under the set version that the oracle knows; replaceable until it is settled. Oracle.
    pub fn attest_job(ctx: Context<AttestJob>, outcome_hash: [u8; 32], set_version: u32) -> Result<()> {
        AttestJob::attest_job(ctx, outcome_hash, set_version)
    }

    /// Moves the escrow as the attested outcome says. Anyone; the bonds follow as remaining accounts.
    pub fn settle_job<'info>(ctx: Context<'info, SettleJob<'info>>, outcome: Outcome) -> Result<()> {
        SettleJob::settle_job(ctx, outcome)
    }

    /// Gives everything back when nobody decided the job in time. Anyone.
    pub fn expire(ctx: Context<Expire>) -> Result<()> {
        Expire::expire(ctx)
    }

    /// Pays a sponsor of a job that was not completed back, and closes his sponsorship. Anyone.
    pub fn refund_sponsor(ctx: Context<RefundSponsor>) -> Result<()> {
        RefundSponsor::refund_sponsor(ctx)
    }

    /// Pays what a job's end left in the escrow for its submitter. Anyone.
    pub fn refund_submitter(ctx: Context<RefundSubmitter>) -> Result<()> {
        RefundSubmitter::refund_submitter(ctx)
    }

    /// Closes the account of a job that was over 90 days ago. Anyone.
    pub fn close_job(ctx: Context<CloseJob>) -> Result<()> {
        CloseJob::close_job(ctx)
    }

    /// Pays out what a bond has earned and no decided slash may take. The tenure's holder.
    pub fn withdraw(ctx: Context<Withdraw>, amount: u64) -> Result<()> {
        Withdraw::withdraw(ctx, amount)
    }

    /// Puts tokens into a tenure's bond. Anyone.
    pub fn stake(ctx: Context<Stake>, amount: u64) -> Result<()> {
        Stake::stake(ctx, amount)
    }

    /// Begins to take stake out of a bond. The tenure's holder.
    pub fn unbond(ctx: Context<Unbond>, amount: u64) -> Result<()> {
        Unbond::unbond(ctx, amount)
    }

    /// Pays out what was unbonding for long enough and no decided slash may take. The tenure's holder.
    pub fn withdraw_unbonded(ctx: Context<WithdrawUnbonded>) -> Result<()> {
        WithdrawUnbonded::withdraw_unbonded(ctx)
    }

    /// Votes to take from a bond, under the set version that the oracle knows. Oracle.
    pub fn vote_slash(
        ctx: Context<VoteSlash>,
        amount: u64,
        reason: u16,
        evidence_hash: [u8; 32],
        set_version: u32,
    ) -> Result<()> {
        VoteSlash::vote_slash(ctx, amount, reason, evidence_hash, set_version)
    }

    /// Holds a pending slash, once and for `hold_limit`. The network's guardian.
    pub fn hold_slash(ctx: Context<HoldSlash>) -> Result<()> {
        HoldSlash::hold_slash(ctx)
    }

    /// Voids a pending slash. The network's authority.
    pub fn void_slash(ctx: Context<VoidSlash>) -> Result<()> {
        VoidSlash::void_slash(ctx)
    }

    /// Carries a slash out when its delay and its hold have passed, within seven days. Anyone.
    pub fn execute_slash(ctx: Context<ExecuteSlash>) -> Result<()> {
        ExecuteSlash::execute_slash(ctx)
    }
}
