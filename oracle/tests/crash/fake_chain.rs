//! A fake RPC node: a network with one oracle and nodes that run, and nothing ever happens.

use std::sync::Arc;

use anchor_lang::{AccountDeserialize, AccountSerialize, Discriminator, Space};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytemuck::Zeroable;
use muster_client::addresses;
use muster_network::state::{Network, Node, OracleSet, Tenure, node_status};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

/// Nodes that run.
pub const NODES: u8 = 32;
/// The oracle's key.
pub const ORACLE_SEED: [u8; 32] = [1; 32];
const GENESIS_HASH: [u8; 32] = [4; 32];
const EPOCH_S: u32 = 3_600;
const BUCKET_S: u32 = 1;
const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";

/// The network's calendar.
pub fn schedule() -> Schedule {
    Schedule::new(EPOCH_S.into(), BUCKET_S.into()).unwrap()
}

/// Which network frames belong to.
pub fn domain() -> Domain {
    Domain::new(&GENESIS_HASH, muster_network::ID.to_bytes())
}

/// A node's key.
pub fn node_key(node: u8) -> SigningKey {
    SigningKey::from_bytes(&[100 + node; 32])
}

/// See the module.
pub struct FakeChain {
    /// Where it answers.
    pub url: String,
}

type Accounts = Arc<Vec<(Pubkey, Vec<u8>)>>;

fn bytes_of<T: bytemuck::Pod + Discriminator>(account: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(account)].concat()
}

fn accounts() -> Vec<(Pubkey, Vec<u8>)> {
    let mut bytes = Network::DISCRIMINATOR.to_vec();
    bytes.resize(8 + Network::INIT_SPACE, 0);
    let mut network = Network::try_deserialize(&mut bytes.as_slice()).unwrap();
    (network.epoch_len, network.bucket_len) = (EPOCH_S, BUCKET_S);
    let mut bytes = Vec::new();
    network.try_serialize(&mut bytes).unwrap();
    let mut set = OracleSet::zeroed();
    set.oracles[0].key = SigningKey::from_bytes(&ORACLE_SEED).verifying_key().to_bytes().into();
    (set.count, set.threshold, set.set_version) = (1, 1, 1);
    let mut accounts = vec![(addresses::network(), bytes), (addresses::oracle_set(), bytes_of(&set))];
    for number in 0..NODES {
        let (address, tenure_address) = (Pubkey::from([50 + number; 32]), Pubkey::from([150 + number; 32]));
        let mut tenure = Tenure::zeroed();
        (tenure.node, tenure.until_epoch) = (address, u64::MAX);
        let mut node = Node::zeroed();
        node.node_key = node_key(number).verifying_key().to_bytes().into();
        (node.tenure, node.status, node.accepted_at) = (tenure_address, node_status::ACTIVE, 1);
        accounts.extend([(tenure_address, bytes_of(&tenure)), (address, bytes_of(&node))]);
    }
    accounts
}

fn now_s() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn shown(owner: &Pubkey, data: &[u8]) -> Value {
    let encoded = BASE64_STANDARD.encode(data);
    json!({"lamports": 1, "owner": owner.to_string(), "data": [encoded, "base64"], "executable": false,
           "rentEpoch": 0, "space": data.len()})
}

fn account(accounts: &Accounts, address: &Value) -> Value {
    let address = address.as_str().unwrap();
    if address == CLOCK {
        let mut data = vec![0; 40];
        data[32..].copy_from_slice(&now_s().to_le_bytes());
        return shown(&Pubkey::default(), &data);
    }
    if address == bs58::encode(SigningKey::from_bytes(&ORACLE_SEED).verifying_key().to_bytes()).into_string() {
        let mut payer = shown(&Pubkey::default(), &[]);
        payer["lamports"] = json!(1_000_000_000);
        return payer;
    }
    let found = accounts.iter().find(|(other, _)| other.to_string() == address);
    found.map_or(Value::Null, |(_, data)| shown(&muster_network::ID, data))
}

fn of_type(accounts: &Accounts, config: &Value) -> Vec<Value> {
    let wanted = config["filters"][0]["memcmp"]["bytes"].as_str().unwrap_or_default();
    let is_wanted = |data: &[u8]| {
        let discriminator = &data[..8];
        wanted == bs58::encode(discriminator).into_string() || wanted == BASE64_STANDARD.encode(discriminator)
    };
    let found = accounts.iter().filter(|(_, data)| is_wanted(data));
    found
        .map(|(address, data)| json!({"pubkey": address.to_string(), "account": shown(&muster_network::ID, data)}))
        .collect()
}

async fn answer(State(accounts): State<Accounts>, Json(call): Json<Value>) -> Json<Value> {
    let params = &call["params"];
    let context = json!({"slot": now_s()});
    let result = match call["method"].as_str().unwrap_or_default() {
        "getGenesisHash" => json!(bs58::encode(GENESIS_HASH).into_string()),
        "getMultipleAccounts" => {
            let addresses = params[0].as_array().unwrap();
            let found: Vec<Value> = addresses.iter().map(|address| account(&accounts, address)).collect();
            json!({"context": context, "value": found})
        }
        "getProgramAccounts" => json!(of_type(&accounts, &params[1])),
        "getBalance" => json!({"context": context, "value": 1_000_000_000}),
        "getSlot" => context["slot"].clone(),
        method => {
            let error = json!({"code": -32601, "message": format!("this fake knows no {method}")});
            return Json(json!({"jsonrpc": "2.0", "id": call["id"], "error": error}));
        }
    };
    Json(json!({"jsonrpc": "2.0", "id": call["id"], "result": result}))
}

impl FakeChain {
    /// Answers until the test ends.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state(Arc::new(accounts()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }
}
