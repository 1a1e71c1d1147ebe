use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::ProjectClosed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct CloseProject<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
}

impl CloseProject<'_> {
    fn validate(&self) -> Result<()> {
        // owner, project - checked by their constraints.
        require!(!self.project.closed, NetworkError::ProjectClosed);
        Ok(())
    }

    /// For ever. No more sales, gifts, binds, funding and pools; what nodes have earned, the settlements of epochs that
    /// are over, claims, unbinding and the withdrawal of the budget go on.
    #[access_control(ctx.accounts.validate())]
    pub fn close_project(ctx: Context<Self>) -> Result<()> {
        let project = &mut ctx.accounts.project;
        project.closed = true;
        let event =
            ProjectClosed { stream: project.key(), seq: project.next_seq(), timestamp: Clock::get()?.unix_timestamp };
        emit_cpi!(event);
        Ok(())
    }
}
