use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    constants::*,
    errors::NetworkError,
    events::TreasuryWithdrawn,
    mints::Transfer,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawTreasury<'info> {
    #[account(constraint = treasury_owner.key() == network.treasury_owner @ NetworkError::NotTreasuryOwner)]
    pub treasury_owner: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [TREASURY_SEED, mint.key().as_ref()], bump)]
    pub treasury: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Whose it is, the treasury owner decides.
    #[account(mut, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Token program of the mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl WithdrawTreasury<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // treasury_owner, network, treasury, destination, mint, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        require!(amount > 0, NetworkError::ZeroAmount);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(amount))]
    pub fn withdraw_treasury(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        Transfer {
            from: &accounts.treasury,
            to: &mut accounts.destination,
            mint: &accounts.mint,
            authority: accounts.network.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[&[NETWORK_SEED, &[accounts.network.bump]]])?;
        accounts.treasury.reload()?;
        let event = TreasuryWithdrawn {
            stream: accounts.network.key(),
            seq: accounts.network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            mint: accounts.mint.key(),
            amount,
            destination: accounts.destination.key(),
            balance: accounts.treasury.amount,
        };
        emit_cpi!(event);
        Ok(())
    }
}
