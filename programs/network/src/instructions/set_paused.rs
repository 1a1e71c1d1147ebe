use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    errors::NetworkError,
    events::PauseChanged,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct SetPaused<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl SetPaused<'_> {
    fn validate(&self, bits: u32) -> Result<()> {
        // authority, network, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        require!(bits & !pause::ALL == 0, NetworkError::UnknownPauseBit);
        Ok(())
    }

    /// The authority has the last word: what it names is paused, and a guardian's pause ends.
    #[access_control(ctx.accounts.validate(bits))]
    pub fn set_paused(ctx: Context<Self>, bits: u32) -> Result<()> {
        let network = &mut ctx.accounts.network;
        network.paused = bits;
        network.guardian_paused = 0;
        let event = PauseChanged {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            by: ctx.accounts.authority.key(),
            paused: network.paused,
            guardian_paused: network.guardian_paused,
            guardian_pause_until: network.guardian_pause_until,
        };
        emit_cpi!(event);
        Ok(())
    }
}
