//! What an RPC node and oracles may answer: not chains nor oracles, but servers that give prepared answers, wrong ones too.

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use common::postgres;
use common::{decoded, key, store, story};
use muster_client::accounts::ChainAccount;
use muster_client::chain::Chain;
use muster_client::events::hex;
use muster_client::muster_network::state::OracleSet;
use muster_client::{Pubkey, addresses, muster_network};
use muster_indexer::datasets::Datasets;
use muster_indexer::decode::{ChainEvent, ChainTransaction, decode};
use muster_indexer::source::{Found, RpcSource, Source};
use muster_indexer::store::Batch;
use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::{Dataset, Header, Member, OracleView};
use muster_protocol::points::Formula;
use muster_protocol::units::{Bucket, EpochIndex, Schedule};
use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;

/// Prepared answers by method.
#[derive(Clone, Default)]
struct FakeRpc {
    transactions: Arc<Mutex<Vec<ChainTransaction>>>,
    /// Answers of getTransaction that replace the right one.
    wrong: Arc<Mutex<HashMap<String, Value>>>,
    accounts: Arc<Mutex<HashMap<String, Value>>>,
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

impl FakeRpc {
    async fn start(&self) -> String {
        let answer = async |State(rpc): State<FakeRpc>, axum::Json(request): axum::Json<Value>| {
            let result = rpc.answer(request["method"].as_str().unwrap(), &request["params"]);
            axum::Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
        };
        serve(Router::new().route("/", post(answer)).with_state(self.clone())).await
    }

    fn answer(&self, method: &str, params: &Value) -> Value {
        match method {
            "getSlot" => json!(999),
            "getSignaturesForAddress" => self.signatures(params),
            "getTransaction" => self.transaction(params[0].as_str().unwrap()),
            "getMultipleAccounts" => {
                let accounts = self.accounts.lock().unwrap();
                let addresses = params[0].as_array().unwrap();
                let values: Vec<Value> = addresses
                    .iter()
                    .map(|a| accounts.get(a.as_str().unwrap()).cloned().unwrap_or(Value::Null))
                    .collect();
                json!({"context": {"slot": 999}, "value": values})
            }
            other => panic!("{other} is not prepared"),
        }
    }

    /// Newest first, as a node does; a failed transaction between any two.
    fn signatures(&self, params: &Value) -> Value {
        let program = params[0].as_str().unwrap();
        let config = &params[1];
        let mut list = Vec::new();
        for transaction in self.transactions.lock().unwrap().iter().rev() {
            let touched = |event: &ChainEvent| [event.event.program(), event.event.stream()];
            let events = decode(transaction).unwrap();
            if events.iter().flat_map(touched).any(|address| address.to_string() == program) {
                list.push(json!({"signature": transaction.signature, "slot": transaction.slot, "err": null}));
                list.push(json!({"signature": format!("failed-{}", transaction.signature), "slot": transaction.slot, "err": {"InstructionError": [0, "Custom"]}}));
            }
        }
        let before = config["before"].as_str();
        let start = before.map_or(0, |before| 1 + list.iter().position(|entry| entry["signature"] == before).unwrap());
        let limit = config["limit"].as_u64().unwrap() as usize;
        Value::Array(list.into_iter().skip(start).take(limit).collect())
    }

    fn transaction(&self, signature: &str) -> Value {
        if let Some(wrong) = self.wrong.lock().unwrap().get(signature) {
            return wrong.clone();
        }
        let transactions = self.transactions.lock().unwrap();
        let transaction = transactions.iter().find(|t| t.signature == signature).unwrap();
        let instruction = &transaction.inner[0].instructions[0];
        json!({
            "slot": transaction.slot,
            "transaction": {"message": {"accountKeys": [key(1).to_string(), instruction.program.to_string()], "instructions": []}},
            "meta": {
                "err": null,
                "loadedAddresses": {"writable": [key(2).to_string()], "readonly": [instruction.accounts[0].to_string()]},
                "innerInstructions": [{"index": 1, "instructions": [
                    {"programIdIndex": 1, "accounts": [3], "data": bs58::encode(&instruction.data).into_string(), "stackHeight": 2},
                ]}],
            },
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_and_fetched_is_what_succeeded_and_nothing_else() {
    let rpc = FakeRpc::default();
    // More than a page of 1,000 of the network program's.
    let mut transactions = Vec::new();
    for (round, transaction) in story().iter().cycle().take(2_600).enumerate() {
        let mut transaction = transaction.clone();
        transaction.signature = format!("s{round:05}");
        transaction.slot = 10 + round as u64 / 7;
        transactions.push(transaction);
    }
    rpc.transactions.lock().unwrap().clone_from(&transactions);
    let chain = Chain::new(&rpc.start().await);
    let source = RpcSource::new(chain, CommitmentConfig::confirmed());
    assert_eq!(source.head().await.unwrap(), 999);
    let listing = source.list(20, 300).await.unwrap();
    let expected: Vec<Found> = transactions
        .iter()
        .filter(|t| (20..=300).contains(&t.slot))
        .map(|t| Found { slot: t.slot, signature: t.signature.clone() })
        .collect();
    assert_eq!((listing.found.len(), listing.complete_to), (expected.len(), 300));
    assert_eq!(listing.found, expected);
    let some = &listing.found[5..25];
    let fetched = source.fetch(some).await.unwrap();
    assert_eq!(
        fetched.iter().map(|t| t.signature.clone()).collect::<Vec<_>>(),
        some.iter().map(|f| f.signature.clone()).collect::<Vec<_>>()
    );
    for transaction in &fetched {
        assert_eq!(decode(transaction).unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_history_is_read_whole_and_a_gap_in_it_is_an_error() {
    // Given a node whose chain has the events of two projects.
    let rpc = FakeRpc::default();
    let story = story();
    rpc.transactions.lock().unwrap().clone_from(&story);
    let chain = Chain::with_commitment(&rpc.start().await, CommitmentConfig::confirmed());
    let events = decoded(&story);
    let made = events.iter().filter(|found| found.event.name() == "ProjectCreated");
    let projects: Vec<Pubkey> = made.map(|found| found.event.stream()).collect();
    assert_eq!(projects.len(), 2);
    for project in &projects {
        // When a project's history is read, then it has every event of that project and of no other.
        let count = events.iter().filter(|found| found.event.stream() == *project).count();
        let mut followed = chain.history(project).await.unwrap();
        assert_eq!(followed.history().last_seq(), count as u64);
        assert!(chain.follow(&mut followed).await.unwrap(), "nothing is left to read");
        // When the node leaves one out, then nothing is believed.
        let left_out = events.iter().find(|found| found.event.stream() == *project && found.event.seq() == 2).unwrap();
        rpc.transactions.lock().unwrap().retain(|transaction| transaction.signature != left_out.signature);
        let error = chain.history(project).await.unwrap_err().to_string();
        assert!(error.contains("was due"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_right_is_an_error_and_never_an_empty_transaction() {
    let rpc = FakeRpc::default();
    let story = story();
    rpc.transactions.lock().unwrap().clone_from(&story);
    let source = RpcSource::new(Chain::new(&rpc.start().await), CommitmentConfig::confirmed());
    let found = Found { slot: story[3].slot, signature: story[3].signature.clone() };
    let right = rpc.transaction(&found.signature);
    let change = |change: &dyn Fn(&mut Value)| {
        let mut answer = right.clone();
        change(&mut answer);
        answer
    };
    let cases = [
        (Value::Null, "does not have it"),
        (change(&|a| a["meta"] = Value::Null), "no meta data"),
        (change(&|a| a["meta"]["innerInstructions"] = Value::Null), "does not record them"),
        (change(&|a| a["slot"] = json!(1)), "contradicts"),
        (change(&|a| a["meta"]["err"] = json!("Failed")), "contradicts"),
        (change(&|a| a["meta"]["loadedAddresses"] = Value::Null), "cannot be read"),
        (change(&|a| a["meta"]["innerInstructions"][0]["instructions"][0]["data"] = json!("0OIl")), "cannot be read"),
        (change(&|a| a["transaction"]["message"]["accountKeys"][0] = json!("x")), "no address"),
    ];
    for (answer, why) in cases {
        rpc.wrong.lock().unwrap().insert(found.signature.clone(), answer);
        let error = source.fetch(std::slice::from_ref(&found)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    rpc.wrong.lock().unwrap().clear();
    assert_eq!(source.fetch(&[found]).await.unwrap().len(), 1);
}

/// The account as an RPC node gives it, of the given oracles.
fn oracle_set(urls: &[String]) -> Value {
    use base64::Engine;
    let mut data = OracleSet::discriminator().to_vec();
    data.resize(8 + size_of::<OracleSet>(), 0);
    let entry = (size_of::<OracleSet>() - (8 + 4 + 4 + 8 + 128)) / 32;
    for (i, url) in urls.iter().enumerate() {
        let at = 8 + i * entry;
        data[at..at + 32].copy_from_slice(key(10 + i as u8).as_ref());
        data[at + 32..at + 32 + url.len()].copy_from_slice(url.as_bytes());
        data[at + 128] = url.len() as u8;
    }
    let tail = 8 + 32 * entry + 8;
    data[tail..tail + 4].copy_from_slice(&1u32.to_le_bytes());
    data[tail + 4] = urls.len() as u8;
    let text = base64::engine::general_purpose::STANDARD.encode(&data);
    json!({"lamports": 1, "owner": muster_network::ID.to_string(), "data": [text, "base64"], "executable": false, "rentEpoch": 0, "space": data.len()})
}

async fn fake_oracle(dataset: Option<Vec<u8>>) -> String {
    let answer = async move |uri: Uri| match dataset {
        Some(bytes) if uri.path().ends_with("/dataset") => (StatusCode::OK, bytes),
        _ => (StatusCode::NOT_FOUND, Vec::new()),
    };
    serve(Router::new().fallback(get(answer))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_is_believed_by_its_hash_alone() {
    let database = postgres::database();
    let store = store(database.url(), "datasets").await;
    store.write(&Batch { events: decoded(&story()), upto: 9 }).await.unwrap();
    let project = addresses::project(0);
    let (node, tenure) = {
        let node = addresses::node(&addresses::licence(&project, 0));
        (node, addresses::tenure(&node, 1))
    };
    let header = Header {
        genesis_hash: [1; 32],
        program: muster_network::ID.to_bytes(),
        network: addresses::network().to_bytes(),
        project: project.to_bytes(),
        distribution: addresses::distribution(&project).to_bytes(),
        epoch: EpochIndex::new(101),
        schedule: Schedule::new(120, 10).unwrap(),
        set_version: 1,
        threshold: 2,
        oracles: vec![OracleView { oracle_key: [2; 32], view_hash: [3; 32] }],
        formula: Formula { w_uptime: 1000, w_task: 0, cap: 5000, min_uptime_bps: 0 },
        scores_hash: [0; 32],
    };
    let member = Member {
        index: 0,
        tenure: tenure.to_bytes(),
        node: node.to_bytes(),
        node_key: [5; 32],
        first_bucket: Bucket::new(0),
        excused: 0,
    };
    let mut bitmap = Bitmap::new(12);
    for bucket in 0..9 {
        bitmap.set(Bucket::new(bucket));
    }
    let dataset = Dataset::compute(header, &[member], &[([5; 32], bitmap)], None).unwrap();
    let (bytes, hash) = (dataset.encode().unwrap(), hex(&dataset.hash().unwrap()));
    sqlx::query(
        "UPDATE epoch SET dataset_hash = CASE WHEN project = $1 AND epoch = 101 THEN $2 ELSE repeat('0', 64) END",
    )
    .bind(project.to_string())
    .bind(&hash)
    .execute(store.pool())
    .await
    .unwrap();

    let rpc = FakeRpc::default();
    let mut wrong = bytes.clone();
    wrong[40] ^= 1;
    let (liar, silent, honest) =
        (fake_oracle(Some(wrong)).await, fake_oracle(None).await, fake_oracle(Some(bytes)).await);
    let set =
        |urls: &[String]| rpc.accounts.lock().unwrap().insert(addresses::oracle_set().to_string(), oracle_set(urls));
    set(&[silent.clone(), liar.clone()]);
    let datasets = Datasets::new(store.clone(), Chain::new(&rpc.start().await)).unwrap();
    let error = datasets.round().await.unwrap_err().to_string();
    assert!(error.contains("another hash"), "{error}");
    assert_eq!(datasets.oracles(), [silent, liar.clone()]);
    let rows = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM node_epoch").fetch_one(store.pool()).await.unwrap()
    };
    assert_eq!(rows().await, 0);

    set(&[liar, honest]);
    datasets.round().await.unwrap();
    let row: (String, i64, i64, i32, String) =
        sqlx::query_as("SELECT node, counted, buckets, uptime_bps, points::text FROM node_epoch")
            .fetch_one(store.pool())
            .await
            .unwrap();
    assert_eq!(row, (node.to_string(), 9, 12, 7_500, "750".to_owned()));
    datasets.round().await.unwrap();
    assert_eq!(rows().await, 1);
}
