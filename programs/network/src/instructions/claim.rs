use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};
use muster_protocol::merkle::{depth, distribution_leaf, root_from_proof};

use crate::{constants::*, errors::NetworkError, events::Claimed, state::*};

/// Exactly these accounts: the transaction must fit 1,232 bytes at depth 20 with the payout account's creation.
#[event_cpi]
#[derive(Accounts)]
pub struct Claim<'info> {
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    #[account(mut, address = tenure.load()?.distribution)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(
        mut,
        constraint = payout.key() == tenure.load()?.payout @ NetworkError::WrongPayoutAccount,
        constraint = payout.owner == tenure.load()?.payout_owner @ NetworkError::WrongPayoutAccount,
        constraint = payout.mint == mint.key() @ NetworkError::WrongPayoutAccount,
    )]
    pub payout: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = distribution.load()?.mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl Claim<'_> {
    /// Pays min(cumulative - claimed_total, breaker allowance). Never paused; nothing to pay is refused.
    pub fn claim(ctx: Context<Self>, cumulative: u64, proof: Vec<[u8; 32]>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        accounts.prove(cumulative, &proof, now)?;

        // State before the transfer.
        let mut tenure = accounts.tenure.load_mut()?;
        let mut distribution = accounts.distribution.load_mut()?;
        let owed = cumulative.saturating_sub(tenure.claimed_total);
        require!(owed > 0, NetworkError::NothingToClaim);
        let left = distribution.claimable_total().saturating_sub(distribution.claimed);
        let allowance = distribution.allowance(now);
        require!(allowance > 0, NetworkError::AllowanceUsedUp);
        let amount = owed.min(allowance).min(left);
        require!(amount > 0, NetworkError::NothingToClaim);
        distribution.breaker_paid = distribution.breaker_paid.checked_add(amount).ok_or(NetworkError::Overflow)?;
        distribution.claimed = distribution.claimed.checked_add(amount).ok_or(NetworkError::Overflow)?;
        tenure.claimed_total = tenure.claimed_total.checked_add(amount).ok_or(NetworkError::Overflow)?;
        let event = Claimed {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            tenure: accounts.tenure.key(),
            payout: accounts.payout.key(),
            leaf_index: tenure.leaf_index,
            amount,
            claimed_total: tenure.claimed_total,
        };
        let (project, bump) = (distribution.project, distribution.bump);
        drop(tenure);
        drop(distribution);

        let seeds: &[&[u8]] = &[DISTRIBUTION_SEED, project.as_ref(), &[bump]];
        let transfer = TransferChecked {
            from: accounts.vault.to_account_info(),
            mint: accounts.mint.to_account_info(),
            to: accounts.payout.to_account_info(),
            authority: accounts.distribution.to_account_info(),
        };
        token_interface::transfer_checked(
            CpiContext::new_with_signer(accounts.token_program.key(), transfer, &[seeds]),
            amount,
            accounts.mint.decimals,
        )?;
        emit_cpi!(event);
        Ok(())
    }

    /// The leaf must be in an active root that nobody holds.
    fn prove(&self, cumulative: u64, proof: &[[u8; 32]], now: i64) -> Result<()> {
        let tenure = self.tenure.load()?;
        let leaf = distribution_leaf(
            &crate::ID.to_bytes(),
            &self.distribution.key().to_bytes(),
            &self.tenure.key().to_bytes(),
            tenure.leaf_index,
            cumulative,
        );
        let root = root_from_proof(&leaf, tenure.leaf_index, proof);
        let distribution = self.distribution.load()?;
        let proven = distribution.roots.iter().any(|active| {
            active.root == root
                && active.count > tenure.leaf_index
                && proof.len() == depth(active.count) as usize
                && now >= active.held_until
        });
        require!(proven, NetworkError::ProofInvalid);
        Ok(())
    }
}
