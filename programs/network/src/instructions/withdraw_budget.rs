use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{constants::*, errors::NetworkError, events::BudgetWithdrawn, mints::Transfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawBudget<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, seeds = [BUDGET_SEED, project.key().as_ref()], bump = project.budget_vault_bump)]
    pub budget_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Whose it is, the owner decides.
    #[account(mut, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = project.reward_mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Token program of the reward mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl WithdrawBudget<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // owner, network, project, budget_vault, destination, mint - checked by their constraints.
        let now = Clock::get()?.unix_timestamp;
        let (network, project) = (&self.network, &self.project);
        require!(amount > 0, NetworkError::ZeroAmount);
        require!(
            now >= project.withdraw_at && now < project.withdrawal_lapses_at(network.hold_limit),
            NetworkError::WithdrawalNotDue
        );
        require!(amount <= project.withdraw_amount, NetworkError::WithdrawalTooLarge);
        require!(amount <= self.budget_vault.amount, NetworkError::BudgetUnfunded);
        Ok(())
    }

    /// Pays out of what was announced an epoch ago. Never paused, closed projects too.
    #[access_control(ctx.accounts.validate(amount))]
    pub fn withdraw_budget(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let project = &mut accounts.project;
        project.withdraw_amount = project.withdraw_amount.checked_sub(amount).ok_or(NetworkError::Overflow)?;
        Transfer {
            from: &accounts.budget_vault,
            to: &mut accounts.destination,
            mint: &accounts.mint,
            authority: project.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[&[PROJECT_SEED, &project.index.to_le_bytes(), &[project.bump]]])?;
        accounts.budget_vault.reload()?;
        let event = BudgetWithdrawn {
            stream: project.key(),
            seq: project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            amount,
            destination: accounts.destination.key(),
            balance: accounts.budget_vault.amount,
        };
        emit_cpi!(event);
        Ok(())
    }
}
