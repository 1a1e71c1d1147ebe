//! The shell against a real PostgreSQL: routes, restart, queue.

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use muster_client::muster_jobs::state::{Outcome, job_state};
use muster_protocol::assignment::{Assignee, Assignment};
use muster_protocol::hashv;
use muster_protocol::job::{JobDescriptor, Limits, Requirements};
use muster_protocol::result::{Progress, TaskResult, TaskStatus};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::{Domain, Frame};
use muster_protocol::{Hash, request};
use serde_json::Value;
use solana_sdk::signature::Keypair;
use tokio::sync::watch;

use muster_localpg::scratch;

use super::core::Action;
use super::store::{WorkKind, connect};
use super::*;
use crate::context::{ClockFn, Identity, Seen, peer_client};
use crate::registry::{self, OraclePeer, OracleSetInfo, TenureInfo};
use crate::settings::{Settings, SettingsArgs};

mod cancel_and_logs;

const NOW_MS: u64 = 1_700_000_000_000;

fn domain() -> Domain {
    Domain::new(&[7; 32], [9; 32])
}

fn node_key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index + 1; 32])
}

fn public(key: &SigningKey) -> Key {
    key.verifying_key().to_bytes()
}

fn tenure(index: u8) -> Key {
    [index + 50; 32]
}

fn identity(place: usize) -> Identity {
    Identity::new(Keypair::new_from_array([77 + place as u8; 32]))
}

/// The oracle at `place` of a set that listens at `urls`, with four nodes of four holders, and no chain behind it.
fn context(data_dir: &Path, place: usize, urls: &[String]) -> Arc<OracleContext> {
    let peer = |(place, url): (usize, &String)| OraclePeer { key: identity(place).key, url: url.clone() };
    let oracles = urls.iter().enumerate().map(peer).collect();
    let mut registry =
        registry::Registry { oracle_set: OracleSetInfo { version: 1, threshold: 1, oracles }, ..Default::default() };
    let mut seen = std::collections::HashMap::new();
    for i in 0..4 {
        let key = public(&node_key(i));
        let node = registry::NodeInfo {
            node: [i + 20; 32],
            project: [1; 32],
            node_key: key,
            tenure: tenure(i),
            status: muster_client::muster_network::state::node_status::ACTIVE,
            accepted_at: 1,
            suspended: (0, 0),
            until_epoch: u64::MAX,
            maintenance: (0, 0),
        };
        registry.nodes.insert(key, node);
        let info = TenureInfo {
            tenure: tenure(i),
            node: [i + 20; 32],
            project: [1; 32],
            holder: [i + 150; 32],
            operator: [0; 32],
            leaf_index: i.into(),
            until_epoch: u64::MAX,
        };
        registry.tenures.insert(info.tenure, info);
        seen.insert(key, Seen { at_ms: NOW_MS, status: Status::Online });
    }
    let args = SettingsArgs { data_dir: Some(data_dir.to_path_buf()), ..SettingsArgs::defaults() };
    let (_, registry) = watch::channel(Arc::new(registry));
    let clock: ClockFn = Arc::new(|| NOW_MS);
    let http = peer_client(std::time::Duration::from_secs(1)).unwrap();
    Arc::new(OracleContext {
        identity: identity(place),
        domain: domain(),
        genesis_hash: [7; 32],
        schedule: Schedule::new(120, 10).unwrap(),
        chain: nowhere(),
        registry,
        seen: Arc::new(RwLock::new(seen)),
        clock,
        storage: Arc::new(crate::log::Disk),
        to_peers: Arc::new(crate::epochs::peers::HttpPeers(http.clone())),
        http,
        ops: Arc::new(crate::ops::Ops::new(0)),
        settings: Settings::new(&args, "http://127.0.0.1:1".to_owned()),
    })
}

fn nowhere() -> Chain {
    Chain::new("http://127.0.0.1:1")
}

struct World {
    database: scratch::Scratch,
    folder: tempfile::TempDir,
    jobs: Arc<Jobs>,
}

impl World {
    async fn new() -> Self {
        Self::of_set(0, &[String::new()]).await
    }

    async fn of_set(place: usize, urls: &[String]) -> Self {
        let database = tokio::task::spawn_blocking(scratch::database).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let jobs = load(&database, folder.path(), place, urls).await;
        Self { database, folder, jobs }
    }

    /// The same tables, a new process.
    async fn restarted(&mut self) {
        self.jobs = load(&self.database, self.folder.path(), 0, &[String::new()]).await;
    }

    async fn job(&self) -> Key {
        let job = ChainJob {
            job: [4; 32],
            index: 3,
            descriptor_hash: hashv(&[&descriptor()]),
            refund_account: [5; 32],
            rent_payer: [6; 32],
            created_at: (NOW_MS / 1000) as i64,
            deadline: (NOW_MS / 1000) as i64 + 3600,
            cancel_at: 0,
            settled_at: 0,
            redundancy: 2,
            state: job_state::OPEN,
            votes: vec![[0; 32]; 16],
            votes_version: 0,
            seq: 1,
            result_hash: [0; 32],
        };
        self.jobs.take_job(job.clone()).await.unwrap();
        job.job
    }

    async fn call(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        use tower::ServiceExt;
        let response = api::router(self.jobs.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, body.to_vec())
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        let (status, body) = self.call(request).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn tasks(&self, node: u8) -> Value {
        let path = "/api/v1/tasks";
        let signature = request::sign(&domain(), &node_key(node), NOW_MS, [1; 16], &asks(path));
        let request = Request::get(path).header(request::HEADER, signature).body(Body::empty()).unwrap();
        let (status, body) = self.call(request).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

fn asks(path: &str) -> request::Target<'_> {
    request::Target { method: "GET", path, body: b"" }
}

async fn load(database: &scratch::Scratch, folder: &Path, place: usize, urls: &[String]) -> Arc<Jobs> {
    let pool = connect(database.url(), "oracle_1").await.unwrap();
    let jobs = Jobs::load(context(folder, place, urls), nowhere(), pool).await.unwrap();
    jobs.bonds.write().unwrap().extend((0..4).map(tenure));
    jobs.refresh_registry().await;
    archives::prepare(&jobs).await.unwrap();
    Arc::new(jobs)
}

fn descriptor() -> Vec<u8> {
    JobDescriptor {
        version: 1,
        title: "digits".into(),
        description: String::new(),
        image: format!("sha256:{}", "a".repeat(64)),
        command: vec![],
        env: Default::default(),
        inputs: vec![],
        requirements: Requirements { tier: "cpu".into(), ..Default::default() },
        limits: Limits { memory_mb: 256, cpu_milli: 1000, pids: 16, timeout_s: 60 },
        network: false,
        redundancy: 2,
        priority: 0,
        reveal_at_s: None,
        config: Default::default(),
    }
    .encode()
    .unwrap()
}

fn assignment(jobs: &Jobs, job: Key, nodes: [u8; 2]) -> Vec<u8> {
    let assignment = Assignment {
        job,
        attempt: 0,
        oracle_key: jobs.ctx.identity.key,
        assigned_at_ms: NOW_MS,
        lease_until_ms: NOW_MS + 90_000,
        descriptor_hash: hashv(&[&descriptor()]),
        nodes: nodes.iter().map(|&i| Assignee { tenure: tenure(i), node_key: public(&node_key(i)) }).collect(),
    };
    assignment.encode_signed(&domain(), &jobs.ctx.identity.signing_key).unwrap()
}

fn result(assignment: &[u8], job: Key, node: u8, result_hash: u8, archive_hash: Hash) -> Vec<u8> {
    TaskResult {
        job,
        assignment_hash: Assignment::hash(assignment),
        node_key: public(&node_key(node)),
        tenure: tenure(node),
        status: TaskStatus::Succeeded,
        exit_code: 0,
        result_hash: [result_hash; 32],
        started_at_ms: NOW_MS,
        finished_at_ms: NOW_MS + 1,
        accuracy_millionths: 970_000,
        loss_millionths: 1_500_000,
        epochs: 12,
        archive_hash,
        log_hash: [0; 32],
        seq: 1,
    }
    .encode_signed(&domain(), &node_key(node))
    .unwrap()
}

fn path(job: &Key, rest: &str) -> String {
    format!("/api/v1/jobs/{}{rest}", view::base58(job))
}

#[tokio::test]
async fn a_job_goes_from_its_descriptor_to_its_verdict_over_a_restart() {
    // Given a job, for which nodes get no task before its descriptor is here.
    let mut world = World::new().await;
    let job = world.job().await;
    let unknown = world.send("PUT", &path(&[8; 32], "/descriptor"), descriptor()).await;
    assert_eq!((unknown.0, &unknown.1["reason"]), (StatusCode::NOT_FOUND, &"unknown_job".into()));
    let wrong = world.send("PUT", &path(&job, "/descriptor"), b"{}".to_vec()).await;
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = world.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = world.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"known".into()));
    // When it is assigned, the two nodes get it and nobody else does.
    let frame = assignment(&world.jobs, job, [0, 1]);
    let (status, body) = world.send("POST", "/api/v1/assignments", frame.clone()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let task = &world.tasks(0).await[0];
    assert_eq!(task["assignment"], hex::encode(&frame));
    assert_eq!(task["result_seen"], false);
    assert_eq!(world.tasks(2).await, serde_json::json!([]));
    // Progress shows,
    let progress = Progress {
        job,
        node_key: public(&node_key(0)),
        assignment_hash: Assignment::hash(&frame),
        percent: 40,
        seq: 5,
        at_ms: NOW_MS,
    };
    let progress = progress.encode_signed(&domain(), &node_key(0)).unwrap();
    assert_eq!(world.send("POST", "/api/v1/progress", progress).await.0, StatusCode::OK);
    let (_, view) = world.send("GET", &path(&job, ""), vec![]).await;
    assert_eq!((&view["state"], &view["progress"]), (&"running".into(), &40.into()));
    // results count once,
    let archive = b"a tar".to_vec();
    let archive_hash = hashv(&[&archive]);
    let first = result(&frame, job, 0, 8, archive_hash);
    assert_eq!(world.send("POST", "/api/v1/results", first.clone()).await.1["status"], "accepted");
    assert_eq!(world.send("POST", "/api/v1/results", first).await.1["status"], "known");
    let stranger = world.send("POST", "/api/v1/results", result(&frame, job, 2, 8, [0; 32])).await;
    assert_eq!((stranger.0, &stranger.1["reason"]), (StatusCode::FORBIDDEN, &"not_assigned".into()));
    // and after a restart the other one makes the quorum.
    world.restarted().await;
    assert_eq!(world.tasks(0).await[0]["result_seen"], true);
    let second = result(&frame, job, 1, 8, [0; 32]);
    assert_eq!(world.send("POST", "/api/v1/results", second).await.0, StatusCode::OK);
    let (_, view) = world.send("GET", &path(&job, ""), vec![]).await;
    assert_eq!(view["outcome"]["kind"], "completed");
    assert_eq!(view["results"][0]["accuracy"], 0.97);
    assert_eq!(view["results"][0]["loss"], 1.5);
    let plan = world.jobs.core.lock().await.plan(NOW_MS);
    assert!(matches!(plan[..], [Action::Attest { set_version: 1, .. }]), "{plan:?}");
    // Its archive is taken, whole and once named.
    let archive_path = format!("/api/v1/results/{}/archive", hex::encode(archive_hash));
    let forged = world.send("PUT", &archive_path, b"another".to_vec()).await;
    assert_eq!(forged.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.send("PUT", &archive_path, archive.clone()).await.0, StatusCode::OK);
    let unnamed = format!("/api/v1/results/{}/archive", hex::encode(hashv(&[b"x"])));
    assert_eq!(world.send("PUT", &unnamed, b"x".to_vec()).await.0, StatusCode::NOT_FOUND);
    let read = Request::get(&archive_path).body(Body::empty()).unwrap();
    assert_eq!(world.call(read).await, (StatusCode::OK, archive));
    // The evidence is the same text for every reader.
    let (_, evidence) = world.send("GET", &path(&job, "/evidence"), vec![]).await;
    assert_eq!(evidence["assignments"], serde_json::json!([hex::encode(&frame)]));
    assert_eq!(evidence["results"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_message_is_counted_as_accepted_rejected_or_shed() {
    let world = World::new().await;
    let job = world.job().await;
    world.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    world.send("POST", "/api/v1/results", vec![0; 40]).await;
    let (status, body) = world.send("POST", "/api/v1/results", vec![0; 4096]).await;
    assert_eq!((status, &body["reason"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()));
    let all = world.jobs.requests.try_acquire_many(REQUESTS_MAX as u32).unwrap();
    let (status, _) = world.send("POST", "/api/v1/results", vec![]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
    let stats = world.jobs.stats();
    let expected = serde_json::json!({
        "received": 4, "accepted": 1, "shed": 1, "rejected": {"malformed": 1, "too_large": 1},
    });
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn tasks_are_handed_to_the_node_that_signed_alone() {
    let world = World::new().await;
    let (status, _) = world.send("GET", "/api/v1/tasks", vec![]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    for (key, path, at_ms, expected) in [
        (SigningKey::from_bytes(&[99; 32]), "/api/v1/tasks", NOW_MS, StatusCode::FORBIDDEN),
        (node_key(0), "/api/v1/other", NOW_MS, StatusCode::UNAUTHORIZED),
        (node_key(0), "/api/v1/tasks", NOW_MS - 60_000, StatusCode::UNAUTHORIZED),
    ] {
        let signature = request::sign(&domain(), &key, at_ms, [1; 16], &asks(path));
        let request = Request::get("/api/v1/tasks").header(request::HEADER, signature);
        let (status, _) = world.call(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn a_transaction_that_is_owed_survives_and_is_held_by_one_worker() {
    let mut world = World::new().await;
    let job = world.job().await;
    let failed = Outcome::Failed { reason: 3 };
    let put = async |world: &World, version, outcome: &Outcome| {
        world.jobs.store.put_work(&job, WorkKind::Attest, version, outcome, NOW_MS).await.unwrap();
    };
    put(&world, 1, &failed).await;
    // Given a worker has it, nobody else gets it, and a new outcome waits its turn.
    let store = world.jobs.store.clone();
    let held = store.take_work(NOW_MS).await.unwrap().unwrap();
    assert_eq!((held.job, held.set_version, &held.outcome), (job, 1, &failed));
    assert!(store.take_work(NOW_MS).await.unwrap().is_none());
    put(&world, 2, &failed).await;
    // When the worker dies, the next one gets it; when it fails, it is due later.
    drop(held);
    world.restarted().await;
    let again = world.jobs.store.take_work(NOW_MS).await.unwrap().unwrap();
    assert!(!again.failed("no answer", NOW_MS).await.unwrap());
    assert!(world.jobs.store.take_work(NOW_MS).await.unwrap().is_none());
    assert!(world.jobs.store.take_work(NOW_MS + 500).await.unwrap().is_some());
    // A better outcome is due at once.
    put(&world, 2, &Outcome::Failed { reason: 1 }).await;
    let better = world.jobs.store.take_work(NOW_MS).await.unwrap().unwrap();
    assert_eq!(better.outcome, Outcome::Failed { reason: 1 });
    better.done().await.unwrap();
    assert!(world.jobs.store.take_work(u64::MAX).await.unwrap().is_none());
    // A settled job owes nothing.
    put(&world, 2, &failed).await;
    let mut settled = world.jobs.store.job(&job).await.unwrap().unwrap().chain;
    (settled.state, settled.seq) = (job_state::FAILED, 9);
    world.jobs.take_job(settled).await.unwrap();
    assert!(world.jobs.store.take_work(u64::MAX).await.unwrap().is_none());
    let (_, view) = world.send("GET", &path(&job, ""), vec![]).await;
    assert_eq!(view["state"], "failed");
    let frame = assignment(&world.jobs, job, [0, 1]);
    let (status, body) = world.send("POST", "/api/v1/results", result(&frame, job, 0, 8, [0; 32])).await;
    assert_eq!((status, &body["reason"]), (StatusCode::CONFLICT, &"too_late".into()));
    let (_, list) = world.send("GET", "/api/v1/jobs?limit=1", vec![]).await;
    assert_eq!((&list["jobs"][0]["index"], &list["next_before"]), (&3.into(), &3.into()));
}

#[tokio::test]
async fn a_schema_that_is_no_plain_name_is_refused() {
    for schema in ["", "1a", "a-b", "a\"; DROP SCHEMA public; --", &"a".repeat(64)] {
        let error = connect("postgres://127.0.0.1:1/none", schema).await.unwrap_err();
        assert!(matches!(error, StoreError::Schema(_)), "{error}");
    }
}

#[tokio::test]
async fn what_one_oracle_knows_its_peers_fetch_and_judge_alike() {
    // Given two oracles that reach each other,
    let sockets = [listen().await, listen().await];
    let urls = sockets.each_ref().map(|socket| format!("http://{}", socket.local_addr().unwrap()));
    let (one, other) = (World::of_set(0, &urls).await, World::of_set(1, &urls).await);
    let mut servers = JoinSet::new();
    for (socket, world) in sockets.into_iter().zip([&one, &other]) {
        let router = api::router(world.jobs.clone());
        servers.spawn(async move { axum::serve(socket, router).await });
    }
    let job = one.job().await;
    other.job().await;
    // of which one has the descriptor, tells of its assignment,
    one.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    let frame = assignment(&one.jobs, job, [0, 1]);
    one.send("POST", "/api/v1/assignments", frame.clone()).await;
    peers::push_assignment(&one.jobs, &frame).await;
    assert!(other.jobs.core.lock().await.jobs[&job].assignments.contains_key(&Assignment::hash(&frame)));
    // and gets the one node's result, while the other oracle gets the other's.
    one.send("POST", "/api/v1/results", result(&frame, job, 0, 8, [0; 32])).await;
    other.send("POST", "/api/v1/results", result(&frame, job, 1, 8, [0; 32])).await;
    // When both ask each other, both come to the same verdict.
    peers::pull(&one.jobs, &job).await;
    peers::pull(&other.jobs, &job).await;
    let mut outcomes = Vec::new();
    for world in [&one, &other] {
        outcomes.push(world.send("GET", &path(&job, ""), vec![]).await.1["outcome"].clone());
    }
    assert_eq!(outcomes[0]["kind"], "completed");
    assert_eq!(outcomes[0], outcomes[1]);
}

#[tokio::test]
async fn a_result_whose_assignment_is_unknown_here_makes_the_oracle_ask_its_peers() {
    let sockets = [listen().await, listen().await];
    let urls = sockets.each_ref().map(|socket| format!("http://{}", socket.local_addr().unwrap()));
    let (one, other) = (World::of_set(0, &urls).await, World::of_set(1, &urls).await);
    let [socket, _] = sockets;
    let router = api::router(one.jobs.clone());
    let mut servers = JoinSet::new();
    servers.spawn(async move { axum::serve(socket, router).await });
    let job = one.job().await;
    other.job().await;
    one.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    let frame = assignment(&one.jobs, job, [0, 1]);
    one.send("POST", "/api/v1/assignments", frame.clone()).await;
    let (status, body) = other.send("POST", "/api/v1/results", result(&frame, job, 0, 8, [0; 32])).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"accepted".into()));
}

async fn listen() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}
