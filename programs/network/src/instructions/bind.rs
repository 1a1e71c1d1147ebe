use anchor_lang::{
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed_unchecked,
    },
};
use anchor_spl::token_2022::Token2022;

use crate::{
    binding::Binding,
    constants::*,
    emit::emit,
    errors::NetworkError,
    licences::{shown, token_2022::read_serial},
    mints::Holding,
    state::*,
};

/// Number of `FreezeAccount` in Token-2022.
const FREEZE_ACCOUNT: u8 = 10;

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
    /// CHECK: the holder's token account of the licence, in `validate`.
    #[account(mut)]
    pub licence_account: UncheckedAccount<'info>,
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
        let account = Holding::read(&self.licence_account, self.token_2022_program.key)?;
        require_keys_eq!(account.mint, *self.licence.key, ErrorCode::ConstraintTokenMint);
        require_keys_eq!(account.owner, *self.holder.key, ErrorCode::ConstraintTokenOwner);
        require!(account.amount == 1, NetworkError::NotHolder);
        require!(!account.is_frozen, NetworkError::AlreadyBound);
        require!(!account.is_delegated, NetworkError::LicenceDelegated);
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
        let accounts = vec![
            AccountMeta::new(*self.licence_account.key, false),
            AccountMeta::new_readonly(*self.licence.key, false),
            AccountMeta::new_readonly(self.project.key(), true),
        ];
        let data = vec![FREEZE_ACCOUNT];
        let freeze = Instruction { program_id: *self.token_2022_program.key, accounts, data };
        let infos =
            [self.licence_account.to_account_info(), self.licence.to_account_info(), self.project.to_account_info()];
        // Unchecked: nothing of the three is borrowed here.
        invoke_signed_unchecked(&freeze, &infos, &[seeds])?;
        Ok(())
    }
}
