//! What oracles vote on: a cumulative root, for the open settlement or in the place of a held one.

use anchor_lang::prelude::*;
use muster_protocol::votes::{LedgerEntry, RootVote, ledger_head, root_vote_hash};

use crate::{constants::ORACLES_MAX, errors::NetworkError, state::*};

/// The root that an oracle computed, and from what.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ApproveRootArgs {
    pub epoch: u64,
    pub revision: u32,
    pub root: [u8; 32],
    /// Sum of all leaves, base units.
    pub total: u64,
    /// Leaves of the cumulative tree.
    pub count: u32,
    pub dataset_hash: [u8; 32],
    /// Head of the project's ledger after this settlement.
    pub log_head: [u8; 32],
}

/// What a vote's root follows on.
pub struct Before {
    /// Its total must be this.
    pub total: u64,
    /// Leaves of the active root before it.
    pub count: u32,
    /// Head of the ledger that it is chained to.
    pub ledger_head: [u8; 32],
}

impl ApproveRootArgs {
    /// Refuses a root that does not fit the settlement and what came before it.
    pub fn check(&self, distribution: &Distribution, statement: &Epoch, before: &Before) -> Result<()> {
        require!(self.root != [0; 32], NetworkError::ZeroRoot);
        require!(self.total == before.total, NetworkError::WrongTotal);
        if distribution.reward_mode == reward_mode::EXTERNAL {
            // Nothing is claimed here: what is approved are the points themselves.
            require!(self.root == statement.points_root, NetworkError::NotPointsRoot);
            require!(self.count == statement.node_count, NetworkError::WrongLeafCount);
        } else {
            let fits = self.count > 0 && self.count >= before.count && self.count <= distribution.leaves_max;
            require!(fits, NetworkError::WrongLeafCount);
        }
        require!(self.dataset_hash == statement.dataset_hash, NetworkError::WrongDataset);
        // Binds the settlement's points root to the vote, and chains it to all settlements before.
        let entry = LedgerEntry {
            project: distribution.project.to_bytes(),
            epoch: self.epoch,
            revision: self.revision,
            points_root: statement.points_root,
            root: self.root,
            total: self.total,
            dataset_hash: self.dataset_hash,
        };
        require!(self.log_head == ledger_head(&before.ledger_head, &entry), NetworkError::WrongLedgerHead);
        Ok(())
    }

    /// The vote of the set of this version.
    pub fn vote_hash(&self, project: &Pubkey, set_version: u32) -> [u8; 32] {
        root_vote_hash(&RootVote {
            project: project.to_bytes(),
            epoch: self.epoch,
            revision: self.revision,
            root: self.root,
            total: self.total,
            count: self.count,
            dataset_hash: self.dataset_hash,
            log_head: self.log_head,
            set_version,
        })
    }

    /// The root, neither held nor delayed.
    pub fn to_root(&self) -> Root {
        Root {
            root: self.root,
            epoch: self.epoch,
            total: self.total,
            count: self.count,
            revision: self.revision,
            ..Root::default()
        }
    }
}

/// Puts one oracle's vote in the place of its last one, and counts those that are equal.
pub fn cast(votes: &mut [[u8; 32]; ORACLES_MAX], position: usize, vote: [u8; 32], set: &OracleSet) -> u8 {
    votes[position] = vote;
    let equal = votes[..usize::from(set.count)].iter().filter(|other| **other == vote).count();
    equal as u8
}
