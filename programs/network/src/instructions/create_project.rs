use anchor_lang::prelude::*;
use anchor_spl::{
    token_2022::Token2022,
    token_2022_extensions::{TokenGroupInitialize, token_group_initialize},
    token_interface::{Mint, TokenAccount, TokenInterface},
};

use crate::{
    constants::*,
    errors::NetworkError,
    events::ProjectCreated,
    minting::fund_growth,
    mints::require_plain_mint,
    state::*,
    text::{padded, require_text},
};

/// Bytes that the Token-2022 group adds to a mint: type, length, update authority, mint, size, max size.
const GROUP_TLV_LEN: u64 = 4 + 32 + 32 + 8 + 8;

/// What a project is made of.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CreateProjectArgs {
    /// The network's `project_count`: the index that the project gets.
    pub index: u64,
    pub settler: Pubkey,
    /// Price of a licence, base units of the payment mint.
    pub price: u64,
    /// Licences that can ever be sold.
    pub licences_max: u32,
    pub formula: PointsFormula,
    /// Base units of the reward mint.
    pub max_epoch_budget: u64,
    /// One of `reward_mode`.
    pub reward_mode: u8,
    /// 1 to 32 bytes.
    pub name: String,
    /// The licences' metadata, up to 128 bytes.
    pub uri: String,
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: CreateProjectArgs)]
pub struct CreateProject<'info> {
    #[account(mut)]
    pub owner: Signer<'info>,
    #[account(mut, seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(
        init, payer = owner, space = 8 + Project::INIT_SPACE,
        seeds = [PROJECT_SEED, &args.index.to_le_bytes()], bump,
    )]
    pub project: Box<Account<'info, Project>>,
    #[account(
        init, payer = owner, space = 8 + size_of::<Distribution>(),
        seeds = [DISTRIBUTION_SEED, project.key().as_ref()], bump,
    )]
    pub distribution: AccountLoader<'info, Distribution>,
    /// The licence collection: a Token-2022 group that only the project can add members to.
    #[account(
        init, payer = owner, seeds = [GROUP_SEED, project.key().as_ref()], bump,
        mint::decimals = 0, mint::authority = project, mint::freeze_authority = project,
        mint::token_program = token_2022_program,
        extensions::group_pointer::authority = project,
        extensions::group_pointer::group_address = collection,
    )]
    pub collection: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = owner, space = 8 + CollectionMarker::INIT_SPACE,
        seeds = [COLLECTION_SEED, collection.key().as_ref()], bump,
    )]
    pub collection_marker: Box<Account<'info, CollectionMarker>>,
    pub reward_mint: Box<InterfaceAccount<'info, Mint>>,
    pub payment_mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = owner, seeds = [BUDGET_SEED, project.key().as_ref()], bump,
        token::mint = reward_mint, token::authority = project, token::token_program = token_program,
    )]
    pub budget_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(
        init, payer = owner, seeds = [VAULT_SEED, distribution.key().as_ref()], bump,
        token::mint = reward_mint, token::authority = distribution, token::token_program = token_program,
    )]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Token program of the reward mint.
    pub token_program: Interface<'info, TokenInterface>,
    pub token_2022_program: Program<'info, Token2022>,
    pub system_program: Program<'info, System>,
}

impl CreateProject<'_> {
    fn validate(&self, args: &CreateProjectArgs) -> Result<()> {
        // owner, project, distribution, collection, collection_marker, budget_vault, vault - made here.
        require!(self.network.allows_mint(&self.reward_mint.key()), NetworkError::MintNotAllowed);
        require!(self.network.allows_mint(&self.payment_mint.key()), NetworkError::MintNotAllowed);
        require_plain_mint(&self.reward_mint.to_account_info())?;
        require_plain_mint(&self.payment_mint.to_account_info())?;
        require_keys_neq!(args.settler, Pubkey::default(), NetworkError::ZeroKey);
        require!(args.licences_max >= 1 && args.licences_max <= LEAVES_MAX, NetworkError::SoldOut);
        args.formula.validate()?;
        require!(
            args.reward_mode == reward_mode::ONCHAIN || args.reward_mode == reward_mode::EXTERNAL,
            NetworkError::RewardModeUnknown
        );
        require_text(&args.name, NAME_LEN_MAX)?;
        require_text(&args.uri, URI_LEN_MAX)?;
        require!(!args.name.is_empty(), NetworkError::TextInvalid);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn create_project(ctx: Context<Self>, args: CreateProjectArgs) -> Result<()> {
        let clock = Clock::get()?;
        let accounts = &mut *ctx.accounts;
        require!(args.index == accounts.network.project_count, NetworkError::WrongSerial);
        accounts.network.project_count = args.index.checked_add(1).ok_or(NetworkError::Overflow)?;
        let next_epoch =
            accounts.network.epoch_at(clock.unix_timestamp).checked_add(1).ok_or(NetworkError::Overflow)?;

        accounts.project.set_inner(Project {
            version: ACCOUNT_VERSION,
            bump: ctx.bumps.project,
            index: args.index,
            owner: accounts.owner.key(),
            pending_owner: Pubkey::default(),
            settler: args.settler,
            collection: accounts.collection.key(),
            reward_mint: accounts.reward_mint.key(),
            payment_mint: accounts.payment_mint.key(),
            price: args.price,
            licences_max: args.licences_max,
            licences_sold: 0,
            formula: args.formula,
            next_formula: args.formula,
            next_formula_epoch: 0,
            max_epoch_budget: args.max_epoch_budget,
            next_max_epoch_budget: args.max_epoch_budget,
            next_budget_epoch: 0,
            leaf_count: 0,
            next_epoch,
            created_at: clock.unix_timestamp,
            withdraw_amount: 0,
            withdraw_at: 0,
            pool_count: 0,
            reward_mode: args.reward_mode,
            standard: licence_standard::TOKEN_2022,
            budget_vault_bump: ctx.bumps.budget_vault,
            closed: false,
            seq: 1,
            name: padded(&args.name),
            uri: padded(&args.uri),
            _reserved: [0; 256],
        });
        accounts.collection_marker.project = accounts.project.key();
        accounts.collection_marker.bump = ctx.bumps.collection_marker;

        let mut distribution = accounts.distribution.load_init()?;
        distribution.project = accounts.project.key();
        distribution.mint = accounts.reward_mint.key();
        distribution.vault = accounts.vault.key();
        distribution.budget_vault = accounts.budget_vault.key();
        let mint = accounts.reward_mint.key();
        distribution.treasury = Pubkey::find_program_address(&[TREASURY_SEED, mint.as_ref()], &crate::ID).0;
        distribution.reward_mode = args.reward_mode;
        distribution.epoch_len = accounts.network.epoch_len;
        distribution.bump = ctx.bumps.distribution;
        distribution.version = ACCOUNT_VERSION;
        drop(distribution);

        accounts.initialize_group(args.licences_max)?;
        let event = ProjectCreated {
            stream: accounts.project.key(),
            seq: 1,
            timestamp: clock.unix_timestamp,
            index: args.index,
            owner: accounts.owner.key(),
            settler: args.settler,
            collection: accounts.collection.key(),
            distribution: accounts.distribution.key(),
            reward_mint: accounts.reward_mint.key(),
            payment_mint: accounts.payment_mint.key(),
            price: args.price,
            licences_max: args.licences_max,
            formula: args.formula,
            max_epoch_budget: args.max_epoch_budget,
            reward_mode: args.reward_mode,
            next_epoch,
            name: args.name,
            uri: args.uri,
        };
        emit_cpi!(event);
        Ok(())
    }

    /// Token-2022 appends the group to the mint by reallocation: the mint must hold the rent of its final size first.
    fn initialize_group(&self, licences_max: u32) -> Result<()> {
        let mint = self.collection.to_account_info();
        fund_growth(&self.owner, &mint, &self.system_program, GROUP_TLV_LEN)?;
        let project = self.project.to_account_info();
        let seeds: &[&[u8]] = &[PROJECT_SEED, &self.project.index.to_le_bytes(), &[self.project.bump]];
        token_group_initialize(
            CpiContext::new_with_signer(
                self.token_2022_program.key(),
                TokenGroupInitialize {
                    program_id: self.token_2022_program.to_account_info(),
                    group: mint.clone(),
                    mint,
                    mint_authority: project,
                },
                &[seeds],
            ),
            Some(self.project.key()),
            u64::from(licences_max),
        )
    }
}
