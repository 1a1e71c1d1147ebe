use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::MetadataSet, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetMetadata<'info> {
    /// The tenure's holder or operator.
    #[account(constraint = tenure.load()?.may_run(authority.key) @ NetworkError::NotHolderOrOperator)]
    pub authority: Signer<'info>,
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

impl SetMetadata<'_> {
    fn validate(&self) -> Result<()> {
        // authority, project, tenure - checked by their constraints.
        self.node.load()?.require_bound()
    }

    #[access_control(ctx.accounts.validate())]
    pub fn set_metadata(ctx: Context<Self>, metadata_hash: [u8; 32]) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.node.load_mut()?.metadata_hash = metadata_hash;
        let event = MetadataSet {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            node: accounts.node.key(),
            metadata_hash,
        };
        emit(&event, &accounts.event_authority)
    }
}
