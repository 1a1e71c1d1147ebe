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
    fn validate(&self) -> Result<()> {
        // guardian, slash - checked by their constraints. network, oracle_set, bond - known by their types.
        require!(!uses_durable_nonce(&self.instructions)?, JobsError::DurableNonce);
        let slash = self.slash.load()?;
        let set = self.oracle_set.load()?;
        require!(slash.is_pending(&set), JobsError::NoSlashPending);
        require!(slash.held_until == 0, JobsError::SlashHeld);
        Ok(())
    }

    /// Time for the network's authority to look at the evidence; once per slash.
    #[access_control(ctx.accounts.validate())]
    pub fn hold_slash(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let held_until = now.saturating_add(i64::from(accounts.network.hold_limit));
        accounts.slash.load_mut()?.held_until = held_until;
        let event = SlashHeld {
            stream: accounts.bond.key(),
            seq: accounts.bond.load_mut()?.next_seq(),
            timestamp: now,
            held_until,
        };
        emit(&accounts.event_authority, &event)
    }
}
