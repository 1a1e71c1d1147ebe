use anchor_lang::prelude::*;
use muster_network::{
    authority::uses_durable_nonce,
    state::{Network, OracleSet},
};

use crate::{
    errors::JobsError,
    events::{SlashVoided, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct VoidSlash<'info> {
    #[account(constraint = authority.key() == network.authority @ JobsError::NotAuthority)]
    pub authority: Signer<'info>,
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

impl VoidSlash<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // authority, slash - checked by their constraints. network, oracle_set, bond - known by their types.
        require!(!uses_durable_nonce(&self.instructions)?, JobsError::DurableNonce);
        let set = self.oracle_set.load()?;
        require!(self.slash.load()?.is_pending(&set, now), JobsError::NoSlashPending);
        Ok(())
    }

    /// Forgets a pending slash and its votes; the next one waits as after an execution.
    pub fn void_slash(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let mut slash = accounts.slash.load_mut()?;
        let mut bond = accounts.bond.load_mut()?;
        bond.release();
        let event = SlashVoided {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            evidence_hash: slash.decided.evidence_hash,
        };
        slash.clear();
        slash.closed_at = now;
        drop((slash, bond));
        emit(&accounts.event_authority, &event)
    }
}
