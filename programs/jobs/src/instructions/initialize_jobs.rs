use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use muster_network::state::Network;

use crate::{constants::*, errors::JobsError, events::JobsInitialized, state::*};

/// Limits of the jobs program; amounts in base units, lengths in seconds.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeJobsArgs {
    pub default_stake: u64,
    pub stake_min: u64,
    pub attest_grace: u32,
    pub cancel_window: u32,
    pub unbond_delay: u32,
}

#[event_cpi]
#[derive(Accounts)]
pub struct InitializeJobs<'info> {
    #[account(mut, constraint = authority.key() == network.authority @ JobsError::NotAuthority)]
    pub authority: Signer<'info>,
    #[account(
        seeds = [muster_network::NETWORK_SEED], bump = network.bump, seeds::program = muster_network::ID,
    )]
    pub network: Box<Account<'info, Network>>,
    #[account(init, payer = authority, space = 8 + JobsConfig::INIT_SPACE, seeds = [CONFIG_SEED], bump)]
    pub config: Box<Account<'info, JobsConfig>>,
    #[account(address = network.job_mint @ JobsError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = authority, seeds = [BOND_VAULT_SEED], bump,
        token::mint = mint, token::authority = config, token::token_program = token_program,
    )]
    pub bond_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl InitializeJobs<'_> {
    fn validate(&self, args: &InitializeJobsArgs) -> Result<()> {
        // authority, network, config, mint, bond_vault - checked by their constraints.
        require!(
            args.stake_min > 0
                && args.default_stake >= args.stake_min
                && args.attest_grace > 0
                && args.cancel_window > 0,
            JobsError::ConfigInvalid
        );
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn initialize_jobs(ctx: Context<Self>, args: InitializeJobsArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.config.set_inner(JobsConfig {
            version: ACCOUNT_VERSION,
            bump: ctx.bumps.config,
            bond_vault_bump: ctx.bumps.bond_vault,
            network: accounts.network.key(),
            mint: accounts.mint.key(),
            default_stake: args.default_stake,
            stake_min: args.stake_min,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
            unbond_delay: args.unbond_delay,
            job_count: 0,
            bond_count: 0,
            seq: 1,
            _reserved: [0; 256],
        });
        let event = JobsInitialized {
            stream: accounts.config.key(),
            seq: 1,
            timestamp: Clock::get()?.unix_timestamp,
            network: accounts.network.key(),
            mint: accounts.mint.key(),
            default_stake: args.default_stake,
            stake_min: args.stake_min,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
        };
        emit_cpi!(event);
        Ok(())
    }
}
