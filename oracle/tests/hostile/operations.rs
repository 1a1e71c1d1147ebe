//! What an operator sees, and how an oracle stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_oracle::ops::listener::OpsListenError;
use muster_protocol::answer::Answer;
use muster_protocol::reason::Reason;
use serde_json::Value;

use super::world::{FakeChain, body, boot, json, oracle, serves, settings, until};

fn states(readyz: &Value) -> BTreeMap<&str, &str> {
    let checks = readyz["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["name"].as_str().unwrap(), check["state"].as_str().unwrap())).collect()
}

/// The value of a line of `/metrics`.
async fn metric(url: &str, line: &str) -> Option<f64> {
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oracle_without_its_chain_is_not_ready_and_one_without_money_is() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, folder.path()).await;
    let readyz = format!("http://{}/readyz", alive.ops_address);
    let metrics = format!("http://{}/metrics", alive.ops_address);
    until("readiness", async || json(&readyz).await.0 == 200).await;
    let (_, ready) = json(&readyz).await;
    assert!(states(&ready).values().all(|state| *state == "ok"), "{ready}");

    // Little money: somebody is told, and nobody taken out of service.
    chain.lamports.store(5_000, Ordering::SeqCst);
    until("the warning", async || states(&json(&readyz).await.1)["balance"] == "degraded").await;
    assert_eq!(json(&readyz).await.0, 200);
    assert_eq!(metric(&metrics, "muster_oracle_balance_lamports").await, Some(5_000.0));
    assert_eq!(metric(&metrics, "muster_oracle_check{check=\"balance\"}").await, Some(0.0));

    // No chain: what nodes are there is not known any more.
    chain.is_down.store(true, Ordering::SeqCst);
    until("a stale picture", async || json(&readyz).await.0 == 503).await;
    let (_, stale) = json(&readyz).await;
    let bad: Vec<_> = stale["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "failed").collect();
    assert_eq!((bad.len(), &bad[0]["name"]), (1, &Value::from("registry_fresh")));
    assert!(bad[0]["remedy"].as_str().unwrap().contains("--rpc-url"));
    assert_eq!(metric(&metrics, "muster_oracle_ready").await, Some(0.0));
    // It still acknowledges what it can check.
    serves(&alive, 0, 1).await;
    chain.is_down.store(false, Ordering::SeqCst);
    until("readiness again", async || json(&readyz).await.0 == 200).await;
    assert_eq!(json(&format!("http://{}/readyz", alive.address)).await.0, 200, "load balancers ask there");
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_add_up_and_are_not_for_the_world() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, folder.path()).await;
    serves(&alive, 0, 1).await;
    serves(&alive, 1, 1).await;
    let stale = body(&alive, 0, 1).await;
    let post = |body: Vec<u8>| {
        let url = format!("http://{}/api/v1/heartbeats", alive.address);
        reqwest::Client::new().post(url).header("content-type", "application/octet-stream").body(body).send()
    };
    post(stale).await.unwrap();
    assert_eq!(post(vec![9]).await.unwrap().status(), 400);

    let url = format!("http://{}/metrics", alive.ops_address);
    let response = reqwest::get(&url).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    let mut received = 0.0;
    for line in text.lines() {
        assert!(line.starts_with("# ") || line.starts_with("muster_oracle_"), "{line}");
        if let Some(rest) = line.strip_prefix("muster_oracle_heartbeats_total{") {
            received += rest.split_once("} ").unwrap().1.parse::<f64>().unwrap();
        }
    }
    let (_, stats) = json(&format!("http://{}/api/v1/stats", alive.address)).await;
    assert_eq!((received, stats["received"].as_f64()), (4.0, Some(4.0)), "{text}");
    assert_eq!(metric(&url, "muster_oracle_nodes").await, Some(40.0));
    assert_eq!(metric(&url, "muster_oracle_nodes_by_status{status=\"online\"}").await, Some(2.0));
    assert_eq!(metric(&url, "muster_oracle_commit_seconds_count").await.map(|count| count >= 3.0), Some(true));
    // Not a line for each node, project or address.
    assert!(text.lines().count() < 300, "{} lines", text.lines().count());

    let public = format!("http://{}/metrics", alive.address);
    assert_eq!(reqwest::get(public).await.unwrap().status(), 404);
    let open =
        muster_oracle::settings::Settings { ops_listen: "0.0.0.0:0".parse().unwrap(), ..settings(folder.path()) };
    let refused = boot(&chain, open).await.err().expect("operations are not opened to the world unasked");
    assert!(refused.is::<OpsListenError>(), "{refused}");
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_shows_who_answers_and_who_does_not() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, folder.path()).await;
    let url = format!("http://{}/api/v1/peers", alive.address);
    let (status, peers) = json(&url).await;
    assert_eq!(status, 200);
    let own = &peers["peers"][0];
    assert_eq!((&own["own"], &own["reachable"], &own["view_held"]), (&true.into(), &true.into(), &false.into()));
    assert!(own["tick_age_ms"].is_u64() && own["batch_no"].is_u64(), "{own}");
    chain.join(9, "http://127.0.0.1:1");
    until("the silence", async || json(&url).await.1["peers"][1]["reachable"] == false).await;
    let (_, peers) = json(&url).await;
    assert_eq!(peers["peers"][1]["clock_offset_ms"], Value::Null, "nothing is known of it");
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_under_load_answers_all_that_it_accepted() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = Arc::new(oracle(&chain, folder.path()).await);
    let answered = Arc::new(AtomicU64::new(0));
    let mut senders = Vec::new();
    for node in 0..8 {
        let bodies: Vec<Vec<u8>> = {
            let mut bodies = Vec::new();
            for seq in 1..=200 {
                bodies.push(body(&alive, node, seq).await);
            }
            bodies
        };
        let (answered, url) = (answered.clone(), format!("http://{}/api/v1/heartbeats", alive.address));
        senders.push(tokio::spawn(async move {
            let client = reqwest::Client::new();
            for body in bodies {
                let request = client.post(&url).header("content-type", "application/octet-stream").body(body);
                let Ok(response) = request.send().await else { return };
                let Ok(bytes) = response.bytes().await else { return };
                let Ok(answer) = Answer::decode(&bytes) else { return };
                let accepted = answer.verdicts.iter().filter(|verdict| verdict.reason == Reason::Accepted).count();
                answered.fetch_add(accepted as u64, Ordering::SeqCst);
            }
        }));
    }
    let ingest = alive.ingest.clone();
    until("some load", async || ingest.core().counters().accepted >= 50).await;
    let alive = Arc::into_inner(alive).expect("nobody else holds it");
    alive.stop().await.unwrap();
    for sender in senders {
        sender.await.unwrap();
    }
    let accepted = ingest.core().counters().accepted;
    assert!(accepted >= 50);
    assert_eq!(answered.load(Ordering::SeqCst), accepted, "whatever was accepted was answered");
}
