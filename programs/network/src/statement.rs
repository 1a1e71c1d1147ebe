//! What a settler may state about an epoch, and what is booked of it: one set of rules for the first statement and for
//! those that replace it.

use anchor_lang::prelude::*;
use muster_protocol::split::fee_and_pool;

use crate::{errors::NetworkError, state::*};

/// What the settler states about an epoch.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SettleEpochArgs {
    pub epoch: u64,
    pub points_root: [u8; 32],
    pub total_points: u64,
    /// Leaves of the points tree.
    pub node_count: u32,
    /// Base units of the reward mint; 0 ends the epoch without a reward, unless rewards are paid elsewhere.
    pub budget: u64,
    pub dataset_hash: [u8; 32],
    /// Zeros when the project posted no scores.
    pub scores_hash: [u8; 32],
}

/// What a statement is held against.
pub struct Bounds<'a> {
    pub network: &'a Network,
    pub project: &'a Project,
    pub views: &'a ViewSet,
    /// Base units that the budget may come from.
    pub funds: u64,
    pub now: i64,
}

/// The figures that follow from a statement.
#[derive(Clone, Copy, Debug)]
pub struct Booked {
    pub revision: u32,
    pub fee_bps: u16,
    pub fee: u64,
    pub node_pool: u64,
    /// Nothing to approve: the epoch ends without the oracles.
    pub is_final: bool,
    pub now: i64,
}

impl SettleEpochArgs {
    /// Refuses what may not be stated.
    pub fn check(&self, bounds: &Bounds) -> Result<()> {
        let (network, project, now) = (bounds.network, bounds.project, bounds.now);
        network.require_running(pause::SETTLE, now)?;
        require!(self.epoch >= project.next_epoch, NetworkError::EpochPassed);
        let end = network.epoch_end(self.epoch);
        require!(now >= end, NetworkError::EpochNotOver);
        // A relation in the place of a derivation: an epoch has one view set.
        require!(bounds.views.epoch == self.epoch, NetworkError::ViewsOpen);
        let grace_end = end.saturating_add(i64::from(network.grace));
        require!(bounds.views.is_closed(now, grace_end), NetworkError::ViewsOpen);
        require!(self.budget <= project.max_budget_at(self.epoch), NetworkError::BudgetAboveMax);
        require!(self.budget <= bounds.funds, NetworkError::BudgetUnfunded);
        require!(self.node_count <= project.leaf_count, NetworkError::NodeCountInvalid);
        require!(self.total_points == 0 || self.node_count > 0, NetworkError::NodeCountInvalid);
        let is_external = project.reward_mode == reward_mode::EXTERNAL;
        require!(self.budget == 0 || !is_external, NetworkError::PaidElsewhere);
        if self.is_final(project.reward_mode) {
            // Final without the oracles: so it may say nothing that they would have to approve.
            let says_nothing = self.total_points == 0
                && self.node_count == 0
                && [self.points_root, self.dataset_hash, self.scores_hash] == [[0; 32]; 3];
            require!(says_nothing, NetworkError::UnapprovedStatement);
        } else {
            let zero = [0; 32];
            require!(
                self.total_points > 0 && self.points_root != zero && self.dataset_hash != zero,
                NetworkError::NothingToReward
            );
        }
        Ok(())
    }

    /// Whether the statement needs no approval: no budget, and no points that are paid elsewhere.
    fn is_final(&self, mode: u8) -> bool {
        self.budget == 0 && (mode != reward_mode::EXTERNAL || self.total_points == 0)
    }

    /// The split of the budget at the fee of the epoch.
    pub fn book(&self, network: &Network, mode: u8, revision: u32, now: i64) -> Result<Booked> {
        let fee_bps = network.fee_bps_at(self.epoch);
        let (fee, node_pool) = fee_and_pool(self.budget, fee_bps);
        require!(fee.checked_add(node_pool) == Some(self.budget), NetworkError::Overflow);
        Ok(Booked { revision, fee_bps, fee, node_pool, is_final: self.is_final(mode), now })
    }

    /// Writes the statement; what identifies the epoch and its rent stays as it is.
    pub fn write_epoch(&self, epoch: &mut Epoch, booked: &Booked) {
        epoch.points_root = self.points_root;
        epoch.dataset_hash = self.dataset_hash;
        epoch.scores_hash = self.scores_hash;
        epoch.total_points = self.total_points;
        epoch.node_count = self.node_count;
        epoch.budget = self.budget;
        epoch.fee_bps = booked.fee_bps;
        epoch.fee = booked.fee;
        epoch.node_pool = booked.node_pool;
        epoch.revision = booked.revision;
        epoch.settled_at = booked.now;
        epoch.final_at = if booked.is_final { booked.now } else { 0 };
        epoch.status = if booked.is_final { epoch_status::FINAL } else { epoch_status::SETTLED };
    }

    /// Opens the settlement for votes, or leaves none open when the statement is final.
    pub fn write_distribution(&self, distribution: &mut Distribution, booked: &Booked, leaf_count: u32) {
        distribution.close_settlement();
        if booked.is_final {
            return;
        }
        distribution.open_epoch = self.epoch;
        distribution.open_budget = self.budget;
        distribution.open_node_pool = booked.node_pool;
        distribution.open_revision = booked.revision;
        distribution.open_state = settlement_state::SETTLED;
        distribution.leaves_max = leaf_count;
    }
}
