use muster_protocol::points::{Formula, points, uptime_bps};
use muster_protocol::split::{elapsed_share, equal_shares, fee_and_pool, pool_shares, threshold};
use muster_protocol::units::{Bucket, EpochIndex, Schedule};
use proptest::prelude::*;

#[test]
fn the_threshold_is_the_least_that_is_a_majority_and_two_thirds() {
    let table: Vec<u8> = (1..=16).map(threshold).collect();
    assert_eq!(table, [1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11]);
    for n in 1..=u8::MAX {
        let wide = u16::from(n);
        let least = (1..=wide).find(|t| 2 * t > wide && 3 * t >= 2 * wide).expect("n itself does");
        assert_eq!(u16::from(threshold(n)), least);
    }
}

/// The definition, slowly: floors, then one unit each by remainder, ties to the lower index.
fn shares_by_definition(points: &[u64], pool: u64) -> Vec<u64> {
    let total: u128 = points.iter().map(|&p| u128::from(p)).sum();
    let product = |i: usize| u128::from(points[i]) * u128::from(pool);
    let mut shares: Vec<u64> = (0..points.len()).map(|i| (product(i) / total) as u64).collect();
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(product(i) % total), i));
    let left = pool - shares.iter().sum::<u64>();
    for &i in order.iter().take(left as usize) {
        shares[i] += 1;
    }
    shares
}

#[test]
fn pool_shares_follow_the_definition_for_all_small_cases() {
    for a in 0..6 {
        for b in 0..6 {
            for c in 0..6 {
                for pool in 0..20 {
                    let points = [a, b, c];
                    if a + b + c == 0 {
                        assert!(pool_shares(&points, pool).is_err());
                        continue;
                    }
                    assert_eq!(pool_shares(&points, pool), Ok(shares_by_definition(&points, pool)));
                }
            }
        }
    }
}

#[test]
fn nothing_overflows_at_the_end_of_the_range() {
    let max = u64::MAX;
    assert_eq!(pool_shares(&[max; 3], max), Ok(vec![max / 3; 3]));
    assert_eq!(fee_and_pool(max, 10_000), (max, 0));
    assert_eq!(fee_and_pool(max, u16::MAX), (max, 0));
    assert_eq!(elapsed_share(max, i64::MIN, i64::MAX - 1, i64::MAX), max - 1);
    let formula = Formula { w_uptime: u32::MAX, w_task: u32::MAX, cap: max, min_uptime_bps: 0 };
    assert_eq!(points(&formula, u16::MAX, u16::MAX), 2 * u64::from(u32::MAX));
    assert_eq!(uptime_bps(u32::MAX, u32::MAX, 0), 10_000);
    let schedule = Schedule::new(86_400, 300).expect("a good schedule");
    let last = EpochIndex::new(max);
    assert_eq!(schedule.epoch_end(last), max);
    assert!(!schedule.bucket_accepts(last, Bucket::new(0), max));
    assert_eq!(schedule.first_bucket_after(EpochIndex::new(0), max), Bucket::new(288));
}

#[test]
fn a_bucket_takes_what_arrives_within_a_tenth_of_it_and_not_more() {
    let schedule = Schedule::new(120, 10).expect("a good schedule");
    let accepts = |ms| schedule.bucket_accepts(EpochIndex::new(1), Bucket::new(2), ms);
    assert!(!accepts(138_999) && accepts(139_000) && accepts(150_999) && !accepts(151_000));
    assert!(!schedule.bucket_accepts(EpochIndex::new(1), Bucket::new(12), 240_000), "there is no bucket 12");
    let long = Schedule::new(86_400, 300).expect("a good schedule");
    assert_eq!(long.bucket_slack_ms(), 10_000);
    assert!(Schedule::new(100, 30).is_err() && Schedule::new(0, 1).is_err() && Schedule::new(604_801, 1).is_err());
}

#[test]
fn a_node_counts_from_the_first_bucket_that_starts_at_or_after_its_accept() {
    let schedule = Schedule::new(120, 10).expect("a good schedule");
    let first = |s| schedule.first_bucket_after(EpochIndex::new(1), s).get();
    assert_eq!([0, 119, 120, 121, 130, 131, 230, 231, 1_000].map(first), [0, 0, 0, 1, 1, 2, 11, 12, 12]);
}

#[test]
fn uptime_is_exact_for_every_day_of_five_minute_buckets() {
    for excused in 0..=288u32 {
        for counted in 0..=288u32 {
            let due = 288 - excused;
            let expected = (counted.min(due) * 10_000).checked_div(due).unwrap_or(0) as u16;
            assert_eq!(uptime_bps(counted, 288, excused), expected);
        }
    }
}

proptest! {
    #[test]
    fn a_fee_split_conserves(amount: u64, bps in 0u16..=10_000) {
        let (fee, pool) = fee_and_pool(amount, bps);
        prop_assert_eq!(u128::from(fee) + u128::from(pool), u128::from(amount));
        prop_assert_eq!(u128::from(fee), u128::from(amount) * u128::from(bps) / 10_000);
    }

    #[test]
    fn equal_shares_conserve(pool: u64, k: u8) {
        let (each, dust) = equal_shares(pool, k);
        prop_assert_eq!(u128::from(each) * u128::from(k) + u128::from(dust), u128::from(pool));
        prop_assert!(k == 0 || dust < u64::from(k));
    }

    #[test]
    fn pool_shares_conserve_and_follow_the_definition(
        points in prop::collection::vec(prop_oneof![Just(0u64), 0u64..20_000, any::<u64>()], 1..40),
        pool: u64,
    ) {
        prop_assume!(points.iter().any(|&p| p > 0));
        let shares = pool_shares(&points, pool).unwrap();
        prop_assert_eq!(shares.iter().map(|&s| u128::from(s)).sum::<u128>(), u128::from(pool));
        for (share, p) in shares.iter().zip(&points) {
            prop_assert!(*p > 0 || *share == 0, "who has no points gets nothing");
        }
        prop_assert_eq!(shares, shares_by_definition(&points, pool));
    }

    #[test]
    fn the_elapsed_share_is_within_the_stake_and_grows(stake: u64, start in 0i64..1000, at in 0i64..2000, len in 1i64..1000) {
        let share = elapsed_share(stake, start, at, start + len);
        prop_assert!(share <= stake);
        prop_assert!(share <= elapsed_share(stake, start, at + 1, start + len));
    }

    #[test]
    fn points_grow_with_uptime_and_score_and_keep_the_cap(
        w_uptime: u32, w_task: u32, cap: u64, min in 0u16..=10_000, uptime in 0u16..10_000, score in 0u16..10_000,
    ) {
        let formula = Formula { w_uptime, w_task, cap, min_uptime_bps: min };
        let here = points(&formula, uptime, score);
        prop_assert!(here <= cap);
        prop_assert!(here <= points(&formula, uptime + 1, score));
        prop_assert!(here <= points(&formula, uptime, score + 1));
        prop_assert!(uptime >= min || here == 0);
    }

    #[test]
    fn uptime_grows_with_counted_and_excused(counted in 0u32..1000, buckets in 1u32..1000, excused in 0u32..1000) {
        let here = uptime_bps(counted, buckets, excused);
        prop_assert!(here <= 10_000 && here <= uptime_bps(counted + 1, buckets, excused));
        prop_assert!(excused + 1 >= buckets || here <= uptime_bps(counted, buckets, excused + 1));
    }

    #[test]
    fn a_time_lies_in_the_bucket_that_the_calendar_names(ms in 0u64..4_000_000_000_000, lens in prop::sample::select(vec![(120u64, 10u64), (86_400, 300), (604_800, 1), (7, 7)])) {
        let schedule = Schedule::new(lens.0, lens.1).unwrap();
        let (epoch, bucket) = schedule.bucket_at_ms(ms);
        prop_assert!(schedule.bucket_accepts(epoch, bucket, ms));
        prop_assert_eq!(epoch, schedule.epoch_of(ms / 1000));
        prop_assert!(schedule.epoch_start(epoch) * 1000 <= ms && ms < schedule.epoch_end(epoch) * 1000);
    }
}
