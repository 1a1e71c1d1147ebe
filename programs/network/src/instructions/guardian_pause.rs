use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    errors::NetworkError,
    events::PauseChanged,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct GuardianPause<'info> {
    #[account(constraint = guardian.key() == network.guardian @ NetworkError::NotGuardian)]
    pub guardian: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl GuardianPause<'_> {
    fn validate(&self, bits: u32) -> Result<()> {
        // guardian, network, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        require!(bits & !pause::ALL == 0, NetworkError::UnknownPauseBit);
        Ok(())
    }

    /// Pauses until `hold_limit` from now; 0 ends it early. The next pause may begin `hold_limit` after this one's
    /// announced end: a guardian's key in wrong hands stops the network half of the time at most.
    #[access_control(ctx.accounts.validate(bits))]
    pub fn guardian_pause(ctx: Context<Self>, bits: u32) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let network = &mut ctx.accounts.network;
        network.pause_as_guardian(bits, now)?;
        let event = PauseChanged {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: now,
            by: ctx.accounts.guardian.key(),
            paused: network.paused,
            guardian_paused: network.guardian_paused,
            guardian_pause_until: network.guardian_pause_until,
        };
        emit_cpi!(event);
        Ok(())
    }
}
