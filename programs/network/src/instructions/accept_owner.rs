use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::OwnerAccepted, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct AcceptOwner<'info> {
    #[account(constraint = proposed.key() == project.pending_owner @ NetworkError::NotProposed)]
    pub proposed: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
}

impl AcceptOwner<'_> {
    // proposed, project - checked by their constraints.

    /// From now on prices go to the new owner. A withdrawal that the former one announced lapses.
    pub fn accept_owner(ctx: Context<Self>) -> Result<()> {
        let owner = ctx.accounts.proposed.key();
        let project = &mut ctx.accounts.project;
        let former = core::mem::replace(&mut project.owner, owner);
        project.pending_owner = Pubkey::default();
        project.withdraw_amount = 0;
        project.withdraw_at = 0;
        let event = OwnerAccepted {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            former,
            owner,
        };
        emit_cpi!(event);
        Ok(())
    }
}
