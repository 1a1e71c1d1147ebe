use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    errors::NetworkError,
    events::AuthorityAccepted,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAuthority<'info> {
    pub proposed: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl AcceptAuthority<'_> {
    fn validate(&self) -> Result<()> {
        // network, instructions - checked by their constraints. proposed - in the handler.
        require_no_nonce(&self.instructions)
    }

    #[access_control(ctx.accounts.validate())]
    pub fn accept_authority(ctx: Context<Self>, role: u8) -> Result<()> {
        let key = ctx.accounts.proposed.key();
        let network = &mut ctx.accounts.network;
        let (holder, proposed) = network.seat(role)?;
        require_keys_eq!(key, *proposed, NetworkError::NotProposed);
        let former = core::mem::replace(holder, key);
        *proposed = Pubkey::default();
        if role == authority_role::AUTHORITY {
            // Whom the former authority proposed as guardian, the new one has not.
            network.pending_guardian = Pubkey::default();
        }
        network.invariant()?;
        let event = AuthorityAccepted {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            role,
            former,
            holder: key,
        };
        emit_cpi!(event);
        Ok(())
    }
}
