use anchor_lang::prelude::*;

use crate::{constants::*, create::create_account, emit::emit, errors::NetworkError, events::NodeAccepted, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct AcceptNode<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    pub node_key: Signer<'info>,
    /// CHECK: by its owner and type, in `validate`: there is one network.
    pub network: UncheckedAccount<'info>,
    /// CHECK: the node's; only its number of events changes.
    #[account(mut, address = node.load()?.project @ NetworkError::WrongProject)]
    pub project: UncheckedAccount<'info>,
    #[account(mut)]
    pub node: AccountLoader<'info, Node>,
    /// One node per key: heartbeats name the key alone.
    /// CHECK: made here, which fails where a marker is.
    #[account(mut, seeds = [KEY_SEED, node_key.key().as_ref()], bump)]
    pub key_marker: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl AcceptNode<'_> {
    fn validate(&self) -> Result<()> {
        // payer - any. project, node, key_marker - checked by their types and constraints.
        NetworkTerms::read(&self.network)?.require_running(pause::BIND, Clock::get()?.unix_timestamp)?;
        let node = self.node.load()?;
        require!(node.status == node_status::BOUND, NetworkError::NotBound);
        require_keys_eq!(self.node_key.key(), node.node_key, NetworkError::WrongNodeKey);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn accept_node(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut node = accounts.node.load_mut()?;
        node.status = node_status::ACTIVE;
        node.accepted_at = now;
        drop(node);
        accounts.mark_key(ctx.bumps.key_marker)?;
        let event = NodeAccepted {
            stream: accounts.project.key(),
            seq: Project::count_event(&accounts.project)?,
            timestamp: now,
            node: accounts.node.key(),
            node_key: accounts.node_key.key(),
        };
        emit(&event, &accounts.event_authority)
    }

    /// Takes the key for this node.
    fn mark_key(&self, bump: u8) -> Result<()> {
        let key = self.node_key.key();
        let seeds: &[&[u8]] = &[KEY_SEED, key.as_ref(), &[bump]];
        let space = 8 + KeyMarker::INIT_SPACE;
        create_account(
            &self.key_marker,
            &self.payer,
            &self.system_program,
            &Rent::get()?,
            space,
            &crate::ID,
            &[seeds],
        )?;
        let marker = KeyMarker { node: self.node.key(), bump };
        marker.try_serialize(&mut &mut self.key_marker.try_borrow_mut_data()?[..])
    }
}
