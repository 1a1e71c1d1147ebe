use anchor_lang::prelude::*;
use muster_protocol::split::threshold;

use crate::{constants::*, errors::NetworkError, events::OracleSetChanged, state::*};

/// One oracle of a set to be.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct OracleArg {
    pub key: Pubkey,
    /// Base URL of its API, up to 96 bytes.
    pub url: String,
}

#[event_cpi]
#[derive(Accounts)]
pub struct SetOracleSet<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    #[account(mut, seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [ORACLE_SET_SEED], bump = oracle_set.load()?.bump)]
    pub oracle_set: AccountLoader<'info, OracleSet>,
}

impl SetOracleSet<'_> {
    fn validate(&self, oracles: &[OracleArg]) -> Result<()> {
        // authority, network, oracle_set - checked by their constraints.
        require!(!oracles.is_empty() && oracles.len() <= ORACLES_MAX, NetworkError::OracleCountOutOfRange);
        for (position, oracle) in oracles.iter().enumerate() {
            let taken = oracles[..position].iter().any(|earlier| earlier.key == oracle.key);
            require!(oracle.key != Pubkey::default() && !taken, NetworkError::OracleKeyInvalid);
            require!(oracle.url.len() <= URL_LEN_MAX, NetworkError::OracleUrlTooLong);
        }
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&oracles))]
    pub fn set_oracle_set(ctx: Context<Self>, oracles: Vec<OracleArg>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let network = &mut ctx.accounts.network;
        let mut set = ctx.accounts.oracle_set.load_mut()?;
        require!(set.pending_count == 0, NetworkError::OracleSetChangePending);
        let count = oracles.len() as u8;
        let first = set.set_version == 0;
        let effective_at = if first {
            now
        } else {
            now.checked_add(i64::from(network.oracle_set_delay)).ok_or(NetworkError::Overflow)?
        };
        if first {
            write_entries(&mut set.oracles, &oracles);
            set.count = count;
            set.threshold = threshold(count);
            set.set_version = 1;
        } else {
            write_entries(&mut set.pending, &oracles);
            set.pending_count = count;
            set.pending_at = effective_at;
        }
        let event = OracleSetChanged {
            stream: network.key(),
            seq: network.next_seq(),
            timestamp: now,
            set_version: if first { 1 } else { set.set_version.checked_add(1).ok_or(NetworkError::Overflow)? },
            threshold: threshold(count),
            effective_at,
            oracles: oracles.iter().map(|oracle| oracle.key).collect(),
        };
        drop(set);
        emit_cpi!(event);
        Ok(())
    }
}

/// Overwrites all slots, so that nothing of an earlier, longer set remains.
fn write_entries(slots: &mut [OracleEntry; ORACLES_MAX], oracles: &[OracleArg]) {
    for (position, slot) in slots.iter_mut().enumerate() {
        slot.key = Pubkey::default();
        slot.url = [0; URL_LEN_MAX];
        slot.url_len = 0;
        if let Some(oracle) = oracles.get(position) {
            slot.key = oracle.key;
            slot.url[..oracle.url.len()].copy_from_slice(oracle.url.as_bytes());
            slot.url_len = oracle.url.len() as u8;
        }
    }
}
