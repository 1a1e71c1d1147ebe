use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use muster_network::mints::Transfer;

use crate::{constants::*, errors::JobsError, events::BondWithdrawn, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct Withdraw<'info> {
    pub holder: Signer<'info>,
    #[account(seeds = [CONFIG_SEED], bump = config.bump)]
    pub config: Box<Account<'info, JobsConfig>>,
    #[account(
        mut, seeds = [BOND_SEED, bond.load()?.tenure.as_ref()], bump = bond.load()?.bump,
        constraint = bond.load()?.holder == holder.key() @ JobsError::NotHolder,
    )]
    pub bond: AccountLoader<'info, Bond>,
    #[account(mut, seeds = [BOND_VAULT_SEED], bump = config.bond_vault_bump)]
    pub bond_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Any account of the mint that the holder names; not the vault, which Anchor refuses to see twice as writable.
    #[account(mut, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = config.mint @ JobsError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl Withdraw<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // holder, bond, bond_vault, destination, mint - checked by their constraints. Never paused.
        require!(amount > 0 && amount <= self.bond.load()?.earned, JobsError::AmountOutOfRange);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(amount))]
    pub fn withdraw(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut bond = accounts.bond.load_mut()?;
        bond.earned = bond.earned.checked_sub(amount).ok_or(JobsError::Overflow)?;
        bond.withdrawn_total = bond.withdrawn_total.checked_add(amount).ok_or(JobsError::Overflow)?;
        let event = BondWithdrawn {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            tenure: bond.tenure,
            amount,
            destination: accounts.destination.key(),
            earned: bond.earned,
        };
        drop(bond);
        let seeds: &[&[u8]] = &[CONFIG_SEED, &[accounts.config.bump]];
        Transfer {
            from: &accounts.bond_vault,
            to: &mut accounts.destination,
            mint: &accounts.mint,
            authority: accounts.config.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[seeds])?;
        emit_cpi!(event);
        Ok(())
    }
}
