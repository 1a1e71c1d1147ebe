//! The operations whose answers must agree.
//!
//! Each is one that the compiler turns into a helper call, a multi-word sequence or a stack-passed call on SBF:
//! where the toolchain's parts disagree on a calling convention, one of these answers differs.

/// How many operations [`run`] knows, numbered from 0.
pub const COUNT: u8 = 22;

/// The answer of operation `op` on `a` and `b`. Total: no pair of operands makes it panic. 0 for an unknown operation.
#[inline(never)]
pub fn run(op: u8, a: u128, b: u128) -> u128 {
    // never 0; the one overflow left, the least number by -1, wraps
    let divisor = (b as i128) | 1;
    let shift = b as u32 & 127;
    match op {
        0 => a.wrapping_mul(b),
        1 => a / b.max(1),
        2 => a % b.max(1),
        3 => a << shift,
        4 => a >> shift,
        5 => a.checked_mul(b).unwrap_or(7),
        6 => (a as i128).wrapping_div(divisor) as u128,
        7 => (a as i128).wrapping_rem(divisor) as u128,
        8 => ((a as i128) >> shift) as u128,
        9 => a.checked_add(b).unwrap_or(9),
        10 => u128::from(a.leading_zeros() + b.trailing_zeros() + a.count_ones()),
        11 => (a as i128).checked_mul(b as i128).unwrap_or(3) as u128,
        12 => (a as u64).checked_mul(b as u64).unwrap_or(5).into(),
        13 => (a as i64).wrapping_mul(b as i64) as u128,
        14 => u128::from_le_bytes(a.to_be_bytes()).rotate_left(shift),
        15 => u128::from(((a as u64) as f64 / (b as u64).max(1) as f64) as u64),
        16 => fourth_of_eight(a, b),
        17 => eight_arguments(a as u64, b as u64, (a >> 64) as u64, (b >> 64) as u64, 5, 6, 7, 8),
        18 => a.isqrt(),
        19 => a.abs_diff(b).saturating_pow(3),
        20 => a.checked_sub(b).unwrap_or(11),
        // the shape of every split of an amount: amount x rate / 10,000 in 128 bits
        21 => u128::from(a as u64) * (b % 10_001) / 10_000,
        _ => 0,
    }
}

/// Sorting moves 16-byte values through memory and through comparisons.
#[inline(never)]
fn fourth_of_eight(a: u128, b: u128) -> u128 {
    let mut values: Vec<u128> = (0..8).map(|i| a.rotate_left(i * 13) ^ b).collect();
    values.sort_unstable();
    values[3]
}

/// More arguments than SBF has registers: the rest goes over the stack.
#[expect(clippy::too_many_arguments, reason = "the number of arguments is what is tested")]
#[inline(never)]
fn eight_arguments(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u128 {
    let product = |x: u64, y: u64| u128::from(x) * u128::from(y);
    product(a, e)
        ^ product(b, f)
        ^ (u128::from(c) << 3).wrapping_mul(u128::from(g))
        ^ u128::from(d).wrapping_mul(u128::from(h))
        ^ u128::from(a ^ b ^ c ^ d) << 64
}
