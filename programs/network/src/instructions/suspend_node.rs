use anchor_lang::prelude::*;

use crate::{constants::*, emit::emit, errors::NetworkError, events::NodeSuspended, state::*};

/// Why and how long a node is suspended.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct SuspensionArgs {
    pub reason: u16,
    /// SHA-256 of the evidence.
    pub evidence_hash: [u8; 32],
    /// Epochs from the next one on; 0, of oracles alone, lifts.
    pub epochs: u8,
}

#[event_cpi]
#[derive(Accounts)]
pub struct SuspendNode<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// There is one network; the node names its project.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
}

impl SuspendNode<'_> {
    fn validate(&self, args: &SuspensionArgs) -> Result<()> {
        // owner, network, project, node - checked by their types and constraints.
        let lasts = (1..=SUSPENSION_EPOCHS_MAX).contains(&args.epochs);
        require!(lasts && args.evidence_hash != [0; 32], NetworkError::SuspensionInvalid);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn suspend_node(ctx: Context<Self>, args: SuspensionArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let epoch = accounts.network.epoch_at(now);
        let mut node = accounts.node.load_mut()?;
        node.suspend_by_owner(args.reason, args.epochs, epoch, accounts.project.next_epoch)?;
        let event = NodeSuspended {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            reason: args.reason,
            evidence_hash: args.evidence_hash,
            from_epoch: node.suspended_from_epoch,
            until_epoch: node.suspended_until_epoch,
        };
        drop(node);
        emit(&event, &accounts.event_authority)
    }
}
