//! The transparency log and its witness, over HTTP and a restart.

use muster_client::tlog::{self, Fetch};
use muster_oracle::witness::{Witness, router};
use muster_protocol::ledger::{ChainId, Data, Tail};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::tlog::checkpoint::log_verifier;
use muster_protocol::tlog::entry::Entry;
use muster_protocol::tlog::note::Verifier;

use super::*;

struct Base<'a>(&'a Running);

impl Fetch for Base<'_> {
    async fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        match get_bytes(self.0, path).await {
            (200, bytes) => Ok(bytes),
            (status, bytes) => Err(format!("{status}: {}", String::from_utf8_lossy(&bytes))),
        }
    }
}

fn verifier() -> Verifier {
    log_verifier(&domain(), &public(1))
}

/// A witness that serves; and what an oracle names it by.
async fn witness(folder: &Path) -> (Verifier, String) {
    let clock = Arc::new(|| 1_700_000_000_000);
    let name = "witness.example/1".to_owned();
    let witness = Witness::open(Arc::new(Disk), folder.into(), name, key(77), vec![verifier()], clock).unwrap();
    let named = witness.verifier();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let setting = format!("{}@http://{}", named.encode(), listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router(Arc::new(witness))).into_future());
    (named, setting)
}

/// Invariants O9, O10 and O11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_batch_is_proven_against_a_cosigned_checkpoint_over_a_restart() {
    let chain = FakeChain::new();
    let (folder, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (witness, setting) = witness(memory.path()).await;
    let with_witness = |settings| Settings { witnesses: vec![setting.clone()], ..settings };
    let alive = oracle_set_up(&chain, 1, folder.path(), with_witness).await;
    announce(&chain, &[(1, &alive)]);
    // Given an acknowledged heartbeat.
    chain.at(15_000);
    let kept = Sender { seed: node_seed(0), seq: 1 }.send(&chain, &alive).await;
    let receipt = BatchReceipt::decode_verified(&domain(), &kept.receipt).unwrap();
    // When its second is over.
    chain.at(17_000);
    let base = Base(&alive);
    until("the batch in the log", async || tlog::batch_in_log(&base, &verifier(), &receipt).await.is_ok()).await;
    // Then its batch is proven, and the checkpoint is cosigned.
    let (_, first) = tlog::batch_in_log(&base, &verifier(), &receipt).await.unwrap();
    assert_eq!(tlog::cosigned_by(&first, std::slice::from_ref(&witness)), [(&witness, 1_700_000_000)]);
    let wrong = BatchReceipt { root: [9; 32], ..receipt };
    assert!(tlog::batch_in_log(&base, &verifier(), &wrong).await.is_err());
    let stranger = Verifier { key: public(2), ..verifier() };
    assert!(tlog::batch_in_log(&base, &stranger, &receipt).await.is_err());
    let absent = get_bytes(&alive, "/api/v1/tlog/proof?batch=999999").await;
    assert_eq!(absent.0, 404);
    for path in ["/tlog/tile/0/001", "/tlog/tile/9/000", "/tlog/tile/0/0", "/tlog/tile/entries/000.p/255"] {
        assert_eq!(get_bytes(&alive, path).await.0, 404, "{path}");
    }
    // And its entries are proven by tiles.
    for index in 0..first.checkpoint.size {
        let entry = tlog::entry(&base, &first.checkpoint, index).await.unwrap();
        assert!(matches!(entry, Entry::Batches(_)), "{entry:?}");
    }
    // When the oracle is started again, with a block that came from the chain meanwhile.
    alive.stop().await.unwrap();
    let data = Data::Job {
        job: [1; 32],
        state: 2,
        outcome_hash: [2; 32],
        result_hash: [3; 32],
        to_nodes: 80,
        to_treasury: 20,
        returned: 0,
    };
    let risen = oracle_set_up(&chain, 1, folder.path(), with_witness).await;
    let block = Tail::default().next(data, 1_700_000_000);
    let books = muster_oracle::ledger::Books::open(Arc::new(Disk), folder.path().join("ledger"), EPOCH_S).unwrap();
    books.append(ChainId::Jobs, &[block]).unwrap();
    risen.stop().await.unwrap();
    let risen = oracle_set_up(&chain, 1, folder.path(), with_witness).await;
    let base = Base(&risen);
    chain.at(20_000);
    until("a larger log", async || {
        tlog::checkpoint(&base, &verifier()).await.is_ok_and(|now| now.checkpoint.size > first.checkpoint.size + 1)
    })
    .await;
    // Then the log goes on from what was signed, is cosigned, still proves the batch, and holds the block.
    let now = tlog::checkpoint(&base, &verifier()).await.unwrap();
    tlog::goes_on(&base, &first.checkpoint, &now.checkpoint).await.unwrap();
    until("a cosignature", async || {
        let now = tlog::checkpoint(&base, &verifier()).await.unwrap();
        !tlog::cosigned_by(&now, std::slice::from_ref(&witness)).is_empty()
    })
    .await;
    tlog::batch_in_log(&base, &verifier(), &receipt).await.unwrap();
    until("the block in the log", async || get(&risen, "/api/v1/ledger/head").await["jobs"]["logged"]["index"] == 1)
        .await;
    let head = get(&risen, "/api/v1/ledger/head").await;
    let index = head["jobs"]["logged"]["entry"].as_u64().unwrap();
    let now = tlog::checkpoint(&base, &verifier()).await.unwrap();
    assert_eq!(tlog::entry(&base, &now.checkpoint, index).await, Ok(Entry::Block(block)));
    let listed = get(&risen, "/api/v1/ledger?chain=jobs&from=1&limit=5").await;
    assert_eq!(muster_client::ledger::from_json(&listed["blocks"][0]), Some(block));
    let said = get(&risen, "/api/v1/tlog").await;
    assert_eq!((&said["key"], &said["status"]["failure"]), (&Value::from(verifier().encode()), &Value::Null));
    assert_eq!(said["status"]["missed_batches"], 0);
    risen.stop().await.unwrap();
}

/// Invariant O10: a key that runs twice, or on an old copy of its folder, signs no second past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_knows_more_stops_an_old_copy_of_an_oracle() {
    let chain = FakeChain::new();
    let (folder, old, memory) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, setting) = witness(memory.path()).await;
    let with_witness = |settings| Settings { witnesses: vec![setting.clone()], ..settings };
    let alive = oracle_set_up(&chain, 1, folder.path(), with_witness).await;
    let size = async |oracle: &Running| {
        tlog::checkpoint(&Base(oracle), &verifier()).await.map_or(0, |verified| verified.checkpoint.size)
    };
    chain.at(15_000);
    until("a first entry", async || size(&alive).await > 0).await;
    copy_folder(folder.path(), old.path());
    for second in 1..4 {
        Sender { seed: node_seed(0), seq: second }.send(&chain, &alive).await;
        chain.at(15_000 + second * 1_000);
        until("an entry", async || size(&alive).await > second).await;
    }
    let signed = size(&alive).await;
    alive.stop().await.unwrap();
    // When the copy is started, and has something to log.
    let twin = oracle_set_up(&chain, 1, old.path(), with_witness).await;
    chain.at(30_000);
    until("the failure", async || get(&twin, "/api/v1/tlog").await["status"]["failure"].is_string()).await;
    // Then it stops, says why, and still takes heartbeats.
    let why = get(&twin, "/api/v1/tlog").await["status"]["failure"].as_str().unwrap().to_owned();
    assert!(why.contains("runs twice") && why.contains(&signed.to_string()), "{why}");
    announce(&chain, &[(1, &twin)]);
    Sender { seed: node_seed(0), seq: 100 }.send(&chain, &twin).await;
    twin.stop().await.unwrap();
}
