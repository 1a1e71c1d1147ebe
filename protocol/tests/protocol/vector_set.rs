//! The golden vectors, as text. Bytes are hex, 64-bit integers decimal strings, one case a line.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT as B;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use hex::encode as hx;
use muster_protocol::canonical_json;
use muster_protocol::heartbeat::push_frame;
use muster_protocol::leaves::Leaves;
use muster_protocol::merkle::{self, Tree};
use muster_protocol::points::{Formula, points, uptime_bps};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::{PublicKey, SigningKey, verify};
use muster_protocol::units::{Bucket, EpochIndex, Schedule};
use muster_protocol::wire::{Frame, signed_part};
use muster_protocol::{Hash, hashv, request, split, votes};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::{samples, tlog_vectors};

/// File names and contents.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("maths.json", text(maths())),
        ("merkle.json", text(merkle_cases())),
        ("votes.json", text(vote_cases())),
        ("signatures.json", text(signature_cases().iter().map(SignatureCase::json).collect())),
        ("frames.json", text(frame_cases())),
        ("files.json", text(file_cases())),
        ("tlog.json", text(tlog_vectors::cases())),
    ]
}

fn text(cases: Vec<Value>) -> String {
    let lines: Vec<_> =
        cases.iter().map(|case| canonical_json::to_string(case).expect("no number above 2^53")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn maths() -> Vec<Value> {
    let mut cases = vec![];
    for n in 1..=16 {
        cases.push(json!({"rule": "threshold", "n": n, "t": split::threshold(n)}));
    }
    for (amount, bps) in
        [(0, 2000), (1, 2000), (101, 2000), (100_000_000_000, 2000), (u64::MAX, 3000), (u64::MAX, 10_000)]
    {
        let (fee, pool) = split::fee_and_pool(amount, bps);
        let (fee, pool) = (fee.to_string(), pool.to_string());
        cases.push(
            json!({"rule": "fee_and_pool", "amount": amount.to_string(), "fee_bps": bps, "fee": fee, "pool": pool}),
        );
    }
    let big = u64::MAX;
    let shares: [(&[u64], u64); 7] = [
        (&[1, 1, 1], 2),
        (&[10_000, 6_667, 0, 3_333], 800_000_001),
        (&[5], 7),
        (&[0, 0, 9], 0),
        (&[big, big, big], big),
        (&[1, big], big),
        (&[3, 2, 2], 5),
    ];
    for (points, pool) in shares {
        let shares = split::pool_shares(points, pool).expect("somebody has points");
        let strings = |list: &[u64]| list.iter().map(u64::to_string).collect::<Vec<_>>();
        let (points, shares) = (strings(points), strings(&shares));
        cases.push(json!({"rule": "pool_shares", "points": points, "pool": pool.to_string(), "shares": shares}));
    }
    for (pool, k) in [(80, 2), (81, 2), (5, 8), (7, 0)] {
        let (each, dust) = split::equal_shares(pool, k);
        let (each, dust) = (each.to_string(), dust.to_string());
        cases.push(json!({"rule": "equal_shares", "pool": pool.to_string(), "k": k, "each": each, "dust": dust}));
    }
    for (stake, started_at, cancel_at, deadline) in
        [(100, 0, 50, 100), (100, 10, 5, 20), (100, 10, 30, 20), (big, 0, 1, 3)]
    {
        let share = split::elapsed_share(stake, started_at, cancel_at, deadline).to_string();
        cases.push(json!({"rule": "elapsed_share", "stake": stake.to_string(), "started_at": started_at,
            "cancel_at": cancel_at, "deadline": deadline, "share": share}));
    }
    for (counted, buckets, excused) in [(0, 288, 0), (287, 288, 0), (288, 288, 0), (8, 12, 1), (12, 12, 1), (0, 12, 12)]
    {
        let bps = uptime_bps(counted, buckets, excused);
        cases.push(
            json!({"rule": "uptime_bps", "counted": counted, "buckets": buckets, "excused": excused, "bps": bps}),
        );
    }
    let formula = Formula { w_uptime: 8_000, w_task: 2_000, cap: 9_500, min_uptime_bps: 5_000 };
    for (uptime, score) in [(10_000, 10_000), (10_000, 0), (4_999, 10_000), (5_000, 1), (7_272, 3_333)] {
        let points = points(&formula, uptime, score).to_string();
        cases.push(json!({"rule": "points", "w_uptime": formula.w_uptime, "w_task": formula.w_task, "cap": "9500",
            "min_uptime_bps": formula.min_uptime_bps, "uptime_bps": uptime, "score_bps": score, "points": points}));
    }
    for (epoch_len, bucket_len) in [(120, 10), (86_400, 300)] {
        let schedule = Schedule::new(epoch_len, bucket_len).expect("a good schedule");
        for (epoch, bucket, offset_ms) in
            [(3, 0, -1001), (3, 0, -1000), (3, 0, 0), (3, 5, 10_999), (3, 5, 11_000), (3, 5, 310_000)]
        {
            let start = (epoch * epoch_len + bucket * bucket_len) as i64 * 1000;
            let receive_ms = (start + offset_ms) as u64;
            let accepts = schedule.bucket_accepts(EpochIndex::new(epoch), Bucket::new(bucket as u32), receive_ms);
            cases.push(json!({"rule": "bucket_accepts", "epoch_len": epoch_len, "bucket_len": bucket_len,
                "epoch": epoch, "bucket": bucket, "receive_ms": receive_ms.to_string(), "accepts": accepts}));
        }
        for accepted_at in [0, 3 * epoch_len, 3 * epoch_len + 1, 3 * epoch_len + bucket_len, 4 * epoch_len] {
            let first = schedule.first_bucket_after(EpochIndex::new(3), accepted_at).get();
            cases.push(json!({"rule": "first_bucket_after", "epoch_len": epoch_len, "bucket_len": bucket_len,
                "epoch": 3, "unix_s": accepted_at, "first_bucket": first}));
        }
    }
    cases
}

fn merkle_cases() -> Vec<Value> {
    let mut cases = vec![
        json!({"leaf": "points", "index": 5, "tenure": hx([0x11; 32]), "points": "123456789",
            "hash": hx(merkle::points_leaf(5, &[0x11; 32], 123_456_789))}),
        json!({"leaf": "distribution", "program": hx([1; 32]), "distribution": hx([2; 32]), "tenure": hx([3; 32]),
            "index": 4, "cumulative": u64::MAX.to_string(),
            "hash": hx(merkle::distribution_leaf(&[1; 32], &[2; 32], &[3; 32], 4, u64::MAX))}),
        json!({"leaf": "batch", "frame_hash": hx([9; 32]), "received_at_ms": "1753920000000",
            "hash": hx(merkle::batch_leaf(&[9; 32], 1_753_920_000_000))}),
    ];
    for count in [0u32, 1, 2, 3, 4, 5, 8, 9] {
        let leaves: Vec<Hash> = (0..count).map(|i| hashv(&[&i.to_le_bytes()])).collect();
        let tree = Tree::build(leaves.clone()).expect("a small tree");
        let proofs: Vec<Vec<String>> =
            (0..count).map(|i| tree.proof(i).expect("in the tree").iter().map(hx).collect()).collect();
        cases.push(json!({"tree": leaves.iter().map(hx).collect::<Vec<_>>(), "depth": merkle::depth(count),
            "root": hx(tree.root()), "proofs": proofs}));
    }
    cases
}

fn vote_cases() -> Vec<Value> {
    let vote = votes::RootVote {
        project: [1; 32],
        epoch: 2,
        revision: 3,
        root: [4; 32],
        total: 5,
        count: 6,
        dataset_hash: [7; 32],
        log_head: [8; 32],
        set_version: 9,
    };
    let entry = votes::LedgerEntry {
        project: [1; 32],
        epoch: 2,
        revision: 3,
        points_root: [4; 32],
        root: [5; 32],
        total: 6,
        dataset_hash: [7; 32],
    };
    let job = votes::JobEntry {
        number: 1,
        timestamp: 1_700_000_000,
        job: [1; 32],
        state: 2,
        outcome_hash: [4; 32],
        result_hash: [5; 32],
        to_nodes: 6,
        to_treasury: 7,
        returned: 8,
    };
    vec![
        json!({"hash_of": "root_vote", "project": hx([1; 32]), "epoch": "2", "revision": 3, "root": hx([4; 32]),
            "total": "5", "count": 6, "dataset_hash": hx([7; 32]), "log_head": hx([8; 32]), "set_version": 9,
            "hash": hx(votes::root_vote_hash(&vote))}),
        json!({"hash_of": "outcome", "job": hx([1; 32]), "set_version": 2, "outcome_bytes": "0102ff",
            "hash": hx(votes::outcome_hash(&[1; 32], 2, &[1, 2, 255]))}),
        json!({"hash_of": "ledger", "prev": hx([0; 32]), "project": hx([1; 32]), "epoch": "2", "revision": 3,
            "points_root": hx([4; 32]), "root": hx([5; 32]), "total": "6", "dataset_hash": hx([7; 32]),
            "hash": hx(votes::ledger_head(&[0; 32], &entry))}),
        json!({"hash_of": "jobs_ledger", "prev": hx([0; 32]), "number": "1", "timestamp": "1700000000",
            "job": hx([1; 32]), "state": 2, "outcome_hash": hx([4; 32]), "result_hash": hx([5; 32]), "to_nodes": "6",
            "to_treasury": "7", "returned": "8", "hash": hx(votes::job_ledger_head(&[0; 32], &job))}),
    ]
}

/// A signature and what the rule says about it.
pub struct SignatureCase {
    pub name: &'static str,
    pub key: [u8; 32],
    pub message: Vec<u8>,
    pub signature: [u8; 64],
}

impl SignatureCase {
    fn json(&self) -> Value {
        let verdict = PublicKey::from_bytes(&self.key).and_then(|key| verify(&key, &self.message, &self.signature));
        json!({"name": self.name, "key": hx(self.key), "message": hx(&self.message), "signature": hx(self.signature),
            "valid": verdict.is_ok()})
    }
}

/// `R || s` with `s = r + h a` for chosen encodings of `R` and `A`.
fn craft(r: Scalar, r_bytes: [u8; 32], a: Scalar, a_bytes: [u8; 32], message: &[u8]) -> [u8; 64] {
    let digest = Sha512::new().chain_update(r_bytes).chain_update(a_bytes).chain_update(message).finalize();
    let s = r + Scalar::from_bytes_mod_order_wide(&digest.into()) * a;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r_bytes);
    signature[32..].copy_from_slice(s.as_bytes());
    signature
}

/// A point of order 8.
pub fn torsion() -> EdwardsPoint {
    let bytes = hex::decode("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a").expect("hex");
    CompressedEdwardsY::from_slice(&bytes).expect("32 bytes").decompress().expect("on the curve")
}

/// The order of the group, `L`.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Good ones, broken ones, and the edges where libraries disagree.
pub fn signature_cases() -> Vec<SignatureCase> {
    use muster_protocol::sig::Signer;
    let signing = SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key().to_bytes();
    let message = b"a heartbeat".to_vec();
    let good = signing.sign(&message).to_bytes();
    let mut cases = vec![];
    let mut add = |name, key, message: &[u8], signature| {
        cases.push(SignatureCase { name, key, message: message.to_vec(), signature });
    };
    add("good", key, &message, good);
    add("good, empty message", key, b"", signing.sign(b"").to_bytes());
    add("other message", key, b"another", good);
    for (name, byte) in [("bit of R flipped", 3), ("bit of s flipped", 40)] {
        let mut signature = good;
        signature[byte] ^= 4;
        add(name, key, &message, signature);
    }
    let mut s_plus_l = good;
    let mut carry = 0;
    for (byte, l) in s_plus_l[32..].iter_mut().zip(L) {
        carry += u16::from(*byte) + u16::from(l);
        *byte = carry as u8;
        carry >>= 8;
    }
    add("s + L", key, &message, s_plus_l);

    let (r, a) = (Scalar::from(1_234_567u64), Scalar::from(7_654_321u64));
    let (r_point, a_point) = (r * B, a * B);
    let enc = |point: EdwardsPoint| point.compress().to_bytes();
    add("R with torsion", enc(a_point), &message, craft(r, enc(r_point + torsion()), a, enc(a_point), &message));
    let a_torsion = enc(a_point + torsion());
    add("A with torsion", a_torsion, &message, craft(r, enc(r_point), a, a_torsion, &message));
    add("A and R with torsion", a_torsion, &message, craft(r, enc(r_point + torsion()), a, a_torsion, &message));
    let mut small = EdwardsPoint::default();
    for _ in 0..8 {
        add("small order R", enc(a_point), &message, craft(Scalar::ZERO, enc(small), a, enc(a_point), &message));
        add("small order A", enc(small), &message, craft(r, enc(r_point), Scalar::ZERO, enc(small), &message));
        small += torsion();
    }
    // y = p + n for the n below 19 that fit; n = 1 with the sign bit is -0
    for n in 0..19u8 {
        for sign in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            bytes[0] = 0xed + n;
            bytes[31] = sign;
            add("non-canonical R", enc(a_point), &message, craft(Scalar::ZERO, bytes, a, enc(a_point), &message));
            add("non-canonical A", bytes, &message, craft(r, enc(r_point), Scalar::ZERO, bytes, &message));
        }
    }
    let mut minus_zero = [0; 32];
    (minus_zero[0], minus_zero[31]) = (1, 0x80);
    add("R = -0", enc(a_point), &message, craft(Scalar::ZERO, minus_zero, a, enc(a_point), &message));
    add("A = -0", minus_zero, &message, craft(r, enc(r_point), Scalar::ZERO, minus_zero, &message));
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    add("A not on the curve", off_curve, &message, good);
    cases
}

fn frame_cases() -> Vec<Value> {
    let case = |name: &str, seed: u8, frame: Vec<u8>| {
        json!({"frame": name, "seed": hx([seed; 32]), "key": hx(samples::public(seed)),
            "genesis_tag": hx(samples::domain().genesis_tag), "program": hx(samples::PROGRAM),
            "signing_bytes": hx(signed_part(&frame)), "bytes": hx(&frame), "sha256": hx(hashv(&[&frame]))})
    };
    let domain = samples::domain();
    let sign = |frame: Result<Vec<u8>, _>| frame.expect("a good frame");
    let mut bare = samples::heartbeat(1, 10, 3);
    bare.workloads.clear();
    let tick = BatchReceipt::tick(samples::public(1), 43, 1_753_920_040_000);
    let (frames, answer) = samples::answer();
    let mut body = vec![];
    for frame in &frames {
        push_frame(&mut body, frame).expect("a short frame");
    }
    let target = request::Target { method: "POST", path: "/api/v1/scores?epoch=7", body: b"body" };
    let signed = request::Signed { key: samples::public(20), signed_at_ms: 1_753_920_000_000, nonce: [0x5a; 16] };
    let request = request::sign(&domain, &samples::key(20), signed.signed_at_ms, signed.nonce, &target);
    vec![
        case("heartbeat", 10, samples::heartbeat_frame(1, 10, 3)),
        case("heartbeat without workloads", 10, sign(bare.encode_signed(&domain, &samples::key(10)))),
        case("batch receipt", 1, answer.receipts[0].clone()),
        case("tick", 1, sign(tick.encode_signed(&domain, &samples::key(1)))),
        case("assignment", 2, sign(samples::assignment().encode_signed(&domain, &samples::key(2)))),
        case("progress", 10, sign(samples::progress().encode_signed(&domain, &samples::key(10)))),
        case("task result", 10, sign(samples::task_result().encode_signed(&domain, &samples::key(10)))),
        case("view 1", 1, samples::view_frame(1)),
        case("view 2", 2, samples::view_frame(2)),
        case("view 3", 3, samples::view_frame(3)),
        case("scores", 20, samples::scores_file()),
        case("uptime", 1, sign(samples::uptime().encode_signed(&domain, &samples::key(1)))),
        case("points", 2, sign(samples::points().encode_signed(&domain, &samples::key(2)))),
        json!({"body": hx(&body), "answer": hx(answer.encode().expect("a good answer"))}),
        json!({"request": request, "timestamp_ms": signed.signed_at_ms.to_string(), "nonce": hx(signed.nonce),
            "method": target.method, "path": target.path, "body": hx(target.body),
            "signing_bytes": hx(request::signing_bytes(&domain, &signed, &target))}),
    ]
}

fn file_cases() -> Vec<Value> {
    let dataset = samples::dataset();
    let (first, second) = samples::leaves();
    let leaf_file = |name: &str, leaves: &Leaves| {
        let tree = leaves.tree().expect("a small tree");
        let proofs: Vec<Vec<String>> =
            (0..tree.count()).map(|i| tree.proof(i).expect("in the tree").iter().map(hx).collect()).collect();
        json!({"file": name, "bytes": hx(leaves.encode().expect("good leaves")), "root": hx(tree.root()),
            "total": leaves.total.get().to_string(), "proofs": proofs})
    };
    let descriptor = samples::job();
    vec![
        json!({"file": "dataset", "bytes": hx(dataset.encode().expect("a good dataset")),
            "sha256": hx(dataset.hash().expect("a good dataset")),
            "points_root": hx(dataset.points_root().expect("a small tree")),
            "total_points": dataset.total_points().to_string()}),
        leaf_file("leaves", &first),
        leaf_file("leaves of the next epoch", &second),
        json!({"file": "job descriptor", "bytes": hx(descriptor.encode().expect("a good job")),
            "sha256": hx(descriptor.hash().expect("a good job"))}),
    ]
}
