//! How long to wait after failures: doubling, bounded, and spread so that a thousand agents do not return together.

/// Milliseconds to wait after the `failures`-th failure in a row (from 1): `first * 2^(failures - 1)`, at most `max`,
/// of which the upper half is spread by `random` (any number).
pub fn delay_ms(failures: u32, first_ms: u64, max_ms: u64, random: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(20);
    let full = first_ms.saturating_mul(1 << doublings).min(max_ms);
    let half = full / 2;
    full - half + random % (half + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_doubles_up_to_its_limit() {
        let longest = |failures| delay_ms(failures, 250, 10_000, 5_000).max(delay_ms(failures, 250, 10_000, 125));
        assert_eq!(delay_ms(1, 250, 10_000, 0), 125);
        assert_eq!(longest(1), 250);
        assert_eq!(delay_ms(3, 250, 10_000, 500), 1_000);
        assert_eq!(delay_ms(40, 250, 10_000, 5_000), 10_000);
    }

    proptest! {
        #[test]
        fn it_is_never_zero_and_never_too_long(failures in 1u32.., random: u64) {
            let delay = delay_ms(failures, 250, 10_000, random);
            prop_assert!((125..=10_000).contains(&delay));
        }
    }
}
