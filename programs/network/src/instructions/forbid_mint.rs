use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    errors::NetworkError,
    events::MintForbidden,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct ForbidMint<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl ForbidMint<'_> {
    fn validate(&self, mint: &Pubkey) -> Result<()> {
        // authority, network, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        require_keys_neq!(*mint, self.network.job_mint, NetworkError::JobMintStays);
        require!(self.network.allows_mint(mint), NetworkError::MintNotAllowed);
        Ok(())
    }

    /// Stops projects and sales to come. Those that use the mint go on, and its treasury stays.
    #[access_control(ctx.accounts.validate(&mint))]
    pub fn forbid_mint(ctx: Context<Self>, mint: Pubkey) -> Result<()> {
        let network = &mut ctx.accounts.network;
        network.forbid_mint(&mint);
        let event = MintForbidden {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            mint,
        };
        emit_cpi!(event);
        Ok(())
    }
}
