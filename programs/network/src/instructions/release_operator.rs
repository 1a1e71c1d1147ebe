use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::OperatorReleased, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct ReleaseOperator<'info> {
    #[account(constraint = operator.key() == tenure.load()?.operator @ NetworkError::NotOperator)]
    pub operator: Signer<'info>,
    #[account(mut, address = tenure.load()?.project @ NetworkError::WrongProject)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
}

impl ReleaseOperator<'_> {
    /// The payout stays the split until the holder sets another.
    pub fn release_operator(ctx: Context<Self>) -> Result<()> {
        // operator, project, tenure - checked by their constraints. Never paused.
        let accounts = &mut *ctx.accounts;
        let mut tenure = accounts.tenure.load_mut()?;
        tenure.operator = Pubkey::default();
        tenure.operator_bps = 0;
        drop(tenure);
        let event = OperatorReleased {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            tenure: accounts.tenure.key(),
            operator: accounts.operator.key(),
        };
        emit(&event, &accounts.event_authority)
    }
}
