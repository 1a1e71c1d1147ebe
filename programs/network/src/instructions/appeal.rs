use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::SuspensionAppealed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct Appeal<'info> {
    /// The tenure's holder or operator.
    #[account(constraint = tenure.load()?.may_run(authority.key) @ NetworkError::NotHolderOrOperator)]
    pub authority: Signer<'info>,
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
}

impl Appeal<'_> {
    fn validate(&self, evidence_hash: &[u8; 32], now: i64) -> Result<()> {
        // authority, network, project, tenure - checked by their types and constraints.
        require!(*evidence_hash != [0; 32], NetworkError::ZeroHash);
        let epoch = self.network.epoch_at(now);
        require!(self.node.load()?.suspended_until_epoch > epoch, NetworkError::NotSuspended);
        Ok(())
    }

    /// Changes nothing but what everybody can read; who suspended decides.
    pub fn appeal(ctx: Context<Self>, evidence_hash: [u8; 32]) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(&evidence_hash, now)?;
        accounts.node.load_mut()?.appeal_hash = evidence_hash;
        let event = SuspensionAppealed {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            authority: accounts.authority.key(),
            evidence_hash,
        };
        emit(&event, &accounts.event_authority)
    }
}
