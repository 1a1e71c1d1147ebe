use anchor_lang::prelude::*;

use crate::{
    constants::*,
    errors::JobsError,
    events::{BondWithdrawn, emit},
    state::*,
    tokens::Tokens,
};

#[event_cpi]
#[derive(Accounts)]
pub struct Withdraw<'info> {
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

impl Withdraw<'_> {
    fn validate(&self, amount: u64, now: i64) -> Result<()> {
        // holder, bond, bond_vault, mint, token_program - checked by their constraints. Never paused.
        let bond = self.bond.load()?;
        require!(amount > 0 && amount <= bond.earned, JobsError::AmountOutOfRange);
        require!(amount <= bond.free(now), JobsError::SlashReserved);
        Ok(())
    }

    pub fn withdraw(ctx: Context<Self>, amount: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(amount, now)?;
        let mut bond = accounts.bond.load_mut()?;
        bond.earned = bond.earned.checked_sub(amount).ok_or(JobsError::Overflow)?;
        bond.withdrawn_total = bond.withdrawn_total.checked_add(amount).ok_or(JobsError::Overflow)?;
        let event = BondWithdrawn {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            tenure: bond.tenure,
            amount,
            destination: accounts.destination.key(),
            earned: bond.earned,
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
