use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::PoolClosed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct ClosePool<'info> {
    #[account(mut, constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, close = owner, has_one = project @ NetworkError::WrongProject)]
    pub pool: Box<Account<'info, Pool>>,
}

impl ClosePool<'_> {
    fn validate(&self) -> Result<()> {
        // owner, project - checked by their constraints.
        require!(self.pool.count == 0, NetworkError::PoolNotEmpty);
        Ok(())
    }

    /// The rent goes to the owner.
    #[access_control(ctx.accounts.validate())]
    pub fn close_pool(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let event = PoolClosed {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            pool: accounts.pool.key(),
        };
        emit_cpi!(event);
        Ok(())
    }
}
