use anchor_lang::prelude::*;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    errors::NetworkError,
    events::FeeChanged,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct SetFee<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl SetFee<'_> {
    fn validate(&self) -> Result<()> {
        // authority, network, instructions - checked by their constraints. The change itself - by `change_fee`.
        require_no_nonce(&self.instructions)
    }

    #[access_control(ctx.accounts.validate())]
    pub fn set_fee(ctx: Context<Self>, fee_bps: u16, from_epoch: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let network = &mut ctx.accounts.network;
        let current = network.epoch_at(now);
        network.change_fee(fee_bps, from_epoch, current)?;
        let event = FeeChanged {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: now,
            former_fee_bps: network.fee_bps,
            fee_bps,
            from_epoch,
        };
        emit_cpi!(event);
        Ok(())
    }
}
