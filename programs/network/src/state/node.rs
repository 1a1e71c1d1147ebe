use anchor_lang::prelude::*;

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
}

/// A machine's on-chain account; one per licence, for ever.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Node {
    pub project: Pubkey,
    /// The licence's mint.
    pub licence: Pubkey,
    /// The token account that `bind` froze.
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
    /// Zero unless unbinding.
    pub thaw_at: i64,
    /// Announced maintenance, seconds of the clock.
    pub maintenance_start: i64,
    pub maintenance_end: i64,
    pub maintenance_window_start: i64,
    pub maintenance_used_s: u64,
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
    pub _padding: [u8; 4],
    pub _reserved: [u8; 128],
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
