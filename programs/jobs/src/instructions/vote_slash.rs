use anchor_lang::prelude::*;
use muster_network::state::OracleSet;

use crate::{
    constants::*,
    errors::JobsError,
    events::{SlashVoted, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct VoteSlash<'info> {
    /// Pays for the account of a bond's first vote.
    #[account(mut)]
    pub oracle: Signer<'info>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// The only account of its type that can exist.
    pub config: AccountLoader<'info, JobsConfig>,
    /// Made by `open_bond` alone; its stream takes the event.
    #[account(mut)]
    pub bond: AccountLoader<'info, Bond>,
    #[account(
        init_if_needed, payer = oracle, space = 8 + size_of::<Slash>(),
        seeds = [SLASH_SEED, bond.key().as_ref()], bump,
    )]
    pub slash: AccountLoader<'info, Slash>,
    pub system_program: Program<'info, System>,
}

impl VoteSlash<'_> {
    fn validate(&self, vote: &SlashVote, set_version: u32) -> Result<()> {
        // oracle - its place in the set, in the handler. slash - checked by its constraint. The others - by their types.
        require!(set_version == self.oracle_set.load()?.set_version, JobsError::WrongSetVersion);
        require!(vote.amount > 0 && vote.reason != 0 && vote.evidence_hash != [0; 32], JobsError::SlashInvalid);
        Ok(())
    }

    /// At the threshold the slash waits `slash_delay`, and what it takes is set aside in the bond until it lapses.
    pub fn vote_slash(
        ctx: Context<Self>,
        amount: u64,
        reason: u16,
        evidence_hash: [u8; 32],
        set_version: u32,
    ) -> Result<()> {
        let vote = SlashVote { evidence_hash, amount, reason, _padding: [0; 6] };
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.validate(&vote, set_version)?;
        let set = accounts.oracle_set.load()?;
        let position = set.position(accounts.oracle.key).ok_or(JobsError::NotOracle)?;
        let delay = i64::from(accounts.config.load()?.slash_delay);
        let first = accounts.is_first_vote()?;
        let mut slash = if first { accounts.slash.load_init()? } else { accounts.slash.load_mut()? };
        if first {
            slash.bond = accounts.bond.key();
            slash.bump = ctx.bumps.slash;
            slash.version = ACCOUNT_VERSION;
        }
        require!(!slash.is_pending(&set, now), JobsError::SlashPending);
        let ended_at = slash.ended_at(now);
        require!(ended_at == 0 || now >= ended_at.saturating_add(delay), JobsError::SlashCoolDown);
        if slash.votes_version != set_version || slash.eta != 0 {
            slash.clear();
            slash.closed_at = ended_at;
            slash.votes_version = set_version;
        }
        slash.votes[position] = vote;
        let votes = slash.votes_for(&vote);
        let mut bond = accounts.bond.load_mut()?;
        let reached = votes >= usize::from(set.threshold);
        if reached {
            slash.decided = vote;
            slash.eta = now.saturating_add(delay);
            bond.reserve(amount, slash.lapses_after());
        }
        let event = SlashVoted {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: now,
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            amount,
            reason,
            evidence_hash,
            set_version,
            votes: votes as u8,
            eta: slash.eta,
            set_aside: if reached { bond.set_aside } else { 0 },
            set_aside_until: if reached { bond.set_aside_until } else { 0 },
        };
        drop((slash, bond));
        emit(&accounts.event_authority, &event)
    }

    /// Whether this vote made the account: its discriminator is written at the instruction's end.
    fn is_first_vote(&self) -> Result<bool> {
        let account: &AccountInfo = self.slash.as_ref();
        Ok(account.try_borrow_data()?.iter().take(8).all(|byte| *byte == 0))
    }
}
