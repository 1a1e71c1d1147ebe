use anchor_lang::prelude::*;
use muster_network::{authority::uses_durable_nonce, state::Network};

use super::JobsConfigArgs;
use crate::{
    errors::JobsError,
    events::{JobsConfigSet, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct SetJobsConfig<'info> {
    #[account(constraint = authority.key() == network.authority @ JobsError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type that can exist.
    pub network: Box<Account<'info, Network>>,
    /// The only account of its type that can exist.
    #[account(mut)]
    pub config: AccountLoader<'info, JobsConfig>,
    /// CHECK: the sysvar, by its address, in `validate`.
    pub instructions: UncheckedAccount<'info>,
}

impl SetJobsConfig<'_> {
    fn validate(&self, args: &JobsConfigArgs) -> Result<()> {
        // authority - checked by its constraint. network, config - known by their types.
        require!(!uses_durable_nonce(&self.instructions)?, JobsError::DurableNonce);
        args.validate()
    }

    /// Holds for what comes: a job keeps the windows and an unbonding the moment that it began with.
    #[access_control(ctx.accounts.validate(&args))]
    pub fn set_jobs_config(ctx: Context<Self>, args: JobsConfigArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut config = accounts.config.load_mut()?;
        args.write(&mut config);
        let event = JobsConfigSet {
            stream: accounts.config.key(),
            seq: config.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            default_stake: args.default_stake,
            stake_min: args.stake_min,
            sponsor_min: args.sponsor_min,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
            unbond_delay: args.unbond_delay,
            slash_delay: args.slash_delay,
        };
        drop(config);
        emit(&accounts.event_authority, &event)
    }
}
