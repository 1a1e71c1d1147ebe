use anchor_lang::prelude::*;

use crate::{constants::*, errors::NetworkError};

/// Where a node stands in its life.
pub mod node_status {
    /// The holder named a key, the key has not accepted: earns nothing.
    pub const BOUND: u8 = 1;
    /// The node key accepted: earns from the next bucket.
    pub const ACTIVE: u8 = 2;
    /// The holder unbound; the licence thaws at `thaw_at`.
    pub const UNBINDING: u8 = 3;
    /// Thawed or detached: a bind may follow.
    pub const FREE: u8 = 4;
}

/// Which standard the licence follows.
pub mod licence_standard {
    /// A member of the project's Token-2022 group; frozen while bound.
    pub const TOKEN_2022: u8 = 0;
    /// A Metaplex Core asset of the project's collection; never frozen.
    pub const CORE: u8 = 1;
    /// A Token Metadata NFT of the project's collection; never frozen.
    pub const TOKEN_METADATA: u8 = 2;
}

/// Who suspended a node.
pub mod suspended_by {
    /// Nobody ever did.
    pub const NOBODY: u8 = 0;
    /// The project's owner.
    pub const OWNER: u8 = 1;
    /// A threshold of oracles.
    pub const ORACLES: u8 = 2;
}

/// Seconds of the clock, start..end; zeros when there is none.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct Maintenance {
    pub start: i64,
    pub end: i64,
}

impl Maintenance {
    /// Its seconds from `from` on.
    fn seconds_since(&self, from: i64) -> u64 {
        u64::try_from(self.end.saturating_sub(self.start.max(from))).unwrap_or(0)
    }
}

/// A machine's on-chain account; one per licence, for ever.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Node {
    pub project: Pubkey,
    /// The licence's mint.
    pub licence: Pubkey,
    /// The token account that `bind` froze; of an external standard, what proves that the holder holds.
    pub licence_account: Pubkey,
    /// The hot Ed25519 key; signs heartbeats and results, can never move funds.
    pub node_key: Pubkey,
    /// The current tenure.
    pub tenure: Pubkey,
    /// Zero when the node is in no pool.
    pub pool: Pubkey,
    /// SHA-256 of the metadata document that the holder registered.
    pub metadata_hash: [u8; 32],
    pub bound_at: i64,
    /// Zero until the node key accepts.
    pub accepted_at: i64,
    /// End of the last tenure's last epoch; a later tenure begins no earlier. Zero before the first unbind.
    pub thaw_at: i64,
    /// Announced maintenance, seconds of the clock; zeros when there is none.
    pub maintenance_start: i64,
    pub maintenance_end: i64,
    /// Maintenance before that, newest first; only what is over.
    pub maintenance_past: [Maintenance; MAINTENANCE_COUNT_MAX - 1],
    /// Earns nothing in epochs from..until.
    pub suspended_from_epoch: u64,
    pub suspended_until_epoch: u64,
    pub tenure_number: u32,
    pub serial: u32,
    /// One of `node_status`.
    pub status: u8,
    /// One of `licence_standard`.
    pub standard: u8,
    pub bump: u8,
    pub version: u8,
    /// One of `suspended_by`.
    pub suspended_by: u8,
    pub _padding: [u8; 1],
    /// What the suspension names; the network's documents say what it means.
    pub suspension_reason: u16,
    /// SHA-256 of what the holder or operator says against the suspension; zeros when nothing.
    pub appeal_hash: [u8; 32],
    pub _reserved: [u8; 32],
}

impl Node {
    /// Announces maintenance in place of what has not begun, and behind what is over; zeros announce none. Returns the
    /// seconds that maintenance then takes of the 30 days before its end. No other 30 days hold more, since it comes after
    /// all that was announced before.
    pub fn announce_maintenance(&mut self, next: Maintenance, now: i64) -> Result<u64> {
        let last = Maintenance { start: self.maintenance_start, end: self.maintenance_end };
        if last.end != 0 && last.end <= now {
            // What ended within 30 days counts against whatever may be announced yet: it is not forgotten.
            let oldest = self.maintenance_past[MAINTENANCE_COUNT_MAX - 2];
            require!(oldest.end <= now.saturating_sub(MAINTENANCE_WINDOW_S), NetworkError::MaintenanceUsedUp);
            self.maintenance_past.copy_within(..MAINTENANCE_COUNT_MAX - 2, 1);
            self.maintenance_past[0] = last;
        }
        let end = if next.end == 0 { now } else { next.end };
        let from = end.saturating_sub(MAINTENANCE_WINDOW_S);
        let past = self.maintenance_past.iter().map(|past| past.seconds_since(from));
        let used = past.fold(next.seconds_since(i64::MIN), u64::saturating_add);
        require!(used <= MAINTENANCE_MAX_S, NetworkError::MaintenanceUsedUp);
        self.maintenance_start = next.start;
        self.maintenance_end = next.end;
        Ok(used)
    }

    /// Refuses unless a tenure lasts.
    pub fn require_bound(&self) -> Result<()> {
        require!(matches!(self.status, node_status::BOUND | node_status::ACTIVE), NetworkError::NotBound);
        Ok(())
    }

    /// The oracles' word: suspended for `epochs` from the next one on, instead of what held; 0 lifts.
    pub fn suspend_by_oracles(&mut self, reason: u16, epochs: u8, epoch: u64, next_epoch: u64) -> Result<()> {
        let from = self.enter_suspension(epoch, next_epoch)?;
        require!(epochs > 0 || self.suspended_until_epoch > from, NetworkError::NotSuspended);
        self.suspended_until_epoch = from.saturating_add(u64::from(epochs));
        self.suspended_by = suspended_by::ORACLES;
        self.suspension_reason = reason;
        Ok(())
    }

    /// The owner's word: suspended at least for `epochs` from the next one on, unless the oracles spoke.
    pub fn suspend_by_owner(&mut self, reason: u16, epochs: u8, epoch: u64, next_epoch: u64) -> Result<()> {
        let from = self.enter_suspension(epoch, next_epoch)?;
        let oracles_spoke = self.suspended_by == suspended_by::ORACLES && self.suspended_until_epoch > from;
        require!(!oracles_spoke, NetworkError::SuspendedByOracles);
        self.suspended_until_epoch = self.suspended_until_epoch.max(from.saturating_add(u64::from(epochs)));
        self.suspended_by = suspended_by::OWNER;
        self.suspension_reason = reason;
        Ok(())
    }

    /// The next epoch. A suspension that reaches it goes on; after a gap another begins there, once the epochs of the last
    /// one can no longer be settled: the account still says whom they left out.
    fn enter_suspension(&mut self, epoch: u64, next_epoch: u64) -> Result<u64> {
        let from = epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
        if self.suspended_until_epoch < from {
            require!(self.suspended_until_epoch <= next_epoch, NetworkError::ChangePending);
            self.suspended_from_epoch = from;
            self.suspended_until_epoch = from;
        }
        Ok(from)
    }
}

/// Marks a node key as taken: `[KEY_SEED, node key]`.
#[account]
#[derive(InitSpace, Debug)]
pub struct KeyMarker {
    pub node: Pubkey,
    pub bump: u8,
}

/// Marks a collection as taken: `[COLLECTION_SEED, collection]`.
#[account]
#[derive(InitSpace, Debug)]
pub struct CollectionMarker {
    pub project: Pubkey,
    pub bump: u8,
}
