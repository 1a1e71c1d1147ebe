use anchor_lang::prelude::*;

use super::OracleSet;
use crate::constants::ORACLES_MAX;

/// The oracles' open votes on a node's suspension: `[BALLOT_SEED, node]`.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Ballot {
    pub node: Pubkey,
    /// One replaceable vote per oracle; zeros mean none.
    pub votes: [[u8; 32]; ORACLES_MAX],
    /// Oracle set version that the votes belong to.
    pub set_version: u32,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 2],
    pub _reserved: [u8; 32],
}

impl Ballot {
    /// Puts an oracle's vote in the place of his last one and counts how many of the set agree. Votes of another set
    /// are void.
    pub fn put_vote(&mut self, set: &OracleSet, position: usize, vote: [u8; 32]) -> u8 {
        if self.set_version != set.set_version {
            self.clear();
            self.set_version = set.set_version;
        }
        self.votes[position] = vote;
        let votes = self.votes[..usize::from(set.count)].iter().filter(|other| **other == vote);
        votes.count() as u8
    }

    /// Forgets every vote.
    pub fn clear(&mut self) {
        self.votes = [[0; 32]; ORACLES_MAX];
    }
}
