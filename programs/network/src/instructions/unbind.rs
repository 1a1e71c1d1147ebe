use anchor_lang::prelude::*;

use crate::{binding::end_tenure, emit::emit, errors::NetworkError, events::NodeUnbound, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct Unbind<'info> {
    #[account(mut, constraint = holder.key() == tenure.load()?.holder @ NetworkError::NotHolder)]
    pub holder: Signer<'info>,
    /// There is one network; the node names its project and its tenure.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(
        mut,
        constraint = node.load()?.project == project.key() @ NetworkError::WrongProject,
        constraint = node.load()?.tenure == tenure.key() @ NetworkError::WrongTenure,
    )]
    pub node: AccountLoader<'info, Node>,
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    /// A node has one marker at a time, so the one that names it is its key's. None if the key never accepted.
    #[account(mut, close = holder, constraint = key_marker.node == node.key() @ NetworkError::WrongKeyMarker)]
    pub key_marker: Option<Box<Account<'info, KeyMarker>>>,
}

impl Unbind<'_> {
    fn validate(&self) -> Result<()> {
        // holder, network, project, tenure - checked by their types and constraints. No pause and no closed project
        // stops a holder from leaving.
        let node = self.node.load()?;
        node.require_bound()?;
        require!(self.key_marker.is_some() == (node.accepted_at != 0), NetworkError::WrongKeyMarker);
        Ok(())
    }

    /// The node still earns this epoch, also if its key accepts for another one: a key counts for whom it ran first.
    #[access_control(ctx.accounts.validate())]
    pub fn unbind(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut node = accounts.node.load_mut()?;
        let mut tenure = accounts.tenure.load_mut()?;
        end_tenure(&accounts.network, &mut node, &mut tenure, now)?;
        node.status = node_status::UNBINDING;
        let event = NodeUnbound {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            tenure: accounts.tenure.key(),
            until_epoch: tenure.until_epoch,
            thaw_at: node.thaw_at,
        };
        drop(node);
        drop(tenure);
        emit(&event, &accounts.event_authority)
    }
}
