use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use muster_protocol::split::fee_and_pool;

use crate::{constants::*, errors::NetworkError, events::EpochSettled, mints::Transfer, state::*};

/// What the settler states about an epoch.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SettleEpochArgs {
    pub epoch: u64,
    pub points_root: [u8; 32],
    pub total_points: u64,
    /// Leaves of the points tree.
    pub node_count: u32,
    /// Base units of the reward mint; 0 ends the epoch without a reward.
    pub budget: u64,
    pub dataset_hash: [u8; 32],
    /// Zeros when the project posted no scores.
    pub scores_hash: [u8; 32],
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: SettleEpochArgs)]
pub struct SettleEpoch<'info> {
    #[account(mut, constraint = settler.key() == project.settler @ NetworkError::NotSettler)]
    pub settler: Signer<'info>,
    #[account(seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(mut, seeds = [PROJECT_SEED, &project.index.to_le_bytes()], bump = project.bump)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, seeds = [DISTRIBUTION_SEED, project.key().as_ref()], bump = distribution.load()?.bump)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(seeds = [VIEWS_SEED, &args.epoch.to_le_bytes()], bump = view_set.load()?.bump)]
    pub view_set: AccountLoader<'info, ViewSet>,
    #[account(
        init, payer = settler, space = 8 + size_of::<Epoch>(),
        seeds = [EPOCH_SEED, project.key().as_ref(), &args.epoch.to_le_bytes()], bump,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
    #[account(mut, seeds = [BUDGET_SEED, project.key().as_ref()], bump)]
    pub budget_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = project.reward_mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl SettleEpoch<'_> {
    fn validate(&self, args: &SettleEpochArgs) -> Result<()> {
        // settler, epoch, vault, mint - checked by their constraints.
        let now = Clock::get()?.unix_timestamp;
        self.network.require_running(pause::SETTLE, now)?;
        let project = &self.project;
        require!(args.epoch >= project.next_epoch, NetworkError::EpochPassed);
        let end = self.network.epoch_end(args.epoch);
        require!(now >= end, NetworkError::EpochNotOver);
        require!(self.distribution.load()?.open_state == settlement_state::NONE, NetworkError::SettlementOpen);
        let grace_end = end.saturating_add(i64::from(self.network.grace));
        require!(self.view_set.load()?.is_closed(now, grace_end), NetworkError::ViewsOpen);
        require!(args.budget <= project.max_budget_at(args.epoch), NetworkError::BudgetAboveMax);
        require!(args.budget <= self.budget_vault.amount, NetworkError::BudgetUnfunded);
        require!(args.node_count <= project.leaf_count, NetworkError::NodeCountInvalid);
        require!(args.total_points == 0 || args.node_count > 0, NetworkError::NodeCountInvalid);
        if args.budget > 0 {
            let zero = [0; 32];
            require!(
                args.total_points > 0 && args.points_root != zero && args.dataset_hash != zero,
                NetworkError::NothingToReward
            );
            require!(project.reward_mode == reward_mode::ONCHAIN, NetworkError::RewardModeUnknown);
        } else {
            // Final without the oracles: so it may say nothing that they would have to approve.
            let says_nothing = args.total_points == 0
                && args.node_count == 0
                && [args.points_root, args.dataset_hash, args.scores_hash] == [[0; 32]; 3];
            require!(says_nothing, NetworkError::UnapprovedStatement);
        }
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn settle_epoch(ctx: Context<Self>, args: SettleEpochArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let fee_bps = accounts.network.fee_bps_at(args.epoch);
        let (fee, node_pool) = fee_and_pool(args.budget, fee_bps);
        require!(fee.checked_add(node_pool) == Some(args.budget), NetworkError::Overflow);
        accounts.move_budget(args.budget)?;

        let is_final = args.budget == 0;
        let skipped_from = accounts.project.next_epoch;
        if is_final {
            accounts.project.next_epoch = args.epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
        }
        let mut epoch = accounts.epoch.load_init()?;
        epoch.project = accounts.project.key();
        epoch.points_root = args.points_root;
        epoch.dataset_hash = args.dataset_hash;
        epoch.scores_hash = args.scores_hash;
        epoch.rent_payer = accounts.settler.key();
        epoch.epoch = args.epoch;
        epoch.total_points = args.total_points;
        epoch.budget = args.budget;
        epoch.fee = fee;
        epoch.node_pool = node_pool;
        epoch.settled_at = now;
        epoch.final_at = if is_final { now } else { 0 };
        epoch.node_count = args.node_count;
        epoch.fee_bps = fee_bps;
        epoch.status = if is_final { epoch_status::FINAL } else { epoch_status::SETTLED };
        epoch.bump = ctx.bumps.epoch;
        epoch.version = ACCOUNT_VERSION;
        drop(epoch);

        let mut distribution = accounts.distribution.load_mut()?;
        if !is_final {
            distribution.clear_votes();
            distribution.open_epoch = args.epoch;
            distribution.open_budget = args.budget;
            distribution.open_node_pool = node_pool;
            distribution.open_revision = 0;
            distribution.open_state = settlement_state::SETTLED;
        }
        let event = EpochSettled {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: accounts.project.key(),
            epoch: args.epoch,
            revision: 0,
            skipped_from,
            points_root: args.points_root,
            total_points: args.total_points,
            node_count: args.node_count,
            budget: args.budget,
            fee_bps,
            fee,
            node_pool,
            dataset_hash: args.dataset_hash,
            scores_hash: args.scores_hash,
            is_final,
        };
        drop(distribution);
        emit_cpi!(event);
        Ok(())
    }

    /// The whole budget goes to the vault; fee and pool are booked at activation.
    fn move_budget(&mut self, budget: u64) -> Result<()> {
        if budget == 0 {
            return Ok(());
        }
        let index = self.project.index.to_le_bytes();
        let seeds: &[&[u8]] = &[PROJECT_SEED, &index, &[self.project.bump]];
        Transfer {
            from: &self.budget_vault,
            to: &mut self.vault,
            mint: &self.mint,
            authority: self.project.to_account_info(),
            token_program: self.token_program.key(),
        }
        .send(budget, &[seeds])
    }
}
