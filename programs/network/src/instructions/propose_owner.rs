use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::OwnerProposed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct ProposeOwner<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
}

impl ProposeOwner<'_> {
    // owner, project - checked by their constraints.

    /// Nothing changes until the proposed key accepts. A zero key withdraws the proposal.
    pub fn propose_owner(ctx: Context<Self>, key: Pubkey) -> Result<()> {
        let project = &mut ctx.accounts.project;
        project.pending_owner = key;
        let event = OwnerProposed {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            proposed: key,
        };
        emit_cpi!(event);
        Ok(())
    }
}
