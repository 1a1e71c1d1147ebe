use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::PoolJoined, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct JoinPool<'info> {
    #[account(constraint = holder.key() == tenure.load()?.holder @ NetworkError::NotHolder)]
    pub holder: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
    /// The node's current one: earlier holders have no say.
    #[account(address = node.load()?.tenure)]
    pub tenure: AccountLoader<'info, Tenure>,
    #[account(mut, has_one = project @ NetworkError::WrongProject)]
    pub pool: Box<Account<'info, Pool>>,
}

impl JoinPool<'_> {
    fn validate(&self) -> Result<()> {
        // holder, project, node, tenure, pool - checked by their constraints.
        require!(!self.project.closed, NetworkError::ProjectClosed);
        let node = self.node.load()?;
        let bound = matches!(node.status, node_status::BOUND | node_status::ACTIVE);
        require!(bound, NetworkError::NodeUnbound);
        require_keys_eq!(node.pool, Pubkey::default(), NetworkError::InPool);
        require!(self.pool.count < self.pool.capacity, NetworkError::PoolFull);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn join_pool(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.node.load_mut()?.pool = accounts.pool.key();
        accounts.pool.count = accounts.pool.count.checked_add(1).ok_or(NetworkError::Overflow)?;
        let event = PoolJoined {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            pool: accounts.pool.key(),
            node: accounts.node.key(),
            count: accounts.pool.count,
        };
        emit_cpi!(event);
        Ok(())
    }
}
