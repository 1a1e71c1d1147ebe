use anchor_lang::prelude::*;

use crate::{constants::*, emit::emit, errors::NetworkError, events::SettlementVoided, mints::RawTransfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct VoidSettlement<'info> {
    pub caller: Signer<'info>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(address = distribution.load()?.project)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(
        mut, close = rent_payer,
        constraint = epoch.load()?.project == project.key() @ NetworkError::WrongSettlement,
        constraint = epoch.load()?.epoch == distribution.load()?.open_epoch @ NetworkError::WrongSettlement,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
    /// CHECK: gets the rent that it paid.
    #[account(mut, address = epoch.load()?.rent_payer @ NetworkError::NotRentPayer)]
    pub rent_payer: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = distribution.load()?.budget_vault)]
    pub budget_vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = distribution.load()?.mint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the program that owns the vaults.
    #[account(address = *vault.owner)]
    pub token_program: UncheckedAccount<'info>,
}

impl VoidSettlement<'_> {
    fn validate(&self) -> Result<()> {
        // project, epoch, rent_payer, vaults, mint - checked by their constraints. Never paused.
        let distribution = self.distribution.load()?;
        distribution.require_unapproved(self.oracle_set.load()?.set_version)?;
        let wait = i64::from(distribution.epoch_len) * i64::from(VOID_AFTER_EPOCHS);
        let anyone_from = self.epoch.load()?.settled_at.saturating_add(wait);
        let caller = self.caller.key();
        require!(
            caller == self.project.settler
                || caller == self.project.owner
                || Clock::get()?.unix_timestamp >= anyone_from,
            NetworkError::VoidTooEarly
        );
        Ok(())
    }

    /// The whole budget goes back, the epoch may be settled again with the next revision.
    #[access_control(ctx.accounts.validate())]
    pub fn void_settlement(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let budget = accounts.distribution.load()?.open_budget;
        accounts.return_budget(budget)?;

        let mut distribution = accounts.distribution.load_mut()?;
        let (epoch, revision) = (distribution.open_epoch, distribution.open_revision);
        let next_revision = revision.checked_add(1).ok_or(NetworkError::Overflow)?;
        distribution.voided_epoch = distribution.voided_epoch.max(epoch);
        distribution.voided_revision = distribution.voided_revision.max(next_revision);
        distribution.close_settlement();
        let event = SettlementVoided {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            project: accounts.project.key(),
            epoch,
            revision,
            budget,
            caller: accounts.caller.key(),
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }

    fn return_budget(&self, budget: u64) -> Result<()> {
        if budget == 0 {
            return Ok(());
        }
        let bump = self.distribution.load()?.bump;
        let project = self.project.key();
        let seeds: &[&[u8]] = &[DISTRIBUTION_SEED, project.as_ref(), &[bump]];
        RawTransfer {
            from: &self.vault,
            to: &self.budget_vault,
            mint: &self.mint,
            authority: self.distribution.as_ref(),
            token_program: self.token_program.key,
        }
        .send(budget, &[seeds])
    }
}
