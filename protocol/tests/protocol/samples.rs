//! One good value of everything, fixed.
#![allow(dead_code)]

use muster_protocol::answer::{Answer, Inclusion, Verdict};
use muster_protocol::assignment::{Assignee, Assignment};
use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::{Dataset, Header, Member, OracleView};
use muster_protocol::export::{Finality, PointsStatement};
use muster_protocol::hashv;
use muster_protocol::heartbeat::{Heartbeat, Status, Workload, frame_hash};
use muster_protocol::job::{Input, JobDescriptor, Limits, Requirements};
use muster_protocol::leaves::Leaves;
use muster_protocol::merkle::{Tree, batch_leaf};
use muster_protocol::points::Formula;
use muster_protocol::reason::Reason;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::result::{Progress, TaskResult, TaskStatus};
use muster_protocol::scores::{Score, Scores};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::{BaseUnits, Bucket, EpochIndex, Schedule};
use muster_protocol::uptime::{LastFrame, Standing, UptimeStatement};
use muster_protocol::view::{NodeView, View, combine};
use muster_protocol::wire::{Domain, Frame};

pub const GENESIS: [u8; 32] = [0xaa; 32];
pub const PROGRAM: [u8; 32] = [0xbb; 32];
pub const EPOCH: EpochIndex = EpochIndex::new(14_616_000);

pub fn domain() -> Domain {
    Domain::new(&GENESIS, PROGRAM)
}

/// The key whose seed is 32 times `n`.
pub fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

pub fn public(n: u8) -> [u8; 32] {
    key(n).verifying_key().to_bytes()
}

pub fn heartbeat(oracle: u8, node: u8, bucket: u32) -> Heartbeat {
    let mut own = Bitmap::new(12);
    own.set(Bucket::new(0));
    own.set(Bucket::new(bucket));
    let sent_at_ms = EPOCH.get() * 120_000 + u64::from(bucket) * 10_000 + 1_234;
    Heartbeat {
        oracle_key: public(oracle),
        node_key: public(node),
        epoch: EPOCH,
        bucket: Bucket::new(bucket),
        sent_at_ms,
        seq: sent_at_ms,
        bitmap_digest: own.digest(EPOCH),
        receipt_root: BatchReceipt::tick(public(oracle), 41, sent_at_ms - 2_000).root,
        status: Status::Busy,
        cpu_permille: 730,
        memory_permille: 415,
        workloads: vec![
            Workload { id: [0x11; 16], state: 2, progress: 55 },
            Workload { id: [0x22; 16], state: 3, progress: 100 },
        ],
    }
}

pub fn heartbeat_frame(oracle: u8, node: u8, bucket: u32) -> Vec<u8> {
    heartbeat(oracle, node, bucket).encode_signed(&domain(), &key(node)).expect("a good heartbeat")
}

/// Three heartbeats to oracle 1 in one batch, a fourth refused.
pub fn answer() -> (Vec<Vec<u8>>, Answer) {
    let frames: Vec<_> = (10..14).map(|node| heartbeat_frame(1, node, 3)).collect();
    let now_ms = heartbeat(1, 10, 3).sent_at_ms + 20;
    let leaves = frames[..3].iter().map(|frame| batch_leaf(&frame_hash(frame), now_ms)).collect();
    let tree = Tree::build(leaves).expect("three leaves");
    let receipt =
        BatchReceipt { oracle_key: public(1), batch_no: 42, committed_at_ms: now_ms + 3, count: 3, root: tree.root() };
    let verdict = |i: u32| Verdict {
        reason: Reason::Accepted,
        last_seq: now_ms - 20,
        received_at_ms: now_ms,
        inclusion: Some(Inclusion { receipt_ref: 0, index: i, path: tree.proof(i).expect("in the tree") }),
    };
    let mut verdicts: Vec<_> = (0..3).map(verdict).collect();
    let refused = Verdict { reason: Reason::UnknownNode, last_seq: 0, received_at_ms: now_ms, inclusion: None };
    verdicts.push(refused);
    let receipts = vec![receipt.encode_signed(&domain(), &key(1)).expect("a good receipt")];
    (frames, Answer { oracle_time_ms: now_ms + 4, receipts, verdicts })
}

pub fn assignment() -> Assignment {
    Assignment {
        job: [0x33; 32],
        attempt: 1,
        oracle_key: public(2),
        assigned_at_ms: 1_753_920_000_000,
        lease_until_ms: 1_753_920_600_000,
        descriptor_hash: job().hash().expect("a good job"),
        nodes: [10, 11].map(|n| Assignee { tenure: [n + 100; 32], node_key: public(n) }).to_vec(),
    }
}

pub fn task_result() -> TaskResult {
    let frame = assignment().encode_signed(&domain(), &key(2)).expect("a good assignment");
    TaskResult {
        job: [0x33; 32],
        assignment_hash: Assignment::hash(&frame),
        node_key: public(10),
        tenure: [110; 32],
        status: TaskStatus::Succeeded,
        exit_code: -3,
        result_hash: [0x44; 32],
        started_at_ms: 1_753_920_001_000,
        finished_at_ms: 1_753_920_031_500,
        accuracy_millionths: 961_111,
        loss_millionths: 140_020,
        epochs: 30,
        archive_hash: [0x55; 32],
        log_hash: [0x66; 32],
        seq: 7,
    }
}

pub fn progress() -> Progress {
    let result = task_result();
    Progress {
        job: result.job,
        node_key: result.node_key,
        assignment_hash: result.assignment_hash,
        percent: 55,
        seq: 3,
        at_ms: 1_753_920_016_000,
    }
}

/// What oracle `n` (1 to 3) saw of nodes 10 to 12: all buckets of node 10, those from `n` on of 11; of node 12 oracle 1
/// saw bucket 11 alone and the others nothing.
pub fn view(n: u8) -> View {
    let node_view = |node: u8, counted: std::ops::Range<u32>, refused: Vec<(Reason, u32)>| {
        let mut bitmap = Bitmap::new(12);
        counted.clone().for_each(|bucket| assert!(bitmap.set(Bucket::new(bucket))));
        let last_frame = counted.last().map_or(vec![], |bucket| heartbeat_frame(n, node, bucket));
        NodeView { node_key: public(node), bitmap, refused, last_frame }
    };
    let mut nodes = vec![
        node_view(10, 0..12, vec![]),
        node_view(11, u32::from(n)..12, vec![(Reason::StaleSeq, 4), (Reason::WrongBucket, 1)]),
        node_view(12, if n == 1 { 11..12 } else { 0..0 }, vec![(Reason::BadSignature, 9)]),
    ];
    nodes.sort_by_key(|node| node.node_key);
    View { oracle_key: public(n), epoch: EPOCH, buckets: 12, nodes }
}

pub fn view_frame(n: u8) -> Vec<u8> {
    view(n).encode_signed(&domain(), &key(n)).expect("a good view")
}

pub fn scores() -> Scores {
    let entries = vec![Score { index: 0, score_bps: 10_000 }, Score { index: 2, score_bps: 2_500 }];
    Scores { project: [0x66; 32], epoch: EPOCH, settler: public(20), entries }
}

pub fn scores_file() -> Vec<u8> {
    scores().encode_signed(&domain(), &key(20)).expect("good scores")
}

/// Node 11 as oracle 1 saw it when 10 of 12 buckets were over, one of them in maintenance.
pub fn uptime() -> UptimeStatement {
    let seen = view(1).node(&public(11)).expect("in the view").clone();
    let received_at_ms = EPOCH.get() * 120_000 + 111_300;
    UptimeStatement {
        oracle_key: public(1),
        project: [0x66; 32],
        node: [151; 32],
        tenure: [111; 32],
        node_key: public(11),
        epoch: EPOCH,
        stated_at_ms: received_at_ms + 700,
        last_seen_ms: received_at_ms,
        standing: Standing::Busy,
        buckets: 12,
        elapsed: 10,
        first_bucket: Bucket::new(4),
        excused: 1,
        counted: 6,
        uptime_bps: 6_666,
        bitmap: seen.bitmap,
        refused: seen.refused,
        last_frame: LastFrame { hash: frame_hash(&seen.last_frame), received_at_ms },
    }
}

/// What oracle 2 says of the sample dataset's points, handed out in a file "points".
pub fn points() -> PointsStatement {
    let dataset = dataset();
    PointsStatement {
        oracle_key: public(2),
        project: dataset.header.project,
        epoch: EPOCH,
        finality: Finality::Final,
        dataset_hash: dataset.hash().expect("a good dataset"),
        points_root: dataset.points_root().expect("a small tree"),
        node_count: dataset.rows.len() as u32,
        total_points: dataset.total_points(),
        file_hash: hashv(&[b"points"]),
        stated_at_ms: 1_753_920_200_000,
    }
}

/// Tenures of nodes 10, 11 and 12, and a fourth that ended.
pub fn dataset() -> Dataset {
    let views = [1, 2, 3].map(view);
    let combined = combine(&[&views[0], &views[1], &views[2]], 2).expect("views of one epoch");
    let oracle = |n| OracleView { oracle_key: public(n), view_hash: View::hash(&view_frame(n)) };
    let header = Header {
        genesis_hash: GENESIS,
        program: PROGRAM,
        network: [0x77; 32],
        project: [0x66; 32],
        distribution: [0x88; 32],
        epoch: EPOCH,
        schedule: Schedule::new(120, 10).expect("a good schedule"),
        set_version: 1,
        threshold: 2,
        oracles: vec![oracle(1), oracle(2), oracle(3)],
        formula: Formula { w_uptime: 8_000, w_task: 2_000, cap: 10_000, min_uptime_bps: 5_000 },
        scores_hash: Scores::hash(&scores_file()),
    };
    let member = |index: u32, node_key: [u8; 32], first_bucket: u32, excused: u32| Member {
        index,
        tenure: [index as u8 + 110; 32],
        node: [index as u8 + 150; 32],
        node_key,
        first_bucket: Bucket::new(first_bucket),
        excused,
    };
    let members = [
        member(0, public(10), 0, 0),
        member(1, public(11), 4, 1),
        member(2, public(12), 0, 0),
        member(3, [0; 32], 12, 0),
    ];
    Dataset::compute(header, &members, &combined, Some(&scores())).expect("a good dataset")
}

/// The leaf file of the sample dataset as the first settlement, and of a second one an epoch later.
pub fn leaves() -> (Leaves, Leaves) {
    let mut dataset = dataset();
    let first = Leaves::next(None, &dataset, BaseUnits::new(800_000_001), 0).expect("somebody has points");
    dataset.header.epoch = EpochIndex::new(EPOCH.get() + 1);
    let second = Leaves::next(Some(&first), &dataset, BaseUnits::new(7), 2).expect("somebody has points");
    (first, second)
}

pub fn job() -> JobDescriptor {
    let config =
        serde_json::json!({"seed": 7, "rate": 0.1, "tiny": 1e-7, "big": 1e21, "note": "ü\n\"", "Z": [true, null]});
    JobDescriptor {
        version: 1,
        title: "Digits".to_owned(),
        description: "Trains a classifier on handwritten digits.".to_owned(),
        image: format!("sha256:{}", "ab".repeat(32)),
        command: vec!["/digits".to_owned(), "train".to_owned()],
        env: [("SEED".to_owned(), "7".to_owned())].into(),
        inputs: vec![Input {
            url: "https://example.org/digits.csv".to_owned(),
            sha256: "cd".repeat(32),
            path: "/in/digits.csv".to_owned(),
        }],
        requirements: Requirements { min_memory_mb: 256, min_cpus: 1, gpu: false, tier: "cpu".to_owned() },
        limits: Limits { memory_mb: 256, cpu_milli: 500, pids: 16, timeout_s: 60 },
        network: false,
        redundancy: 2,
        priority: 5,
        reveal_at_s: None,
        config: config.as_object().expect("an object").clone(),
    }
}
