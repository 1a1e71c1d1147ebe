use anchor_lang::prelude::*;
use muster_network::{
    authority::uses_durable_nonce,
    state::{Network, OracleSet},
};

use crate::{
    errors::JobsError,
    events::{SlashHeld, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct HoldSlash<'info> {
    #[account(constraint = guardian.key() == network.guardian @ JobsError::NotGuardian)]
    pub guardian: Signer<'info>,
    /// The only account of its type that can exist.
    pub network: Box<Account<'info, Network>>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// Its stream takes the event.
    #[account(mut)]
    pub bond: AccountLoader<'info, Bond>,
    /// Made by `vote_slash` alone, one for a bond.
    #[account(mut, constraint = slash.load()?.bond == bond.key() @ JobsError::WrongBond)]
    pub slash: AccountLoader<'info, Slash>,
    /// CHECK: the sysvar, by its address, in `validate`.
    pub instructions: UncheckedAccount<'info>,
}

impl HoldSlash<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // guardian, slash - checked by their constraints. network, oracle_set, bond - known by their types.
        require!(!uses_durable_nonce(&self.instructions)?, JobsError::DurableNonce);
        let slash = self.slash.load()?;
        let set = self.oracle_set.load()?;
        require!(slash.is_pending(&set, now), JobsError::NoSlashPending);
        require!(slash.held_until == 0, JobsError::SlashHeld);
        Ok(())
    }

    /// Time for the network's authority to look at the evidence; once per slash, which lapses the later for it.
    pub fn hold_slash(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let held_until = now.saturating_add(i64::from(accounts.network.hold_limit));
        let mut slash = accounts.slash.load_mut()?;
        slash.held_until = held_until;
        let mut bond = accounts.bond.load_mut()?;
        bond.set_aside_until = slash.lapses_after();
        let event = SlashHeld {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            held_until,
            set_aside_until: bond.set_aside_until,
        };
        drop((slash, bond));
        emit(&accounts.event_authority, &event)
    }
}
