use anchor_lang::prelude::*;

use crate::constants::{NAME_LEN_MAX, URI_LEN_MAX};

/// Who pays the nodes.
pub mod reward_mode {
    /// Claims against this program's distribution.
    pub const ONCHAIN: u8 = 0;
    /// Points are exported and paid elsewhere.
    pub const EXTERNAL: u8 = 1;
}

/// How uptime and task scores become points. See `muster_protocol::points::Formula`.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PointsFormula {
    pub w_uptime: u32,
    pub w_task: u32,
    pub cap: u64,
    pub min_uptime_bps: u16,
}

/// Who defines workloads, sells licences, funds rewards and settles epochs.
#[account]
#[derive(InitSpace, Debug)]
pub struct Project {
    pub version: u8,
    pub bump: u8,
    pub index: u64,
    /// Cold key: money and rules.
    pub owner: Pubkey,
    pub pending_owner: Pubkey,
    /// Hot key: states epochs, moves nothing beyond `max_epoch_budget`.
    pub settler: Pubkey,
    /// The collection whose members are this project's licences.
    pub collection: Pubkey,
    /// Immutable.
    pub reward_mint: Pubkey,
    pub payment_mint: Pubkey,
    /// Price of a licence, base units of the payment mint.
    pub price: u64,
    pub licences_max: u32,
    pub licences_sold: u32,
    pub formula: PointsFormula,
    /// Takes effect from `next_formula_epoch`.
    pub next_formula: PointsFormula,
    pub next_formula_epoch: u64,
    pub max_epoch_budget: u64,
    /// Takes effect from `next_budget_epoch`.
    pub next_max_epoch_budget: u64,
    pub next_budget_epoch: u64,
    /// Tenures that ever got a leaf.
    pub leaf_count: u32,
    /// The first epoch that may still be settled.
    pub next_epoch: u64,
    pub created_at: i64,
    pub withdraw_amount: u64,
    pub withdraw_at: i64,
    pub pool_count: u32,
    pub reward_mode: u8,
    pub closed: bool,
    /// Last event of this account's stream.
    pub seq: u64,
    pub name: [u8; NAME_LEN_MAX],
    pub uri: [u8; URI_LEN_MAX],
    pub _reserved: [u8; 256],
}

impl Project {
    /// The formula that holds in an epoch.
    pub fn formula_at(&self, epoch: u64) -> PointsFormula {
        if epoch >= self.next_formula_epoch { self.next_formula } else { self.formula }
    }

    /// The most that a settlement of an epoch may move.
    pub fn max_budget_at(&self, epoch: u64) -> u64 {
        if epoch >= self.next_budget_epoch { self.next_max_epoch_budget } else { self.max_epoch_budget }
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// The name without its padding.
    pub fn name(&self) -> &str {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(NAME_LEN_MAX);
        core::str::from_utf8(&self.name[..len]).unwrap_or("")
    }

    /// The collection's metadata URI without its padding.
    pub fn uri(&self) -> &str {
        let len = self.uri.iter().position(|byte| *byte == 0).unwrap_or(URI_LEN_MAX);
        core::str::from_utf8(&self.uri[..len]).unwrap_or("")
    }
}
