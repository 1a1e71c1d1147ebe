//! The figures of operational time while an epoch runs: the rules of `protocol` over the buckets that are over. Pure.
//! When all buckets are over they are the dataset's figures of an oracle that alone is in.

use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::Member;
use muster_protocol::heartbeat::Status;
use muster_protocol::membership::{LeafMissing, TenureFacts, members};
use muster_protocol::points::{Formula, points, uptime_bps};
use muster_protocol::units::{EpochIndex, Schedule};
use muster_protocol::uptime::{Standing, counted_until};

use crate::context::Seen;
use crate::events::liveness::missed_buckets;
use crate::registry::NodeInfo;

/// Buckets of an epoch in which nothing is counted any more at `now_ms`.
pub fn elapsed(schedule: &Schedule, epoch: EpochIndex, now_ms: u64) -> u32 {
    let start_ms = schedule.epoch_start(epoch).saturating_mul(1000);
    let over_ms = now_ms.saturating_sub(schedule.bucket_slack_ms()).saturating_sub(start_ms);
    let over = over_ms / (schedule.bucket_len() * 1000);
    u32::try_from(over).unwrap_or(u32::MAX).min(schedule.buckets())
}

/// The rows that an epoch's dataset would have if the epoch ended after `elapsed` buckets: maintenance excuses what is
/// over, and nothing else changes.
pub fn members_until(
    schedule: &Schedule,
    epoch: EpochIndex,
    elapsed: u32,
    tenures: Vec<TenureFacts>,
) -> Result<Vec<Member>, LeafMissing> {
    let until_s = schedule.epoch_start(epoch).saturating_add(u64::from(elapsed) * schedule.bucket_len());
    let until_s = i64::try_from(until_s).unwrap_or(i64::MAX);
    let cut = |tenure: TenureFacts| {
        let (start, end) = tenure.maintenance;
        TenureFacts { maintenance: (start.min(until_s), end.min(until_s)), ..tenure }
    };
    members(schedule, epoch, tenures.into_iter().map(cut))
}

/// One tenure's epoch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Elapsed buckets from the first one on that have a bit.
    pub counted: u32,
    /// Elapsed buckets of announced maintenance.
    pub excused: u32,
    /// Of the elapsed buckets.
    pub uptime_bps: u16,
    /// What the formula gives for this uptime and score.
    pub points: u64,
}

/// The figures of a tenure whose node has these bits.
pub fn figures(member: &Member, bitmap: Option<&Bitmap>, elapsed: u32, formula: &Formula, score_bps: u16) -> Figures {
    let counted = bitmap.map_or(0, |bitmap| counted_until(bitmap, member.first_bucket, elapsed));
    let excused = member.excused.min(elapsed);
    let uptime_bps = uptime_bps(counted, elapsed, excused);
    Figures { counted, excused, uptime_bps, points: points(formula, uptime_bps, score_bps) }
}

/// What a node is now.
pub fn standing(schedule: &Schedule, offline_after: u64, now_ms: u64, node: &NodeInfo, seen: Option<Seen>) -> Standing {
    let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let (start, end) = node.maintenance;
    if !node.is_active() {
        return Standing::NotAccepted;
    }
    if (start..end).contains(&now_s) {
        return Standing::Maintenance;
    }
    match seen.filter(|seen| missed_buckets(schedule, seen.at_ms, now_ms) < offline_after) {
        None => Standing::Offline,
        Some(Seen { status: Status::Online, .. }) => Standing::Online,
        Some(Seen { status: Status::Busy, .. }) => Standing::Busy,
        Some(Seen { status: Status::Maintenance, .. }) => Standing::Maintenance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_client::muster_network::state::node_status;
    use muster_protocol::membership::KeyFacts;
    use muster_protocol::units::Bucket;
    use proptest::prelude::*;

    const EPOCH: EpochIndex = EpochIndex::new(100);

    /// Epochs of 120 s in 12 buckets of 10 s, with 1 s of slack; epoch 100 starts at 12,000 s.
    fn schedule() -> Schedule {
        Schedule::new(120, 10).unwrap()
    }

    #[test]
    fn a_bucket_is_over_when_nothing_of_it_counts_any_more() {
        let elapsed = |now_ms| elapsed(&schedule(), EPOCH, now_ms);
        assert_eq!([0, 12_000_000, 12_010_999, 12_011_000, 12_120_999].map(elapsed), [0, 0, 0, 1, 11]);
        assert_eq!([12_121_000, 99_999_999_999].map(elapsed), [12, 12]);
    }

    #[test]
    fn a_node_is_what_it_said_until_it_misses_too_much_and_announced_maintenance_goes_first() {
        let mut node = NodeInfo {
            node: [1; 32],
            project: [2; 32],
            node_key: [3; 32],
            tenure: [4; 32],
            status: node_status::ACTIVE,
            accepted_at: 1,
            suspended: (0, 0),
            until_epoch: u64::MAX,
            maintenance: (0, 0),
        };
        let seen = |at_ms, status| Some(Seen { at_ms, status });
        let is = |node: &NodeInfo, seen| standing(&schedule(), 3, 12_050_000, node, seen);
        assert_eq!(is(&node, seen(12_049_000, Status::Online)), Standing::Online);
        assert_eq!(is(&node, seen(12_010_000, Status::Busy)), Standing::Busy);
        assert_eq!(is(&node, seen(12_040_000, Status::Maintenance)), Standing::Maintenance);
        assert_eq!(is(&node, seen(12_009_999, Status::Busy)), Standing::Offline);
        assert_eq!(is(&node, None), Standing::Offline);
        node.maintenance = (12_050, 12_060);
        assert_eq!(is(&node, None), Standing::Maintenance);
        node.status = node_status::BOUND;
        assert_eq!(is(&node, None), Standing::NotAccepted);
    }

    proptest! {
        /// Against a model that walks from bucket to bucket.
        #[test]
        fn the_figures_so_far_are_those_of_every_bucket_that_is_over(
            bits in prop::collection::vec(any::<bool>(), 12), accepted in 11_900i64..12_140,
            maintenance in (11_900i64..12_200, 0i64..200), now_ms in 11_990_000u64..12_140_000, score_bps in 0u16..=10_000,
        ) {
            let schedule = schedule();
            let (start, end) = (maintenance.0, maintenance.0 + maintenance.1);
            let facts = TenureFacts {
                tenure: [1; 32], node: [2; 32], leaf_index: 0, created_at: 1, from_epoch: 0, until_epoch: u64::MAX,
                key: Some(KeyFacts { node_key: [3; 32], accepted_at: accepted }), suspended: (0, 0),
                maintenance: (start, end),
            };
            let formula = Formula { w_uptime: 8_000, w_task: 2_000, cap: 9_999, min_uptime_bps: 3_000 };
            let mut bitmap = Bitmap::new(12);
            let over = |b: u64| (12_000 + (b + 1) * 10) * 1000 + 1_000 <= now_ms;
            let (mut counted, mut excused, mut due) = (0u32, 0u32, 0u32);
            for (b, bit) in bits.iter().enumerate() {
                let begins = 12_000 + b as i64 * 10;
                if *bit {
                    bitmap.set(Bucket::new(b as u32));
                }
                if !over(b as u64) {
                    continue;
                }
                let is_excused = start <= begins && begins + 10 <= end;
                excused += u32::from(is_excused);
                due += u32::from(!is_excused);
                // A key that accepted when the epoch was over is not in it at all.
                counted += u32::from(*bit && begins >= accepted && accepted < 12_120);
            }
            let expected_bps = if due == 0 { 0 } else { (u64::from(counted.min(due)) * 10_000 / u64::from(due)) as u16 };
            let weighed = (8_000 * u64::from(expected_bps) + 2_000 * u64::from(score_bps)) / 10_000;
            let expected_points = if expected_bps < 3_000 { 0 } else { weighed.min(9_999) };

            let elapsed = elapsed(&schedule, EPOCH, now_ms);
            let rows = members_until(&schedule, EPOCH, elapsed, vec![facts]).unwrap();
            let found = figures(&rows[0], Some(&bitmap), elapsed, &formula, score_bps);
            let expected = Figures { counted, excused, uptime_bps: expected_bps, points: expected_points };
            prop_assert_eq!(found, expected);
            if elapsed == 12 {
                let closed = members(&schedule, EPOCH, [facts]).unwrap();
                prop_assert_eq!(&rows, &closed);
            }
        }
    }
}
