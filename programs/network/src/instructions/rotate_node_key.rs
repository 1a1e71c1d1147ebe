use anchor_lang::prelude::*;

use crate::{constants::*, emit::emit, errors::NetworkError, events::NodeKeyRotated, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct RotateNodeKey<'info> {
    /// The tenure's holder or operator; pays the new marker's rent and gets the old one's.
    #[account(mut, constraint = tenure.load()?.may_run(authority.key) @ NetworkError::NotHolderOrOperator)]
    pub authority: Signer<'info>,
    /// The new key.
    pub node_key: Signer<'info>,
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
    pub tenure: AccountLoader<'info, Tenure>,
    /// A node has one marker at a time, so the one that names it is its old key's.
    #[account(mut, close = authority, constraint = old_marker.node == node.key() @ NetworkError::WrongKeyMarker)]
    pub old_marker: Option<Box<Account<'info, KeyMarker>>>,
    #[account(
        init, payer = authority, space = 8 + KeyMarker::INIT_SPACE, seeds = [KEY_SEED, node_key.key().as_ref()], bump,
    )]
    pub key_marker: Account<'info, KeyMarker>,
    pub system_program: Program<'info, System>,
}

impl RotateNodeKey<'_> {
    fn validate(&self) -> Result<()> {
        // authority, network, project, tenure, key_marker - checked by their types and constraints.
        let node = self.node.load()?;
        node.require_bound()?;
        if node.status == node_status::BOUND {
            // Stands for an accept, so what stops one stops it.
            self.network.require_running(pause::BIND, Clock::get()?.unix_timestamp)?;
        }
        require!(self.old_marker.is_some() == (node.accepted_at != 0), NetworkError::WrongKeyMarker);
        require_keys_neq!(self.node_key.key(), self.tenure.load()?.holder, NetworkError::NodeKeyIsHolder);
        Ok(())
    }

    /// Also repairs a mistyped key, which never accepts.
    #[access_control(ctx.accounts.validate())]
    pub fn rotate_node_key(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut node = accounts.node.load_mut()?;
        let old_key = node.node_key;
        node.node_key = accounts.node_key.key();
        node.status = node_status::ACTIVE;
        node.accepted_at = now;
        drop(node);
        accounts.key_marker.node = accounts.node.key();
        accounts.key_marker.bump = ctx.bumps.key_marker;
        let event = NodeKeyRotated {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            tenure: accounts.tenure.key(),
            authority: accounts.authority.key(),
            old_key,
            node_key: accounts.node_key.key(),
        };
        emit(&event, &accounts.event_authority)
    }
}
