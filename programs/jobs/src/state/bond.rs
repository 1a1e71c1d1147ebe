use anchor_lang::prelude::*;
use muster_protocol::split::BPS;

use crate::{constants::SLASH_MAX_BPS, errors::JobsError};

/// What a tenure staked and earned by jobs; only the tenure's holder withdraws.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Bond {
    pub tenure: Pubkey,
    pub node: Pubkey,
    /// The tenure's holder.
    pub holder: Pubkey,
    /// Base units of the job mint, as every amount here.
    pub staked: u64,
    pub earned: u64,
    /// Leaves at `unbond_at`; a slash may still take from it.
    pub unbonding: u64,
    pub unbond_at: i64,
    /// Last event of this account's stream.
    pub seq: u64,
    pub withdrawn_total: u64,
    pub earned_total: u64,
    pub slashed_total: u64,
    /// What a decided slash takes: stays in the bond up to and with `set_aside_until`. Zeros when none is decided.
    pub set_aside: u64,
    pub set_aside_until: i64,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 6],
    pub _reserved: [u8; 104],
}

impl Bond {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn held(&self) -> u128 {
        u128::from(self.earned) + u128::from(self.staked) + u128::from(self.unbonding)
    }

    /// Sets `amount` aside for a slash, or the part of what the bond holds now that one may take.
    pub fn reserve(&mut self, amount: u64, until: i64) {
        let most = self.held() * u128::from(SLASH_MAX_BPS) / u128::from(BPS);
        self.set_aside = amount.min(u64::try_from(most).unwrap_or(u64::MAX));
        self.set_aside_until = until;
    }

    /// Nothing is set aside any more.
    pub fn release(&mut self) {
        self.set_aside = 0;
        self.set_aside_until = 0;
    }

    /// What may leave: all that no decided slash takes.
    pub fn free(&self, now: i64) -> u64 {
        let set_aside = if now > self.set_aside_until { 0 } else { self.set_aside };
        u64::try_from(self.held().saturating_sub(u128::from(set_aside))).unwrap_or(u64::MAX)
    }

    /// Takes what was set aside, from what was earned, then staked, then is unbonding.
    pub fn take_set_aside(&mut self) -> Result<Taken> {
        let total = self.set_aside;
        self.release();
        let mut left = total;
        let mut part = |held: &mut u64| {
            let taken = left.min(*held);
            *held -= taken;
            left -= taken;
            taken
        };
        let taken = Taken {
            earned: part(&mut self.earned),
            staked: part(&mut self.staked),
            unbonding: part(&mut self.unbonding),
        };
        self.slashed_total = self.slashed_total.checked_add(total - left).ok_or(JobsError::Overflow)?;
        Ok(taken)
    }
}

/// What a slash took from each of a bond's amounts.
pub struct Taken {
    pub earned: u64,
    pub staked: u64,
    pub unbonding: u64,
}
