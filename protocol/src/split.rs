//! Who gets how much: fee and pool, equal shares, shares by points, the share of a cancelled job; the oracle threshold.
//! Integers only; every split conserves what came in.

use crate::par;

/// 100 %, in basis points.
pub const BPS: u16 = 10_000;

/// Splits `amount` into the fee, `floor(amount x fee_bps / 10,000)`, and the rest. More than 10,000 counts as 10,000.
pub const fn fee_and_pool(amount: u64, fee_bps: u16) -> (u64, u64) {
    let bps = if fee_bps > BPS { BPS } else { fee_bps };
    let fee = (amount as u128 * bps as u128 / BPS as u128) as u64;
    (fee, amount - fee)
}

/// Splits `pool` among `k`: `floor(pool / k)` each, and the dust that is left. Nobody to pay: all of it is dust.
pub const fn equal_shares(pool: u64, k: u8) -> (u64, u64) {
    if k == 0 {
        return (0, pool);
    }
    (pool / k as u64, pool % k as u64)
}

/// Why a pool cannot be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// Nobody has points, so nobody can be paid.
    NoPoints {
        /// What was to be shared.
        pool: u64,
    },
}

impl core::fmt::Display for SplitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoPoints { pool } => {
                write!(f, "a pool of {pool} cannot be shared: nobody has points")
            }
        }
    }
}

impl core::error::Error for SplitError {}

/// Shares `pool` by points: `floor(points x pool / total)` each, and what is left one base unit each by largest
/// remainder, ties to the lower index. The shares sum to `pool` exactly; who has no points gets nothing.
pub fn pool_shares(points: &[u64], pool: u64) -> Result<Vec<u64>, SplitError> {
    let total: u128 = points.iter().map(|&p| u128::from(p)).sum();
    if total == 0 {
        return Err(SplitError::NoPoints { pool });
    }
    let parts = par::map(points, |_, &p| {
        let product = u128::from(p) * u128::from(pool);
        let share = product / total;
        (share as u64, product - share * total)
    });
    let mut shares: Vec<u64> = parts.iter().map(|(share, _)| *share).collect();
    let left = pool - shares.iter().sum::<u64>();
    let remainders = parts.iter().enumerate().map(|(index, (_, remainder))| (core::cmp::Reverse(*remainder), index));
    let mut remainders: Vec<_> = remainders.collect();
    // The remainders sum to left x total and each is less than total: at least `left` of them are not zero.
    let left = left as usize;
    if left > 0 {
        remainders.select_nth_unstable(left - 1);
        for (_, index) in &remainders[..left] {
            shares[*index] += 1;
        }
    }
    Ok(shares)
}

/// The part of `stake` that is due for work from `started_at` to `cancel_at` of a job that ends at `deadline`
/// (Unix seconds): `floor(stake x elapsed / whole)`, nothing before the start and all from the deadline on.
pub const fn elapsed_share(stake: u64, started_at: i64, cancel_at: i64, deadline: i64) -> u64 {
    if cancel_at <= started_at {
        return 0;
    }
    if cancel_at >= deadline {
        return stake;
    }
    let elapsed = cancel_at.abs_diff(started_at);
    let whole = deadline.abs_diff(started_at);
    (stake as u128 * elapsed as u128 / whole as u128) as u64
}

/// How many of `n` oracles must agree: the least `t` with `2t > n` and `3t >= 2n`.
pub const fn threshold(n: u8) -> u8 {
    let majority = n as u16 / 2 + 1;
    let two_thirds = (2 * n as u16).div_ceil(3);
    if majority > two_thirds { majority as u8 } else { two_thirds as u8 }
}
