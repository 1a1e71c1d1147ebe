use anchor_lang::prelude::*;
use muster_network::state::OracleSet;

use crate::{
    constants::*,
    errors::JobsError,
    events::{BondSlashed, emit},
    state::*,
    tokens::Tokens,
};

#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteSlash<'info> {
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// Made by `open_bond` alone, one for a tenure.
    #[account(mut)]
    pub bond: AccountLoader<'info, Bond>,
    /// Made by `vote_slash` alone, one for a bond.
    #[account(mut, constraint = slash.load()?.bond == bond.key() @ JobsError::WrongBond)]
    pub slash: AccountLoader<'info, Slash>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.bond_vault @ JobsError::WrongVault)]
    pub bond_vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.treasury @ JobsError::WrongVault)]
    pub treasury: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

impl ExecuteSlash<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // slash, bond_vault, treasury, mint, token_program - checked by their constraints. The others - by their types.
        let slash = self.slash.load()?;
        let set = self.oracle_set.load()?;
        require!(slash.is_pending(&set, now), JobsError::NoSlashPending);
        require!(now >= slash.eta && now >= slash.held_until, JobsError::SlashDelayRuns);
        Ok(())
    }

    /// Takes what was set aside when it was decided, to the treasury. Nothing, when the bond was empty then, ends the slash
    /// too.
    pub fn execute_slash(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let mut slash = accounts.slash.load_mut()?;
        let mut bond = accounts.bond.load_mut()?;
        let decided = slash.decided;
        let taken = bond.take_set_aside()?;
        slash.clear();
        slash.closed_at = now;
        let event = BondSlashed {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            tenure: bond.tenure,
            decided: decided.amount,
            reason: decided.reason,
            evidence_hash: decided.evidence_hash,
            from_earned: taken.earned,
            from_staked: taken.staked,
            from_unbonding: taken.unbonding,
        };
        drop((slash, bond));
        let total = taken.earned + taken.staked + taken.unbonding;
        if total > 0 {
            let (decimals, bump) = {
                let config = accounts.config.load()?;
                (config.decimals, config.bump)
            };
            let seeds: &[&[u8]] = &[CONFIG_SEED, &[bump]];
            let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
            tokens.send(&accounts.bond_vault, &accounts.treasury, accounts.config.as_ref(), total, &[seeds])?;
        }
        emit(&accounts.event_authority, &event)
    }
}
