use anchor_lang::{prelude::*, solana_program::program::invoke_signed};
use anchor_spl::{token_2022::Token2022, token_interface::Mint};
use spl_token_group_interface::instruction::update_group_max_size;

use crate::{constants::*, errors::NetworkError, events::SaleChanged, mints::require_plain_mint, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetSale<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    /// CHECK: the group, by its address; Token-2022 reads it.
    #[account(mut, address = project.collection)]
    pub collection: UncheckedAccount<'info>,
    pub payment_mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_2022_program: Program<'info, Token2022>,
}

impl SetSale<'_> {
    fn validate(&self, licences_max: u32) -> Result<()> {
        // owner, network, project, collection, token_2022_program - checked by their constraints.
        require!(!self.project.closed, NetworkError::ProjectClosed);
        require!(self.project.standard == licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        require!(self.network.allows_mint(&self.payment_mint.key()), NetworkError::MintNotAllowed);
        require_plain_mint(&self.payment_mint.to_account_info())?;
        let licences_min = self.project.licences_sold.max(1);
        require!((licences_min..=LEAVES_MAX).contains(&licences_max), NetworkError::LicencesMaxOutOfRange);
        Ok(())
    }

    /// At once. A buyer on his way names the payment mint and a highest price: no other sale can become his.
    #[access_control(ctx.accounts.validate(licences_max))]
    pub fn set_sale(ctx: Context<Self>, price: u64, licences_max: u32) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        if licences_max != accounts.project.licences_max {
            accounts.resize_group(licences_max)?;
        }
        let payment_mint = accounts.payment_mint.key();
        let project = &mut accounts.project;
        project.payment_mint = payment_mint;
        project.price = price;
        project.licences_max = licences_max;
        let event = SaleChanged {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            payment_mint,
            price,
            licences_max,
        };
        emit_cpi!(event);
        Ok(())
    }

    /// Token-2022 counts the members itself and stops at the group's size.
    fn resize_group(&self, licences_max: u32) -> Result<()> {
        let project = &self.project;
        let instruction = update_group_max_size(
            self.token_2022_program.key,
            self.collection.key,
            &project.key(),
            u64::from(licences_max),
        );
        let seeds: &[&[u8]] = &[PROJECT_SEED, &project.index.to_le_bytes(), &[project.bump]];
        invoke_signed(&instruction, &[self.collection.to_account_info(), project.to_account_info()], &[seeds])?;
        Ok(())
    }
}
