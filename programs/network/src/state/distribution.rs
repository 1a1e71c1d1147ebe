use anchor_lang::prelude::*;

use crate::constants::{BPS, BREAKER_BPS, ORACLES_MAX, ROOTS_MAX};

/// Where the distribution's one open settlement stands.
pub mod settlement_state {
    /// None is open.
    pub const NONE: u8 = 0;
    /// Settled, the oracles are voting.
    pub const SETTLED: u8 = 1;
    /// Approved, the delay runs.
    pub const APPROVED: u8 = 2;
}

/// A cumulative root.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Root {
    pub root: [u8; 32],
    pub epoch: u64,
    /// Sum of all leaves, base units.
    pub total: u64,
    /// Leaves of the tree; fixes the depth of its proofs.
    pub count: u32,
    pub revision: u32,
    /// Until when the guardian holds it; zero when it does not.
    pub held_until: i64,
    /// Oracle set version in which it was held: once per epoch and version.
    pub held_version: u32,
    pub _padding: [u8; 4],
}

/// A project's vault and the roots that its tenures claim against.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Distribution {
    pub project: Pubkey,
    /// The project's reward mint.
    pub mint: Pubkey,
    pub vault: Pubkey,
    /// Sum of the node pools of all active roots.
    pub allocated: u64,
    /// Paid to nodes so far.
    pub claimed: u64,
    /// Added by `top_up` beyond the newest total.
    pub topped_up: u64,
    /// Last event of this account's stream.
    pub seq: u64,
    /// Hash-chained ledger of this project's active settlements.
    pub ledger_head: [u8; 32],

    /// The open settlement.
    pub open_epoch: u64,
    pub open_budget: u64,
    pub open_node_pool: u64,
    pub open_revision: u32,
    /// One of `settlement_state`.
    pub open_state: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: u8,

    /// One replaceable vote per oracle; zeros mean none.
    pub votes: [[u8; 32]; ORACLES_MAX],
    /// Oracle set version that the votes belong to.
    pub votes_version: u32,
    /// Oracle set version that approved `pending`.
    pub pending_version: u32,
    /// When `pending` may be activated.
    pub pending_eta: i64,
    pub pending_ledger_head: [u8; 32],
    /// The approved root, waiting for its delay.
    pub pending: Root,

    /// Active roots, newest first.
    pub roots: [Root; ROOTS_MAX],

    /// Epoch of the clock in which the breaker counts.
    pub breaker_epoch: u64,
    pub breaker_allowance: u64,
    pub breaker_paid: u64,
    /// Node pool of the newest active root.
    pub last_node_pool: u64,
    /// Seconds, the network's: a claim does not read the network.
    pub epoch_len: u32,
    pub _padding2: [u8; 4],
    pub _reserved: [u8; 256],
}

impl Distribution {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Total of the newest active root, what has been topped up included: claims never exceed it.
    pub fn claimable_total(&self) -> u64 {
        self.roots[0].total.saturating_add(self.topped_up)
    }

    /// What the breaker still lets through in the clock's epoch: the last node pool and a quarter of what is outstanding.
    /// It delays, it never refuses: it lets through more than comes in, so that a backlog shrinks although others claim
    /// first, and a root that pays wrongly drains the vault over many epochs, in which it can be held.
    pub fn allowance(&mut self, now: i64) -> u64 {
        let epoch = now.max(0) as u64 / u64::from(self.epoch_len.max(1));
        if self.breaker_allowance == 0 || self.breaker_epoch != epoch {
            let outstanding = self.claimable_total().saturating_sub(self.claimed);
            let share = (u128::from(outstanding) * u128::from(BREAKER_BPS)).div_ceil(u128::from(BPS));
            self.breaker_epoch = epoch;
            self.breaker_paid = 0;
            self.breaker_allowance = self.last_node_pool.saturating_add(share as u64);
        }
        self.breaker_allowance.saturating_sub(self.breaker_paid)
    }

    /// Forgets every vote, as each change of what is voted on does.
    pub fn clear_votes(&mut self) {
        self.votes = [[0; 32]; ORACLES_MAX];
    }

    /// Puts a root in front of the ring; the oldest falls out.
    pub fn push_root(&mut self, root: Root) {
        self.roots.copy_within(0..ROOTS_MAX - 1, 1);
        self.roots[0] = root;
    }
}
