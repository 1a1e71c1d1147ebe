use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::PoolCapacityChanged, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetPoolCapacity<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, has_one = project @ NetworkError::WrongProject)]
    pub pool: Box<Account<'info, Pool>>,
}

impl SetPoolCapacity<'_> {
    fn validate(&self, capacity: u16) -> Result<()> {
        // owner, project, pool - checked by their constraints.
        require!(capacity >= self.pool.count.max(1), NetworkError::PoolCapacityInvalid);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(capacity))]
    pub fn set_pool_capacity(ctx: Context<Self>, capacity: u16) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.pool.capacity = capacity;
        let event = PoolCapacityChanged {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            pool: accounts.pool.key(),
            capacity,
        };
        emit_cpi!(event);
        Ok(())
    }
}
