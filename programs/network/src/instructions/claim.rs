use anchor_lang::prelude::*;
use muster_protocol::merkle::{depth, distribution_leaf, root_from_proof};

use crate::{
    constants::*,
    emit::emit,
    errors::NetworkError,
    events::Claimed,
    mints::{Holding, RawTransfer},
    state::*,
};

/// Exactly these accounts: the transaction must fit 1,232 bytes at depth 20 with the payout account's creation.
#[event_cpi]
#[derive(Accounts)]
pub struct Claim<'info> {
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: by its address, in `validate`.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: by its address, owner and mint, in `validate`.
    #[account(mut)]
    pub payout: UncheckedAccount<'info>,
    /// CHECK: by its address, in `validate`.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the program that owns the vault, in `validate`.
    pub token_program: UncheckedAccount<'info>,
}

impl Claim<'_> {
    /// Each account is one that the tenure or its distribution names. Asked here and not by constraints, each of which
    /// would load them anew.
    fn validate(&self, tenure: &Tenure, distribution: &Distribution) -> Result<()> {
        require_keys_eq!(*self.distribution.as_ref().key, tenure.distribution, ErrorCode::ConstraintAddress);
        require_keys_eq!(*self.vault.key, distribution.vault, ErrorCode::ConstraintAddress);
        require_keys_eq!(*self.mint.key, distribution.mint, ErrorCode::ConstraintAddress);
        require_keys_eq!(*self.token_program.key, *self.vault.owner, ErrorCode::ConstraintAddress);
        require_keys_eq!(*self.payout.key, tenure.payout, NetworkError::WrongPayoutAccount);
        let payout = Holding::read(&self.payout, self.token_program.key)?;
        let is_right = payout.owner == tenure.payout_owner && payout.mint == distribution.mint;
        require!(is_right, NetworkError::WrongPayoutAccount);
        Ok(())
    }

    /// Pays min(cumulative - claimed_total, breaker allowance). Never paused; nothing to pay is refused.
    /// The proof is its hashes one after the other, from the leaf upward.
    pub fn claim(ctx: Context<Self>, cumulative: u64, proof: Vec<u8>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &*ctx.accounts;
        let mut tenure = accounts.tenure.load_mut()?;
        let mut distribution = accounts.distribution.load_mut()?;
        accounts.validate(&tenure, &distribution)?;
        accounts.prove(&tenure, &distribution, cumulative, &proof, now)?;

        // State before the transfer.
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

        RawTransfer {
            from: &accounts.vault,
            to: &accounts.payout,
            mint: &accounts.mint,
            authority: accounts.distribution.as_ref(),
            token_program: accounts.token_program.key,
        }
        .send(amount, &[&[DISTRIBUTION_SEED, project.as_ref(), &[bump]]])?;
        emit(&event, &accounts.event_authority)
    }

    /// The leaf must be in an active root that pays.
    fn prove(
        &self,
        tenure: &Tenure,
        distribution: &Distribution,
        cumulative: u64,
        proof: &[u8],
        now: i64,
    ) -> Result<()> {
        let leaf = distribution_leaf(
            &crate::ID.to_bytes(),
            &self.distribution.key().to_bytes(),
            &self.tenure.key().to_bytes(),
            tenure.leaf_index,
            cumulative,
        );
        let proof: &[[u8; 32]] = bytemuck::try_cast_slice(proof).map_err(|_| NetworkError::ProofInvalid)?;
        let root = root_from_proof(&leaf, tenure.leaf_index, proof);
        let proven = distribution.paying_roots(now).any(|active| {
            active.root == root && active.count > tenure.leaf_index && proof.len() == usize::from(depth(active.count))
        });
        require!(proven, NetworkError::ProofInvalid);
        Ok(())
    }
}
