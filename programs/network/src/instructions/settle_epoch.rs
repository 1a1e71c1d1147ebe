use anchor_lang::prelude::*;

use crate::{
    constants::*,
    emit::emit,
    errors::NetworkError,
    events::EpochSettled,
    mints::{RawTransfer, balance},
    state::*,
    statement::{Bounds, SettleEpochArgs},
};

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: SettleEpochArgs)]
pub struct SettleEpoch<'info> {
    #[account(mut, constraint = settler.key() == project.settler @ NetworkError::NotSettler)]
    pub settler: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    #[account(mut, address = distribution.load()?.project)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    pub view_set: AccountLoader<'info, ViewSet>,
    #[account(
        init, payer = settler, space = 8 + size_of::<Epoch>(),
        seeds = [EPOCH_SEED, project.key().as_ref(), &args.epoch.to_le_bytes()], bump,
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
    pub system_program: Program<'info, System>,
}

impl SettleEpoch<'_> {
    fn validate(&self, args: &SettleEpochArgs) -> Result<()> {
        // settler, project, vaults, mint - checked by their constraints. epoch - made here. view_set - by the statement.
        require!(self.distribution.load()?.open_state == settlement_state::NONE, NetworkError::SettlementOpen);
        args.check(&Bounds {
            network: &self.network,
            project: &self.project,
            views: &*self.view_set.load()?,
            funds: balance(&self.budget_vault)?,
            now: Clock::get()?.unix_timestamp,
        })
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn settle_epoch(ctx: Context<Self>, args: SettleEpochArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.move_budget(args.budget)?;

        let mut distribution = accounts.distribution.load_mut()?;
        let revision = distribution.first_revision(args.epoch);
        let booked = args.book(&accounts.network, distribution.reward_mode, revision, now)?;
        let skipped_from = accounts.project.next_epoch;
        if booked.is_final {
            accounts.project.next_epoch = args.epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
        }
        args.write_distribution(&mut distribution, &booked, accounts.project.leaf_count);
        let mut epoch = accounts.epoch.load_init()?;
        epoch.project = accounts.project.key();
        epoch.rent_payer = accounts.settler.key();
        epoch.epoch = args.epoch;
        epoch.bump = ctx.bumps.epoch;
        epoch.version = ACCOUNT_VERSION;
        args.write_epoch(&mut epoch, &booked);
        drop(epoch);

        let event = EpochSettled {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: accounts.project.key(),
            epoch: args.epoch,
            revision,
            skipped_from,
            points_root: args.points_root,
            total_points: args.total_points,
            node_count: args.node_count,
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

    /// The whole budget goes to the vault; fee and pool are booked at activation.
    fn move_budget(&self, budget: u64) -> Result<()> {
        if budget == 0 {
            return Ok(());
        }
        let index = self.project.index.to_le_bytes();
        let seeds: &[&[u8]] = &[PROJECT_SEED, &index, &[self.project.bump]];
        RawTransfer {
            from: &self.budget_vault,
            to: &self.vault,
            mint: &self.mint,
            authority: &self.project.to_account_info(),
            token_program: self.token_program.key,
        }
        .send(budget, &[seeds])
    }
}
