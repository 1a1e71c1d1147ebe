//! A running oracle over a fake chain that only knows nodes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster_client::chain::Chain;
use muster_network::ApproveRootArgs;
use muster_network::state::{Epoch, ViewSet, node_status};
use muster_oracle::context::{Identity, system_clock};
use muster_oracle::registry::ledger::{Answer as LedgerAnswer, Ledger, LedgerError};
use muster_oracle::registry::{NodeInfo, OraclePeer, Registry};
use muster_oracle::server::{Boot, JobPart, Running, start};
use muster_oracle::settings::{Settings, SettingsArgs};
use muster_protocol::heartbeat::{Heartbeat, Status, push_frame};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::{Domain, Frame};
use serde_json::Value;
use solana_sdk::signature::Keypair;

pub const ORACLE: u8 = 1;
pub const NODES: u8 = 40;

pub fn schedule() -> Schedule {
    Schedule::new(86_400, 300).unwrap()
}

pub fn domain() -> Domain {
    Domain { genesis_tag: [4; 8], program: muster_network::ID.to_bytes() }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub fn public(seed: u8) -> [u8; 32] {
    key(seed).verifying_key().to_bytes()
}

/// The chain as far as these tests go.
pub struct FakeChain {
    registry: Mutex<Registry>,
    pub lamports: AtomicU64,
    pub is_down: AtomicBool,
}

impl FakeChain {
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::default();
        registry.oracle_set.threshold = 1;
        registry.oracle_set.oracles.push(OraclePeer { key: public(ORACLE), url: String::new() });
        for node in 0..NODES {
            registry.insert_node(NodeInfo {
                node: [node; 32],
                project: [30; 32],
                node_key: public(100 + node),
                tenure: [60 + node; 32],
                status: node_status::ACTIVE,
                accepted_at: 1,
                suspended: (0, 0),
                until_epoch: u64::MAX,
                maintenance: (0, 0),
            });
        }
        let lamports = AtomicU64::new(1_000_000_000);
        Arc::new(Self { registry: Mutex::new(registry), lamports, is_down: AtomicBool::new(false) })
    }

    /// Another oracle comes into the set.
    pub fn join(&self, seed: u8, url: &str) {
        let peer = OraclePeer { key: public(seed), url: url.into() };
        self.registry.lock().unwrap().oracle_set.oracles.push(peer);
    }
}

struct FakeLedger(Arc<FakeChain>);

impl FakeLedger {
    fn answer<'a, T: Send + 'a>(
        &'a self,
        f: impl FnOnce() -> Result<T, LedgerError> + Send + 'a,
    ) -> LedgerAnswer<'a, T> {
        Box::pin(async move {
            if self.0.is_down.load(Ordering::SeqCst) {
                return Err(LedgerError::new("the fake chain is down"));
            }
            f()
        })
    }
}

impl Ledger for FakeLedger {
    fn registry(&self) -> LedgerAnswer<'_, Registry> {
        self.answer(|| {
            let clock_s = (system_clock()() / 1000) as i64;
            Ok(Registry { clock_s, ..self.0.registry.lock().unwrap().clone() })
        })
    }

    fn view_set(&self, _: u64, _: u64) -> LedgerAnswer<'_, Option<ViewSet>> {
        self.answer(|| Ok(None))
    }

    fn settlement(&self, _: [u8; 32], _: u64, _: u64) -> LedgerAnswer<'_, Option<Epoch>> {
        self.answer(|| Ok(None))
    }

    fn balance(&self) -> LedgerAnswer<'_, u64> {
        self.answer(|| Ok(self.0.lamports.load(Ordering::SeqCst)))
    }

    fn commit_views(&self, _: u64, _: Vec<[u8; 32]>) -> LedgerAnswer<'_, String> {
        self.answer(|| Ok("commit".into()))
    }

    fn approve_root(&self, _: [u8; 32], _: ApproveRootArgs) -> LedgerAnswer<'_, String> {
        self.answer(|| Ok("approve".into()))
    }

    fn correct_root(&self, _: [u8; 32], _: ApproveRootArgs) -> LedgerAnswer<'_, String> {
        self.answer(|| Ok("correct".into()))
    }
}

pub fn settings(data_dir: &Path) -> Settings {
    let any = "127.0.0.1:0".parse().unwrap();
    Settings {
        listen: any,
        ops_listen: any,
        data_dir: data_dir.into(),
        poll_ms: 100,
        tick_s: 1,
        ..Settings::new(&SettingsArgs::defaults(), "http://127.0.0.1:1".into())
    }
}

pub async fn boot(chain: &Arc<FakeChain>, settings: Settings) -> anyhow::Result<Running> {
    let boot = Boot {
        identity: Identity::new(Keypair::new_from_array([ORACLE; 32])),
        domain: domain(),
        genesis_hash: [4; 32],
        schedule: schedule(),
        chain: Chain::new("http://127.0.0.1:1"),
        ledger: Arc::new(FakeLedger(chain.clone())),
        clock: system_clock(),
        storage: Arc::new(muster_oracle::log::Disk),
        settings,
    };
    start(boot, async |_| Ok(JobPart::default())).await
}

pub async fn oracle(chain: &Arc<FakeChain>, data_dir: &Path) -> Running {
    boot(chain, settings(data_dir)).await.unwrap()
}

pub async fn json(url: &str) -> (u16, Value) {
    let response = reqwest::get(url).await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{url} gave {text}")))
}

/// A body with one frame of a node.
pub async fn body(oracle: &Running, node: u8, seq: u64) -> Vec<u8> {
    let (_, tick) = json(&format!("http://{}/api/v1/tick", oracle.address)).await;
    let now_ms = system_clock()();
    let (epoch, bucket) = schedule().bucket_at_ms(now_ms);
    let mut receipt_root = [0; 32];
    hex::decode_to_slice(tick["receipt_root"].as_str().unwrap(), &mut receipt_root).unwrap();
    let heartbeat = Heartbeat {
        oracle_key: public(ORACLE),
        node_key: public(100 + node),
        epoch,
        bucket,
        sent_at_ms: now_ms,
        seq,
        bitmap_digest: [0; 32],
        receipt_root,
        status: Status::Online,
        cpu_permille: 1,
        memory_permille: 2,
        workloads: Vec::new(),
    };
    let frame = heartbeat.encode_signed(&domain(), &key(100 + node)).unwrap();
    let mut body = Vec::new();
    push_frame(&mut body, &frame).unwrap();
    body
}

/// Whether the oracle takes a heartbeat: what others must not keep it from.
pub async fn serves(oracle: &Running, node: u8, seq: u64) {
    let response = reqwest::Client::new()
        .post(format!("http://{}/api/v1/heartbeats", oracle.address))
        .header("content-type", "application/octet-stream")
        .body(body(oracle, node, seq).await)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let answer = muster_protocol::answer::Answer::decode(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer.verdicts[0].reason, muster_protocol::reason::Reason::Accepted);
}

pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition().await {
        assert!(Instant::now() < deadline, "{what} did not come within 60 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
