use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{constants::*, errors::NetworkError, events::ProjectFunded, mints::Transfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct FundProject<'info> {
    pub funder: Signer<'info>,
    /// Any account of this type is a project; the vault's address says that it is this one's.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, token::mint = mint, token::authority = funder, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(mut, seeds = [BUDGET_SEED, project.key().as_ref()], bump = project.budget_vault_bump)]
    pub budget_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = project.reward_mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl FundProject<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // funder, source, budget_vault, mint, token_program - checked by their constraints.
        require!(!self.project.closed, NetworkError::ProjectClosed);
        require!(amount > 0, NetworkError::ZeroAmount);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(amount))]
    pub fn fund_project(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        Transfer {
            from: &accounts.source,
            to: &mut accounts.budget_vault,
            mint: &accounts.mint,
            authority: accounts.funder.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[])?;
        let event = ProjectFunded {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            funder: accounts.funder.key(),
            amount,
            balance: accounts.budget_vault.amount,
        };
        emit_cpi!(event);
        Ok(())
    }
}
