use anchor_lang::prelude::*;

use crate::{
    constants::{BPS, BREAKER_BPS, ORACLES_MAX, ROOTS_MAX},
    errors::NetworkError,
};

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
    /// Oracle set version in which it was held: once per root and version.
    pub held_version: u32,
    pub _padding: [u8; 4],
    /// A correction of an active root pays only from then, as does a root that was held when the next one became active;
    /// zero else. See `paying_roots`.
    pub pays_from: i64,
}

impl Root {
    /// Whether claims may prove against it.
    pub fn pays(&self, now: i64) -> bool {
        now >= self.held_until && now >= self.pays_from
    }
}

/// Where a root stands that the guardian holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldPlace {
    /// Approved, not active yet.
    Pending,
    /// Active, at this place of the ring.
    Active(usize),
}

/// A project's vault and the roots that its tenures claim against.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Distribution {
    pub project: Pubkey,
    /// The project's reward mint.
    pub mint: Pubkey,
    pub vault: Pubkey,
    /// The project's budget vault.
    pub budget_vault: Pubkey,
    /// The network's treasury vault of the mint.
    pub treasury: Pubkey,
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
    /// The project's, one of `reward_mode`; immutable.
    pub reward_mode: u8,
    /// The highest epoch whose settlement was ever voided, and the revision from which its statements, and those of
    /// the epochs before it, go on: an epoch and revision mean one statement for ever.
    pub voided_epoch: u64,
    pub voided_revision: u32,
    /// Leaves that the project had when the newest epoch was settled: no root has more.
    pub leaves_max: u32,

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

    /// Votes on the correction of a held root, as `votes`.
    pub correction_votes: [[u8; 32]; ORACLES_MAX],
    /// Oracle set version that the corrections' votes belong to.
    pub correction_version: u32,
    pub _padding3: [u8; 4],

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
        let epoch = self.epoch_at(now);
        if self.breaker_allowance == 0 || self.breaker_epoch != epoch {
            let outstanding = self.claimable_total().saturating_sub(self.claimed);
            self.breaker_epoch = epoch;
            self.breaker_paid = 0;
            let share = (u128::from(outstanding) * u128::from(BREAKER_BPS)).div_ceil(u128::from(BPS));
            self.breaker_allowance = self.last_node_pool.saturating_add(share as u64);
        }
        self.breaker_allowance.saturating_sub(self.breaker_paid)
    }

    /// The epoch of a moment of the clock.
    pub fn epoch_at(&self, now: i64) -> u64 {
        now.max(0) as u64 / u64::from(self.epoch_len.max(1))
    }

    /// Refuses unless a settlement is open that the set in force has not approved.
    pub fn require_unapproved(&self, set_version: u32) -> Result<()> {
        require!(self.open_state != settlement_state::NONE, NetworkError::NoOpenSettlement);
        require!(!self.is_approved(set_version), NetworkError::AlreadyApproved);
        Ok(())
    }

    /// Whether the set in force approved `pending`.
    pub fn is_approved(&self, set_version: u32) -> bool {
        self.open_state == settlement_state::APPROVED && self.pending_version == set_version
    }

    /// The revision of an epoch's next first statement: 0, unless one was voided.
    pub fn first_revision(&self, epoch: u64) -> u32 {
        if epoch <= self.voided_epoch { self.voided_revision } else { 0 }
    }

    /// Where the held root of an epoch stands; none when none is held.
    pub fn held_place(&self, epoch: u64, now: i64) -> Option<HeldPlace> {
        let is_held = |root: &Root| root.epoch == epoch && now < root.held_until;
        if self.open_state == settlement_state::APPROVED && is_held(&self.pending) {
            return Some(HeldPlace::Pending);
        }
        let position = self.roots.iter().position(is_held)?;
        Some(HeldPlace::Active(position))
    }

    /// Forgets every vote, as each change of what is voted on does.
    pub fn clear_votes(&mut self) {
        self.votes = [[0; 32]; ORACLES_MAX];
    }

    /// No settlement is open any more.
    pub fn close_settlement(&mut self) {
        self.clear_votes();
        self.pending = Root::default();
        self.open_state = settlement_state::NONE;
        self.open_budget = 0;
        self.open_node_pool = 0;
    }

    /// Forgets every vote on a correction.
    pub fn clear_corrections(&mut self) {
        self.correction_votes = [[0; 32]; ORACLES_MAX];
    }

    /// Puts a root in the place of the pending one; it may be activated from `eta`.
    pub fn correct_pending(&mut self, root: Root, eta: i64, ledger_head: [u8; 32]) {
        self.open_revision = root.revision;
        self.pending = root;
        self.pending_eta = eta;
        self.pending_ledger_head = ledger_head;
    }

    /// Puts a root in the place of the newest active one; it pays from `pays_from`. Votes on the next root were chained
    /// to the one that it replaces.
    pub fn correct_active(&mut self, root: Root, pays_from: i64, ledger_head: [u8; 32]) {
        self.clear_votes();
        self.roots[0] = Root { pays_from, ..root };
        self.ledger_head = ledger_head;
    }

    /// The active roots that claims may prove against, newest first. One that was corrected or followed while it was held
    /// casts doubt on itself and on those before it: they pay only while none after them does, which owes all that they
    /// rightly owe.
    pub fn paying_roots(&self, now: i64) -> impl Iterator<Item = &Root> {
        let (mut any_pays, mut doubted) = (false, false);
        self.roots.iter().filter(move |root| {
            doubted |= root.pays_from != 0;
            let pays = root.pays(now) && !(doubted && any_pays);
            any_pays |= pays;
            pays
        })
    }

    /// Casts doubt on the newest active root if it is held: its successor is about to become active, and it can be
    /// corrected no more.
    pub fn doubt_held(&mut self, now: i64) {
        let newest = &mut self.roots[0];
        if now < newest.held_until {
            newest.pays_from = newest.pays_from.max(newest.held_until);
        }
    }

    /// Ends the hold of an epoch's root, and the doubt about one that was followed.
    pub fn end_hold(&mut self, epoch: u64, now: i64) -> Option<Root> {
        let root = match self.held_place(epoch, now)? {
            HeldPlace::Pending => &mut self.pending,
            HeldPlace::Active(0) => &mut self.roots[0],
            HeldPlace::Active(position) => {
                self.roots[position].pays_from = 0;
                &mut self.roots[position]
            }
        };
        root.held_until = 0;
        Some(*root)
    }

    /// Puts a root in front of the ring; the oldest falls out.
    pub fn push_root(&mut self, root: Root) {
        self.roots.copy_within(0..ROOTS_MAX - 1, 1);
        self.roots[0] = root;
    }
}
