use anchor_lang::prelude::*;

use crate::{constants::*, errors::NetworkError, events::OracleUrlChanged, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetOracleUrl<'info> {
    pub oracle: Signer<'info>,
    /// The only account of its type; keeps the event's `seq`.
    #[account(mut)]
    pub network: Box<Account<'info, Network>>,
    /// The only account of its type.
    #[account(mut)]
    pub oracle_set: AccountLoader<'info, OracleSet>,
}

impl SetOracleUrl<'_> {
    fn validate(&self, url: &str) -> Result<()> {
        // network, oracle_set - by their types. oracle - in the handler.
        require!(url.len() <= URL_LEN_MAX, NetworkError::OracleUrlTooLong);
        Ok(())
    }

    /// An oracle says where it is reached. Not a change of the set: votes stay.
    #[access_control(ctx.accounts.validate(&url))]
    pub fn set_oracle_url(ctx: Context<Self>, url: String) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let oracle = accounts.oracle.key();
        let mut set = accounts.oracle_set.load_mut()?;
        let position = set.position(&oracle).ok_or(NetworkError::NotOracle)?;
        set.oracles[position].put_url(&url);
        drop(set);
        let event = OracleUrlChanged {
            stream: accounts.network.key(),
            seq: accounts.network.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            oracle,
            oracle_index: position as u8,
            url,
        };
        emit_cpi!(event);
        Ok(())
    }
}
