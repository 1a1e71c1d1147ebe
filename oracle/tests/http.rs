//! Real oracles on loopback: real HTTP, real logs, a fake chain. An epoch from the first heartbeat to the proofs, with
//! an oracle that is down over the epoch's end; and what an oracle knows after it died.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytemuck::Zeroable;
use muster_client::Pubkey;
use muster_client::chain::Chain;
use muster_client::events::Event;
use muster_client::history::History;
use muster_network::ApproveRootArgs;
use muster_network::events::{NodeAccepted, NodeBound};
use muster_network::state::{
    Distribution, Epoch, OracleSet, Root, ViewSet, epoch_status, node_status, settlement_state,
};
use muster_oracle::context::Identity;
use muster_oracle::log::Disk;
use muster_oracle::registry::ledger::{Answer as LedgerAnswer, Ledger, LedgerError};
use muster_oracle::registry::{NodeInfo, OraclePeer, OracleSetInfo, ProjectInfo, Registry, TenureInfo};
use muster_oracle::server::{Boot, JobPart, Running, start};
use muster_oracle::settings::{Settings, SettingsArgs};
use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, Status, push_frame};
use muster_protocol::merkle::{distribution_leaf, verify};
use muster_protocol::points::Formula;
use muster_protocol::reason::Reason;
use muster_protocol::scores::{Score, Scores};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::{EpochIndex, Schedule};
use muster_protocol::view::View;
use muster_protocol::votes::{RootVote, root_vote_hash};
use muster_protocol::wire::{Domain, Frame};
use serde_json::Value;
use solana_sdk::signature::Keypair;

#[path = "http/roots.rs"]
mod roots;
#[path = "http/service.rs"]
mod service;
#[path = "http/transparency.rs"]
mod transparency;

const EPOCH_S: u64 = 60;
const BUCKET_S: u64 = 10;
const EPOCH: u64 = 28_000_000;
const PROJECT: [u8; 32] = [30; 32];
const DISTRIBUTION: [u8; 32] = [31; 32];
const NODES: usize = 3;

fn schedule() -> Schedule {
    Schedule::new(EPOCH_S, BUCKET_S).unwrap()
}

fn domain() -> Domain {
    Domain { genesis_tag: [4; 8], program: muster_network::ID.to_bytes() }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).verifying_key().to_bytes()
}

fn node_seed(node: usize) -> u8 {
    100 + node as u8
}

const SETTLER: u8 = 50;
const OWNER: u8 = 51;

fn base58(bytes: &[u8; 32]) -> String {
    bs58::encode(bytes).into_string()
}

/// What all oracles see; a chain without transactions.
struct FakeChain {
    now_ms: AtomicU64,
    inner: Mutex<FakeState>,
}

struct FakeState {
    registry: Registry,
    view_sets: BTreeMap<u64, ViewSet>,
    settlements: HashMap<u64, Epoch>,
    is_down: bool,
    /// What each oracle has to pay with.
    lamports: u64,
    /// Calls that failed because the chain was down.
    failed_calls: u32,
    /// Others' votes reach the threshold a moment before each vote that comes in.
    is_overtaking: bool,
    /// Every vote that was tried, by oracle, the newest.
    tried_votes: HashMap<[u8; 32], ApproveRootArgs>,
    /// Every correction that was voted for, by oracle.
    tried_corrections: HashMap<[u8; 32], ApproveRootArgs>,
}

/// One oracle's way to the fake chain.
struct FakeLedger {
    chain: Arc<FakeChain>,
    oracle: [u8; 32],
}

/// A bind and an accept of every node, one second after the beginning of time.
fn history() -> History {
    let mut history = History::new(PROJECT.into());
    for node in 0..NODES {
        let (address, tenure) = (Pubkey::from([40 + node as u8; 32]), Pubkey::from([60 + node as u8; 32]));
        let node_key = public(node_seed(node)).into();
        let bound = NodeBound {
            stream: PROJECT.into(),
            seq: 2 * node as u64 + 1,
            timestamp: 1,
            node: address,
            licence: Pubkey::default(),
            serial: node as u32,
            holder: [70 + node as u8; 32].into(),
            node_key,
            tenure,
            tenure_number: 1,
            leaf_index: node as u32,
            from_epoch: 0,
            payout: Pubkey::default(),
            payout_owner: Pubkey::default(),
            metadata_hash: [0; 32],
        };
        let accepted = NodeAccepted { stream: bound.stream, seq: bound.seq + 1, timestamp: 1, node: address, node_key };
        history.apply(&Event::NodeBound(bound)).unwrap();
        history.apply(&Event::NodeAccepted(accepted)).unwrap();
    }
    history
}

impl FakeChain {
    fn new() -> Arc<Self> {
        let formula = Formula { w_uptime: 8_000, w_task: 2_000, cap: 10_000, min_uptime_bps: 0 };
        let mut registry = Registry { grace_s: 20, ..Registry::default() };
        registry.oracle_set = OracleSetInfo { version: 1, threshold: 2, oracles: Vec::new() };
        registry.projects.insert(
            PROJECT,
            ProjectInfo {
                project: PROJECT,
                distribution: DISTRIBUTION,
                owner: public(OWNER),
                settler: public(SETTLER),
                next_epoch: EPOCH,
                formulas: (formula, formula),
                next_formula_epoch: 0,
                seq: 2 * NODES as u64,
            },
        );
        registry.histories.insert(PROJECT, history().into());
        registry.distributions.insert(PROJECT, Distribution::zeroed());
        for node in 0..NODES {
            let tenure = [60 + node as u8; 32];
            registry.insert_node(NodeInfo {
                node: [40 + node as u8; 32],
                project: PROJECT,
                node_key: public(node_seed(node)),
                tenure,
                status: node_status::ACTIVE,
                accepted_at: 1,
                suspended: (0, 0),
                until_epoch: u64::MAX,
                maintenance: (0, 0),
            });
            let info = TenureInfo {
                tenure,
                node: [40 + node as u8; 32],
                project: PROJECT,
                holder: [70 + node as u8; 32],
                operator: [0; 32],
                leaf_index: node as u32,
                until_epoch: u64::MAX,
            };
            registry.tenures.insert(tenure, info);
        }
        let inner = FakeState {
            registry,
            view_sets: BTreeMap::new(),
            settlements: HashMap::new(),
            is_down: false,
            lamports: 1_000_000_000,
            failed_calls: 0,
            is_overtaking: false,
            tried_votes: HashMap::new(),
            tried_corrections: HashMap::new(),
        };
        let now_ms = AtomicU64::new((EPOCH * EPOCH_S + 1) * 1000);
        Arc::new(Self { now_ms, inner: Mutex::new(inner) })
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    /// Moves the clock to so many milliseconds after the epoch's start.
    fn at(&self, into_epoch_ms: u64) {
        self.now_ms.store(EPOCH * EPOCH_S * 1000 + into_epoch_ms, Ordering::SeqCst);
    }

    fn with<T>(&self, f: impl FnOnce(&mut FakeState) -> T) -> T {
        f(&mut self.inner.lock().unwrap())
    }
}

impl FakeLedger {
    fn answer<'a, T: Send + 'a>(
        &'a self,
        f: impl FnOnce(&mut FakeState, i64) -> Result<T, LedgerError> + Send + 'a,
    ) -> LedgerAnswer<'a, T> {
        Box::pin(async move {
            let now_s = (self.chain.now_ms() / 1000) as i64;
            self.chain.with(|state| {
                if state.is_down {
                    state.failed_calls += 1;
                    return Err(LedgerError::new("the fake chain is down"));
                }
                f(state, now_s)
            })
        })
    }
}

/// The set as its account holds it.
fn on_chain(set: &OracleSetInfo) -> OracleSet {
    let mut account = OracleSet::zeroed();
    for (entry, oracle) in account.oracles.iter_mut().zip(&set.oracles) {
        entry.key = oracle.key.into();
    }
    account.count = set.oracles.len() as u8;
    account.set_version = set.version;
    account.threshold = set.threshold;
    account
}

impl Ledger for FakeLedger {
    fn registry(&self) -> LedgerAnswer<'_, Registry> {
        self.answer(|state, clock_s| Ok(Registry { clock_s, ..state.registry.clone() }))
    }

    fn view_set(&self, epoch: u64, _: u64) -> LedgerAnswer<'_, Option<ViewSet>> {
        self.answer(move |state, _| Ok(state.view_sets.get(&epoch).copied()))
    }

    fn settlement(&self, _: [u8; 32], epoch: u64, _: u64) -> LedgerAnswer<'_, Option<Epoch>> {
        self.answer(move |state, _| Ok(state.settlements.get(&epoch).copied()))
    }

    fn balance(&self) -> LedgerAnswer<'_, u64> {
        self.answer(|state, _| Ok(state.lamports))
    }

    fn commit_views(&self, epoch: u64, hashes: Vec<[u8; 32]>) -> LedgerAnswer<'_, String> {
        self.answer(move |state, now_s| {
            let set = &state.registry.oracle_set;
            let position = set.position(&self.oracle).ok_or_else(|| LedgerError::new("not an oracle"))?;
            let end_s = ((epoch + 1) * EPOCH_S) as i64;
            let views = state.view_sets.entry(epoch).or_insert_with(ViewSet::zeroed);
            views.epoch = epoch;
            views.enter_set(&on_chain(set));
            if now_s < end_s || views.is_closed(now_s, end_s + 20) {
                return Err(LedgerError::new("the view set is not open"));
            }
            views.put_row(position, &hashes);
            Ok("commit".into())
        })
    }

    fn approve_root(&self, project: [u8; 32], args: ApproveRootArgs) -> LedgerAnswer<'_, String> {
        self.answer(move |state, _| {
            state.tried_votes.insert(self.oracle, args.clone());
            if state.lamports == 0 {
                return Err(LedgerError::unfunded("the fake payer has no lamports"));
            }
            let set = state.registry.oracle_set.clone();
            let position = set.position(&self.oracle).ok_or_else(|| LedgerError::new("not an oracle"))?;
            let distribution =
                state.registry.distributions.get_mut(&project).ok_or_else(|| LedgerError::new("no distribution"))?;
            if state.is_overtaking {
                distribution.open_state = settlement_state::APPROVED;
                distribution.pending_version = set.version;
            }
            if distribution.open_state == settlement_state::APPROVED {
                return Err(LedgerError::refused("AlreadyApproved", "the settlement is approved already"));
            }
            if distribution.open_state != settlement_state::SETTLED {
                return Err(LedgerError::new("nothing to vote on"));
            }
            let settlement = state.settlements.get_mut(&args.epoch).ok_or_else(|| LedgerError::new("no settlement"))?;
            if args.dataset_hash != settlement.dataset_hash || args.total != settlement.node_pool {
                return Err(LedgerError::new("another dataset or total"));
            }
            let vote = vote_hash(project, &args, set.version);
            distribution.votes_version = set.version;
            distribution.votes[position] = vote;
            let equal = distribution.votes.iter().filter(|other| **other == vote).count();
            if equal >= usize::from(set.threshold) {
                distribution.open_state = settlement_state::APPROVED;
                distribution.pending_version = set.version;
                distribution.pending = Root {
                    root: args.root,
                    epoch: args.epoch,
                    total: args.total,
                    count: args.count,
                    ..Root::default()
                };
                settlement.status = epoch_status::APPROVED;
            }
            Ok("approve".into())
        })
    }

    fn correct_root(&self, project: [u8; 32], args: ApproveRootArgs) -> LedgerAnswer<'_, String> {
        self.answer(move |state, _| {
            let set = state.registry.oracle_set.clone();
            let position = set.position(&self.oracle).ok_or_else(|| LedgerError::new("not an oracle"))?;
            let distribution =
                state.registry.distributions.get_mut(&project).ok_or_else(|| LedgerError::new("no distribution"))?;
            let held = distribution.pending;
            if (args.epoch, args.total, args.revision) != (held.epoch, held.total, held.revision + 1) {
                return Err(LedgerError::new("another epoch, total or revision than the held root's"));
            }
            distribution.correction_version = set.version;
            distribution.correction_votes[position] = vote_hash(project, &args, set.version);
            state.tried_corrections.insert(self.oracle, args);
            Ok("correct".into())
        })
    }
}

/// What a vote on this root hashes to.
fn vote_hash(project: [u8; 32], args: &ApproveRootArgs, set_version: u32) -> [u8; 32] {
    root_vote_hash(&RootVote {
        project,
        epoch: args.epoch,
        revision: args.revision,
        root: args.root,
        total: args.total,
        count: args.count,
        dataset_hash: args.dataset_hash,
        log_head: args.log_head,
        set_version,
    })
}

async fn oracle(chain: &Arc<FakeChain>, seed: u8, data_dir: &Path) -> Running {
    oracle_with(chain, seed, data_dir, false).await
}

async fn oracle_with(chain: &Arc<FakeChain>, seed: u8, data_dir: &Path, fakes_wrong_bit: bool) -> Running {
    oracle_set_up(chain, seed, data_dir, |settings| Settings { fakes_wrong_bit, ..settings }).await
}

async fn oracle_set_up(
    chain: &Arc<FakeChain>,
    seed: u8,
    data_dir: &Path,
    set_up: impl FnOnce(Settings) -> Settings,
) -> Running {
    let defaults = SettingsArgs::defaults();
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        ops_listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: data_dir.into(),
        poll_ms: 100,
        ..Settings::new(&defaults, "http://127.0.0.1:1".into())
    };
    let settings = set_up(settings);
    let clock = chain.clone();
    let boot = Boot {
        identity: Identity::new(Keypair::new_from_array([seed; 32])),
        domain: domain(),
        genesis_hash: [4; 32],
        schedule: schedule(),
        chain: Chain::new("http://127.0.0.1:1"),
        ledger: Arc::new(FakeLedger { chain: chain.clone(), oracle: public(seed) }),
        clock: Arc::new(move || clock.now_ms()),
        storage: Arc::new(Disk),
        settings,
    };
    start(boot, async |_| Ok(JobPart::default())).await.unwrap()
}

/// Names the running oracles on the fake chain, in the order of their seeds.
fn announce(chain: &FakeChain, running: &[(u8, &Running)]) {
    chain.with(|state| {
        for (seed, oracle) in running {
            let peer = OraclePeer { key: public(*seed), url: format!("http://{}", oracle.address) };
            let oracles = &mut state.registry.oracle_set.oracles;
            match oracles.iter_mut().find(|other| other.key == peer.key) {
                Some(entry) => *entry = peer,
                None => oracles.push(peer),
            }
        }
    });
}

async fn get(oracle: &Running, path: &str) -> Value {
    let response = reqwest::get(format!("http://{}{path}", oracle.address)).await.unwrap();
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path} gave {text}"))
}

async fn get_bytes(oracle: &Running, path: &str) -> (u16, Vec<u8>) {
    let response = reqwest::get(format!("http://{}{path}", oracle.address)).await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "{what} did not come within 30 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Sender {
    seed: u8,
    seq: u64,
}

/// An accepted frame, its receipt and the bucket that it proves.
struct Kept {
    frame: Vec<u8>,
    receipt: Vec<u8>,
    bucket: u32,
    node: [u8; 32],
}

impl Sender {
    async fn frame(&mut self, chain: &FakeChain, oracle: &Running) -> (Heartbeat, Vec<u8>) {
        let tick = get(oracle, "/api/v1/tick").await;
        let (epoch, bucket) = schedule().bucket_at_ms(chain.now_ms());
        let mut receipt_root = [0; 32];
        hex::decode_to_slice(tick["receipt_root"].as_str().unwrap(), &mut receipt_root).unwrap();
        self.seq += 1;
        let heartbeat = Heartbeat {
            oracle_key: oracle.ctx.identity.key,
            node_key: public(self.seed),
            epoch,
            bucket,
            sent_at_ms: chain.now_ms(),
            seq: self.seq,
            bitmap_digest: [0; 32],
            receipt_root,
            status: Status::Online,
            cpu_permille: 1,
            memory_permille: 2,
            workloads: Vec::new(),
        };
        let frame = heartbeat.encode_signed(&domain(), &key(self.seed)).unwrap();
        (heartbeat, frame)
    }

    async fn send(&mut self, chain: &FakeChain, oracle: &Running) -> Kept {
        let (heartbeat, frame) = self.frame(chain, oracle).await;
        let answer = post(oracle, std::slice::from_ref(&frame)).await;
        assert_eq!(answer.verdicts[0].reason, Reason::Accepted);
        let receipt = answer.receipts[0].clone();
        Kept { frame, receipt, bucket: heartbeat.bucket.get(), node: heartbeat.node_key }
    }
}

async fn post_body(oracle: &Running, kind: &str, body: Vec<u8>) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("http://{}/api/v1/heartbeats", oracle.address))
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn post(oracle: &Running, frames: &[Vec<u8>]) -> Answer {
    let mut body = Vec::new();
    for frame in frames {
        push_frame(&mut body, frame).unwrap();
    }
    let response = post_body(oracle, "application/octet-stream", body).await;
    assert_eq!(response.status(), 200);
    let answer = Answer::decode(&response.bytes().await.unwrap()).unwrap();
    let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    answer.verify(&domain(), &oracle.ctx.identity.key, &slices).unwrap();
    answer
}

fn senders() -> Vec<Sender> {
    (0..NODES).map(|node| Sender { seed: node_seed(node), seq: 5 }).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_oracle_acknowledged_it_knows_after_it_died() {
    let chain = FakeChain::new();
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let alive = oracle(&chain, 1, folder.path()).await;
    announce(&chain, &[(1, &alive)]);
    let mut kept = Vec::new();
    let mut senders = senders();
    for bucket in 0..4 {
        chain.at(bucket * 10_000 + 5_000);
        for sender in &mut senders {
            kept.push(sender.send(&chain, &alive).await);
        }
    }
    // The folder as it is at this moment is what a killed process leaves.
    copy_folder(folder.path(), copy.path());
    let risen = oracle(&chain, 1, copy.path()).await;
    for kept in &kept {
        let path = format!("/api/v1/nodes/{}/uptime?epoch={EPOCH}", base58(&kept.node));
        let uptime = get(&risen, &path).await;
        let bitmap = hex::decode(uptime["bitmap"].as_str().unwrap()).unwrap();
        assert!(bitmap[0] >> kept.bucket & 1 == 1, "a receipt without its bit: {uptime}");
        assert_eq!((&uptime["counted"], &uptime["status"]), (&Value::from(4), &Value::from("online")));
    }
    // The last bytes of each node get the very same receipt again.
    for kept in &kept[kept.len() - NODES..] {
        let answer = post(&risen, std::slice::from_ref(&kept.frame)).await;
        assert_eq!(answer.receipts[0], kept.receipt);
    }
    let first = &kept[0];
    let answer = post(&risen, std::slice::from_ref(&first.frame)).await;
    assert_eq!(answer.verdicts[0].reason, Reason::StaleSeq);
    assert_eq!(answer.verdicts[0].last_seq, 9);
    let stats = get(&risen, "/api/v1/stats").await;
    assert_eq!((&stats["received"], &stats["accepted"]), (&Value::from(4), &Value::from(3)));
    assert_eq!(stats["rejected"]["stale_seq"], 1);
    risen.stop().await.unwrap();
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_gets_a_reason_and_changes_nothing_else() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, 1, folder.path()).await;
    announce(&chain, &[(1, &alive)]);
    chain.at(15_000);
    let mut sender = Sender { seed: node_seed(0), seq: 1 };
    let (_, good) = sender.frame(&chain, &alive).await;
    let mut forged = good.clone();
    let at = forged.len() - 32;
    forged[at] ^= 1;
    let (_, unknown) = Sender { seed: 99, seq: 1 }.frame(&chain, &alive).await;
    chain.at(5_000);
    let (_, early) = sender.frame(&chain, &alive).await;
    chain.at(15_000);
    let answer = post(&alive, &[forged, unknown, early, good, vec![1, 2, 3]]).await;
    let reasons: Vec<Reason> = answer.verdicts.iter().map(|verdict| verdict.reason).collect();
    use Reason::*;
    assert_eq!(reasons, [BadSignature, UnknownNode, WrongBucket, Accepted, Malformed]);
    assert!(answer.verdicts.iter().all(|verdict| verdict.received_at_ms == chain.now_ms()));

    for (kind, body, status) in [
        ("application/octet-stream", vec![0; 300 << 10], 413),
        ("application/octet-stream", vec![7], 400),
        ("application/json", b"{}".to_vec(), 415),
    ] {
        let response = post_body(&alive, kind, body).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert!(problem["reason"].is_string() && problem["detail"].is_string(), "{problem}");
    }
    let stats = get(&alive, "/api/v1/stats").await;
    let number = |key: &str| stats[key].as_u64().unwrap();
    assert_eq!(number("received"), 8);
    assert_eq!(stats["rejected"]["too_large"], 1);
    assert_eq!(stats["jobs"], Value::Null, "an oracle without a database takes part in no job");
    assert_eq!(number("accepted") + number("rejected_total") + number("shed"), number("received"));
    assert_eq!(get(&alive, "/api/v1/nowhere").await["reason"], "no_such_route");
    assert_eq!(get(&alive, "/api/v1/nodes/xyz/uptime").await["reason"], "bad_address");
    // An RPC that fails takes nobody away.
    chain.with(|state| state.is_down = true);
    until("two failed looks at the chain", async || chain.with(|state| state.failed_calls >= 2)).await;
    sender.seq += 1;
    sender.send(&chain, &alive).await;
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_seq_and_an_unaccepted_node_are_told_and_counted_and_move_no_bit() {
    let chain = FakeChain::new();
    // Node 1 is bound, its key has not accepted.
    chain.with(|state| {
        let node = state.registry.nodes.get_mut(&public(node_seed(1))).unwrap();
        (node.status, node.accepted_at) = (node_status::BOUND, 0);
    });
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, 1, folder.path()).await;
    announce(&chain, &[(1, &alive)]);
    chain.at(5_000);
    let mut accepted = Sender { seed: node_seed(0), seq: 10 };
    accepted.send(&chain, &alive).await;
    chain.at(15_000);
    let (_, stale) = Sender { seed: node_seed(0), seq: 9 }.frame(&chain, &alive).await;
    let (_, equal) = Sender { seed: node_seed(0), seq: 10 }.frame(&chain, &alive).await;
    let (_, unaccepted) = Sender { seed: node_seed(1), seq: 1 }.frame(&chain, &alive).await;
    let before = state_of(&alive);
    assert_eq!(before.1.len(), 1);
    let stats = get(&alive, "/api/v1/stats").await;

    let answer = post(&alive, &[stale, equal, unaccepted]).await;
    let told: Vec<_> = answer.verdicts.iter().map(|verdict| (verdict.reason, verdict.last_seq)).collect();
    assert_eq!(told, [(Reason::StaleSeq, 11), (Reason::StaleSeq, 11), (Reason::NotAcceptedYet, 0)]);
    assert!(answer.receipts.is_empty(), "nothing was kept, so nothing is acknowledged");

    let after = get(&alive, "/api/v1/stats").await;
    let more = |key: &str| after[key].as_u64().unwrap() - stats[key].as_u64().unwrap();
    assert_eq!((more("received"), more("accepted"), more("rejected_total"), more("shed")), (3, 0, 3, 0));
    assert_eq!(after["rejected"], serde_json::json!({"not_accepted_yet": 1, "stale_seq": 2}));
    assert_eq!(state_of(&alive), before);
    // The signed view says the same, with the refusals beside it.
    chain.at(EPOCH_S * 1000 + 9_000);
    let path = format!("/api/v1/views/{EPOCH}");
    until("the view", async || get_bytes(&alive, &path).await.0 == 200).await;
    let view = View::decode_verified(&domain(), &get_bytes(&alive, &path).await.1).unwrap();
    let node = view.node(&public(node_seed(0))).unwrap();
    assert_eq!((node.bitmap.count(), &node.refused[..]), (1, &[(Reason::StaleSeq, 2)][..]));
    let node = view.node(&public(node_seed(1))).unwrap();
    assert_eq!((node.bitmap.count(), &node.refused[..]), (0, &[(Reason::NotAcceptedYet, 1)][..]));
    alive.stop().await.unwrap();
}

/// What counts of the epoch: the nodes with a bit or a frame, and the sequence number that each is at.
fn state_of(oracle: &Running) -> (u64, Vec<(String, String, String)>) {
    let core = oracle.ingest.core();
    let view = core.epoch(EPOCH).unwrap().view(oracle.ctx.identity.key, EPOCH);
    let nodes = view.nodes.iter().filter(|node| node.bitmap.count() > 0 || !node.last_frame.is_empty());
    let nodes = nodes.map(|node| {
        let bits = hex::encode(node.bitmap.as_bytes());
        (base58(&node.node_key), bits, hex::encode(&node.last_frame))
    });
    (core.counters().accepted, nodes.collect())
}

/// The settler's statement, out of what one oracle says.
async fn settle(chain: &FakeChain, oracle: &Running, node_pool: u64) {
    let epoch = get(oracle, &format!("/api/v1/projects/{}/epochs/{EPOCH}", base58(&PROJECT))).await;
    let hash = |key: &str| {
        let mut hash = [0; 32];
        hex::decode_to_slice(epoch[key].as_str().unwrap(), &mut hash).unwrap();
        hash
    };
    let mut settlement = Epoch::zeroed();
    settlement.project = PROJECT.into();
    settlement.points_root = hash("points_root");
    settlement.dataset_hash = hash("dataset_hash");
    settlement.scores_hash = hash("scores_hash");
    settlement.epoch = EPOCH;
    settlement.total_points = epoch["total_points"].as_u64().unwrap();
    settlement.node_count = epoch["node_count"].as_u64().unwrap() as u32;
    settlement.node_pool = node_pool;
    settlement.status = epoch_status::SETTLED;
    chain.with(|state| {
        state.settlements.insert(EPOCH, settlement);
        let distribution = state.registry.distributions.get_mut(&PROJECT).unwrap();
        distribution.open_epoch = EPOCH;
        distribution.open_node_pool = node_pool;
        distribution.open_state = settlement_state::SETTLED;
    });
}

fn activate(chain: &FakeChain) {
    chain.with(|state| {
        let distribution = state.registry.distributions.get_mut(&PROJECT).unwrap();
        let pending = distribution.pending;
        distribution.allocated = pending.total;
        distribution.push_root(pending);
        distribution.open_state = settlement_state::NONE;
        state.settlements.get_mut(&EPOCH).unwrap().status = epoch_status::FINAL;
        state.registry.projects.get_mut(&PROJECT).unwrap().next_epoch = EPOCH + 1;
    });
}

fn scores() -> Vec<u8> {
    let scores = Scores {
        project: PROJECT,
        epoch: EpochIndex::new(EPOCH),
        settler: public(SETTLER),
        entries: vec![Score { index: 1, score_bps: 5_000 }],
    };
    scores.encode_signed(&domain(), &key(SETTLER)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_oracles_bring_an_epoch_to_its_proofs_although_one_dies_on_the_way() {
    let chain = FakeChain::new();
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut oracles = Vec::new();
    for (seed, folder) in (1u8..).zip(&folders) {
        oracles.push(oracle(&chain, seed, folder.path()).await);
    }
    announce(&chain, &[(1, &oracles[0]), (2, &oracles[1]), (3, &oracles[2])]);
    // Node 0 reaches all oracles in all buckets, 1 only one oracle in the second half, 2 sends for three buckets.
    let mut senders = senders();
    let mut receipts = HashSet::new();
    for bucket in 0..6u64 {
        chain.at(bucket * 10_000 + 3_000);
        for (node, sender) in senders.iter_mut().enumerate() {
            for (number, oracle) in oracles.iter().enumerate() {
                let sends = match node {
                    0 => true,
                    1 => bucket < 3 || number == 0,
                    _ => bucket < 3,
                };
                if sends {
                    let kept = sender.send(&chain, oracle).await;
                    receipts.insert((number, kept.node, kept.bucket));
                }
            }
        }
    }
    // The third oracle dies before the epoch's end.
    oracles.pop().unwrap().stop().await.unwrap();

    let url = format!("http://{}/api/v1/projects/{}/epochs/{EPOCH}/scores", oracles[0].address, base58(&PROJECT));
    let put = |body: Vec<u8>| reqwest::Client::new().put(&url).body(body).send();
    assert_eq!(put(scores()).await.unwrap().status(), 201);
    assert_eq!(put(scores()).await.unwrap().status(), 200);
    let mut forged = scores();
    forged[100] ^= 1;
    assert_eq!(put(forged).await.unwrap().status(), 400);

    chain.at(EPOCH_S * 1000 + 9_000);
    let project = base58(&PROJECT);
    let path = format!("/api/v1/projects/{project}/epochs/{EPOCH}");
    until("two views", async || chain.with(|s| s.view_sets.get(&EPOCH).is_some_and(|v| v.in_count == 2))).await;
    assert_eq!(get(&oracles[0], &path).await["state"], "grace");
    chain.at(EPOCH_S * 1000 + 21_000);
    for oracle in &oracles {
        until("points", async || get(oracle, &path).await["state"] == "ready").await;
    }
    let (one, two) = (get(&oracles[0], &path).await, get(&oracles[1], &path).await);
    assert_eq!(one["dataset_hash"], two["dataset_hash"], "{one} {two}");
    let rows = one["rows"].as_array().unwrap();
    let counted: Vec<u64> = rows.iter().map(|row| row["counted"].as_u64().unwrap()).collect();
    let points: Vec<u64> = rows.iter().map(|row| row["points"].as_u64().unwrap()).collect();
    // Node 1's second half was seen by one oracle alone; its score of 50 % adds 1,000 points.
    assert_eq!((counted, points), (vec![6, 3, 3], vec![8_000, 5_000, 4_000]));

    settle(&chain, &oracles[0], 1_700).await;
    until("the approval", async || {
        chain.with(|state| state.registry.distributions[&PROJECT].open_state == settlement_state::APPROVED)
    })
    .await;

    // The dead oracle rises: all that it acknowledged is in its view, and it learns what it missed.
    let risen = oracle(&chain, 3, folders[2].path()).await;
    announce(&chain, &[(3, &risen)]);
    activate(&chain);
    oracles.push(risen);
    for (number, oracle) in oracles.iter().enumerate() {
        until("the view", async || get_bytes(oracle, &format!("/api/v1/views/{EPOCH}")).await.0 == 200).await;
        let (_, bytes) = get_bytes(oracle, &format!("/api/v1/views/{EPOCH}")).await;
        let view = View::decode_verified(&domain(), &bytes).unwrap();
        for (_, node, bucket) in receipts.iter().filter(|receipt| receipt.0 == number) {
            let seen = view.node(node).expect("a node with receipts is in the view");
            assert!(seen.bitmap.get((*bucket).into()), "a receipt without its bit");
        }
        until("the end", async || get(oracle, &path).await["state"] == "final").await;
        let root = chain.with(|state| state.registry.distributions[&PROJECT].roots[0]);
        let mut sum = 0;
        for index in 0..NODES as u32 {
            let tenure = [60 + index as u8; 32];
            let proof_path = format!("/api/v1/projects/{project}/proofs/{}", base58(&tenure));
            until("the proof", async || get(oracle, &proof_path).await["proof"].is_array()).await;
            let found = get(oracle, &proof_path).await;
            let cumulative: u64 = found["cumulative"].as_str().unwrap().parse().unwrap();
            let program = muster_network::ID.to_bytes();
            let leaf = distribution_leaf(&program, &DISTRIBUTION, &tenure, index, cumulative);
            let proof: Vec<[u8; 32]> = found["proof"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hash| hex::decode(hash.as_str().unwrap()).unwrap().try_into().unwrap())
                .collect();
            assert!(verify(&root.root, &leaf, index, root.count, &proof));
            sum += cumulative;
        }
        assert_eq!(sum, 1_700);
    }
    for oracle in oracles {
        oracle.stop().await.unwrap();
    }
}

/// Oracles that have seen node 0 in all buckets and node 1 in half of them, brought to the end of the grace.
async fn brought_to_points(chain: &Arc<FakeChain>, oracles: &[Running]) -> String {
    for bucket in 0..6u64 {
        chain.at(bucket * 10_000 + 3_000);
        for oracle in oracles {
            for node in 0..if bucket < 3 { 2 } else { 1 } {
                Sender { seed: node_seed(node), seq: bucket + 1 }.send(chain, oracle).await;
            }
        }
    }
    let views = oracles.len();
    chain.at(EPOCH_S * 1000 + 9_000);
    until("the views", async || {
        chain.with(|state| state.view_sets.get(&EPOCH).is_some_and(|set| usize::from(set.in_count) == views))
    })
    .await;
    chain.at(EPOCH_S * 1000 + 21_000);
    let path = format!("/api/v1/projects/{}/epochs/{EPOCH}", base58(&PROJECT));
    for oracle in oracles {
        until("points", async || get(oracle, &path).await["state"] == "ready").await;
    }
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oracle_with_a_wrong_bit_computes_another_root_and_the_others_the_same() {
    let chain = FakeChain::new();
    // All three must agree, so none is spared its vote by the others'.
    chain.with(|state| state.registry.oracle_set.threshold = 3);
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut oracles = Vec::new();
    for (seed, folder) in (1u8..).zip(&folders) {
        oracles.push(oracle_with(&chain, seed, folder.path(), seed == 2).await);
    }
    announce(&chain, &[(1, &oracles[0]), (2, &oracles[1]), (3, &oracles[2])]);
    brought_to_points(&chain, &oracles).await;
    settle(&chain, &oracles[0], 1_000_000_007).await;
    until("three votes", async || chain.with(|state| state.tried_votes.len() == 3)).await;

    let votes = chain.with(|state| [1, 2, 3].map(|seed| state.tried_votes[&public(seed)].clone()));
    let [right, wrong, other] = &votes;
    assert_eq!((right.root, right.log_head), (other.root, other.log_head));
    assert_ne!(right.root, wrong.root);
    assert_eq!((right.total, right.count, right.dataset_hash), (wrong.total, wrong.count, wrong.dataset_hash));
    let distribution = chain.with(|state| state.registry.distributions[&PROJECT]);
    assert_eq!(distribution.votes[0], distribution.votes[2]);
    assert_ne!(distribution.votes[0], distribution.votes[1]);
    assert_eq!(distribution.open_state, settlement_state::SETTLED, "two of three are not enough here");

    // When that root was approved all the same, and the guardian holds it.
    chain.with(|state| {
        let distribution = state.registry.distributions.get_mut(&PROJECT).unwrap();
        distribution.open_state = settlement_state::APPROVED;
        distribution.pending_version = state.registry.oracle_set.version;
        distribution.pending = Root {
            root: wrong.root,
            epoch: EPOCH,
            total: wrong.total,
            count: wrong.count,
            held_until: i64::MAX,
            ..Root::default()
        };
    });
    until("two corrections", async || chain.with(|state| state.tried_corrections.len() == 2)).await;
    // Then those who computed another root vote for it in its place, and the one that computed it does not.
    let corrections = chain.with(|state| [1, 3].map(|seed| state.tried_corrections[&public(seed)].clone()));
    for correction in &corrections {
        assert_eq!((correction.root, correction.revision, correction.total), (right.root, 1, right.total));
        assert_ne!(correction.log_head, right.log_head, "the revision is in the ledger");
    }
    assert_eq!(corrections[0].log_head, corrections[1].log_head);
    for oracle in oracles {
        oracle.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_vote_builds_on_a_root_that_the_guardian_holds() {
    // Given a settlement that follows on a root which is held.
    let chain = FakeChain::new();
    let hold = |until: i64| {
        chain.with(|state| {
            state.registry.distributions.get_mut(&PROJECT).unwrap().roots[0].held_until = until;
        });
    };
    hold(i64::MAX);
    chain.with(|state| state.registry.oracle_set.threshold = 1);
    let folder = tempfile::tempdir().unwrap();
    let alone = [oracle(&chain, 1, folder.path()).await];
    announce(&chain, &[(1, &alone[0])]);
    let path = brought_to_points(&chain, &alone).await;
    settle(&chain, &alone[0], 1_000).await;
    // When the oracle sees it, then it waits: its leaves would take over whatever is wrong in the held one.
    until("the reason", async || {
        get(&alone[0], &path).await["why"].as_str().is_some_and(|why| why.contains("nothing is built on it"))
    })
    .await;
    assert!(chain.with(|state| state.tried_votes.is_empty()));
    // And votes once the hold is over, or the root corrected.
    hold(0);
    chain.at(EPOCH_S * 1000 + 40_000);
    until("the vote", async || chain.with(|state| !state.tried_votes.is_empty())).await;
    let [alone] = alone;
    alone.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_others_overtook_is_no_failure() {
    let chain = FakeChain::new();
    chain.with(|state| {
        state.registry.oracle_set.threshold = 1;
        state.is_overtaking = true;
    });
    let folder = tempfile::tempdir().unwrap();
    let alone = [oracle(&chain, 1, folder.path()).await];
    announce(&chain, &[(1, &alone[0])]);
    let path = brought_to_points(&chain, &alone).await;
    settle(&chain, &alone[0], 1_000).await;
    until("the vote", async || chain.with(|state| !state.tried_votes.is_empty())).await;
    until("the report", async || get(&alone[0], &path).await["state"] == "settled").await;
    let report = get(&alone[0], &path).await;
    assert_eq!(report["why"].as_str().unwrap_or_default(), "", "{report}");
    let [alone] = alone;
    alone.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_without_money_waits_and_goes_out_by_itself_once_there_is_some() {
    // Given an oracle whose money is gone when it comes to the vote.
    let chain = FakeChain::new();
    chain.with(|state| state.registry.oracle_set.threshold = 1);
    let folder = tempfile::tempdir().unwrap();
    let alone = [oracle(&chain, 1, folder.path()).await];
    announce(&chain, &[(1, &alone[0])]);
    let path = brought_to_points(&chain, &alone).await;
    chain.with(|state| state.lamports = 0);
    settle(&chain, &alone[0], 1_000).await;
    // Then the vote is tried, refused and said to wait for money.
    until("the reason", async || {
        get(&alone[0], &path).await["why"].as_str().is_some_and(|why| why.contains("no lamports"))
    })
    .await;
    let balance = async || {
        let readyz = get(&alone[0], "/readyz").await;
        let checks = readyz["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["name"] == "balance").unwrap()
    };
    assert_eq!(balance().await["state"], "degraded");
    until("the look at the purse", async || {
        balance().await["detail"].as_str().unwrap().starts_with("empty: 0 lamports")
    })
    .await;
    assert_eq!(chain.with(|state| state.registry.distributions[&PROJECT].open_state), settlement_state::SETTLED);
    // And when money comes, it goes out: no clock moved, nobody asked.
    chain.with(|state| state.lamports = 1_000_000_000);
    until("the approval", async || {
        chain.with(|state| state.registry.distributions[&PROJECT].open_state == settlement_state::APPROVED)
    })
    .await;
    assert_eq!(balance().await["state"], "ok");
    let [alone] = alone;
    alone.stop().await.unwrap();
}
