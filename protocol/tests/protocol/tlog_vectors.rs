//! Golden vectors of the transparency log: entry `i` of the sample log is `i` as u64, little-endian.

use hex::encode as hx;
use muster_protocol::Hash;
use muster_protocol::ledger::{Data, Tail};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::tlog::checkpoint::{Checkpoint, cosign, log_verifier, origin};
use muster_protocol::tlog::entry::{Batches, Entry, NodeDay, ViewLogged};
use muster_protocol::tlog::leaf_hash;
use muster_protocol::tlog::note::{COSIGNATURE, Verifier};
use muster_protocol::tlog::tile::Tile;
use muster_protocol::tlog::tree::{self, Node};
use muster_protocol::tlog::witness::AddCheckpoint;
use serde_json::{Value, json};

use crate::samples::{domain, key, public};

fn node(node: Node) -> Result<Hash, std::convert::Infallible> {
    let Some(level) = node.level.checked_sub(1) else {
        return Ok(leaf_hash(&node.index.to_le_bytes()));
    };
    let Ok(left) = self::node(Node { level, index: 2 * node.index });
    let Ok(right) = self::node(Node { level, index: 2 * node.index + 1 });
    Ok(muster_protocol::merkle::inner(&left, &right))
}

fn root(size: u64) -> Hash {
    let Ok(root) = tree::root(size, &mut node);
    root
}

/// Three batches of one second.
pub fn receipts() -> Vec<BatchReceipt> {
    let receipt = |batch_no: u64, count, root| BatchReceipt {
        oracle_key: public(1),
        batch_no,
        committed_at_ms: 1_700_000_000_000 + batch_no,
        count,
        root,
    };
    let tick = BatchReceipt::tick(public(1), 42, 1_700_000_000_042);
    vec![receipt(41, 3, [7; 32]), tick, receipt(43, 1, [8; 32])]
}

pub fn entries() -> Vec<Entry> {
    let (batches, _) = Batches::of(&receipts()).expect("they are consecutive");
    let node = NodeDay {
        epoch: 19_000,
        node_key: public(2),
        bitmap_digest: [4; 32],
        counted: 280,
        buckets: 288,
        last_frame_hash: [5; 32],
    };
    let job = Data::Job {
        job: [1; 32],
        state: 2,
        outcome_hash: [2; 32],
        result_hash: [3; 32],
        to_nodes: 80,
        to_treasury: 20,
        returned: 5,
    };
    let settlement = Data::Settlement {
        project: [7; 32],
        epoch: 19_000,
        revision: 1,
        points_root: [4; 32],
        root: [5; 32],
        total: 600,
        dataset_hash: [6; 32],
    };
    let tail = Tail { index: 8, hash: [9; 32] };
    vec![
        Entry::Batches(batches),
        Entry::NodeDay(node),
        Entry::View(ViewLogged { epoch: 19_000, view_hash: [6; 32], nodes: 4 }),
        Entry::Block(tail.next(job, 1_700_000_000)),
        Entry::Block(tail.next(settlement, Data::settled_at(19_000, 86_400))),
    ]
}

pub fn cases() -> Vec<Value> {
    let hashes = |proof: Vec<Hash>| proof.into_iter().map(hx).collect::<Vec<_>>();
    let mut cases = Vec::new();
    for size in [0, 1, 2, 3, 7, 8, 255, 256, 257, 70_000] {
        cases.push(json!({"of": "root", "size": size, "root": hx(root(size))}));
    }
    for (index, size) in [(0, 1), (0, 2), (6, 7), (3, 7), (255, 257), (256, 257), (69_999, 70_000)] {
        let Ok(path) = tree::inclusion_proof(index, size, &mut node);
        let leaf = leaf_hash(&index.to_le_bytes());
        cases.push(json!({"of": "inclusion", "index": index, "size": size, "leaf": hx(leaf),
            "root": hx(root(size)), "path": hashes(path)}));
    }
    for (old, size) in [(1, 1), (1, 2), (3, 7), (4, 7), (6, 8), (255, 257), (256, 70_000)] {
        let Ok(proof) = tree::consistency_proof(old, size, &mut node);
        cases.push(json!({"of": "consistency", "old": old, "size": size, "old_root": hx(root(old)),
            "root": hx(root(size)), "proof": hashes(proof)}));
    }
    for (level, index, width) in [(Some(0), 0, 256), (Some(1), 1_234_067, 256), (Some(2), 999, 17), (None, 1_000, 1)] {
        let path = Tile { level, index, width }.path();
        cases.push(json!({"of": "tile", "level": level, "index": index, "width": width, "path": path}));
    }
    for receipt in receipts() {
        let leaf = muster_protocol::tlog::entry::batch_root_leaf(&receipt);
        cases.push(json!({"of": "batch_leaf", "batch_no": receipt.batch_no.to_string(), "count": receipt.count,
            "committed_at_ms": receipt.committed_at_ms.to_string(), "root": hx(receipt.root), "leaf": hx(leaf)}));
    }
    for entry in entries() {
        let bytes = entry.encode();
        cases.push(json!({"of": "entry", "bytes": hx(&bytes), "leaf": hx(leaf_hash(&bytes))}));
    }
    let checkpoint = Checkpoint { origin: origin(&domain(), &public(1)), size: 300, root: root(300) };
    let mut note = checkpoint.signed(&key(1)).unwrap();
    let Ok(proof) = tree::consistency_proof(257, 300, &mut node);
    let request = AddCheckpoint { old_size: 257, proof, note: note.clone() };
    note.signatures.push(cosign(&note.text, "witness.example/1", &key(2), 1_700_000_000));
    let witness = Verifier { name: "witness.example/1".into(), kind: COSIGNATURE, key: public(2) };
    cases.push(json!({"of": "checkpoint", "genesis_tag": hx(domain().genesis_tag), "program": hx(domain().program),
        "oracle": hx(public(1)), "size": 300, "root": hx(root(300)), "log": log_verifier(&domain(), &public(1)).encode(),
        "witness": witness.encode(), "cosigned_at": 1_700_000_000, "note": note.encode()}));
    cases.push(json!({"of": "add_checkpoint", "old": 257, "body": request.encode()}));
    cases
}
