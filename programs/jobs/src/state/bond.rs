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
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 6],
    pub _reserved: [u8; 120],
}

impl Bond {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Takes `amount` out, or the part of what the bond holds that a slash may take, from what was earned, then staked,
    /// then is unbonding.
    pub fn take(&mut self, amount: u64) -> Result<Taken> {
        let held = u128::from(self.earned) + u128::from(self.staked) + u128::from(self.unbonding);
        let most = held * u128::from(SLASH_MAX_BPS) / u128::from(BPS);
        let mut left = amount.min(u64::try_from(most).unwrap_or(u64::MAX));
        let total = left;
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
        self.slashed_total = self.slashed_total.checked_add(total).ok_or(JobsError::Overflow)?;
        Ok(taken)
    }
}

/// What a slash took from each of a bond's amounts.
pub struct Taken {
    pub earned: u64,
    pub staked: u64,
    pub unbonding: u64,
}
