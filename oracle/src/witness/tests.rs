use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use muster_protocol::hash::{Hash, hashv};
use muster_protocol::sig::SigningKey;
use muster_protocol::tlog::checkpoint::{Checkpoint, cosigned_at, log_verifier, origin};
use muster_protocol::tlog::leaf_hash;
use muster_protocol::tlog::note::Note;
use muster_protocol::tlog::tree::{Node, consistency_proof, root};
use muster_protocol::tlog::witness::{AddCheckpoint, Known};
use muster_protocol::wire::Domain;
use tower::ServiceExt;

use super::{Witness, WitnessError, router};
use crate::log::storage::Disk;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn domain() -> Domain {
    Domain { genesis_tag: [1; 8], program: [2; 32] }
}

fn node(node: Node) -> Result<Hash, std::convert::Infallible> {
    let Some(level) = node.level.checked_sub(1) else {
        return Ok(leaf_hash(&node.index.to_le_bytes()));
    };
    let Ok(left) = self::node(Node { level, index: 2 * node.index });
    let Ok(right) = self::node(Node { level, index: 2 * node.index + 1 });
    Ok(muster_protocol::merkle::inner(&left, &right))
}

fn checkpoint(size: u64) -> Checkpoint {
    let Ok(root) = root(size, &mut node);
    Checkpoint { origin: origin(&domain(), key(1).verifying_key().as_bytes()), size, root }
}

fn request(old_size: u64, checkpoint: &Checkpoint) -> AddCheckpoint {
    let Ok(proof) = consistency_proof(old_size, checkpoint.size, &mut node);
    AddCheckpoint { old_size, proof, note: checkpoint.signed(&key(1)).unwrap() }
}

fn open(folder: &Path) -> Result<Witness, WitnessError> {
    let logs = vec![log_verifier(&domain(), key(1).verifying_key().as_bytes())];
    let (storage, clock) = (Arc::new(Disk), Arc::new(|| 1_700_000_000_000));
    Witness::open(storage, folder.into(), "witness.example/1".into(), key(2), logs, clock)
}

async fn post(witness: &Arc<Witness>, body: String) -> (StatusCode, String, String) {
    let request = Request::post("/add-checkpoint").body(Body::from(body)).unwrap();
    let response = router(witness.clone()).oneshot(request).await.unwrap();
    let (status, kind) = (response.status(), response.headers()["content-type"].to_str().unwrap().to_owned());
    let bytes = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Invariant O11.
#[tokio::test]
async fn what_a_witness_cosigned_it_remembers_over_any_restart() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(open(folder.path()).unwrap());
    // Given a log that it cosigned at 300 entries.
    let (status, _, line) = post(&witness, request(0, &checkpoint(300)).encode()).await;
    assert_eq!(status, StatusCode::OK, "{line}");
    let note = Note::parse(format!("{}\n{line}", checkpoint(300).text()).as_bytes()).unwrap();
    assert_eq!(cosigned_at(&note, &witness.verifier()), Ok(1_700_000_000));
    // A second process is kept from its folder.
    assert!(matches!(open(folder.path()), Err(WitnessError::InUse(_))));
    // When it is started again.
    drop(witness);
    let witness = Arc::new(open(folder.path()).unwrap());
    let known = Known { size: 300, root: checkpoint(300).root };
    assert_eq!(witness.known(&checkpoint(300).origin).unwrap(), known);
    // Then a rollback, a fork of the same size and a longer fork are refused, with the specification's answers.
    let conflict = (StatusCode::CONFLICT, "text/x.tlog.size".to_owned(), "300\n".to_owned());
    assert_eq!(post(&witness, request(0, &checkpoint(200)).encode()).await, conflict);
    assert_eq!(post(&witness, request(0, &checkpoint(400)).encode()).await, conflict);
    let fork = |size| Checkpoint { root: hashv(&[b"fork"]), ..checkpoint(size) };
    assert_eq!(post(&witness, request(300, &fork(300)).encode()).await, conflict);
    let longer = request(300, &fork(400));
    assert_eq!(post(&witness, longer.encode()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let backwards = AddCheckpoint { old_size: 301, ..request(0, &checkpoint(300)) };
    assert_eq!(post(&witness, backwards.encode()).await.0, StatusCode::BAD_REQUEST);
    // Nothing of it is remembered, and what goes on is cosigned.
    assert_eq!(witness.known(&checkpoint(300).origin).unwrap(), known);
    for (old, size) in [(300, 300), (300, 400), (400, 401)] {
        assert_eq!(post(&witness, request(old, &checkpoint(size)).encode()).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_witness_signs_for_the_logs_that_it_knows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(open(folder.path()).unwrap());
    let stranger = Checkpoint { origin: "stranger".into(), ..checkpoint(3) };
    assert_eq!(post(&witness, request(0, &stranger).encode()).await.0, StatusCode::NOT_FOUND);
    let forged = AddCheckpoint { note: checkpoint(3).signed(&key(9)).unwrap(), ..request(0, &checkpoint(3)) };
    assert_eq!(post(&witness, forged.encode()).await.0, StatusCode::FORBIDDEN);
    for wrong in ["", "old 0\n\nx", "old -1\n\n", &"x".repeat(80 << 10)] {
        let (status, _, _) = post(&witness, wrong.to_owned()).await;
        assert!(status.is_client_error(), "{status} for {} bytes", wrong.len());
    }
}

/// Whoever forgot what it signed would sign a rollback.
#[tokio::test]
async fn a_witness_whose_memory_is_damaged_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(open(folder.path()).unwrap());
    assert_eq!(post(&witness, request(0, &checkpoint(3)).encode()).await.0, StatusCode::OK);
    std::fs::write(witness.path(&checkpoint(3).origin), "damaged").unwrap();
    let (status, _, _) = post(&witness, request(0, &checkpoint(3)).encode()).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(matches!(witness.known(&checkpoint(3).origin), Err(WitnessError::Damaged(_))));
}
