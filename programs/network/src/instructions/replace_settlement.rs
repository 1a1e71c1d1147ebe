use core::cmp::Ordering;

use anchor_lang::prelude::*;

use crate::{
    constants::*,
    emit::emit,
    errors::NetworkError,
    events::SettlementReplaced,
    mints::{RawTransfer, balance},
    state::*,
    statement::{Bounds, SettleEpochArgs},
};

#[event_cpi]
#[derive(Accounts)]
pub struct ReplaceSettlement<'info> {
    #[account(constraint = settler.key() == project.settler @ NetworkError::NotSettler)]
    pub settler: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut, address = distribution.load()?.project)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    pub view_set: AccountLoader<'info, ViewSet>,
    #[account(
        mut,
        constraint = epoch.load()?.project == project.key() @ NetworkError::WrongSettlement,
        constraint = epoch.load()?.epoch == distribution.load()?.open_epoch @ NetworkError::WrongSettlement,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
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

impl ReplaceSettlement<'_> {
    fn validate(&self, args: &SettleEpochArgs) -> Result<()> {
        // settler, project, epoch, vaults, mint - checked by their constraints. view_set - by the statement.
        let distribution = self.distribution.load()?;
        distribution.require_unapproved(self.oracle_set.load()?.set_version)?;
        require!(args.epoch == distribution.open_epoch, NetworkError::WrongSettlement);
        args.check(&Bounds {
            network: &self.network,
            project: &self.project,
            views: &*self.view_set.load()?,
            funds: balance(&self.budget_vault)?.saturating_add(distribution.open_budget),
            now: Clock::get()?.unix_timestamp,
        })
    }

    /// The statement that replaces the open one is the next revision; every vote is void. Only the difference of the
    /// budgets moves.
    #[access_control(ctx.accounts.validate(&args))]
    pub fn replace_settlement(ctx: Context<Self>, args: SettleEpochArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let budget_before = accounts.distribution.load()?.open_budget;
        accounts.move_difference(budget_before, args.budget)?;

        let mut distribution = accounts.distribution.load_mut()?;
        let revision = distribution.open_revision.checked_add(1).ok_or(NetworkError::Overflow)?;
        let booked = args.book(&accounts.network, distribution.reward_mode, revision, now)?;
        if booked.is_final {
            accounts.project.next_epoch = args.epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
        }
        args.write_distribution(&mut distribution, &booked, accounts.project.leaf_count);
        args.write_epoch(&mut *accounts.epoch.load_mut()?, &booked);
        let event = SettlementReplaced {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: accounts.project.key(),
            epoch: args.epoch,
            revision,
            points_root: args.points_root,
            total_points: args.total_points,
            node_count: args.node_count,
            budget_before,
            budget: args.budget,
            fee_bps: booked.fee_bps,
            fee: booked.fee,
            node_pool: booked.node_pool,
            dataset_hash: args.dataset_hash,
            scores_hash: args.scores_hash,
            is_final: booked.is_final,
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }

    fn move_difference(&self, before: u64, after: u64) -> Result<()> {
        let (mint, token_program) = (self.mint.as_ref(), self.token_program.key);
        let project = self.project.key();
        match after.cmp(&before) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => {
                let index = self.project.index.to_le_bytes();
                let seeds: &[&[u8]] = &[PROJECT_SEED, &index, &[self.project.bump]];
                let authority = &self.project.to_account_info();
                let (from, to) = (self.budget_vault.as_ref(), self.vault.as_ref());
                RawTransfer { from, to, mint, authority, token_program }.send(after - before, &[seeds])
            }
            Ordering::Less => {
                let bump = self.distribution.load()?.bump;
                let seeds: &[&[u8]] = &[DISTRIBUTION_SEED, project.as_ref(), &[bump]];
                let authority = self.distribution.as_ref();
                let (from, to) = (self.vault.as_ref(), self.budget_vault.as_ref());
                RawTransfer { from, to, mint, authority, token_program }.send(before - after, &[seeds])
            }
        }
    }
}
