use crate::samples::{self, EPOCH, public};
use muster_protocol::bitmap::Bitmap;
use muster_protocol::canonical_json;
use muster_protocol::counting::counted;
use muster_protocol::dataset::{Dataset, Member};
use muster_protocol::job::{JobDescriptor, JobError, MAX_LEN};
use muster_protocol::leaves::{Leaves, LeavesError};
use muster_protocol::merkle::{distribution_leaf, verify};
use muster_protocol::units::{BaseUnits, Bucket, EpochIndex};
use muster_protocol::view::{CombineError, NodeView, View, combine};
use muster_protocol::wire::WireError;
use proptest::prelude::*;

#[test]
fn a_bucket_counts_when_a_threshold_of_views_has_it() {
    let views = [1, 2, 3].map(samples::view);
    let all = [&views[0], &views[1], &views[2]];
    let counted = |views: &[&View], threshold: u8, node: u8| {
        let combined = combine(views, threshold).expect("views of one epoch");
        combined.into_iter().find(|(key, _)| *key == public(node)).map(|(_, bitmap)| bitmap.count())
    };
    assert_eq!([10, 11, 12].map(|node| counted(&all, 2, node)), [Some(12), Some(10), Some(0)]);
    assert_eq!([10, 11, 12].map(|node| counted(&all, 1, node)), [Some(12), Some(11), Some(1)]);
    assert_eq!([10, 11, 12].map(|node| counted(&all[..1], 2, node)), [Some(0); 3], "a missing view counts as zeros");
    assert_eq!(counted(&all, 2, 13), None);
    assert_eq!(combine(&all, 0), Err(CombineError::NoThreshold));
    assert_eq!(combine(&[all[0], all[0]], 2), Err(CombineError::Twice(1)));
    let later = View { epoch: EpochIndex::new(1), ..samples::view(2) };
    assert_eq!(combine(&[all[0], &later], 2), Err(CombineError::Mixed(1)));
}

#[test]
fn the_dataset_has_every_row_by_the_rules() {
    let dataset = samples::dataset();
    let figures: Vec<_> = dataset.rows.iter().map(|r| (r.counted, r.uptime_bps, r.score_bps, r.points.get())).collect();
    // node 11 counts from bucket 4 with one bucket excused: 8 of 11
    assert_eq!(figures, [(12, 10_000, 10_000, 10_000), (8, 7_272, 0, 5_817), (0, 0, 2_500, 0), (0, 0, 0, 0)]);
    assert_eq!(dataset.total_points(), 15_817);
}

#[test]
fn a_dataset_with_one_figure_changed_is_refused() {
    let good = samples::dataset();
    let change = |edit: fn(&mut Dataset)| {
        let mut dataset = samples::dataset();
        edit(&mut dataset);
        assert!(matches!(dataset.encode(), Err(WireError::Inconsistent { .. })));
    };
    change(|d| d.rows[1].counted += 1);
    change(|d| d.rows[1].points = muster_protocol::units::Points::new(5_818));
    change(|d| d.rows[0].score_bps = 9_999);
    change(|d| d.rows.swap(0, 1));
    change(|d| d.header.scores_hash = [0; 32]);
    let mut bytes = good.encode().expect("a good dataset");
    let end = bytes.len();
    bytes[end - 8] ^= 1;
    assert_eq!(Dataset::decode(&bytes), Err(WireError::Inconsistent { field: "total points", index: 0 }));
}

#[test]
fn a_settlement_adds_exactly_its_pool_and_moves_no_leaf() {
    let (first, second) = samples::leaves();
    assert_eq!((first.total.get(), second.total.get()), (800_000_001, 800_000_008));
    for (old, new) in first.rows.iter().zip(&second.rows) {
        assert!(old.tenure == new.tenure && old.cumulative <= new.cumulative);
    }
    let (root, tree) = (second.root().expect("a small tree"), second.tree().expect("a small tree"));
    for (i, row) in (0..).zip(&second.rows) {
        let leaf = distribution_leaf(&second.program, &second.distribution, &row.tenure, i, row.cumulative.get());
        assert!(verify(&root, &leaf, i, tree.count(), &tree.proof(i).expect("in the tree")));
    }
    let mut dataset = samples::dataset();
    let pool = BaseUnits::new(5);
    assert!(matches!(Leaves::next(Some(&first), &dataset, pool, 0), Err(LeavesError::Epoch { .. })));
    dataset.header.epoch = EpochIndex::new(EPOCH.get() + 1);
    let too_much = BaseUnits::new(u64::MAX);
    assert!(matches!(Leaves::next(Some(&first), &dataset, too_much, 0), Err(LeavesError::Overflow { .. })));
    dataset.rows[2].tenure = [1; 32];
    assert_eq!(Leaves::next(Some(&first), &dataset, pool, 0), Err(LeavesError::Moved(2)));
    dataset.rows.truncate(2);
    assert_eq!(Leaves::next(Some(&first), &dataset, pool, 0), Err(LeavesError::Moved(2)));
    dataset.header.distribution = [1; 32];
    assert_eq!(Leaves::next(Some(&first), &dataset, pool, 0), Err(LeavesError::OtherDistribution));
    dataset.rows.clear();
    assert!(matches!(Leaves::next(None, &dataset, pool, 0), Err(LeavesError::Split(_))));
}

#[test]
fn a_descriptor_has_one_text_and_clear_limits() {
    let good = samples::job();
    let bytes = good.encode().expect("a good job");
    assert_eq!(JobDescriptor::decode(&bytes), Ok(good.clone()));
    let pretty = serde_json::to_vec_pretty(&good).expect("JSON");
    assert_eq!(JobDescriptor::decode(&pretty), Err(JobError::NotCanonical));
    assert_eq!(JobDescriptor::from_json(&pretty).and_then(|job| job.hash()), good.hash());
    assert!(matches!(JobDescriptor::decode(&vec![b' '; MAX_LEN + 1]), Err(JobError::TooLong(_))));
    let refused = |edit: fn(&mut JobDescriptor)| {
        let mut job = samples::job();
        edit(&mut job);
        job.encode().expect_err("refused").to_string()
    };
    assert!(refused(|job| job.image = "alpine:latest".to_owned()).starts_with("image is alpine:latest: an image is"));
    assert!(refused(|job| job.redundancy = 9).starts_with("redundancy is 9: 1 to 8"));
    assert!(refused(|job| job.inputs[0].path = "/in/../etc".to_owned()).contains("absolute path"));
    assert!(refused(|job| job.inputs[0].url = "http://example.org/".to_owned()).contains("https"));
    assert!(refused(|job| job.inputs.push(job.inputs[0].clone())).contains("two inputs"));
    assert!(refused(|job| job.env = [("1A".to_owned(), String::new())].into()).contains("no digit first"));
    assert!(refused(|job| job.limits.timeout_s = 0).contains("timeout_s"));
    assert!(refused(|job| job.command = vec!["a\0".to_owned()]).contains("none of them zero"));
    let unknown = String::from_utf8(bytes).expect("text").replacen("\"priority\"", "\"prioritY\"", 1);
    assert!(matches!(JobDescriptor::from_json(unknown.as_bytes()), Err(JobError::Json(_))));
}

#[test]
fn canonical_numbers_and_strings_are_those_of_ecmascript() {
    let text = |json: &str| canonical_json::to_string(&serde_json::from_str(json).expect("JSON"));
    for (json, canonical) in [
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("1e21", "1e+21"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("123.456", "123.456"),
        ("-5e-324", "-5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740991", "9007199254740991"),
        ("\"\\u001f\\u0008\\/€\"", "\"\\u001f\\b/€\""),
        ("{\"b\":1,\"a\":[ ],\"\u{e000}\":2,\"\u{10000}\":3}", "{\"a\":[],\"b\":1,\"\u{10000}\":3,\"\u{e000}\":2}"),
    ] {
        assert_eq!(text(json).as_deref(), Ok(canonical));
    }
    assert!(text("1e20").is_err() && text("9007199254740992").is_err() && text("-9007199254740992").is_err());
}

proptest! {
    #[test]
    fn combining_counts_like_counting_by_hand(
        seen in prop::collection::vec(prop::collection::btree_map(0u8..6, prop::collection::vec(any::<bool>(), 13), 0..6), 1..5),
        threshold in 1u8..5,
    ) {
        let views: Vec<View> = seen.iter().enumerate().map(|(oracle, nodes)| View {
            oracle_key: [oracle as u8; 32],
            epoch: EPOCH,
            buckets: 13,
            nodes: nodes.iter().map(|(node, bits)| {
                let mut bitmap = Bitmap::new(13);
                for (bucket, _) in bits.iter().enumerate().filter(|(_, set)| **set) {
                    bitmap.set(Bucket::new(bucket as u32));
                }
                NodeView { node_key: [*node; 32], bitmap, refused: vec![], last_frame: vec![] }
            }).collect(),
        }).collect();
        let combined = combine(&views.iter().collect::<Vec<_>>(), threshold).unwrap();
        let named: std::collections::BTreeSet<_> = seen.iter().flat_map(|nodes| nodes.keys()).collect();
        prop_assert_eq!(combined.len(), named.len());
        for ((key, bitmap), node) in combined.iter().zip(named) {
            prop_assert_eq!(key, &[*node; 32]);
            for bucket in 0..13 {
                let votes = seen.iter().filter(|nodes| nodes.get(node).is_some_and(|bits| bits[bucket])).count();
                prop_assert_eq!(bitmap.get(Bucket::new(bucket as u32)), votes >= usize::from(threshold));
            }
        }
    }

    #[test]
    fn counting_for_members_is_counting_in_what_the_views_combine_to(
        seen in prop::collection::vec(prop::collection::btree_map(0u8..60, any::<u64>(), 0..60), 1..5),
        wanted in prop::collection::vec((0u8..70, any::<u32>()), 0..40),
        buckets in prop_oneof![Just(13u32), Just(64), Just(288), Just(1000)],
        threshold in 1u8..5,
    ) {
        // Keys that begin alike, so that their first bytes do not decide.
        let key = |node: u8| { let mut key = [7; 32]; key[31] = node; key };
        let views: Vec<View> = seen.iter().enumerate().map(|(oracle, nodes)| View {
            oracle_key: [oracle as u8; 32],
            epoch: EPOCH,
            buckets,
            nodes: nodes.iter().map(|(node, seed)| {
                let mut bitmap = Bitmap::new(buckets);
                for bucket in (0..buckets).filter(|bucket| (seed >> (bucket % 61)) & 1 == 1) {
                    bitmap.set(Bucket::new(bucket));
                }
                NodeView { node_key: key(*node), bitmap, refused: vec![], last_frame: vec![] }
            }).collect(),
        }).collect();
        let views: Vec<&View> = views.iter().collect();
        let members: Vec<Member> = wanted.iter().enumerate().map(|(index, (node, first))| Member {
            index: index as u32,
            tenure: [1; 32],
            node: [2; 32],
            node_key: key(*node),
            first_bucket: Bucket::new(first % (buckets + 1)),
            excused: 0,
        }).collect();
        let combined = combine(&views, threshold).unwrap();
        let expected: Vec<u32> = members.iter().map(|member| {
            let found = combined.iter().find(|(key, _)| *key == member.node_key);
            found.map_or(0, |(_, bitmap)| bitmap.count_from(member.first_bucket))
        }).collect();
        prop_assert_eq!(counted(&views, threshold, &members), Ok(expected));
    }

    #[test]
    fn a_float_reads_back_as_itself(bits: u64) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite() && (number.fract() != 0.0 || number.abs() < 1e15 || number.abs() >= 1e21));
        let text = canonical_json::to_string(&serde_json::json!(number)).unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap(), number);
    }
}
