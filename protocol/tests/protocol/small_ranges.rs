//! The money's arithmetic over whole small ranges: every value, not a sample of them. `maths` and `tree` have the
//! definitions and the sampled rest of the range.

use muster_protocol::hashv;
use muster_protocol::merkle::{EMPTY, MAX_DEPTH, MAX_LEAVES, Tree, depth, inner, root_from_proof, verify};
use muster_protocol::points::{Formula, points};
use muster_protocol::split::{BPS, elapsed_share, equal_shares, fee_and_pool, pool_shares, threshold};

/// Fees that networks have: none, the least, the usual, odd ones, the cap, all.
const FEES_BPS: [u16; 7] = [0, 1, 333, 2_000, 3_000, 9_999, 10_000];

#[test]
fn a_fee_and_its_pool_are_the_amount_at_every_rate() {
    let amounts = (0..=400).chain(u64::MAX - 100..=u64::MAX);
    for amount in amounts {
        let mut before = 0;
        for bps in 0..=BPS {
            let (fee, pool) = fee_and_pool(amount, bps);
            assert_eq!(fee.checked_add(pool), Some(amount), "{amount} at {bps}");
            assert_eq!(u128::from(fee), u128::from(amount) * u128::from(bps) / 10_000, "{amount} at {bps}");
            assert!(fee >= before, "a higher rate takes no less");
            before = fee;
        }
        assert_eq!(fee_and_pool(amount, 0), (0, amount));
        assert_eq!(fee_and_pool(amount, BPS + 1), (amount, 0));
    }
}

#[test]
fn no_amount_is_too_small_to_round_against_the_nodes() {
    // The fee is rounded down: what cannot be split stays in the pool.
    for amount in 0..=10_000 {
        for bps in FEES_BPS {
            let (fee, pool) = fee_and_pool(amount, bps);
            assert!(u128::from(fee) * 10_000 <= u128::from(amount) * u128::from(bps));
            assert!(u128::from(pool) * 10_000 >= u128::from(amount) * u128::from(BPS - bps));
        }
    }
}

#[test]
fn equal_shares_and_their_dust_are_the_pool() {
    for pool in (0..=1_000).chain(u64::MAX - 300..=u64::MAX) {
        assert_eq!(equal_shares(pool, 0), (0, pool), "nobody to pay: all of it is dust");
        for k in 1..=u8::MAX {
            let (each, dust) = equal_shares(pool, k);
            assert_eq!(u128::from(each) * u128::from(k) + u128::from(dust), u128::from(pool));
            assert!(dust < u64::from(k), "another unit for each was left over");
        }
    }
}

#[test]
fn a_jobs_prize_goes_to_nodes_and_treasury_and_the_dust_to_the_treasury() {
    for prize in (0..=3_000).chain(u64::MAX - 50..=u64::MAX) {
        for fee_bps in FEES_BPS {
            for nodes in 1..=8 {
                let (fee, pool) = fee_and_pool(prize, fee_bps);
                let (each, dust) = equal_shares(pool, nodes);
                let to_nodes = each.checked_mul(u64::from(nodes)).expect("the nodes' sum fits");
                let to_treasury = prize.checked_sub(to_nodes).expect("the nodes get no more than the prize");
                assert_eq!(to_treasury, fee + dust);
                assert!(dust < u64::from(nodes), "the treasury rounds no more than a unit a node to itself");
            }
        }
    }
}

#[test]
fn the_elapsed_share_and_its_refund_are_the_stake_at_every_moment() {
    for stake in (0..=40).chain([u64::MAX - 1, u64::MAX]) {
        for started_at in -2..=8 {
            for deadline in -2..=8 {
                let mut before = 0;
                for cancel_at in -3..=9 {
                    let share = elapsed_share(stake, started_at, cancel_at, deadline);
                    let expected = if cancel_at <= started_at {
                        0
                    } else if cancel_at >= deadline {
                        stake
                    } else {
                        let (elapsed, whole) = ((cancel_at - started_at) as u128, (deadline - started_at) as u128);
                        (u128::from(stake) * elapsed / whole) as u64
                    };
                    assert_eq!(share, expected, "{stake} of {started_at}..{deadline} at {cancel_at}");
                    assert!(stake.checked_sub(share).is_some(), "a refund is never negative");
                    assert!(share >= before, "later is no less");
                    before = share;
                }
            }
        }
    }
}

#[test]
fn no_times_make_the_elapsed_share_overflow_or_divide_by_zero() {
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, 1_700_000_000, i64::MAX - 1, i64::MAX];
    for stake in [0, 1, 2, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        for started_at in times {
            for cancel_at in times {
                for deadline in times {
                    assert!(elapsed_share(stake, started_at, cancel_at, deadline) <= stake);
                }
            }
        }
    }
}

#[test]
fn points_are_what_the_formula_says_at_every_uptime() {
    let weights = [0, 1, 7_000, 10_000, u32::MAX];
    for w_uptime in weights {
        for w_task in weights {
            for (cap, min_uptime_bps) in [(u64::MAX, 0), (9_000, 5_000), (0, 0), (10_000, BPS)] {
                let formula = Formula { w_uptime, w_task, cap, min_uptime_bps };
                for score_bps in [0, 1, 4_999, BPS, u16::MAX] {
                    let mut before = 0;
                    for uptime_bps in (0..=BPS).chain([BPS + 1, u16::MAX]) {
                        let here = points(&formula, uptime_bps, score_bps);
                        let (uptime, score) = (u128::from(uptime_bps.min(BPS)), u128::from(score_bps.min(BPS)));
                        let weighed = (u128::from(w_uptime) * uptime + u128::from(w_task) * score) / 10_000;
                        let enough = uptime_bps.min(BPS) >= min_uptime_bps;
                        let expected = if enough { weighed.min(u128::from(cap)) } else { 0 };
                        assert_eq!(u128::from(here), expected, "{formula:?} at {uptime_bps}, {score_bps}");
                        assert!(here >= before, "more uptime is no fewer points");
                        before = here;
                    }
                }
            }
        }
    }
}

#[test]
fn two_thresholds_share_an_oracle_and_a_third_may_be_silent() {
    assert_eq!(threshold(0), 1, "an empty set agrees on nothing");
    for n in 1..=u8::MAX {
        let (n, t) = (u16::from(n), u16::from(threshold(n)));
        assert!(t <= n, "all together can agree");
        assert!(2 * t > n, "two outcomes never both have a threshold");
        assert!(n - t <= n / 3, "no more than a third stops the others");
        assert!(t + n / 3 <= n, "a third that is silent stops nobody");
    }
}

#[test]
fn shares_by_points_conserve_and_differ_by_the_dust_alone() {
    for pool in 0..=24 {
        for code in 0..4_u64.pow(4) {
            let of: [u64; 4] = std::array::from_fn(|i| code / 4_u64.pow(i as u32) % 4);
            let Ok(shares) = pool_shares(&of, pool) else {
                assert_eq!(of, [0; 4], "only nobody's points are refused");
                continue;
            };
            let total: u64 = of.iter().sum();
            assert_eq!(shares.iter().sum::<u64>(), pool);
            for (share, own) in shares.iter().zip(of) {
                let floor = own * pool / total;
                assert!(*share == floor || (*share == floor + 1 && own * pool % total > 0), "{of:?} of {pool}");
            }
            let scaled = of.map(|points| points * 1_000_003);
            assert_eq!(pool_shares(&scaled, pool).as_ref(), Ok(&shares), "only the proportion counts");
        }
    }
}

#[test]
fn equal_points_share_equally_and_the_lower_index_gets_the_dust() {
    for count in 1..=300_usize {
        for pool in [0, 1, count as u64 - 1, count as u64, 3 * count as u64 / 2, 1_000_003, u64::MAX] {
            let shares = pool_shares(&vec![7; count], pool).expect("there are points");
            let (each, dust) = (pool / count as u64, (pool % count as u64) as usize);
            assert!(shares[..dust].iter().all(|share| *share == each + 1), "{count} of {pool}");
            assert!(shares[dust..].iter().all(|share| *share == each), "{count} of {pool}");
        }
    }
}

#[test]
fn the_depth_is_the_least_for_every_count() {
    for count in 0..=5_000_u32 {
        let levels = depth(count);
        assert!(levels >= 1 && 1 << levels >= count.max(1));
        assert!(levels == 1 || 1 << (levels - 1) < count, "a flatter tree holds {count}");
    }
    for level in 2..=MAX_DEPTH {
        let full = 1_u32 << level;
        assert_eq!([full - 1, full, full + 1].map(depth), [level, level, level + 1]);
    }
    assert_eq!(depth(MAX_LEAVES), MAX_DEPTH);
}

/// Every count up to here is built and every leaf of it proven.
const COUNT_MAX: u32 = 320;

#[test]
fn every_leaf_of_every_tree_is_proven_and_no_neighbouring_claim_is() {
    let all: Vec<_> = (0..COUNT_MAX).map(|i| hashv(&[b"leaf", &i.to_le_bytes()])).collect();
    let mut roots = std::collections::BTreeSet::new();
    for count in 0..=COUNT_MAX {
        let tree = Tree::build(all[..count as usize].to_vec()).expect("a small tree");
        assert!(roots.insert(tree.root()), "a tree of another count has this root");
        for index in 0..count {
            let (leaf, proof) = (tree.leaf(index).expect("in the tree"), tree.proof(index).expect("in the tree"));
            let proven = |leaf: &_, index, count, proof: &[_]| verify(&tree.root(), leaf, index, count, proof);
            assert!(proven(&leaf, index, count, &proof), "{index} of {count}");
            assert_eq!(root_from_proof(&leaf, index, &proof), tree.root());
            // Another place of the same depth, inside the tree or behind its end.
            for bit in 0..depth(count) {
                assert!(!proven(&leaf, index ^ 1 << bit, count, &proof), "{index} of {count}, bit {bit}");
            }
            // Bits that the depth does not reach must not alias.
            assert!(!proven(&leaf, index + (1 << depth(count)), count, &proof));
            assert!(!proven(&leaf, index, index, &proof), "the tree ends before it");
            // One level less: the leaf's parent is no leaf.
            let pair = if index & 1 == 0 { [leaf, proof[0]] } else { [proof[0], leaf] };
            let parent = inner(&pair[0], &pair[1]);
            assert!(!proven(&parent, index / 2, count, &proof[1..]));
            assert!(!proven(&EMPTY, index, count, &proof), "nothing stands where a leaf stands");
        }
        assert!(!verify(&tree.root(), &tree.root(), 0, count, &[]), "an empty proof proves nothing");
    }
}
