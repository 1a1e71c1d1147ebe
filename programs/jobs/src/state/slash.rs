use anchor_lang::prelude::*;
use muster_network::{constants::ORACLES_MAX, state::OracleSet};

use crate::constants::SLASH_LAPSE_S;

/// What one oracle would take from a bond, and why. An evidence hash of zeros means no vote.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct SlashVote {
    /// SHA-256 of the published evidence.
    pub evidence_hash: [u8; 32],
    /// Base units of the job mint.
    pub amount: u64,
    /// The code that the evidence explains; never 0.
    pub reason: u16,
    pub _padding: [u8; 6],
}

/// A bond's slash: the votes, and what a threshold decided until it is executed or voided. One at a time.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Slash {
    pub bond: Pubkey,
    /// One replaceable vote per oracle.
    pub votes: [SlashVote; ORACLES_MAX],
    /// What a threshold agreed on, while `eta` is not zero.
    pub decided: SlashVote,
    /// When it may be executed; zero when none is pending.
    pub eta: i64,
    /// A hold of the guardian's, once per slash; zero when there was none.
    pub held_until: i64,
    /// When the last one was executed or voided.
    pub closed_at: i64,
    /// Oracle set version that the votes and the decision belong to.
    pub votes_version: u32,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 2],
    pub _reserved: [u8; 64],
}

impl Slash {
    /// Whether a slash is pending that the set in force decided.
    pub fn is_pending(&self, set: &OracleSet, now: i64) -> bool {
        self.eta != 0 && self.votes_version == set.set_version && now <= self.lapses_after()
    }

    /// The last second in which what was decided may be executed: nobody's money waits for it any longer.
    pub fn lapses_after(&self) -> i64 {
        self.eta.max(self.held_until).saturating_add(SLASH_LAPSE_S)
    }

    /// When the last slash was executed, voided or lapsed; zero when none was.
    pub fn ended_at(&self, now: i64) -> i64 {
        let has_lapsed = self.eta != 0 && now > self.lapses_after();
        if has_lapsed { self.lapses_after() } else { self.closed_at }
    }

    /// Oracles whose vote equals `vote`.
    pub fn votes_for(&self, vote: &SlashVote) -> usize {
        self.votes.iter().filter(|other| *other == vote).count()
    }

    /// Forgets votes and decision.
    pub fn clear(&mut self) {
        let none = SlashVote { evidence_hash: [0; 32], amount: 0, reason: 0, _padding: [0; 6] };
        self.votes = [none; ORACLES_MAX];
        self.decided = none;
        self.eta = 0;
        self.held_until = 0;
    }
}
