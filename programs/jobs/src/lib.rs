//! The jobs program: job escrow, node bonds, the 80/20 split. One mint: the network's job mint.
//!
//! Every instruction lives in a file of its own under `instructions`; `lib.rs` is the table of contents.
#![deny(unused_must_use)]

use anchor_lang::prelude::*;
use solana_compiler_builtins as _;

pub mod constants;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod state;

pub use constants::*;
pub use errors::*;
pub use instructions::*;
use state::Outcome;

declare_id!("71kVaujjDkLjeK5gRVeGmEniSn4YfZWJ6KeroY5T3myc");

#[program]
pub mod muster_jobs {
    use super::*;

    /// Creates the jobs config and the bond vault; the network's authority, once.
    pub fn initialize_jobs(ctx: Context<InitializeJobs>, args: InitializeJobsArgs) -> Result<()> {
        InitializeJobs::initialize_jobs(ctx, args)
    }

    /// Opens a tenure's bond, without which no job can pay it. Anyone.
    pub fn open_bond(ctx: Context<OpenBond>) -> Result<()> {
        OpenBond::open_bond(ctx)
    }

    /// Puts a job's stake and tip into its escrow. Anyone.
    pub fn submit(ctx: Context<Submit>, args: SubmitArgs) -> Result<()> {
        Submit::submit(ctx, args)
    }

    /// Votes for a job's outcome; replaceable until it is settled. Oracle.
    pub fn attest_job(ctx: Context<AttestJob>, outcome_hash: [u8; 32]) -> Result<()> {
        AttestJob::attest_job(ctx, outcome_hash)
    }

    /// Moves the escrow as the attested outcome says. Anyone; the bonds follow as remaining accounts.
    pub fn settle_job<'info>(ctx: Context<'info, SettleJob<'info>>, outcome: Outcome) -> Result<()> {
        SettleJob::settle_job(ctx, outcome)
    }

    /// Pays out what a bond has earned. The tenure's holder.
    pub fn withdraw(ctx: Context<Withdraw>, amount: u64) -> Result<()> {
        Withdraw::withdraw(ctx, amount)
    }
}
