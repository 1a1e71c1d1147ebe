use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::{AssociatedToken, get_associated_token_address_with_program_id},
    token_2022::Token2022,
    token_interface::{Mint, TokenAccount, TokenInterface},
};

use crate::{constants::*, errors::NetworkError, events::LicenceSold, minting::LicenceMint, mints::Transfer, state::*};

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
        self.project.require_licence_left(serial)?;
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
        LicenceMint {
            payer: &accounts.buyer,
            project: &mut accounts.project,
            collection: &accounts.collection,
            licence: &accounts.licence,
            licence_account: &accounts.licence_account,
            token_2022_program: &accounts.token_2022_program,
            system_program: &accounts.system_program,
        }
        .mint(serial)?;
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
}
