use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{constants::*, errors::NetworkError, events::NetworkInitialized, mints::require_plain_mint, state::*};

/// What a network is made of.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeNetworkArgs {
    pub authority: Pubkey,
    pub guardian: Pubkey,
    pub treasury_owner: Pubkey,
    pub fee_bps: u16,
    /// Seconds, as every length here.
    pub epoch_len: u32,
    pub bucket_len: u32,
    pub grace: u32,
    pub root_delay: u32,
    pub hold_limit: u32,
    pub oracle_set_delay: u32,
}

#[event_cpi]
#[derive(Accounts)]
pub struct InitializeNetwork<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    pub upgrade_authority: Signer<'info>,
    #[account(
        seeds = [crate::ID.as_ref()],
        bump,
        seeds::program = bpf_loader_upgradeable::ID,
        constraint = program_data.upgrade_authority_address == Some(upgrade_authority.key())
            @ NetworkError::NotUpgradeAuthority,
    )]
    pub program_data: Box<Account<'info, ProgramData>>,
    #[account(init, payer = payer, space = 8 + Network::INIT_SPACE, seeds = [NETWORK_SEED], bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(init, payer = payer, space = 8 + size_of::<OracleSet>(), seeds = [ORACLE_SET_SEED], bump)]
    pub oracle_set: AccountLoader<'info, OracleSet>,
    pub job_mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = payer, seeds = [TREASURY_SEED, job_mint.key().as_ref()], bump,
        token::mint = job_mint, token::authority = network, token::token_program = token_program,
    )]
    pub treasury: Box<InterfaceAccount<'info, TokenAccount>>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl InitializeNetwork<'_> {
    fn validate(&self, args: &InitializeNetworkArgs) -> Result<()> {
        // payer, upgrade_authority, program_data, network, oracle_set, treasury - checked by their constraints.
        require_plain_mint(&self.job_mint.to_account_info())?;
        for key in [args.authority, args.guardian, args.treasury_owner] {
            require_keys_neq!(key, Pubkey::default(), NetworkError::ZeroKey);
        }
        require!(args.epoch_len >= 1 && args.epoch_len <= EPOCH_LEN_MAX_S, NetworkError::EpochLenOutOfRange);
        require!(args.hold_limit >= 1 && args.hold_limit <= HOLD_LIMIT_MAX_S, NetworkError::HoldLimitOutOfRange);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn initialize_network(ctx: Context<Self>, args: InitializeNetworkArgs) -> Result<()> {
        let mut allowed_mints = [Pubkey::default(); MINTS_MAX];
        allowed_mints[0] = ctx.accounts.job_mint.key();
        let network = &mut ctx.accounts.network;
        network.set_inner(Network {
            version: ACCOUNT_VERSION,
            bump: ctx.bumps.network,
            authority: args.authority,
            pending_authority: Pubkey::default(),
            guardian: args.guardian,
            pending_guardian: Pubkey::default(),
            treasury_owner: args.treasury_owner,
            pending_treasury_owner: Pubkey::default(),
            job_mint: allowed_mints[0],
            allowed_mints,
            allowed_mint_count: 1,
            fee_bps: args.fee_bps,
            next_fee_bps: args.fee_bps,
            next_fee_epoch: 0,
            epoch_len: args.epoch_len,
            bucket_len: args.bucket_len,
            grace: args.grace,
            root_delay: args.root_delay,
            hold_limit: args.hold_limit,
            oracle_set_delay: args.oracle_set_delay,
            paused: 0,
            guardian_paused: 0,
            guardian_pause_until: 0,
            project_count: 0,
            seq: 0,
            _reserved: [0; 256],
        });
        network.invariant()?;

        let mut oracle_set = ctx.accounts.oracle_set.load_init()?;
        oracle_set.bump = ctx.bumps.oracle_set;
        oracle_set.version = ACCOUNT_VERSION;
        drop(oracle_set);

        let event = NetworkInitialized {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            authority: args.authority,
            guardian: args.guardian,
            treasury_owner: args.treasury_owner,
            job_mint: network.job_mint,
            fee_bps: args.fee_bps,
            epoch_len: args.epoch_len,
            bucket_len: args.bucket_len,
            grace: args.grace,
            root_delay: args.root_delay,
            hold_limit: args.hold_limit,
            oracle_set_delay: args.oracle_set_delay,
        };
        emit_cpi!(event);
        Ok(())
    }
}
