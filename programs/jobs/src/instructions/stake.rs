use anchor_lang::prelude::*;
use muster_network::state::pause;

use super::running_network;
use crate::{
    errors::JobsError,
    events::{BondStaked, emit},
    state::*,
    tokens::{Tokens, require_source},
};

#[event_cpi]
#[derive(Accounts)]
pub struct Stake<'info> {
    pub staker: Signer<'info>,
    /// CHECK: its owner and its type, in `validate`; the only one of its type that can exist.
    pub network: UncheckedAccount<'info>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `open_bond` alone, one for a tenure.
    #[account(mut)]
    pub bond: AccountLoader<'info, Bond>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.bond_vault @ JobsError::WrongVault)]
    pub bond_vault: UncheckedAccount<'info>,
    /// CHECK: a token account of the staker's, in `validate`.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

impl Stake<'_> {
    fn validate(&self, amount: u64, now: i64) -> Result<()> {
        // bond_vault, mint, token_program - checked by their constraints. config, bond - by their types.
        running_network(&self.network, pause::STAKE, now)?;
        require_source(&self.source, self.staker.key)?;
        require!(amount > 0, JobsError::ZeroAmount);
        Ok(())
    }

    /// What is staked belongs to the tenure's holder from then on, whoever paid it.
    pub fn stake(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(amount, now)?;
        let decimals = accounts.config.load()?.decimals;
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        tokens.send(&accounts.source, &accounts.bond_vault, &accounts.staker, amount, &[])?;
        let mut bond = accounts.bond.load_mut()?;
        bond.staked = bond.staked.checked_add(amount).ok_or(JobsError::Overflow)?;
        let event = BondStaked {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            tenure: bond.tenure,
            staker: accounts.staker.key(),
            amount,
            staked: bond.staked,
        };
        drop(bond);
        emit(&accounts.event_authority, &event)
    }
}
