//! When heartbeats are due: twice a bucket, at an offset that is the node's own and never changes, so that a network's
//! nodes spread over the bucket instead of arriving together.

use muster_protocol::hashv;
use muster_protocol::units::{Bucket, EpochIndex, Schedule};

/// Domain tag of the offset.
const OFFSET_TAG: &[u8] = b"muster:heartbeat-offset:1";
/// Heartbeats of a bucket.
pub const PER_BUCKET: u64 = 2;

/// One node's times.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    schedule: Schedule,
    offset_ms: u64,
}

impl Plan {
    /// The plan of the node with this key. The offset lies between a twentieth and nine twentieths of the bucket: a
    /// heartbeat that is on its way for a moment still arrives in its bucket.
    pub fn new(schedule: Schedule, node_key: &[u8; 32]) -> Self {
        let bucket_ms = schedule.bucket_len() * 1000;
        let digest = hashv(&[OFFSET_TAG, node_key]);
        let mut random = [0; 8];
        random.copy_from_slice(&digest[..8]);
        let (first, room) = (bucket_ms / 20, bucket_ms * 8 / 20);
        let offset_ms = first + u64::from_le_bytes(random) % (room + 1);
        Self { schedule, offset_ms }
    }

    /// The network's calendar.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Milliseconds between two heartbeats.
    pub fn step_ms(&self) -> u64 {
        self.schedule.bucket_len() * 1000 / PER_BUCKET
    }

    /// The last time at or before `now_ms` at which a heartbeat was due.
    pub fn last_due_ms(&self, now_ms: u64) -> u64 {
        let step = self.step_ms();
        let phase = self.offset_ms % step;
        (now_ms.saturating_sub(phase) / step).saturating_mul(step) + phase
    }

    /// The first time after `now_ms` at which one is due.
    pub fn next_due_ms(&self, now_ms: u64) -> u64 {
        let last = self.last_due_ms(now_ms);
        if last > now_ms { last } else { last + self.step_ms() }
    }

    /// The bucket of a moment.
    pub fn bucket_at_ms(&self, now_ms: u64) -> (EpochIndex, Bucket) {
        self.schedule.bucket_at_ms(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_bucket_has_two_times_inside_of_it(key: [u8; 32], bucket_len in 1u64..4_000, bucket in 0u64..1_000_000) {
            let plan = Plan::new(Schedule::new(bucket_len * 4, bucket_len).unwrap(), &key);
            let (start, end) = (bucket * bucket_len * 1000, (bucket + 1) * bucket_len * 1000);
            let mut due = Vec::new();
            let mut at = start.saturating_sub(1);
            loop {
                at = plan.next_due_ms(at);
                if at >= end { break; }
                if at >= start { due.push(at); }
            }
            prop_assert_eq!(due.len(), 2);
            prop_assert!(due.iter().all(|at| plan.last_due_ms(*at) == *at));
            prop_assert!(due[0] - start >= bucket_len * 1000 / 20 && end - due[1] >= bucket_len * 1000 / 20);
        }

        #[test]
        fn the_times_are_the_same_whenever_one_asks(key: [u8; 32], now in 1_000_000_000u64..2_000_000_000) {
            let plan = Plan::new(Schedule::new(120, 10).unwrap(), &key);
            let next = plan.next_due_ms(now);
            prop_assert!(next > now && next <= now + plan.step_ms());
            prop_assert_eq!(plan.last_due_ms(next - 1).max(now.min(plan.last_due_ms(now))), plan.last_due_ms(now));
        }
    }

    #[test]
    fn two_nodes_have_times_of_their_own() {
        let schedule = Schedule::new(120, 10).unwrap();
        let (a, b) = (Plan::new(schedule, &[1; 32]), Plan::new(schedule, &[2; 32]));
        assert_ne!(a.next_due_ms(1_000_000), b.next_due_ms(1_000_000));
    }
}
