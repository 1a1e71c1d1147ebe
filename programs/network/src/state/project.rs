use anchor_lang::prelude::*;

use super::licence_standard;
use crate::{
    constants::{BPS, NAME_LEN_MAX, URI_LEN_MAX},
    errors::NetworkError,
    text::unpadded,
};

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

impl PointsFormula {
    /// Refuses a formula by which no node can earn, or none that a dataset can state.
    pub fn validate(&self) -> Result<()> {
        require!((self.w_uptime > 0 || self.w_task > 0) && self.min_uptime_bps <= BPS, NetworkError::FormulaInvalid);
        Ok(())
    }
}

/// Bytes that later fields may take.
const RESERVED_LEN: usize = 256;

/// Who defines workloads, sells licences, funds rewards and settles epochs.
#[account]
#[derive(InitSpace, Debug)]
pub struct Project {
    pub version: u8,
    pub bump: u8,
    pub index: u64,
    /// Cold key: money and rules.
    pub owner: Pubkey,
    /// Proposed by the owner, becomes it by accepting; zero when none is proposed.
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
    /// Sold and given: the serial of the next licence.
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
    /// What is left of the announced withdrawal.
    pub withdraw_amount: u64,
    /// From when it may be withdrawn; it lapses `hold_limit` later. Zero when none is announced.
    pub withdraw_at: i64,
    /// Pools that were ever made: the index of the next one.
    pub pool_count: u32,
    /// One of `reward_mode`.
    pub reward_mode: u8,
    /// One of `licence_standard`: what this project's licences are.
    pub standard: u8,
    pub budget_vault_bump: u8,
    /// For ever: no more sales, gifts, binds, funding and pools.
    pub closed: bool,
    /// Last event of this account's stream.
    pub seq: u64,
    pub name: [u8; NAME_LEN_MAX],
    pub uri: [u8; URI_LEN_MAX],
    pub _reserved: [u8; RESERVED_LEN],
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

    /// Makes a formula hold from the epoch after `current`, which is returned.
    pub fn change_formula(&mut self, formula: PointsFormula, current: u64) -> Result<u64> {
        if self.outlasts(self.next_formula_epoch, current)? {
            self.formula = self.next_formula;
        }
        self.next_formula = formula;
        self.next_formula_epoch = current.checked_add(1).ok_or(NetworkError::Overflow)?;
        Ok(self.next_formula_epoch)
    }

    /// Makes a `max_epoch_budget` hold from the epoch after `current`, which is returned.
    pub fn change_max_epoch_budget(&mut self, amount: u64, current: u64) -> Result<u64> {
        if self.outlasts(self.next_budget_epoch, current)? {
            self.max_epoch_budget = self.next_max_epoch_budget;
        }
        self.next_max_epoch_budget = amount;
        self.next_budget_epoch = current.checked_add(1).ok_or(NetworkError::Overflow)?;
        Ok(self.next_budget_epoch)
    }

    /// Whether the change of `from_epoch` has begun, and becomes the old value beside the next one. Refused while an
    /// epoch before it may still be settled: two values are kept, and that epoch needs the older.
    fn outlasts(&self, from_epoch: u64, current: u64) -> Result<bool> {
        let begun = current >= from_epoch;
        require!(!begun || from_epoch <= self.next_epoch, NetworkError::ChangePending);
        Ok(begun)
    }

    /// First second in which the announced withdrawal can no longer be made.
    pub fn withdrawal_lapses_at(&self, hold_limit: u32) -> i64 {
        self.withdraw_at.saturating_add(i64::from(hold_limit))
    }

    /// Refuses a licence that is not the next one, or that this project can no longer mint.
    pub fn require_licence_left(&self, serial: u32) -> Result<()> {
        require!(!self.closed, NetworkError::ProjectClosed);
        require!(self.standard == licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        require!(self.licences_sold < self.licences_max, NetworkError::SoldOut);
        require!(serial == self.licences_sold, NetworkError::WrongSerial);
        Ok(())
    }

    /// Where `seq` lies in the account's data: all fields are of fixed size.
    const SEQ_AT: usize = 8 + Self::INIT_SPACE - RESERVED_LEN - URI_LEN_MAX - NAME_LEN_MAX - size_of::<u64>();

    /// The number of the next event of a project that is known by its address. Reading and writing all of the account
    /// costs more than most of what is done to a node.
    pub fn count_event(project: &AccountInfo) -> Result<u64> {
        let mut data = project.try_borrow_mut_data()?;
        let field = data.get_mut(Self::SEQ_AT..Self::SEQ_AT + size_of::<u64>());
        let field: &mut [u8; 8] =
            field.and_then(|bytes| bytes.try_into().ok()).ok_or(ErrorCode::AccountDidNotDeserialize)?;
        let seq = u64::from_le_bytes(*field) + 1;
        *field = seq.to_le_bytes();
        Ok(seq)
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// The name without its padding.
    pub fn name(&self) -> &str {
        unpadded(&self.name)
    }

    /// The collection's metadata URI without its padding.
    pub fn uri(&self) -> &str {
        unpadded(&self.uri)
    }
}
