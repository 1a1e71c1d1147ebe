//! The API over HTTP, with a real database behind it and no chain to ask.

mod common;

use std::sync::Arc;

use common::postgres;
use common::{NONCE, decoded, identity, key, store, story};
use muster_client::addresses;
use muster_client::chain::Chain;
use muster_client::events::hex;
use muster_indexer::api::{Api, router};
use muster_indexer::datasets::Datasets;
use muster_indexer::status::Status;
use muster_indexer::store::{Batch, Store};
use reqwest::StatusCode;
use serde_json::{Value, json};

struct Server {
    base: String,
    http: reqwest::Client,
    status: Arc<Status>,
    store: Store,
}

async fn server(url: &str) -> Server {
    let store = store(url, "api").await;
    let chain = Chain::new("http://127.0.0.1:1");
    let status = Arc::new(Status::default());
    let datasets = Arc::new(Datasets::new(store.clone(), chain.clone()).unwrap());
    let api = Api { store: store.clone(), chain, status: status.clone(), datasets, identity: identity() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router(api)).await });
    Server { base, http: reqwest::Client::new(), status, store }
}

impl Server {
    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn refused(&self, path: &str, status: u16, reason: &str) {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let code = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!((code.as_u16(), body["reason"].as_str()), (status, Some(reason)), "{path}: {body}");
        assert_eq!(body["status"], json!(status));
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }

    /// Walks a list in pages of three and returns all of its items.
    async fn walk(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.ok(&format!("{path}?limit=3{after}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
            assert!(items.len() < 1_000, "{path} never ends");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_answers_as_documented() {
    let database = postgres::database();
    let server = server(database.url()).await;
    for path in ["projects", "nodes", "pools", "licences", "jobs", "epochs", "claims", "treasury", "events"] {
        let page = server.ok(&format!("/api/v1/{path}")).await;
        assert_eq!((&page["items"], &page["next"]), (&json!([]), &Value::Null), "{path}");
    }
    server.refused("/api/v1/network", 404, "not_found").await;
    let (status, health) = server.get("/api/v1/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("starting")));

    let story = story();
    let events = decoded(&story);
    server.store.write(&Batch { events: events.clone(), upto: 500 }).await.unwrap();
    server.status.succeeded(510, 500, Vec::new());
    let health = server.ok("/api/v1/health").await;
    assert_eq!((&health["status"], &health["gap"], &health["lag_slots"]), (&json!("ok"), &json!(0), &json!(10)));

    for (path, count) in [
        ("projects", 2),
        ("nodes", 4),
        ("pools", 4),
        ("licences", 6),
        ("jobs", 4),
        ("epochs", 10),
        ("claims", 8),
        ("treasury", 9),
    ] {
        let items = server.walk(&format!("/api/v1/{path}")).await;
        assert_eq!(items.len(), count, "{path}");
        let distinct: std::collections::BTreeSet<String> = items.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), count, "{path} repeats itself");
    }
    assert_eq!(server.walk("/api/v1/events").await.len(), events.len());

    let stats = server.ok("/api/v1/stats").await;
    assert_eq!((&stats["nodes"], &stats["nodes_active"], &stats["claimed"]), (&json!(4), &json!(2), &json!("2400000")));
    let network = server.ok("/api/v1/network").await;
    assert_eq!((&network["oracle_sets"][0]["threshold"], &network["jobs"]["default_stake"]), (&json!(2), &json!("3")));
    let treasury = server.ok("/api/v1/treasury").await;
    let balance = &treasury["balances"][0];
    assert_eq!(
        (&balance["received"], &balance["from_slashes"], &balance["withdrawn"]),
        (&json!("121200025"), &json!("80000025"), &json!("5"))
    );
    assert_eq!(treasury["balances"][0]["vault"], json!(addresses::treasury(&key(4)).to_string()));

    let project = addresses::project(0).to_string();
    let one = server.ok(&format!("/api/v1/projects/{project}")).await;
    assert_eq!(
        (&one["price"], &one["funded_total"], &one["settled_total"], &one["nodes"]),
        (&json!("3"), &json!("12000000"), &json!("5000000"), &json!(2))
    );
    let node = server.ok(&format!("/api/v1/nodes?project={project}&status=active")).await["items"][0].clone();
    let detail = server.ok(&format!("/api/v1/nodes/{}", node["node_key"].as_str().unwrap())).await;
    assert_eq!((&detail["address"], detail["tenures"].as_array().map(Vec::len)), (&node["address"], Some(3)));
    let pool = server.ok(&format!("/api/v1/pools?project={project}")).await["items"][0].clone();
    assert_eq!((&pool["capacity"], &pool["count"], &pool["closed_at"]), (&json!(7), &json!(1), &Value::Null));
    let address = pool["address"].as_str().unwrap();
    assert_eq!(server.ok(&format!("/api/v1/pools/{address}")).await, pool);
    let members = server.ok(&format!("/api/v1/nodes?pool={address}")).await;
    assert_eq!(members["items"].as_array().map(Vec::len), Some(1));
    server.refused(&format!("/api/v1/pools/{project}"), 404, "not_found").await;
    let epoch = server.ok(&format!("/api/v1/epochs/{project}/100")).await;
    assert_eq!(
        (&epoch["status"], epoch["votes"].as_array().map(Vec::len), &epoch["dataset_held"]),
        (&json!("final"), Some(2), &json!(false))
    );
    let job = server.ok(&format!("/api/v1/jobs/{}", addresses::job(&key(60), NONCE))).await;
    assert_eq!(
        (&job["state"], job["nodes"].as_array().map(Vec::len), job["votes"].as_array().map(Vec::len), &job["work"]),
        (&json!("completed"), Some(2), Some(2), &Value::Null)
    );

    server.refused("/api/v1/nodes/none", 404, "not_found").await;
    server.refused("/api/v1/jobs/none", 404, "not_found").await;
    server.refused("/api/v1/projects/none", 404, "not_found").await;
    server.refused("/api/v1/epochs/none/1", 404, "not_found").await;
    server.refused(&format!("/api/v1/epochs/{project}/x"), 404, "not_found").await;
    server.refused("/api/v1/nowhere", 404, "not_found").await;
    server.refused("/api/v1/nodes?limit=0", 400, "limit").await;
    server.refused("/api/v1/nodes?limit=501", 400, "limit").await;
    server.refused("/api/v1/nodes?limit=x", 400, "query").await;
    server.refused("/api/v1/nodes?after=x", 400, "after").await;
    server.refused("/api/v1/jobs?after=x", 400, "after").await;
    server.refused(&format!("/api/v1/nodes/{}/uptime", node["address"].as_str().unwrap()), 502, "oracles").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_that_has_the_answer_gets_no_body_and_the_page_forbids_what_is_not_its_own() {
    let database = postgres::database();
    let server = server(database.url()).await;
    let get = |path: &str| server.http.get(format!("{}{path}", server.base));
    let first = get("/api/v1/stats").send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let again = get("/api/v1/stats").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.bytes().await.unwrap().is_empty());
    server.store.write(&Batch { events: decoded(&story()), upto: 9 }).await.unwrap();
    let changed = get("/api/v1/stats").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);

    let page = get("/").send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<caption>") && !html.contains("<script>") && !html.contains("style="));
    for (path, kind) in [("/app.js", "text/javascript"), ("/app.css", "text/css"), ("/api/v1/docs/", "text/html")] {
        let file = get(path).send().await.unwrap();
        assert_eq!(file.status(), StatusCode::OK, "{path}");
        assert!(file.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
    }
    let document = server.ok("/api/v1/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 18, "{paths:?}");
    assert!(document["paths"]["/api/v1/nodes"]["post"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_cannot_be_bound_is_refused_with_a_reason() {
    let database = postgres::database();
    let server = server(database.url()).await;
    server.store.write(&Batch { events: decoded(&story()), upto: 9 }).await.unwrap();
    let licence = addresses::licence(&addresses::project(0), 1).to_string();
    let metadata = json!({"name": "n", "os": "linux", "cpu": "x86-64", "memory_mb": 4096});
    let good = json!({"licence": licence, "holder": key(31).to_string(), "node_key": key(77).to_string(), "metadata": metadata});
    let post = async |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        let answer = server.http.post(format!("{}/api/v1/nodes", server.base)).json(&body).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["reason"].as_str().unwrap().to_owned())
    };
    let refused = |status: u16, reason: &str| (status, reason.to_owned());
    assert_eq!(post(&|b| b["licence"] = json!("x")).await, refused(400, "address"));
    assert_eq!(post(&|b| b["node_key"] = b["holder"].clone()).await, refused(400, "keys"));
    assert_eq!(post(&|b| b["metadata"] = json!({})).await, refused(400, "metadata"));
    assert_eq!(post(&|b| drop(b.as_object_mut().unwrap().remove("holder"))).await, refused(422, "body"));
    assert_eq!(post(&|b| b["licence"] = json!(key(9).to_string())).await, refused(404, "not_found"));
    assert_eq!(post(&|b| b["metadata"]["note"] = json!("x".repeat(70_000))).await, refused(413, "body"));
    // All is well as far as it can be said here, and the chain does not answer: nobody is told that all is well.
    assert_eq!(post(&|_| {}).await, refused(502, "chain"));
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM node_metadata").fetch_one(server.store.pool()).await.unwrap();
    assert_eq!(kept, 0);

    // The document that the chain names is shown with its node.
    let document = r#"{"name":"shown"}"#;
    sqlx::query("INSERT INTO node_metadata (hash, licence, document) VALUES ($1, $2, $3)")
        .bind(hex(&[1; 32]))
        .bind(&licence)
        .bind(document)
        .execute(server.store.pool())
        .await
        .unwrap();
    let node = addresses::node(&licence.parse().unwrap()).to_string();
    assert_eq!(server.ok(&format!("/api/v1/nodes/{node}")).await["metadata"], json!({"name": "shown"}));
}
