use anchor_lang::prelude::*;
use muster_protocol::votes::{SuspensionVote, suspension_vote_hash};

use super::SuspensionArgs;
use crate::{binding::is_new, constants::*, emit::emit, errors::NetworkError, events::SuspensionVoted, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct VoteSuspension<'info> {
    #[account(mut)]
    pub oracle: Signer<'info>,
    /// There is one network and one oracle set; the node names its project.
    pub network: Box<Account<'info, Network>>,
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
    #[account(
        init_if_needed, payer = oracle, space = 8 + size_of::<Ballot>(),
        seeds = [BALLOT_SEED, node.key().as_ref()], bump,
    )]
    pub ballot: AccountLoader<'info, Ballot>,
    pub system_program: Program<'info, System>,
}

impl VoteSuspension<'_> {
    fn validate(&self, args: &SuspensionArgs, set_version: u32) -> Result<()> {
        // oracle - its place in the set, in the handler. network, oracle_set, project, node, ballot - checked by their
        // types and constraints.
        let lasts = args.epochs <= SUSPENSION_EPOCHS_MAX;
        require!(lasts && args.evidence_hash != [0; 32], NetworkError::SuspensionInvalid);
        require!(set_version == self.oracle_set.load()?.set_version, NetworkError::OracleSetChangedSince);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args, set_version))]
    pub fn vote_suspension(ctx: Context<Self>, args: SuspensionArgs, set_version: u32) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(accounts.oracle.key).ok_or(NetworkError::NotOracle)?;
        let vote = suspension_vote_hash(&SuspensionVote {
            node: accounts.node.key().to_bytes(),
            reason: args.reason,
            evidence_hash: args.evidence_hash,
            epochs: args.epochs,
            set_version,
        });
        let new = is_new(accounts.ballot.as_ref())?;
        let mut ballot = if new { accounts.ballot.load_init()? } else { accounts.ballot.load_mut()? };
        if new {
            ballot.node = accounts.node.key();
            ballot.bump = ctx.bumps.ballot;
            ballot.version = ACCOUNT_VERSION;
        }
        let votes = ballot.put_vote(&set, position, vote);
        let reached = votes >= set.threshold;
        let mut node = accounts.node.load_mut()?;
        if reached {
            ballot.clear();
            let epoch = accounts.network.epoch_at(now);
            node.suspend_by_oracles(args.reason, args.epochs, epoch, accounts.project.next_epoch)?;
        }
        let event = SuspensionVoted {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            reason: args.reason,
            evidence_hash: args.evidence_hash,
            epochs: args.epochs,
            set_version,
            votes,
            reached,
            from_epoch: node.suspended_from_epoch,
            until_epoch: node.suspended_until_epoch,
        };
        drop(node);
        drop(ballot);
        drop(set);
        emit(&event, &accounts.event_authority)
    }
}
