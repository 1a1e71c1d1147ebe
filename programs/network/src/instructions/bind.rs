use anchor_lang::prelude::*;
use anchor_spl::{
    token_2022::{self, FreezeAccount, Token2022, spl_token_2022::state::AccountState},
    token_interface::TokenAccount,
};

use crate::{
    binding::Binding,
    constants::*,
    emit::emit,
    errors::NetworkError,
    licences::{shown, token_2022::read_serial},
    state::*,
};

/// What a holder states when binding.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct BindArgs {
    /// The number of the tenure that this bind makes, or keeps if the same holder binds again.
    pub tenure_number: u32,
    pub node_key: Pubkey,
    /// Wallet whose associated token account of the reward mint is paid.
    pub payout_owner: Pubkey,
    /// SHA-256 of the node's metadata document.
    pub metadata_hash: [u8; 32],
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: BindArgs)]
pub struct Bind<'info> {
    #[account(mut)]
    pub holder: Signer<'info>,
    /// CHECK: by its owner and type, in `NetworkTerms`: there is one network.
    pub network: UncheckedAccount<'info>,
    /// The licence names its project: the relation says what seeds would.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(constraint = distribution.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: read in `licence_serial`.
    pub licence: UncheckedAccount<'info>,
    #[account(
        mut, token::mint = licence, token::authority = holder, token::token_program = token_2022_program,
    )]
    pub licence_account: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(
        init_if_needed, payer = holder, space = 8 + size_of::<Node>(),
        seeds = [NODE_SEED, licence.key().as_ref()], bump,
    )]
    pub node: AccountLoader<'info, Node>,
    #[account(
        init_if_needed, payer = holder, space = 8 + size_of::<Tenure>(),
        seeds = [TENURE_SEED, node.key().as_ref(), &args.tenure_number.to_le_bytes()], bump,
    )]
    pub tenure: AccountLoader<'info, Tenure>,
    /// CHECK: the address is derived from the node key; only that nothing is there is asked.
    #[account(seeds = [KEY_SEED, args.node_key.as_ref()], bump)]
    pub key_marker: UncheckedAccount<'info>,
    /// CHECK: the project's mint; its owner is the token program of the payout account.
    #[account(address = project.reward_mint)]
    pub reward_mint: UncheckedAccount<'info>,
    pub token_2022_program: Program<'info, Token2022>,
    pub system_program: Program<'info, System>,
}

impl Bind<'_> {
    fn validate(&self) -> Result<()> {
        // holder, distribution, reward_mint - checked by their constraints. network, node, tenure, key_marker and the
        // arguments - by `Binding`. licence - in the handler, which needs its serial.
        // A node follows one standard: by the other it could be frozen and never thawed.
        require!(self.project.standard == licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        let account = &self.licence_account;
        require!(account.amount == 1, NetworkError::NotHolder);
        require!(account.state == AccountState::Initialized, NetworkError::AlreadyBound);
        require!(account.delegate.is_none() && account.close_authority.is_none(), NetworkError::LicenceDelegated);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn bind(ctx: Context<Self>, args: BindArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let binding = Binding {
            network: NetworkTerms::read(&accounts.network)?,
            args: &args,
            project: accounts.project.key(),
            distribution: accounts.distribution.key(),
            holder: accounts.holder.key(),
            licence: accounts.licence.key(),
            licence_account: accounts.licence_account.key(),
            serial: accounts.licence_serial()?,
            standard: licence_standard::TOKEN_2022,
            reward_token_program: *accounts.reward_mint.owner,
            now: Clock::get()?.unix_timestamp,
        };
        binding.validate(&accounts.project, &accounts.key_marker)?;
        let bumps = (ctx.bumps.node, ctx.bumps.tenure);
        let event = binding.enter(&mut accounts.project, &accounts.node, &accounts.tenure, bumps)?;
        accounts.freeze()?;
        emit(&event, &accounts.event_authority)
    }

    fn licence_serial(&self) -> Result<u32> {
        let (licence, project) = (&self.licence, &self.project);
        let data = licence.try_borrow_data()?;
        read_serial(&shown(licence, &data), &project.key(), &project.collection)
            .ok_or_else(|| error!(NetworkError::NotALicence))
    }

    /// A bound licence cannot be sold, lent or burnt.
    fn freeze(&self) -> Result<()> {
        let seeds: &[&[u8]] = &[PROJECT_SEED, &self.project.index.to_le_bytes(), &[self.project.bump]];
        token_2022::freeze_account(CpiContext::new_with_signer(
            self.token_2022_program.key(),
            FreezeAccount {
                account: self.licence_account.to_account_info(),
                mint: self.licence.to_account_info(),
                authority: self.project.to_account_info(),
            },
            &[seeds],
        ))
    }
}
