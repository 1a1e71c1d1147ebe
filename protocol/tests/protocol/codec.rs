use crate::samples::{self, domain, key, public};
use muster_protocol::answer::{Answer, AnswerError};
use muster_protocol::assignment::Assignment;
use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::Dataset;
use muster_protocol::export::{self, PointsStatement};
use muster_protocol::heartbeat::{self, Heartbeat, MAX_FRAMES, MAX_WORKLOADS, Workload, frames, push_frame};
use muster_protocol::job::JobDescriptor;
use muster_protocol::leaves::Leaves;
use muster_protocol::reason::Reason;
use muster_protocol::receipt::{self, BatchReceipt};
use muster_protocol::request::{self, ReplayError, ReplayGuard, RequestError, Signed, Target};
use muster_protocol::result::{PROGRESS_LEN, Progress, RESULT_LEN, TaskResult};
use muster_protocol::scores::Scores;
use muster_protocol::units::Bucket;
use muster_protocol::uptime::UptimeStatement;
use muster_protocol::view::View;
use muster_protocol::wire::{Domain, Frame, WireError};
use proptest::prelude::*;

/// Every frame and file as bytes.
fn all_bytes() -> Vec<Vec<u8>> {
    let d = domain();
    let tick = BatchReceipt::tick(public(1), 1, 2).encode_signed(&d, &key(1));
    vec![
        samples::heartbeat_frame(1, 10, 3),
        tick.expect("a good tick"),
        samples::assignment().encode_signed(&d, &key(2)).expect("a good assignment"),
        samples::progress().encode_signed(&d, &key(10)).expect("a good progress"),
        samples::task_result().encode_signed(&d, &key(10)).expect("a good result"),
        samples::view_frame(1),
        samples::scores_file(),
        samples::uptime().encode_signed(&d, &key(1)).expect("a good statement"),
        samples::points().encode_signed(&d, &key(2)).expect("a good statement"),
        samples::answer().1.encode().expect("a good answer"),
        samples::dataset().encode().expect("a good dataset"),
        samples::leaves().1.encode().expect("good leaves"),
        samples::job().encode().expect("a good job"),
    ]
}

/// Decodes as everything; whatever decodes must encode to the same bytes.
fn decode_all(bytes: &[u8]) -> usize {
    fn frame<F: Frame>(bytes: &[u8]) -> usize {
        let Ok((value, signature)) = F::decode(&domain(), bytes) else {
            return 0;
        };
        let mut again = value.signing_bytes(&domain()).expect("what decodes encodes");
        again.extend_from_slice(&signature);
        assert_eq!(again, bytes);
        1
    }
    fn file(bytes: &[u8], again: Option<Vec<u8>>) -> usize {
        let Some(again) = again else { return 0 };
        assert_eq!(again, bytes);
        1
    }
    frame::<Heartbeat>(bytes)
        + frame::<BatchReceipt>(bytes)
        + frame::<Assignment>(bytes)
        + frame::<Progress>(bytes)
        + frame::<TaskResult>(bytes)
        + frame::<View>(bytes)
        + frame::<Scores>(bytes)
        + frame::<UptimeStatement>(bytes)
        + frame::<PointsStatement>(bytes)
        + file(bytes, Answer::decode(bytes).ok().map(|v| v.encode().expect("what decodes encodes")))
        + file(bytes, Dataset::decode(bytes).ok().map(|v| v.encode().expect("what decodes encodes")))
        + file(bytes, Leaves::decode(bytes).ok().map(|v| v.encode().expect("what decodes encodes")))
        + file(bytes, JobDescriptor::decode(bytes).ok().map(|v| v.encode().expect("what decodes encodes")))
}

#[test]
fn everything_decodes_as_itself_alone_and_not_when_cut_or_extended() {
    for bytes in all_bytes() {
        assert_eq!(decode_all(&bytes), 1);
        for len in 0..bytes.len() {
            assert_eq!(decode_all(&bytes[..len]), 0, "cut to {len} of {}", bytes.len());
        }
        assert_eq!(decode_all(&[bytes.as_slice(), &[0]].concat()), 0);
    }
}

#[test]
fn frames_have_the_lengths_that_are_written_down() {
    let d = domain();
    let mut beat = samples::heartbeat(1, 10, 3);
    beat.workloads.clear();
    assert_eq!(beat.encode_signed(&d, &key(10)).map(|frame| frame.len()), Ok(heartbeat::MIN_LEN));
    assert_eq!(heartbeat::MIN_LEN, 274);
    beat.workloads = vec![Workload { id: [1; 16], state: 1, progress: 100 }; MAX_WORKLOADS];
    assert_eq!(beat.encode_signed(&d, &key(10)).map(|frame| frame.len()), Ok(594));
    assert_eq!(BatchReceipt::tick(public(1), 1, 2).encode_signed(&d, &key(1)).map(|f| f.len()), Ok(receipt::LEN));
    assert_eq!(samples::task_result().encode_signed(&d, &key(10)).map(|f| f.len()), Ok(RESULT_LEN));
    assert_eq!(samples::progress().encode_signed(&d, &key(10)).map(|f| f.len()), Ok(PROGRESS_LEN));
    assert_eq!(samples::points().encode_signed(&d, &key(2)).map(|f| f.len()), Ok(export::LEN));
    let view = View { nodes: vec![], ..samples::view(1) };
    assert_eq!(view.encode_signed(&d, &key(1)).map(|f| f.len()), Ok(muster_protocol::view::MIN_LEN));
}

#[test]
fn a_frame_of_another_network_version_kind_or_signer_is_refused() {
    let frame = samples::heartbeat_frame(1, 10, 3);
    let refused = |frame: &[u8]| Heartbeat::decode_verified(&domain(), frame).expect_err("refused");
    let other = Domain { program: [1; 32], ..domain() };
    assert_eq!(Heartbeat::decode(&other, &frame), Err(WireError::Domain));
    let with = |at: usize, byte: u8| {
        let mut frame = frame.clone();
        frame[at] = byte;
        frame
    };
    assert!(matches!(refused(&with(0, b'X')), WireError::Magic { .. }));
    assert_eq!(refused(&with(4, 2)), WireError::Version(2));
    assert_eq!(refused(&with(5, 2)), WireError::Kind { expected: 1, found: 2 });
    assert_eq!(refused(&with(6, 1)), WireError::Reserved("header"));
    assert_eq!(refused(&with(8, 1)), WireError::Domain);
    assert!(matches!(refused(&with(112, 1)), WireError::Signature(_)), "another epoch");
    let beat = samples::heartbeat(1, 10, 3);
    assert_eq!(beat.encode_signed(&domain(), &key(11)), Err(WireError::WrongSigner));
    assert_eq!(Heartbeat::decode_verified(&domain(), &frame), Ok(beat));
}

#[test]
fn values_out_of_range_are_refused_on_both_sides() {
    let good = samples::heartbeat(1, 10, 3);
    let many = vec![good.workloads[0]; MAX_WORKLOADS + 1];
    let over = vec![Workload { progress: 101, ..good.workloads[0] }];
    for bad in [
        Heartbeat { cpu_permille: 1001, ..good.clone() },
        Heartbeat { workloads: many, ..good.clone() },
        Heartbeat { workloads: over, ..good.clone() },
    ] {
        assert!(matches!(bad.encode_signed(&domain(), &key(10)), Err(WireError::Value { .. })));
    }
    let mut twice = samples::assignment();
    twice.nodes[1].tenure = twice.nodes[0].tenure;
    assert!(twice.encode_signed(&domain(), &key(2)).is_err());
    let mut forged = BatchReceipt::tick(public(1), 5, 6);
    forged.committed_at_ms += 1;
    assert!(forged.encode_signed(&domain(), &key(1)).is_err(), "a tick's root follows from its time");
    let mut view = samples::view(1);
    view.nodes.swap(0, 1);
    assert!(matches!(view.encode_signed(&domain(), &key(1)), Err(WireError::Order { .. })));
    assert!(matches!(Bitmap::from_bytes(12, &[0, 0x10]), Err(WireError::Reserved(_))));
}

#[test]
fn a_statement_of_uptime_says_nothing_that_its_own_bits_do_not() {
    let good = samples::uptime();
    let signs = |statement: &UptimeStatement| statement.encode_signed(&domain(), &key(1));
    assert!(signs(&good).is_ok() && !good.is_closed());
    for bad in [
        UptimeStatement { counted: good.counted + 1, ..good.clone() },
        UptimeStatement { counted: good.counted - 1, ..good.clone() },
        UptimeStatement { uptime_bps: good.uptime_bps + 1, ..good.clone() },
        UptimeStatement { elapsed: good.buckets + 1, ..good.clone() },
        UptimeStatement { excused: good.elapsed + 1, ..good.clone() },
        UptimeStatement { first_bucket: Bucket::new(good.buckets + 1), ..good.clone() },
        UptimeStatement { bitmap: Bitmap::new(good.buckets + 1), ..good.clone() },
        UptimeStatement { refused: vec![(Reason::Accepted, 1)], ..good.clone() },
        UptimeStatement { refused: vec![(Reason::StaleSeq, 0)], ..good.clone() },
    ] {
        assert!(matches!(signs(&bad), Err(WireError::Inconsistent { .. })), "{bad:?}");
    }
    // When the epoch is closed all its bits count, and the figure is the dataset's.
    let counted = good.bitmap.count_from(good.first_bucket);
    let uptime_bps = muster_protocol::points::uptime_bps(counted, good.buckets, good.excused);
    let closed = UptimeStatement { elapsed: good.buckets, counted, uptime_bps, ..good };
    assert!(signs(&closed).is_ok() && closed.is_closed());
}

#[test]
fn an_answer_proves_what_it_accepts() {
    let (sent, answer) = samples::answer();
    let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
    let receipts = answer.verify(&domain(), &public(1), &sent).expect("a good answer");
    assert_eq!(receipts.len(), 1);
    assert_eq!(answer.verify(&domain(), &public(2), &sent), Err(AnswerError::OtherOracle(0)));
    let swapped = [sent[1], sent[0], sent[2], sent[3]];
    assert_eq!(answer.verify(&domain(), &public(1), &swapped), Err(AnswerError::NotProven(0)));
    assert!(matches!(answer.verify(&domain(), &public(1), &sent[..3]), Err(AnswerError::Count { .. })));
    let mut late = answer.clone();
    late.verdicts[1].received_at_ms += 1;
    assert_eq!(late.verify(&domain(), &public(1), &sent), Err(AnswerError::NotProven(1)));
    let mut forged = answer;
    forged.receipts[0][60] ^= 1;
    assert!(matches!(forged.verify(&domain(), &public(1), &sent), Err(AnswerError::Receipt { index: 0, .. })));
}

#[test]
fn a_body_is_cut_into_its_frames_and_no_more_than_allowed() {
    let mut body = vec![];
    for i in 0..=MAX_FRAMES {
        push_frame(&mut body, &[i as u8; 3]).expect("a short frame");
    }
    let cut: Vec<_> = frames(&body).collect();
    assert_eq!(cut.len(), MAX_FRAMES + 1);
    assert!(cut[..MAX_FRAMES].iter().all(Result::is_ok) && cut[MAX_FRAMES].is_err());
    let broken: Vec<_> = frames(&[2, 0, 1, 1, 9, 0, 1]).collect();
    assert!(broken.len() == 2 && broken[0] == Ok(&[1, 1]) && broken[1].is_err());
}

#[test]
fn reason_codes_are_dense_and_have_distinct_names() {
    for (code, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!((usize::from(reason.code()), Reason::from_code(code as u8)), (code, Some(*reason)));
        assert!(Reason::ALL[..code].iter().all(|other| other.name() != reason.name()));
    }
    assert_eq!(Reason::from_code(Reason::ALL.len() as u8), None);
}

#[test]
fn a_signed_request_is_good_for_half_a_minute_and_for_itself_alone() {
    let (d, now) = (domain(), 1_753_920_000_000);
    let target = |method, path, body| Target { method, path, body };
    let value = request::sign(&d, &key(20), now, [7; 16], &target("POST", "/a?b=1", b"body"));
    let check = |at, method, path, body: &[u8]| request::verify(&d, &value, at, &Target { method, path, body });
    let signed = Signed { key: public(20), signed_at_ms: now, nonce: [7; 16] };
    assert_eq!(check(now + 30_000, "POST", "/a?b=1", b"body"), Ok(signed));
    assert_eq!(check(now - 30_000, "POST", "/a?b=1", b"body"), Ok(signed));
    assert!(matches!(check(now + 30_001, "POST", "/a?b=1", b"body"), Err(RequestError::Age { .. })));
    for (method, path, body) in [("PUT", "/a?b=1", "body"), ("POST", "/a?b=2", "body"), ("POST", "/a?b=1", "bod")] {
        assert!(matches!(check(now, method, path, body.as_bytes()), Err(RequestError::Signature(_))));
    }
    let other_nonce = value.replace(&"07".repeat(16), &"08".repeat(16));
    let verified = request::verify(&d, &other_nonce, now, &target("POST", "/a?b=1", b"body"));
    assert!(matches!(verified, Err(RequestError::Signature(_))));
    for bad in ["", "...", "a.b.c", "x.1.00.00", &value[1..], &format!("{value}.1"), &"1".repeat(500)] {
        assert!(request::verify(&d, bad, now, &target("POST", "/a?b=1", b"body")).is_err(), "{bad}");
    }
}

#[test]
fn a_guard_takes_each_request_once_whatever_comes_and_remembers_a_bounded_number() {
    let start = 1_000_000;
    let signed = |key: u8, signed_at_ms, nonce: u8| Signed { key: [key; 32], signed_at_ms, nonce: [nonce; 16] };
    let mut guard = ReplayGuard::new(3, start);
    // Given requests of two keys with one nonce, then each is good once, also when the clock went on meanwhile.
    assert_eq!(guard.take(&signed(1, start, 1), start), Ok(()));
    assert_eq!(guard.take(&signed(2, start, 1), start), Ok(()));
    assert_eq!(guard.take(&signed(1, start, 1), start + 30_000), Err(ReplayError::Replayed));
    // One from the future is remembered for as long as it verifies.
    assert_eq!(guard.take(&signed(1, start + 30_000, 2), start), Ok(()));
    assert_eq!(guard.take(&signed(1, start, 3), start), Err(ReplayError::Full));
    // Nobody knows about those that were signed before the start.
    assert_eq!(guard.take(&signed(1, start - 1, 4), start), Err(ReplayError::TooEarly));
    // When the first two verify no longer there is room, and the third is still known.
    assert_eq!(guard.take(&signed(1, start + 40_000, 5), start + 30_001), Ok(()));
    assert_eq!(guard.take(&signed(1, start + 30_000, 2), start + 60_000), Err(ReplayError::Replayed));
    assert_eq!(guard.take(&signed(1, start + 60_001, 2), start + 60_001), Ok(()));
    // A clock that is set back brings none of the forgotten ones again.
    assert_eq!(guard.take(&signed(1, start + 30_000, 2), start + 20_000), Err(ReplayError::TooEarly));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        decode_all(&bytes);
        let _ = frames(&bytes).count();
    }

    #[test]
    fn mutated_bytes_never_panic_and_decode_to_what_encodes_the_same(
        pick in 0usize..11, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = all_bytes().swap_remove(pick);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode_all(&bytes);
    }

    #[test]
    fn a_heartbeat_comes_back_as_it_was(
        seed: [u8; 32], oracle_key: [u8; 32], bucket: u32, seq: u64, cpu in 0u16..=1000, workloads in prop::collection::vec((any::<[u8; 16]>(), any::<u8>(), 0u8..=100), 0..=16),
    ) {
        let signing = muster_protocol::sig::SigningKey::from_bytes(&seed);
        let beat = Heartbeat {
            oracle_key,
            node_key: signing.verifying_key().to_bytes(),
            bucket: Bucket::new(bucket),
            seq,
            cpu_permille: cpu,
            workloads: workloads.into_iter().map(|(id, state, progress)| Workload { id, state, progress }).collect(),
            ..samples::heartbeat(1, 10, 3)
        };
        let frame = beat.encode_signed(&domain(), &signing).unwrap();
        prop_assert_eq!(Heartbeat::decode_verified(&domain(), &frame), Ok(beat));
    }

    #[test]
    fn a_bitmap_counts_what_was_set(buckets in 1u32..700, picks in prop::collection::vec(any::<u32>(), 0..50), first in 0u32..800) {
        let mut bitmap = Bitmap::new(buckets);
        let mut set = std::collections::BTreeSet::new();
        for pick in picks {
            let bucket = pick % (buckets + 3);
            prop_assert_eq!(bitmap.set(Bucket::new(bucket)), bucket < buckets && set.insert(bucket));
        }
        prop_assert_eq!(bitmap.count() as usize, set.len());
        prop_assert_eq!(bitmap.count_from(Bucket::new(first)) as usize, set.range(first..).count());
        prop_assert!(set.iter().all(|bucket| bitmap.get(Bucket::new(*bucket))));
        prop_assert_eq!(Bitmap::from_bytes(buckets, bitmap.as_bytes()), Ok(bitmap));
    }
}
