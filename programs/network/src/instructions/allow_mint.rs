use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    constants::*,
    errors::NetworkError,
    events::MintAllowed,
    mints::require_plain_mint,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct AllowMint<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// There already if the mint was allowed before.
    #[account(
        init_if_needed, payer = payer, seeds = [TREASURY_SEED, mint.key().as_ref()], bump,
        token::mint = mint, token::authority = network, token::token_program = token_program,
    )]
    pub treasury: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Token program of the mint.
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl AllowMint<'_> {
    fn validate(&self) -> Result<()> {
        // authority, network, treasury, token_program, instructions - checked by their constraints. payer - any.
        require_no_nonce(&self.instructions)?;
        require_plain_mint(&self.mint.to_account_info())?;
        require!(!self.network.allows_mint(&self.mint.key()), NetworkError::MintAllowedAlready);
        require!(usize::from(self.network.allowed_mint_count) < MINTS_MAX, NetworkError::MintsFull);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn allow_mint(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mint = accounts.mint.key();
        let network = &mut accounts.network;
        let position = usize::from(network.allowed_mint_count);
        network.allowed_mints[position] = mint;
        network.allowed_mint_count += 1;
        let event = MintAllowed {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            mint,
            treasury: accounts.treasury.key(),
        };
        emit_cpi!(event);
        Ok(())
    }
}
