use anchor_lang::prelude::*;
use muster_protocol::votes::{LedgerEntry, RootVote, ledger_head, root_vote_hash};

use crate::{constants::*, errors::NetworkError, events::RootVoted, state::*};

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

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: ApproveRootArgs)]
pub struct ApproveRoot<'info> {
    pub oracle: Signer<'info>,
    #[account(seeds = [NETWORK_SEED], bump = network.bump)]
    pub network: Box<Account<'info, Network>>,
    #[account(seeds = [ORACLE_SET_SEED], bump = oracle_set.load()?.bump)]
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(address = distribution.load()?.project)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, seeds = [DISTRIBUTION_SEED, project.key().as_ref()], bump = distribution.load()?.bump)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(
        mut, seeds = [EPOCH_SEED, project.key().as_ref(), &args.epoch.to_le_bytes()], bump = epoch.load()?.bump,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
}

impl ApproveRoot<'_> {
    fn validate(&self, args: &ApproveRootArgs) -> Result<()> {
        // oracle - its place in the set, in the handler. oracle_set, project - checked by their constraints.
        self.network.require_running(pause::APPROVE, Clock::get()?.unix_timestamp)?;
        let distribution = self.distribution.load()?;
        require!(distribution.open_state != settlement_state::NONE, NetworkError::NoOpenSettlement);
        // Approved by a set that has changed since: its successor may vote again.
        let set_version = self.oracle_set.load()?.set_version;
        let approved = distribution.open_state == settlement_state::APPROVED;
        require!(!approved || distribution.pending_version != set_version, NetworkError::AlreadyApproved);
        require!(
            args.epoch == distribution.open_epoch && args.revision == distribution.open_revision,
            NetworkError::WrongSettlement
        );
        require!(args.root != [0; 32], NetworkError::ZeroRoot);
        let total = distribution.allocated.checked_add(distribution.open_node_pool);
        require!(total == Some(args.total), NetworkError::WrongTotal);
        require!(
            args.count > 0 && args.count >= distribution.roots[0].count && args.count <= self.project.leaf_count,
            NetworkError::WrongLeafCount
        );
        let epoch = self.epoch.load()?;
        require!(args.dataset_hash == epoch.dataset_hash, NetworkError::WrongDataset);
        // Binds the settlement's points root to the vote, and chains it to all settlements before.
        let entry = LedgerEntry {
            project: self.project.key().to_bytes(),
            epoch: args.epoch,
            revision: args.revision,
            points_root: epoch.points_root,
            root: args.root,
            total: args.total,
            dataset_hash: args.dataset_hash,
        };
        require!(args.log_head == ledger_head(&distribution.ledger_head, &entry), NetworkError::WrongLedgerHead);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn approve_root(ctx: Context<Self>, args: ApproveRootArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(&accounts.oracle.key()).ok_or(NetworkError::NotOracle)?;
        let vote = root_vote_hash(&RootVote {
            project: accounts.project.key().to_bytes(),
            epoch: args.epoch,
            revision: args.revision,
            root: args.root,
            total: args.total,
            count: args.count,
            dataset_hash: args.dataset_hash,
            log_head: args.log_head,
            set_version: set.set_version,
        });

        let mut distribution = accounts.distribution.load_mut()?;
        if distribution.votes_version != set.set_version {
            distribution.clear_votes();
            distribution.votes_version = set.set_version;
            // What an earlier set approved is approved no more.
            distribution.open_state = settlement_state::SETTLED;
            distribution.pending = Root::default();
            accounts.epoch.load_mut()?.status = epoch_status::SETTLED;
        }
        distribution.votes[position] = vote;
        let votes = distribution.votes[..usize::from(set.count)].iter().filter(|other| **other == vote).count();
        let approved = votes >= usize::from(set.threshold);
        let eta = now.saturating_add(i64::from(accounts.network.root_delay));
        if approved {
            distribution.open_state = settlement_state::APPROVED;
            distribution.pending_version = set.set_version;
            distribution.pending_eta = eta;
            distribution.pending_ledger_head = args.log_head;
            distribution.pending = Root {
                root: args.root,
                epoch: args.epoch,
                total: args.total,
                count: args.count,
                revision: args.revision,
                ..Root::default()
            };
            accounts.epoch.load_mut()?.status = epoch_status::APPROVED;
        }
        let event = RootVoted {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: accounts.project.key(),
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            epoch: args.epoch,
            revision: args.revision,
            root: args.root,
            total: args.total,
            count: args.count,
            dataset_hash: args.dataset_hash,
            log_head: args.log_head,
            set_version: set.set_version,
            votes: votes as u8,
            approved,
            eta: if approved { eta } else { 0 },
        };
        drop(distribution);
        drop(set);
        emit_cpi!(event);
        Ok(())
    }
}
