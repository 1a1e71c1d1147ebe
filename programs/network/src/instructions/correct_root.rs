use anchor_lang::prelude::*;

use crate::{
    emit::emit,
    errors::NetworkError,
    events::CorrectionVoted,
    root_vote::{ApproveRootArgs, Before, cast},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct CorrectRoot<'info> {
    pub oracle: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// The held root's settlement.
    #[account(
        mut, constraint = epoch.load()?.project == distribution.load()?.project @ NetworkError::WrongSettlement,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
}

impl CorrectRoot<'_> {
    fn validate(&self, args: &ApproveRootArgs) -> Result<()> {
        // oracle - its place in the set, in the handler.
        let now = Clock::get()?.unix_timestamp;
        self.network.require_running(pause::APPROVE, now)?;
        let (distribution, epoch) = (self.distribution.load()?, self.epoch.load()?);
        require!(epoch.epoch == args.epoch, NetworkError::WrongSettlement);
        let place = distribution.held_place(args.epoch, now).ok_or(NetworkError::NotHeld)?;
        let set_version = self.oracle_set.load()?.set_version;
        let (held, count) = match place {
            // Approved by an earlier set it is voted on by `approve_root` again.
            HeldPlace::Pending => {
                require!(distribution.pending_version == set_version, NetworkError::OracleSetChangedSince);
                (&distribution.pending, distribution.roots[0].count)
            }
            // What is approved already was computed on top of the held root, and counted on in the ledger.
            HeldPlace::Active(0) => {
                require!(!distribution.is_approved(set_version), NetworkError::AlreadyApproved);
                (&distribution.roots[0], distribution.roots[1].count)
            }
            HeldPlace::Active(_) => return err!(NetworkError::NotNewestRoot),
        };
        require!(held.revision.checked_add(1) == Some(args.revision), NetworkError::WrongSettlement);
        let before = Before { total: held.total, count, ledger_head: distribution.ledger_head };
        args.check(&distribution, &epoch, &before)
    }

    /// At the threshold the root takes the held one's place; it activates, or pays, after the root delay. The guardian
    /// may hold it in its turn.
    #[access_control(ctx.accounts.validate(&args))]
    pub fn correct_root(ctx: Context<Self>, args: ApproveRootArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(&accounts.oracle.key()).ok_or(NetworkError::NotOracle)?;
        let mut distribution = accounts.distribution.load_mut()?;
        let project = distribution.project;
        if distribution.correction_version != set.set_version {
            distribution.clear_corrections();
            distribution.correction_version = set.set_version;
        }
        let vote = args.vote_hash(&project, set.set_version);
        let votes = cast(&mut distribution.correction_votes, position, vote, &set);
        let corrected = votes >= set.threshold;
        let from = now.saturating_add(i64::from(accounts.network.root_delay));
        let is_active = distribution.held_place(args.epoch, now) != Some(HeldPlace::Pending);
        if corrected {
            distribution.clear_corrections();
            if is_active {
                distribution.correct_active(args.to_root(), from, args.log_head);
            } else {
                distribution.correct_pending(args.to_root(), from, args.log_head);
            }
            accounts.epoch.load_mut()?.revision = args.revision;
        }
        let event = CorrectionVoted {
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
            is_active,
            corrected,
            from: if corrected { from } else { 0 },
        };
        drop(distribution);
        drop(set);
        emit(&event, &ctx.accounts.event_authority)
    }
}
