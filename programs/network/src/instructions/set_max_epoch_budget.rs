use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::MaxEpochBudgetChanged, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetMaxEpochBudget<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
}

impl SetMaxEpochBudget<'_> {
    // owner, project, network - checked by their constraints. Whether it may change - by `change_max_epoch_budget`.

    /// From the next epoch on.
    pub fn set_max_epoch_budget(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let current = ctx.accounts.network.epoch_at(now);
        let project = &mut ctx.accounts.project;
        let from_epoch = project.change_max_epoch_budget(amount, current)?;
        let event = MaxEpochBudgetChanged {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: now,
            max_epoch_budget: amount,
            from_epoch,
        };
        emit_cpi!(event);
        Ok(())
    }
}
