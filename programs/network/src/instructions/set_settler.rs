use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::SettlerChanged, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetSettler<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
}

impl SetSettler<'_> {
    fn validate(&self, settler: &Pubkey) -> Result<()> {
        // owner, project - checked by their constraints.
        require_keys_neq!(*settler, Pubkey::default(), NetworkError::ZeroKey);
        Ok(())
    }

    /// At once: a stolen settler's key is worth nothing from here on.
    #[access_control(ctx.accounts.validate(&settler))]
    pub fn set_settler(ctx: Context<Self>, settler: Pubkey) -> Result<()> {
        let project = &mut ctx.accounts.project;
        let former = core::mem::replace(&mut project.settler, settler);
        let event = SettlerChanged {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            former,
            settler,
        };
        emit_cpi!(event);
        Ok(())
    }
}
