use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use muster_network::{authority::uses_durable_nonce, state::Network};

use crate::{
    constants::*,
    errors::JobsError,
    events::{JobsInitialized, emit},
    state::*,
};

/// Limits of the jobs program; amounts in base units, lengths in seconds.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct JobsConfigArgs {
    pub default_stake: u64,
    pub stake_min: u64,
    pub sponsor_min: u64,
    /// 1 second to 7 days.
    pub attest_grace: u32,
    /// 1 second to 7 days.
    pub cancel_window: u32,
    /// Longer than `slash_delay`, 60 days at most.
    pub unbond_delay: u32,
    pub slash_delay: u32,
}

impl JobsConfigArgs {
    /// Stakes are not zero, money is not locked for longer than the program's limits, and stake that
    /// begins to unbond outlasts the delay of a slash.
    pub(super) fn validate(&self) -> Result<()> {
        let windows = [self.attest_grace, self.cancel_window];
        require!(
            self.stake_min > 0
                && self.default_stake >= self.stake_min
                && self.sponsor_min > 0
                && windows.iter().all(|window| (1..=WINDOW_MAX_S).contains(window))
                && self.slash_delay > 0
                && self.unbond_delay > self.slash_delay
                && self.unbond_delay <= UNBOND_DELAY_MAX_S,
            JobsError::ConfigInvalid
        );
        Ok(())
    }

    pub(super) fn write(&self, config: &mut JobsConfig) {
        config.default_stake = self.default_stake;
        config.stake_min = self.stake_min;
        config.sponsor_min = self.sponsor_min;
        config.attest_grace = self.attest_grace;
        config.cancel_window = self.cancel_window;
        config.unbond_delay = self.unbond_delay;
        config.slash_delay = self.slash_delay;
    }
}

#[event_cpi]
#[derive(Accounts)]
pub struct InitializeJobs<'info> {
    #[account(mut, constraint = authority.key() == network.authority @ JobsError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type that can exist.
    pub network: Box<Account<'info, Network>>,
    #[account(init, payer = authority, space = 8 + size_of::<JobsConfig>(), seeds = [CONFIG_SEED], bump)]
    pub config: AccountLoader<'info, JobsConfig>,
    #[account(address = network.job_mint @ JobsError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = authority, seeds = [BOND_VAULT_SEED], bump,
        token::mint = mint, token::authority = config, token::token_program = token_program,
    )]
    pub bond_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: the sysvar, by its address, in `validate`.
    pub instructions: UncheckedAccount<'info>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl InitializeJobs<'_> {
    fn validate(&self, args: &JobsConfigArgs) -> Result<()> {
        // authority, network, config, mint, bond_vault - checked by their constraints.
        require!(!uses_durable_nonce(&self.instructions)?, JobsError::DurableNonce);
        args.validate()
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn initialize_jobs(ctx: Context<Self>, args: JobsConfigArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mint = accounts.mint.key();
        let treasury_seeds: &[&[u8]] = &[muster_network::TREASURY_SEED, mint.as_ref()];
        let mut config = accounts.config.load_init()?;
        args.write(&mut config);
        config.network = accounts.network.key();
        config.mint = mint;
        config.token_program = accounts.token_program.key();
        config.bond_vault = accounts.bond_vault.key();
        config.treasury = Pubkey::find_program_address(treasury_seeds, &muster_network::ID).0;
        config.decimals = accounts.mint.decimals;
        config.bump = ctx.bumps.config;
        config.version = ACCOUNT_VERSION;
        let event = JobsInitialized {
            stream: accounts.config.key(),
            seq: config.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            network: config.network,
            mint,
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
