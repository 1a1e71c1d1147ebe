use anchor_lang::prelude::*;

use crate::{
    emit::emit,
    errors::NetworkError,
    events::RootVoted,
    root_vote::{ApproveRootArgs, Before, cast},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct ApproveRoot<'info> {
    pub oracle: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(
        mut,
        constraint = epoch.load()?.project == distribution.load()?.project @ NetworkError::WrongSettlement,
        constraint = epoch.load()?.epoch == distribution.load()?.open_epoch @ NetworkError::WrongSettlement,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
}

impl ApproveRoot<'_> {
    fn validate(&self, args: &ApproveRootArgs) -> Result<()> {
        // oracle - its place in the set, in the handler. epoch - checked by its constraints.
        self.network.require_running(pause::APPROVE, Clock::get()?.unix_timestamp)?;
        let distribution = self.distribution.load()?;
        // What an earlier set approved, its successor may vote on again.
        distribution.require_unapproved(self.oracle_set.load()?.set_version)?;
        require!(
            args.epoch == distribution.open_epoch && args.revision == distribution.open_revision,
            NetworkError::WrongSettlement
        );
        let total = distribution.allocated.checked_add(distribution.open_node_pool).ok_or(NetworkError::WrongTotal)?;
        let before = Before { total, count: distribution.roots[0].count, ledger_head: distribution.ledger_head };
        args.check(&distribution, &*self.epoch.load()?, &before)
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn approve_root(ctx: Context<Self>, args: ApproveRootArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(&accounts.oracle.key()).ok_or(NetworkError::NotOracle)?;
        let mut distribution = accounts.distribution.load_mut()?;
        let project = distribution.project;
        if distribution.votes_version != set.set_version {
            distribution.clear_votes();
            distribution.votes_version = set.set_version;
            // What an earlier set approved is approved no more.
            distribution.open_state = settlement_state::SETTLED;
            distribution.pending = Root::default();
            accounts.epoch.load_mut()?.status = epoch_status::SETTLED;
        }
        let vote = args.vote_hash(&project, set.set_version);
        let votes = cast(&mut distribution.votes, position, vote, &set);
        let approved = votes >= set.threshold;
        let eta = now.saturating_add(i64::from(accounts.network.root_delay));
        if approved {
            distribution.open_state = settlement_state::APPROVED;
            distribution.pending_version = set.set_version;
            distribution.pending_eta = eta;
            distribution.pending_ledger_head = args.log_head;
            distribution.pending = args.to_root();
            accounts.epoch.load_mut()?.status = epoch_status::APPROVED;
        }
        let event = RootVoted {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project,
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
            votes,
            approved,
            eta: if approved { eta } else { 0 },
        };
        drop(distribution);
        drop(set);
        emit(&event, &ctx.accounts.event_authority)
    }
}
