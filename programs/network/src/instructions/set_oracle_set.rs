use anchor_lang::prelude::*;
use muster_protocol::split::threshold;

use crate::{
    authority::{INSTRUCTIONS_SYSVAR, require_no_nonce},
    constants::*,
    errors::NetworkError,
    events::OracleSetChanged,
    state::*,
};

/// One oracle of a set to be.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct OracleArg {
    pub key: Pubkey,
    /// Base URL of its API, up to 96 bytes. Empty: an oracle of the set in force keeps its own, a new one sets it by
    /// `set_oracle_url`; so a set of sixteen fits one transaction.
    pub url: String,
}

#[event_cpi]
#[derive(Accounts)]
pub struct SetOracleSet<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// The only account of its type.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// The only account of its type.
    #[account(mut)]
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// CHECK: the sysvar, by its address.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl SetOracleSet<'_> {
    fn validate(&self, oracles: &[OracleArg]) -> Result<()> {
        // authority, network, oracle_set, instructions - checked by their constraints.
        require_no_nonce(&self.instructions)?;
        require!(!oracles.is_empty() && oracles.len() <= ORACLES_MAX, NetworkError::OracleCountOutOfRange);
        for (position, oracle) in oracles.iter().enumerate() {
            let taken = oracles[..position].iter().any(|earlier| earlier.key == oracle.key);
            require!(oracle.key != Pubkey::default() && !taken, NetworkError::OracleKeyInvalid);
            require!(oracle.url.len() <= URL_LEN_MAX, NetworkError::OracleUrlTooLong);
        }
        Ok(())
    }

    /// The first set holds at once. Another waits `oracle_set_delay`; naming the same one again after it, and before
    /// `hold_limit` more has passed, puts it in force. Naming a different one meanwhile replaces what waits.
    #[access_control(ctx.accounts.validate(&oracles))]
    pub fn set_oracle_set(ctx: Context<Self>, oracles: Vec<OracleArg>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let network = &mut ctx.accounts.network;
        let mut set = ctx.accounts.oracle_set.load_mut()?;
        let count = oracles.len() as u8;
        let again = set.set_version > 0 && is_pending(&set, &oracles);
        require!(!again || now >= set.pending_at, NetworkError::OracleSetChangePending);
        // Named again too late, it is announced anew: nobody arms a change long before he needs it.
        let lapses_at = set.pending_at.saturating_add(i64::from(network.hold_limit));
        let confirmed = again && now < lapses_at;
        let delay = if set.set_version == 0 || confirmed { 0 } else { i64::from(network.oracle_set_delay) };
        let effective_at = now.checked_add(delay).ok_or(NetworkError::Overflow)?;
        let set_version = set.set_version.checked_add(1).ok_or(NetworkError::Overflow)?;
        if delay == 0 {
            enter_force(&mut set, &oracles);
            set.pending_count = 0;
            set.pending_at = 0;
            set.count = count;
            set.threshold = threshold(count);
            set.set_version = set_version;
        } else {
            write_entries(&mut set.pending, &oracles);
            set.pending_count = count;
            set.pending_at = effective_at;
        }
        let event = OracleSetChanged {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: now,
            set_version,
            threshold: threshold(count),
            effective_at,
            oracles: oracles.iter().map(|oracle| oracle.key).collect(),
        };
        drop(set);
        emit_cpi!(event);
        Ok(())
    }
}

/// Whether exactly these oracles wait.
fn is_pending(set: &OracleSet, oracles: &[OracleArg]) -> bool {
    usize::from(set.pending_count) == oracles.len()
        && set.pending.iter().zip(oracles).all(|(entry, oracle)| entry.key == oracle.key && entry.url() == oracle.url)
}

/// Overwrites all slots, so that nothing of an earlier, longer set remains.
fn write_entries(slots: &mut [OracleEntry; ORACLES_MAX], oracles: &[OracleArg]) {
    for (position, slot) in slots.iter_mut().enumerate() {
        let named = oracles.get(position);
        slot.key = named.map_or_else(Pubkey::default, |oracle| oracle.key);
        slot.put_url(named.map_or("", |oracle| &oracle.url));
    }
}

/// Puts the named oracles in the place of those in force.
fn enter_force(set: &mut OracleSet, oracles: &[OracleArg]) {
    write_entries(&mut set.pending, oracles);
    keep_urls(&mut set.pending[..oracles.len()], &set.oracles);
    set.oracles.copy_from_slice(&set.pending);
    write_entries(&mut set.pending, &[]);
}

/// Gives oracles that were named without a URL the one that they had.
fn keep_urls(slots: &mut [OracleEntry], former: &[OracleEntry; ORACLES_MAX]) {
    for slot in slots.iter_mut().filter(|slot| slot.url_len == 0) {
        if let Some(entry) = former.iter().find(|entry| entry.key == slot.key) {
            (slot.url, slot.url_len) = (entry.url, entry.url_len);
        }
    }
}
