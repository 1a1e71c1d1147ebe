use anchor_lang::prelude::*;

use crate::{
    errors::JobsError,
    events::{BondUnbonding, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct Unbond<'info> {
    pub holder: Signer<'info>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `open_bond` alone, one for a tenure.
    #[account(mut, constraint = bond.load()?.holder == holder.key() @ JobsError::NotHolder)]
    pub bond: AccountLoader<'info, Bond>,
}

impl Unbond<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // holder, bond - checked by their constraints. config - known by its type. Never paused.
        require!(amount > 0 && amount <= self.bond.load()?.staked, JobsError::AmountOutOfRange);
        Ok(())
    }

    /// Begins to take stake out. All that is unbonding waits anew: a slash that was decided before comes first.
    #[access_control(ctx.accounts.validate(amount))]
    pub fn unbond(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut bond = accounts.bond.load_mut()?;
        bond.staked = bond.staked.checked_sub(amount).ok_or(JobsError::Overflow)?;
        bond.unbonding = bond.unbonding.checked_add(amount).ok_or(JobsError::Overflow)?;
        bond.unbond_at = now.saturating_add(i64::from(accounts.config.load()?.unbond_delay));
        let event = BondUnbonding {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            tenure: bond.tenure,
            amount,
            staked: bond.staked,
            unbonding: bond.unbonding,
            unbond_at: bond.unbond_at,
        };
        drop(bond);
        emit(&accounts.event_authority, &event)
    }
}
