use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    events::AuthorityProposed,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    pub proposer: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl ProposeAuthority<'_> {
    fn validate(&self, role: u8) -> Result<()> {
        // network, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        self.network.require_superior(role, self.proposer.key)
    }

    /// Nothing changes until the proposed key accepts: a mistyped one takes no role over. A zero key withdraws.
    #[access_control(ctx.accounts.validate(role))]
    pub fn propose_authority(ctx: Context<Self>, role: u8, key: Pubkey) -> Result<()> {
        let network = &mut ctx.accounts.network;
        let (_, proposed) = network.seat(role)?;
        *proposed = key;
        let event = AuthorityProposed {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            role,
            proposed: key,
        };
        emit_cpi!(event);
        Ok(())
    }
}
