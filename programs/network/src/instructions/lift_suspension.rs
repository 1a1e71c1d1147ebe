use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::SuspensionLifted, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct LiftSuspension<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// There is one network; the node names its project.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
}

impl LiftSuspension<'_> {
    /// From the next epoch on; the oracles lift theirs by a vote for 0 epochs.
    pub fn lift_suspension(ctx: Context<Self>) -> Result<()> {
        // owner, network, project, node - checked by their types and constraints.
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let from = accounts.network.epoch_at(now).saturating_add(1);
        let mut node = accounts.node.load_mut()?;
        require!(node.suspended_until_epoch > from, NetworkError::NotSuspended);
        require!(node.suspended_by == suspended_by::OWNER, NetworkError::SuspendedByOracles);
        node.suspended_until_epoch = from;
        let event = SuspensionLifted {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            from_epoch: node.suspended_from_epoch,
            until_epoch: from,
        };
        drop(node);
        emit(&event, &accounts.event_authority)
    }
}
