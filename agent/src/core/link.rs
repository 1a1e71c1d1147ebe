//! The heartbeats to one oracle: what to do next, and what follows from each answer.

use muster_protocol::Hash;
use muster_protocol::heartbeat::MAX_RECEIPT_AGE_MS;
use muster_protocol::reason::Reason;
use muster_protocol::units::{Bucket, EpochIndex};

use super::backoff::delay_ms;
use super::plan::Plan;

/// The first wait after a failure.
const BACKOFF_FIRST_MS: u64 = 250;
/// The longest wait after failures.
const BACKOFF_MAX_MS: u64 = 10_000;
/// The longest wait that an oracle may ask for.
const RETRY_AFTER_MAX_MS: u64 = 60_000;
/// A root is replaced before the oracle finds it too old.
const ROOT_AGE_MAX_MS: u64 = MAX_RECEIPT_AGE_MS * 4 / 5;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing before this time of the machine's clock, Unix milliseconds.
    Wait(u64),
    /// Fetch a fresh receipt root: `GET /api/v1/tick`.
    FetchTick,
    /// Make, remember ([`Link::sent`]) and send a heartbeat for this bucket with this receipt root.
    Build {
        /// The epoch.
        epoch: EpochIndex,
        /// The bucket.
        bucket: Bucket,
        /// The oracle's last root.
        root: Hash,
        /// The oracle's time as far as the node knows it, Unix milliseconds.
        sent_at_ms: u64,
    },
    /// The same bytes again: their fate is unknown, and the oracle answers them alike twice.
    Resend(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Pending {
    epoch: EpochIndex,
    bucket: Bucket,
    frame: Vec<u8>,
}

/// See the module. Times are the machine's clock, Unix milliseconds; the oracle's differs by `offset_ms`.
#[derive(Clone, Debug)]
pub struct Link {
    plan: Plan,
    /// Oracle's clock minus the machine's; zero until the oracle says that the machine's is wrong.
    offset_ms: i64,
    root: Option<(Hash, u64)>,
    pending: Option<Pending>,
    /// The last due time, on the oracle's clock, that was served.
    served_ms: u64,
    acknowledged: Option<(EpochIndex, Bucket)>,
    /// The bucket that the oracle refused for good; the next due time tries again.
    refused: Option<(EpochIndex, Bucket)>,
    failures: u32,
    not_before_ms: u64,
}

impl Link {
    /// Nothing sent so far.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            offset_ms: 0,
            root: None,
            pending: None,
            served_ms: 0,
            acknowledged: None,
            refused: None,
            failures: 0,
            not_before_ms: 0,
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Oracle's clock minus the machine's, as far as it was corrected, milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.offset_ms
    }

    /// What to do at `now_ms`.
    pub fn next(&mut self, now_ms: u64) -> Action {
        let there_ms = self.there(now_ms);
        if now_ms < self.not_before_ms {
            return Action::Wait(self.not_before_ms);
        }
        let schedule = *self.plan.schedule();
        let late = |pending: &Pending| !schedule.bucket_accepts(pending.epoch, pending.bucket, there_ms);
        if self.pending.as_ref().is_some_and(late) {
            self.pending = None;
        }
        if !self.is_due(there_ms) {
            return Action::Wait(self.here(self.plan.next_due_ms(there_ms)).max(now_ms + 1));
        }
        if let Some(pending) = &self.pending {
            return Action::Resend(pending.frame.clone());
        }
        match self.root {
            Some((root, at_ms)) if now_ms.abs_diff(at_ms) <= ROOT_AGE_MAX_MS => {
                let (epoch, bucket) = self.plan.bucket_at_ms(there_ms);
                Action::Build { epoch, bucket, root, sent_at_ms: there_ms }
            }
            _ => Action::FetchTick,
        }
    }

    /// A due time has come, or the bucket's heartbeat was tried and is not acknowledged yet.
    fn is_due(&self, there_ms: u64) -> bool {
        if self.pending.is_some() || self.plan.last_due_ms(there_ms) > self.served_ms {
            return true;
        }
        let current = Some(self.plan.bucket_at_ms(there_ms));
        let tried = self.plan.bucket_at_ms(self.served_ms) == self.plan.bucket_at_ms(there_ms);
        tried && self.acknowledged != current && self.refused != current
    }

    /// A heartbeat was made; it goes out now.
    pub fn sent(&mut self, epoch: EpochIndex, bucket: Bucket, frame: Vec<u8>, now_ms: u64) {
        self.served_ms = self.served_ms.max(self.plan.last_due_ms(self.there(now_ms)));
        self.refused = None;
        self.pending = Some(Pending { epoch, bucket, frame });
    }

    /// The bucket of the heartbeat that is on its way.
    pub fn pending(&self) -> Option<(EpochIndex, Bucket)> {
        self.pending.as_ref().map(|pending| (pending.epoch, pending.bucket))
    }

    /// A verified root of this oracle, taken at `now_ms`.
    pub fn root(&mut self, root: Hash, now_ms: u64) {
        self.root = Some((root, now_ms));
    }

    /// The oracle's verdict on the pending heartbeat; an `Accepted` one is verified already. `random`: any number.
    pub fn verdict(&mut self, reason: Reason, oracle_time_ms: u64, now_ms: u64, random: u64) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let at = (pending.epoch, pending.bucket);
        match reason {
            Reason::Accepted => {
                self.acknowledged = Some(at);
                self.failures = 0;
                self.not_before_ms = 0;
                if self.offset_ms != 0 {
                    self.correct_clock(oracle_time_ms, now_ms);
                }
                return;
            }
            Reason::WrongBucket | Reason::ClockSkew => self.correct_clock(oracle_time_ms, now_ms),
            Reason::StaleReceipt => self.root = None,
            // The caller raised the sequence number.
            Reason::StaleSeq => {}
            Reason::RateLimited | Reason::Overloaded | Reason::ClockUnsure => {
                // At least one failure before: the wait is never left out.
                self.failures = self.failures.max(1);
                self.pending = Some(pending);
            }
            // The node's standing: asking again at once does not change it.
            _ => {
                self.refused = Some(at);
                return;
            }
        }
        self.failures = self.failures.saturating_add(1);
        // The first correction goes out at once, for the bucket's end may be near.
        if self.failures > 1 {
            self.not_before_ms = now_ms + delay_ms(self.failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, random);
        }
    }

    /// No usable answer came; the heartbeat's fate is unknown. `retry_after_ms` as the oracle asked for.
    pub fn failed(&mut self, now_ms: u64, retry_after_ms: Option<u64>, random: u64) {
        self.failures = self.failures.saturating_add(1);
        let own = delay_ms(self.failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, random);
        let asked = retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MAX_MS);
        self.not_before_ms = now_ms + own.max(asked);
    }

    fn correct_clock(&mut self, oracle_time_ms: u64, now_ms: u64) {
        self.offset_ms = i64::try_from(oracle_time_ms).unwrap_or(0) - i64::try_from(now_ms).unwrap_or(0);
        self.served_ms = self.served_ms.min(self.there(now_ms));
    }

    fn there(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.offset_ms)
    }

    fn here(&self, there_ms: u64) -> u64 {
        there_ms.saturating_add_signed(self.offset_ms.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::units::Schedule;

    use super::*;

    const ROOT: Hash = [7; 32];

    fn link() -> (Link, Plan) {
        let plan = Plan::new(Schedule::new(120, 10).unwrap(), &[1; 32]);
        (Link::new(plan), plan)
    }

    /// A link that has a root, at a due time.
    fn ready() -> (Link, u64) {
        let (mut link, plan) = link();
        let now = plan.next_due_ms(1_200_000_000);
        link.root(ROOT, now);
        (link, now)
    }

    fn build(link: &mut Link, now: u64) -> (EpochIndex, Bucket) {
        let Action::Build { epoch, bucket, root, .. } = link.next(now) else {
            panic!("no heartbeat is due: {:?}", link.next(now));
        };
        assert_eq!(root, ROOT);
        link.sent(epoch, bucket, vec![1, 2, 3], now);
        (epoch, bucket)
    }

    #[test]
    fn first_contact_takes_a_tick_before_anything_is_sent() {
        let (mut link, _) = link();
        assert_eq!(link.next(1_200_000_000), Action::FetchTick);
        link.failed(1_200_000_000, None, 0);
        assert!(matches!(link.next(1_200_000_000), Action::Wait(_)));
        link.root(ROOT, 1_200_000_500);
        assert!(matches!(link.next(1_200_000_500), Action::Build { .. }));
    }

    #[test]
    fn an_acknowledged_bucket_waits_for_the_next_due_time_and_a_bucket_gets_two() {
        let (mut link, mut now) = ready();
        let mut sent = std::collections::BTreeMap::new();
        for _ in 0..20 {
            let at = build(&mut link, now);
            *sent.entry(at).or_insert(0) += 1;
            link.verdict(Reason::Accepted, now, now, 0);
            link.root(ROOT, now);
            let Action::Wait(until) = link.next(now) else { panic!("sent too often") };
            now = until;
        }
        assert!(sent.values().skip(1).rev().skip(1).all(|count| *count == 2), "{sent:?}");
    }

    #[test]
    fn what_got_no_answer_is_sent_again_as_it_was_until_its_bucket_is_over() {
        let (mut link, mut now) = ready();
        let (_, bucket) = build(&mut link, now);
        let mut tries = 0;
        loop {
            link.failed(now, None, 0);
            let Action::Wait(until) = link.next(now) else { panic!("no wait") };
            now = until;
            match link.next(now) {
                Action::Resend(frame) => assert_eq!(frame, [1, 2, 3]),
                Action::Build { bucket: next, .. } => {
                    assert_ne!(next, bucket);
                    break;
                }
                other => panic!("{other:?}"),
            }
            tries += 1;
        }
        assert!(tries >= 3);
    }

    #[test]
    fn a_wrong_clock_is_corrected_by_the_oracles_and_tried_at_once() {
        let (mut link, now) = ready();
        let (epoch, bucket) = build(&mut link, now);
        let oracle_time = now + 50_000;
        link.verdict(Reason::ClockSkew, oracle_time, now, 0);
        let Action::Build { epoch: e, bucket: b, sent_at_ms, .. } = link.next(now) else { panic!() };
        assert_eq!(sent_at_ms, oracle_time);
        assert_ne!((e, b), (epoch, bucket));
        assert_eq!((e, b), Schedule::new(120, 10).unwrap().bucket_at_ms(oracle_time));
        // and the way back works too
        link.sent(e, b, vec![4], now);
        link.verdict(Reason::WrongBucket, now, now, 0);
        let Action::Wait(until) = link.next(now) else { panic!("the second correction waits") };
        assert!(matches!(link.next(until), Action::Build { sent_at_ms, .. } if sent_at_ms == until));
    }

    #[test]
    fn a_stale_root_is_replaced_and_a_stale_seq_tried_again() {
        let (mut link, now) = ready();
        build(&mut link, now);
        link.verdict(Reason::StaleReceipt, now, now, 0);
        assert_eq!(link.next(now), Action::FetchTick);
        link.root(ROOT, now);
        build(&mut link, now);
        link.verdict(Reason::StaleSeq, now, now, 0);
        let Action::Wait(until) = link.next(now) else { panic!() };
        assert!(matches!(link.next(until), Action::Build { .. }));
    }

    #[test]
    fn a_refusal_of_the_node_waits_for_the_next_due_time() {
        let (mut link, now) = ready();
        build(&mut link, now);
        link.verdict(Reason::UnknownNode, now, now, 0);
        let Action::Wait(until) = link.next(now) else { panic!() };
        assert!(until > now + 1_000);
        assert!(matches!(link.next(until), Action::Build { .. }));
    }

    #[test]
    fn an_oracle_may_ask_for_a_bounded_wait() {
        let (mut link, now) = ready();
        build(&mut link, now);
        link.failed(now, Some(3_000), 0);
        assert_eq!(link.next(now), Action::Wait(now + 3_000));
        link.failed(now, Some(u64::MAX), 0);
        assert_eq!(link.next(now), Action::Wait(now + RETRY_AFTER_MAX_MS));
    }
}
