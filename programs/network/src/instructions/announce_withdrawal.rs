use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::WithdrawalAnnounced, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct AnnounceWithdrawal<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
}

impl AnnounceWithdrawal<'_> {
    // owner, project, network - checked by their constraints.

    /// From an epoch's length on, until `hold_limit` after that, `withdraw_budget` pays up to `amount` in all. Another
    /// announcement replaces this one; an amount of 0 withdraws it. Never paused, closed projects too.
    pub fn announce_withdrawal(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let (network, project) = (&accounts.network, &mut accounts.project);
        project.withdraw_amount = amount;
        project.withdraw_at = now.checked_add(i64::from(network.epoch_len)).ok_or(NetworkError::Overflow)?;
        let event = WithdrawalAnnounced {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: now,
            amount,
            due_at: project.withdraw_at,
            lapses_at: project.withdrawal_lapses_at(network.hold_limit),
        };
        emit_cpi!(event);
        Ok(())
    }
}
