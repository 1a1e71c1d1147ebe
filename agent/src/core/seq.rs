//! Sequence numbers: strictly increasing for the node's whole life, restarts and clock changes included.

/// How far ahead a range is reserved on disk, so that not every number costs an fsync. Numbers follow the clock in
/// milliseconds, so this is also how long one reservation lasts.
const RESERVE: u64 = 30_000;

/// What the caller does with a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The number.
    pub seq: u64,
    /// When present, this bound must be on disk before the number is used.
    pub reserve: Option<u64>,
}

/// Hands out numbers: `max(last + 1, Unix milliseconds)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    last: u64,
    reserved: u64,
}

impl Sequence {
    /// Goes on behind what an earlier process may have used.
    pub fn after(reserved: u64) -> Self {
        Self { last: reserved, reserved }
    }

    /// The next number.
    pub fn next(&mut self, now_ms: u64) -> Next {
        self.last = self.last.saturating_add(1).max(now_ms);
        let reserve = (self.last > self.reserved).then(|| {
            self.reserved = self.last.saturating_add(RESERVE);
            self.reserved
        });
        Next { seq: self.last, reserve }
    }

    /// An oracle says that it has seen this number: the next one is above it. Numbers more than a day ahead of the
    /// clock are not believed, for a lying oracle could use them all up.
    pub fn seen(&mut self, last_seq: u64, now_ms: u64) {
        if last_seq <= now_ms.saturating_add(86_400_000) {
            self.last = self.last.max(last_seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lying_oracle_cannot_use_the_numbers_up() {
        let mut sequence = Sequence::after(0);
        sequence.seen(u64::MAX, 1_000);
        assert_eq!(sequence.next(1_000).seq, 1_000);
        sequence.seen(5_000, 1_000);
        assert_eq!(sequence.next(1_000).seq, 5_001);
    }

    proptest! {
        #[test]
        fn numbers_never_go_back_whatever_the_clock_and_restarts_do(steps in prop::collection::vec((any::<bool>(), 0u64..1_000_000), 1..200)) {
            let (mut disk, mut last) = (0, 0);
            let mut sequence = Sequence::after(disk);
            for (restart, now_ms) in steps {
                if restart { sequence = Sequence::after(disk); }
                let next = sequence.next(now_ms);
                if let Some(bound) = next.reserve { disk = bound; }
                prop_assert!(next.seq > last && next.seq >= now_ms && next.seq <= disk);
                last = next.seq;
            }
        }
    }
}
