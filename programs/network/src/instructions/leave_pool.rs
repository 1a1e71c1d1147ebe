use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::PoolLeft, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct LeavePool<'info> {
    pub signer: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
    /// The node's current or last one.
    #[account(address = node.load()?.tenure)]
    pub tenure: AccountLoader<'info, Tenure>,
    #[account(mut, constraint = pool.key() == node.load()?.pool @ NetworkError::NotPoolMember)]
    pub pool: Box<Account<'info, Pool>>,
}

impl LeavePool<'_> {
    fn validate(&self) -> Result<()> {
        // project, node, tenure, pool - checked by their constraints.
        let status = self.node.load()?.status;
        let abandoned = matches!(status, node_status::UNBINDING | node_status::FREE);
        require!(abandoned || self.signer_has_a_say()?, NetworkError::MayNotLeave);
        Ok(())
    }

    fn signer_has_a_say(&self) -> Result<bool> {
        let tenure = self.tenure.load()?;
        Ok([tenure.holder, tenure.operator, self.project.owner].contains(self.signer.key))
    }

    /// Never paused, closed projects too. Who leaves a node in a pool blocks a place there: so anyone clears it away.
    #[access_control(ctx.accounts.validate())]
    pub fn leave_pool(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.node.load_mut()?.pool = Pubkey::default();
        accounts.pool.count = accounts.pool.count.checked_sub(1).ok_or(NetworkError::Overflow)?;
        let event = PoolLeft {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            pool: accounts.pool.key(),
            node: accounts.node.key(),
            by: accounts.signer.key(),
            count: accounts.pool.count,
        };
        emit_cpi!(event);
        Ok(())
    }
}
