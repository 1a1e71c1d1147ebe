use anchor_lang::prelude::*;

use crate::{
    constants::*,
    errors::JobsError,
    events::{BondUnbonded, emit},
    state::*,
    tokens::Tokens,
};

#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawUnbonded<'info> {
    pub holder: Signer<'info>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `open_bond` alone, one for a tenure.
    #[account(mut, constraint = bond.load()?.holder == holder.key() @ JobsError::NotHolder)]
    pub bond: AccountLoader<'info, Bond>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.bond_vault @ JobsError::WrongVault)]
    pub bond_vault: UncheckedAccount<'info>,
    /// CHECK: any account of the mint that the holder names; the token program checks the mint, and what arrived is
    /// compared, so that it is not the vault itself.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

impl WithdrawUnbonded<'_> {
    fn validate(&self, now: i64) -> Result<()> {
        // holder, bond, bond_vault, mint, token_program - checked by their constraints. Never paused.
        let bond = self.bond.load()?;
        require!(bond.unbonding > 0 && now >= bond.unbond_at, JobsError::UnbondRuns);
        require!(bond.free(now) > 0, JobsError::SlashReserved);
        Ok(())
    }

    /// Pays out what was unbonding, when its delay has passed: all but what a decided slash may take, which may follow.
    pub fn withdraw_unbonded(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(now)?;
        let mut bond = accounts.bond.load_mut()?;
        let amount = bond.unbonding.min(bond.free(now));
        bond.unbonding = bond.unbonding.checked_sub(amount).ok_or(JobsError::Overflow)?;
        if bond.unbonding == 0 {
            bond.unbond_at = 0;
        }
        let event = BondUnbonded {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            tenure: bond.tenure,
            amount,
            destination: accounts.destination.key(),
            unbonding: bond.unbonding,
        };
        drop(bond);
        let (decimals, bump) = {
            let config = accounts.config.load()?;
            (config.decimals, config.bump)
        };
        let seeds: &[&[u8]] = &[CONFIG_SEED, &[bump]];
        let tokens = Tokens { mint: &accounts.mint, program: &accounts.token_program, decimals };
        tokens.send(&accounts.bond_vault, &accounts.destination, accounts.config.as_ref(), amount, &[seeds])?;
        emit(&accounts.event_authority, &event)
    }
}
