use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::{AssociatedToken, get_associated_token_address_with_program_id},
    token_2022::{self, MintTo, SetAuthority, Token2022, spl_token_2022::instruction::AuthorityType},
    token_2022_extensions::{
        TokenMemberInitialize, TokenMetadataInitialize, token_member_initialize, token_metadata_initialize,
    },
    token_interface::{Mint, TokenAccount, TokenInterface},
};

use super::create_project::fund_growth;
use crate::{constants::*, errors::NetworkError, events::LicenceSold, mints::Transfer, state::*};

/// Symbol of every licence.
const LICENCE_SYMBOL: &str = "LICENCE";
/// Bytes that the group member adds to a mint: type, length, mint, group, number.
const MEMBER_TLV_LEN: usize = 4 + 32 + 32 + 8;
/// Bytes that empty metadata adds: type, length, update authority, mint, three lengths, count of further fields.
const METADATA_TLV_LEN: usize = 4 + 32 + 32 + 4 + 4 + 4 + 4;

#[event_cpi]
#[derive(Accounts)]
#[instruction(serial: u32)]
pub struct BuyLicence<'info> {
    #[account(mut)]
    pub buyer: Signer<'info>,
    #[account(seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [PROJECT_SEED, &project.index.to_le_bytes()], bump = project.bump)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, address = project.collection)]
    pub collection: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init, payer = buyer, seeds = [LICENCE_SEED, project.key().as_ref(), &serial.to_le_bytes()], bump,
        mint::decimals = 0, mint::authority = project, mint::freeze_authority = project,
        mint::token_program = token_2022_program,
        extensions::group_member_pointer::authority = project,
        extensions::group_member_pointer::member_address = licence,
        extensions::metadata_pointer::authority = project,
        extensions::metadata_pointer::metadata_address = licence,
    )]
    pub licence: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init_if_needed, payer = buyer, associated_token::mint = licence, associated_token::authority = buyer,
        associated_token::token_program = token_2022_program,
    )]
    pub licence_account: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = project.payment_mint)]
    pub payment_mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(mut, token::mint = payment_mint, token::authority = buyer, token::token_program = token_program)]
    pub payment_source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The project owner's associated account; no other can be named.
    #[account(
        mut, token::mint = payment_mint, token::authority = project.owner, token::token_program = token_program,
    )]
    pub payment_destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Token program of the payment mint.
    pub token_program: Interface<'info, TokenInterface>,
    pub token_2022_program: Program<'info, Token2022>,
    pub associated_token_program: Program<'info, AssociatedToken>,
    pub system_program: Program<'info, System>,
}

impl BuyLicence<'_> {
    fn validate(&self, serial: u32, max_price: u64) -> Result<()> {
        // buyer, collection, licence, licence_account, payment_mint and the programs - checked by their constraints.
        self.network.require_running(pause::BUY, Clock::get()?.unix_timestamp)?;
        require!(!self.project.closed, NetworkError::ProjectClosed);
        require!(self.project.licences_sold < self.project.licences_max, NetworkError::SoldOut);
        require!(serial == self.project.licences_sold, NetworkError::WrongSerial);
        require!(self.project.price <= max_price, NetworkError::PriceTooHigh);
        let destination = get_associated_token_address_with_program_id(
            &self.project.owner,
            &self.project.payment_mint,
            &self.token_program.key(),
        );
        require_keys_eq!(self.payment_destination.key(), destination, NetworkError::WrongPaymentAccount);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(serial, max_price))]
    pub fn buy_licence(ctx: Context<Self>, serial: u32, max_price: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let price = accounts.project.price;
        if price > 0 {
            Transfer {
                from: &accounts.payment_source,
                to: &mut accounts.payment_destination,
                mint: &accounts.payment_mint,
                authority: accounts.buyer.to_account_info(),
                token_program: accounts.token_program.key(),
            }
            .send(price, &[])?;
        }
        accounts.mint_licence(serial)?;
        accounts.project.licences_sold = serial.checked_add(1).ok_or(NetworkError::Overflow)?;
        let event = LicenceSold {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            licence: accounts.licence.key(),
            serial,
            buyer: accounts.buyer.key(),
            payment_mint: accounts.payment_mint.key(),
            price,
        };
        emit_cpi!(event);
        Ok(())
    }

    /// Metadata, group membership, the one token; then nobody can mint ever again.
    fn mint_licence(&self, serial: u32) -> Result<()> {
        let name = format!("{} #{serial}", self.project.name());
        let uri = self.project.uri().to_owned();
        let text_len = name.len() + LICENCE_SYMBOL.len() + uri.len();
        let extra = (MEMBER_TLV_LEN + METADATA_TLV_LEN + text_len) as u64;
        let licence = self.licence.to_account_info();
        fund_growth(&self.buyer, &licence, &self.system_program, extra)?;

        let project = self.project.to_account_info();
        let program = self.token_2022_program.to_account_info();
        let program_id = self.token_2022_program.key();
        let seeds: &[&[u8]] = &[PROJECT_SEED, &self.project.index.to_le_bytes(), &[self.project.bump]];
        let signer = &[seeds];
        let metadata = TokenMetadataInitialize {
            program_id: program.clone(),
            metadata: licence.clone(),
            update_authority: project.clone(),
            mint_authority: project.clone(),
            mint: licence.clone(),
        };
        let cpi = CpiContext::new_with_signer(program_id, metadata, signer);
        token_metadata_initialize(cpi, name, LICENCE_SYMBOL.to_owned(), uri)?;
        let member = TokenMemberInitialize {
            program_id: program,
            member: licence.clone(),
            member_mint: licence.clone(),
            member_mint_authority: project.clone(),
            group: self.collection.to_account_info(),
            group_update_authority: project.clone(),
        };
        token_member_initialize(CpiContext::new_with_signer(program_id, member, signer))?;
        let mint =
            MintTo { mint: licence.clone(), to: self.licence_account.to_account_info(), authority: project.clone() };
        token_2022::mint_to(CpiContext::new_with_signer(program_id, mint, signer), 1)?;
        let authority = SetAuthority { current_authority: project, account_or_mint: licence };
        let cpi = CpiContext::new_with_signer(program_id, authority, signer);
        token_2022::set_authority(cpi, AuthorityType::MintTokens, None)
    }
}
