//! What project owners, operators and sceptics ask an oracle for: signed requests, proofs of operational time, credits,
//! exports, and what happens as events.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use muster_oracle::events::kind;
use muster_protocol::dataset::Dataset;
use muster_protocol::export::{Finality, HEADER as STATEMENT, PointsStatement};
use muster_protocol::hashv;
use muster_protocol::merkle::points_leaf;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::request::{self, Target};
use muster_protocol::uptime::{Standing, UptimeStatement};
use reqwest::Method;
use serde_json::json;

use super::*;

/// A header's value and what it is for.
struct Signed {
    value: String,
    method: Method,
    path: String,
    body: Vec<u8>,
}

fn sign(chain: &FakeChain, seed: u8, nonce: u8, method: Method, path: &str, body: Vec<u8>) -> Signed {
    let target = Target { method: method.as_str(), path, body: &body };
    let value = request::sign(&domain(), &key(seed), chain.now_ms(), [nonce; 16], &target);
    Signed { value, path: path.to_owned(), method, body }
}

async fn send(oracle: &Running, signed: &Signed) -> (u16, Value) {
    let request = reqwest::Client::new()
        .request(signed.method.clone(), format!("http://{}{}", oracle.address, signed.path))
        .header(request::HEADER, &signed.value)
        .body(signed.body.clone());
    let response = request.send().await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{} gave {text}", signed.path)))
}

fn path_of(rest: &str) -> String {
    format!("/api/v1/projects/{}/epochs/{EPOCH}{rest}", base58(&PROJECT))
}

fn node_of(node: usize) -> String {
    base58(&public(node_seed(node)))
}

fn statement(answer: &Value) -> UptimeStatement {
    let bytes = hex::decode(answer["statement"].as_str().unwrap()).unwrap();
    UptimeStatement::decode_verified(&domain(), &bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_request_is_good_once_for_those_whom_it_concerns_alone() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let oracle = oracle(&chain, 1, folder.path()).await;
    announce(&chain, &[(1, &oracle)]);
    chain.at(5_000);
    let uptime = path_of("/uptime");
    let asks = |seed, nonce| sign(&chain, seed, nonce, Method::GET, &uptime, vec![]);
    // The settler and the owner, each once; nobody else; nobody unsigned.
    let settlers = asks(SETTLER, 1);
    let (status, answer) = send(&oracle, &settlers).await;
    assert_eq!((status, &answer["is_final"]), (200, &json!(false)), "{answer}");
    assert_eq!(send(&oracle, &settlers).await.1["reason"], "replayed");
    assert_eq!(send(&oracle, &asks(OWNER, 1)).await.0, 200);
    assert_eq!(send(&oracle, &asks(node_seed(0), 1)).await.0, 403);
    assert_eq!(get(&oracle, &uptime).await["reason"], "not_signed");
    // For itself: another query, another time, another signature.
    let moved = Signed { path: format!("{uptime}?from=1"), ..asks(SETTLER, 2) };
    assert_eq!(send(&oracle, &moved).await.1["reason"], "bad_signature");
    let late = asks(SETTLER, 3);
    chain.at(36_000);
    assert_eq!(send(&oracle, &late).await.1["reason"], "clock_skew");
    let early = Signed { value: "x".into(), ..asks(SETTLER, 4) };
    assert_eq!(send(&oracle, &early).await.1["reason"], "malformed");

    // Who runs a node has its project calculated; a stranger does not.
    let body = json!({"project": base58(&PROJECT)}).to_string().into_bytes();
    let calculate = |seed, nonce| sign(&chain, seed, nonce, Method::POST, "/api/v1/poot/calculate", body.clone());
    let (status, made) = send(&oracle, &calculate(node_seed(1), 5)).await;
    assert_eq!((status, &made["is_final"], &made["node_count"]), (200, &json!(false), &json!(NODES)));
    assert_eq!(send(&oracle, &calculate(99, 5)).await.0, 403);
    let bad = sign(&chain, SETTLER, 6, Method::POST, "/api/v1/poot/calculate", b"{}".to_vec());
    assert_eq!(send(&oracle, &bad).await.0, 400);
    // A settlement of what is not ready is not prepared.
    let settle = sign(&chain, SETTLER, 7, Method::POST, &path_of("/settlement"), b"{\"budget\": \"5\"}".to_vec());
    assert_eq!(send(&oracle, &settle).await.1["reason"], "not_computed");
    oracle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epochs_uptime_is_proven_so_far_and_for_good_and_its_points_are_handed_out_signed() {
    let chain = FakeChain::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let oracles = [oracle(&chain, 1, folders[0].path()).await, oracle(&chain, 2, folders[1].path()).await];
    announce(&chain, &[(1, &oracles[0]), (2, &oracles[1])]);

    // Given a node that was heard in the first bucket, when two buckets are over.
    chain.at(3_000);
    let mut sender = Sender { seed: node_seed(2), seq: 0 };
    let kept = sender.send(&chain, &oracles[0]).await;
    chain.at(21_000);
    let proof = get(&oracles[0], &format!("/api/v1/poot/{}", node_of(2))).await;
    let so_far = statement(&proof);
    // Then the statement stands alone: half of what is over was counted, and the last frame has its receipt.
    assert_eq!((so_far.counted, so_far.elapsed, so_far.uptime_bps, so_far.is_closed()), (1, 2, 5_000, false));
    assert_eq!((so_far.oracle_key, so_far.standing), (public(1), Standing::Online));
    assert_eq!(so_far.last_frame.hash, hashv(&[&kept.frame]));
    let receipt = hex::decode(proof["receipt"]["batch"].as_str().unwrap()).unwrap();
    let receipt = BatchReceipt::decode_verified(&domain(), &receipt).unwrap();
    let path: Vec<[u8; 32]> = proof["receipt"]["path"].as_array().unwrap().iter().map(hash_of).collect();
    let index = proof["receipt"]["index"].as_u64().unwrap() as u32;
    assert!(receipt.proves(&kept.frame, so_far.last_frame.received_at_ms, index, &path));
    // By its address as by its key; of another oracle nothing was counted.
    let by_address = get(&oracles[1], &format!("/api/v1/poot/{}", base58(&[42; 32]))).await;
    assert_eq!((statement(&by_address).counted, &by_address["status"]), (0, &json!("offline")));
    assert_eq!(get(&oracles[0], &format!("/api/v1/poot/{}", base58(&[1; 32]))).await["reason"], "unknown_node");

    // When the epoch is brought to its points.
    let path = brought_to_points(&chain, &oracles).await;
    let epoch = get(&oracles[0], &path).await;
    assert_eq!(epoch["next"]["who"], "settler", "{epoch}");
    let cut_off = ((EPOCH + 2) * EPOCH_S) as i64;
    assert_eq!(epoch["cut_off_at"], cut_off);
    assert_eq!(epoch["seconds_left"], cut_off - (chain.now_ms() / 1000) as i64);
    assert_eq!(epoch["late"], json!([]));

    // Then each oracle's proof of the closed epoch leads to the same points root.
    let proof = get(&oracles[1], &format!("/api/v1/poot/{}?epoch={EPOCH}", node_of(1))).await;
    assert!(statement(&proof).is_closed());
    let row = &proof["dataset"];
    let (root, index) = (hash_of(&row["points_root"]), row["index"].as_u64().unwrap() as u32);
    let points: u64 = row["points"].as_str().unwrap().parse().unwrap();
    let siblings: Vec<[u8; 32]> = row["path"].as_array().unwrap().iter().map(hash_of).collect();
    let leaf = points_leaf(index, &[61; 32], points);
    assert!(verify(&root, &leaf, index, row["count"].as_u64().unwrap() as u32, &siblings));
    assert_eq!(epoch["points_root"], row["points_root"]);

    // Calculated anew it comes out the same, and credits add up to it.
    let body = json!({"project": base58(&PROJECT), "epoch": EPOCH}).to_string().into_bytes();
    let calculate = sign(&chain, OWNER, 1, Method::POST, "/api/v1/poot/calculate", body);
    let (status, made) = send(&oracles[0], &calculate).await;
    assert_eq!((status, &made["is_same"], &made["dataset_hash"]), (200, &json!(true), &epoch["dataset_hash"]));
    let credits = get(&oracles[0], &format!("/api/v1/credits/{}", node_of(1))).await;
    assert_eq!((credits["total_points"].as_str(), credits["epoch_count"].as_u64()), (row["points"].as_str(), Some(1)));
    let summary = get(&oracles[0], &path_of("/summary?from=1&limit=1")).await;
    assert_eq!((&summary["rows"][0]["credits"], &summary["next"]), (&credits["total_points"], &json!(2)));
    let uptime = sign(&chain, SETTLER, 2, Method::GET, &path_of("/uptime?limit=2"), vec![]);
    let (_, uptime) = send(&oracles[0], &uptime).await;
    assert_eq!((&uptime["is_final"], &uptime["next"]), (&json!(true), &json!(2)));
    assert_eq!(uptime["rows"][1]["points"], row["points"]);

    // The points are the same file from both, each with its own word on it.
    for format in ["json", "csv"] {
        let mut files = Vec::new();
        for oracle in &oracles {
            let url = format!("http://{}{}?format={format}", oracle.address, path_of("/points"));
            let response = reqwest::get(url).await.unwrap();
            let word = hex::decode(response.headers()[STATEMENT].to_str().unwrap()).unwrap();
            let word = PointsStatement::decode_verified(&domain(), &word).unwrap();
            let bytes = response.bytes().await.unwrap();
            assert_eq!((word.file_hash, word.points_root, word.finality), (hashv(&[&bytes]), root, Finality::Computed));
            assert_eq!(word.oracle_key, oracle.ctx.identity.key);
            files.push(bytes);
        }
        assert_eq!(files[0], files[1], "{format}");
    }
    let (_, dataset) = get_bytes(&oracles[0], &path_of("/dataset")).await;
    assert_eq!(Dataset::decode(&dataset).unwrap().total_points().to_string(), made["total_points"].as_str().unwrap());
    for oracle in oracles {
        oracle.stop().await.unwrap();
    }
}

fn hash_of(value: &Value) -> [u8; 32] {
    let mut hash = [0; 32];
    hex::decode_to_slice(value.as_str().unwrap(), &mut hash).unwrap();
    hash
}

/// Bodies that a webhook took, and their headers.
type Taken = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

/// A receiver that refuses the first delivery.
async fn receiver() -> (SocketAddr, Taken) {
    let taken = Taken::default();
    let take = async |State(taken): State<Taken>, headers: HeaderMap, body: Bytes| {
        let mut taken = taken.lock().unwrap();
        taken.push((headers, body.to_vec()));
        if taken.len() == 1 { axum::http::StatusCode::BAD_GATEWAY } else { axum::http::StatusCode::NO_CONTENT }
    };
    let router = Router::new().route("/hook", post(take)).with_state(taken.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, taken)
}

/// The first so many events of a stream: number and body.
async fn read_events(oracle: &Running, query: &str, last: Option<u64>, count: usize) -> Vec<(u64, Value)> {
    let mut request = reqwest::Client::new().get(format!("http://{}/api/v1/events{query}", oracle.address));
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut text = String::new();
    let read = async {
        while text.matches("\n\n").count() < count {
            text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("events within 30 s");
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {event}")).trim().to_owned()
    };
    let event =
        |event: &str| (field(event, "id:").parse().unwrap(), serde_json::from_str(&field(event, "data:")).unwrap());
    text.split("\n\n").filter(|event| event.contains("id:")).take(count).map(event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_goes_silent_and_comes_back_is_told_once_each_also_over_a_restart() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let (hook, taken) = receiver().await;
    let hooks = folder.path().join("webhooks.json");
    let entry = json!([{"url": format!("http://{hook}/hook"), "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "project": base58(&PROJECT), "kinds": [kind::NODE_OFFLINE, kind::NODE_RECOVERED]}]);
    std::fs::write(&hooks, entry.to_string()).unwrap();
    let with_hooks = |settings: Settings| Settings { webhooks: Some(hooks.clone()), ..settings };
    let running = oracle_set_up(&chain, 1, folder.path(), with_hooks).await;
    announce(&chain, &[(1, &running)]);
    // Given two nodes that are heard, and one of them no more.
    let mut senders = [0, 1].map(|node| Sender { seed: node_seed(node), seq: 0 });
    chain.at(3_000);
    for sender in &mut senders {
        sender.send(&chain, &running).await;
    }
    for bucket in 1..5 {
        chain.at(bucket * 10_000 + 3_000);
        senders[1].send(&chain, &running).await;
    }
    // When three buckets without it are over, then it is told, and nothing of the one that is heard.
    let told = read_events(&running, &format!("?after=0&kinds={}", kind::NODE_OFFLINE), None, 2).await;
    let silent: Vec<&str> = told.iter().map(|(_, event)| event["data"]["node_key"].as_str().unwrap()).collect();
    assert!(silent.contains(&node_of(0).as_str()) && !silent.contains(&node_of(1).as_str()), "{told:?}");
    assert!(told.iter().all(|(_, event)| event["data"]["missed_buckets"] == 3 && event["project"] == base58(&PROJECT)));

    // When the oracle starts again, then it tells nothing twice, and goes on counting.
    let newest = running.events.newest();
    until("the hook to have both", async || taken.lock().unwrap().len() >= 3).await;
    running.stop().await.unwrap();
    let running = oracle_set_up(&chain, 1, folder.path(), with_hooks).await;
    announce(&chain, &[(1, &running)]);
    senders[0].send(&chain, &running).await;
    chain.at(44_500);
    let told = read_events(&running, &format!("?kinds={}", kind::NODE_RECOVERED), Some(newest), 1).await;
    assert!(told[0].0 > newest, "{told:?}");
    assert_eq!(told[0].1["data"]["node_key"], node_of(0));
    // A reader that comes back gets what it missed.
    assert_eq!(read_events(&running, "?after=0", None, 3).await.len(), 3);
    assert_eq!(get(&running, "/api/v1/events?kinds=nonsense").await["reason"], "unknown_kind");

    // Then the webhook got each event once, the refused one again with the same number.
    until("the third delivery", async || taken.lock().unwrap().len() >= 4).await;
    let taken = taken.lock().unwrap().clone();
    let ids: Vec<&str> = taken.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[1..].iter().collect::<HashSet<_>>().len(), 3, "{ids:?}");
    let kinds: Vec<Value> =
        taken[1..].iter().map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap()["type"].clone()).collect();
    assert_eq!(kinds, [kind::NODE_OFFLINE, kind::NODE_OFFLINE, kind::NODE_RECOVERED]);
    let verifier = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    for (headers, body) in &taken {
        let at = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let signed = verifier.sign(headers["webhook-id"].to_str().unwrap(), at, body).unwrap();
        assert_eq!(headers["webhook-signature"].to_str().unwrap(), signed);
    }
    running.stop().await.unwrap();
}
