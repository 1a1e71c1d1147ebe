use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::AssociatedToken,
    token_2022::Token2022,
    token_interface::{Mint, TokenAccount},
};

use crate::{constants::*, errors::NetworkError, events::LicenceGifted, minting::LicenceMint, state::*};

#[event_cpi]
#[derive(Accounts)]
#[instruction(serial: u32)]
pub struct GiftLicence<'info> {
    #[account(mut, constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// CHECK: the wallet that gets the licence; the owner names whom he likes.
    pub recipient: UncheckedAccount<'info>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, address = project.collection)]
    pub collection: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = owner, seeds = [LICENCE_SEED, project.key().as_ref(), &serial.to_le_bytes()], bump,
        mint::decimals = 0, mint::authority = project, mint::freeze_authority = project,
        mint::token_program = token_2022_program,
        extensions::group_member_pointer::authority = project,
        extensions::group_member_pointer::member_address = licence,
        extensions::metadata_pointer::authority = project,
        extensions::metadata_pointer::metadata_address = licence,
    )]
    pub licence: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init_if_needed, payer = owner, associated_token::mint = licence, associated_token::authority = recipient,
        associated_token::token_program = token_2022_program,
    )]
    pub licence_account: Box<InterfaceAccount<'info, TokenAccount>>,
    pub token_2022_program: Program<'info, Token2022>,
    pub associated_token_program: Program<'info, AssociatedToken>,
    pub system_program: Program<'info, System>,
}

impl GiftLicence<'_> {
    fn validate(&self, serial: u32) -> Result<()> {
        // owner, network, project, collection, licence, licence_account - checked by their constraints.
        self.network.require_running(pause::BUY, Clock::get()?.unix_timestamp)?;
        require_keys_neq!(self.recipient.key(), Pubkey::default(), NetworkError::ZeroKey);
        self.project.require_licence_left(serial)
    }

    #[access_control(ctx.accounts.validate(serial))]
    pub fn gift_licence(ctx: Context<Self>, serial: u32) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        LicenceMint {
            payer: &accounts.owner,
            project: &mut accounts.project,
            collection: &accounts.collection,
            licence: &accounts.licence,
            licence_account: &accounts.licence_account,
            token_2022_program: &accounts.token_2022_program,
            system_program: &accounts.system_program,
        }
        .mint(serial)?;
        let event = LicenceGifted {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            licence: accounts.licence.key(),
            serial,
            recipient: accounts.recipient.key(),
        };
        emit_cpi!(event);
        Ok(())
    }
}
