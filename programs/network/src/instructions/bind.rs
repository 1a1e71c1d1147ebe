use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::get_associated_token_address_with_program_id,
    token_2022::spl_token_2022::{
        extension::{BaseStateWithExtensions, StateWithExtensions, group_member_pointer::GroupMemberPointer},
        state::{AccountState, Mint as MintState},
    },
    token_2022::{self, FreezeAccount, Token2022},
    token_interface::{Mint, TokenAccount},
};
use spl_token_group_interface::state::TokenGroupMember;

use crate::{constants::*, errors::NetworkError, events::NodeBound, state::*};

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
    #[account(seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [PROJECT_SEED, &project.index.to_le_bytes()], bump = project.bump)]
    pub project: Box<Account<'info, Project>>,
    #[account(seeds = [DISTRIBUTION_SEED, project.key().as_ref()], bump = distribution.load()?.bump)]
    pub distribution: AccountLoader<'info, Distribution>,
    pub licence: Box<InterfaceAccount<'info, Mint>>,
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
    #[account(address = project.reward_mint)]
    pub reward_mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_2022_program: Program<'info, Token2022>,
    pub system_program: Program<'info, System>,
}

impl Bind<'_> {
    fn validate(&self, args: &BindArgs) -> Result<()> {
        // holder, distribution, reward_mint - checked by their constraints. node, tenure - in the handler.
        self.network.require_running(pause::BIND, Clock::get()?.unix_timestamp)?;
        require!(!self.project.closed, NetworkError::ProjectClosed);
        self.validate_licence()?;
        let account = &self.licence_account;
        require!(account.amount == 1, NetworkError::NotHolder);
        require!(account.state == AccountState::Initialized, NetworkError::AlreadyBound);
        require!(account.delegate.is_none() && account.close_authority.is_none(), NetworkError::LicenceDelegated);
        require_keys_neq!(args.node_key, Pubkey::default(), NetworkError::ZeroKey);
        require_keys_neq!(args.node_key, self.holder.key(), NetworkError::NodeKeyIsHolder);
        require!(self.key_marker.data_is_empty(), NetworkError::NodeKeyTaken);
        require_keys_neq!(args.payout_owner, Pubkey::default(), NetworkError::ZeroKey);
        Ok(())
    }

    /// A licence is a member, in its own mint, of the project's group: supply 1, no decimals, nobody can mint more.
    fn validate_licence(&self) -> Result<()> {
        let licence = &self.licence;
        require!(
            licence.supply == 1 && licence.decimals == 0 && licence.mint_authority.is_none(),
            NetworkError::NotALicence
        );
        require!(
            Option::<Pubkey>::from(licence.freeze_authority) == Some(self.project.key()),
            NetworkError::NotALicence
        );
        let info = licence.to_account_info();
        let data = info.try_borrow_data()?;
        let state = StateWithExtensions::<MintState>::unpack(&data)?;
        let pointer = state.get_extension::<GroupMemberPointer>().map_err(|_| NetworkError::NotALicence)?;
        let member = state.get_extension::<TokenGroupMember>().map_err(|_| NetworkError::NotALicence)?;
        require!(
            Option::<Pubkey>::from(pointer.member_address) == Some(licence.key())
                && member.mint == licence.key()
                && member.group == self.project.collection,
            NetworkError::NotALicence
        );
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn bind(ctx: Context<Self>, args: BindArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let serial = accounts.enter_node(&args, now, ctx.bumps.node)?;
        let tenure = accounts.enter_tenure(&args, now, ctx.bumps.tenure)?;
        accounts.freeze()?;
        let event = NodeBound {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            licence: accounts.licence.key(),
            serial,
            holder: accounts.holder.key(),
            node_key: args.node_key,
            tenure: accounts.tenure.key(),
            tenure_number: args.tenure_number,
            leaf_index: tenure.leaf_index,
            from_epoch: tenure.from_epoch,
            payout: tenure.payout,
            payout_owner: tenure.payout_owner,
            metadata_hash: args.metadata_hash,
        };
        emit_cpi!(event);
        Ok(())
    }

    /// Writes the node: new on the licence's first bind, free on every later one. Returns the licence's serial.
    fn enter_node(&self, args: &BindArgs, now: i64, bump: u8) -> Result<u32> {
        let serial = self.serial()?;
        let new = is_new(&self.node.to_account_info())?;
        let mut node = if new { self.node.load_init()? } else { self.node.load_mut()? };
        if new {
            node.project = self.project.key();
            node.licence = self.licence.key();
            node.serial = serial;
            node.standard = licence_standard::TOKEN_2022;
            node.bump = bump;
            node.version = ACCOUNT_VERSION;
        } else {
            require!(node.status == node_status::FREE, NetworkError::AlreadyBound);
        }
        // The same holder keeps his tenure, a new one makes the next; `enter_tenure` checks whose it is.
        let next = node.tenure_number.checked_add(1).ok_or(NetworkError::Overflow)?;
        let keeps = !new && args.tenure_number == node.tenure_number;
        require!(keeps || args.tenure_number == next, NetworkError::WrongTenureNumber);
        node.tenure_number = args.tenure_number;
        node.tenure = self.tenure.key();
        node.licence_account = self.licence_account.key();
        node.node_key = args.node_key;
        node.metadata_hash = args.metadata_hash;
        node.status = node_status::BOUND;
        node.bound_at = now;
        node.accepted_at = 0;
        node.thaw_at = 0;
        Ok(serial)
    }

    /// Writes the tenure: a new one gets the project's next leaf and the holder's payout account.
    fn enter_tenure(&mut self, args: &BindArgs, now: i64, bump: u8) -> Result<Tenure> {
        let epoch = self.network.epoch_at(now);
        if !is_new(&self.tenure.to_account_info())? {
            let mut tenure = self.tenure.load_mut()?;
            require_keys_eq!(tenure.holder, self.holder.key(), NetworkError::WrongTenureNumber);
            tenure.until_epoch = EPOCH_NEVER;
            return Ok(*tenure);
        }
        let leaf_index = self.project.leaf_count;
        require!(leaf_index < LEAVES_MAX, NetworkError::LeavesExhausted);
        self.project.leaf_count = leaf_index.checked_add(1).ok_or(NetworkError::Overflow)?;
        let mut tenure = self.tenure.load_init()?;
        tenure.node = self.node.key();
        tenure.project = self.project.key();
        tenure.distribution = self.distribution.key();
        tenure.holder = self.holder.key();
        tenure.payout_owner = args.payout_owner;
        tenure.payout = get_associated_token_address_with_program_id(
            &args.payout_owner,
            &self.project.reward_mint,
            self.reward_mint.to_account_info().owner,
        );
        tenure.from_epoch = epoch;
        tenure.until_epoch = EPOCH_NEVER;
        tenure.created_at = now;
        tenure.leaf_index = leaf_index;
        tenure.number = args.tenure_number;
        tenure.bump = bump;
        tenure.version = ACCOUNT_VERSION;
        Ok(*tenure)
    }

    /// The member number that Token-2022 gave the licence, counted from 0 as `buy_licence` does.
    fn serial(&self) -> Result<u32> {
        let info = self.licence.to_account_info();
        let data = info.try_borrow_data()?;
        let state = StateWithExtensions::<MintState>::unpack(&data)?;
        let member = state.get_extension::<TokenGroupMember>().map_err(|_| NetworkError::NotALicence)?;
        let number = u64::from(member.member_number).checked_sub(1).ok_or(NetworkError::NotALicence)?;
        u32::try_from(number).map_err(|_| error!(NetworkError::Overflow))
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

/// Whether `init_if_needed` made the account in this instruction: its discriminator is written at the end.
pub(crate) fn is_new(account: &AccountInfo) -> Result<bool> {
    let data = account.try_borrow_data()?;
    Ok(data.iter().take(8).all(|byte| *byte == 0))
}
