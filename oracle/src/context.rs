//! What every part of the oracle shares: who it is, what it knows of the chain, its peers, its clock and its settings.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_client::chain::Chain;
use muster_protocol::heartbeat::Status;
use muster_protocol::sig::FrameSigner;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use solana_sdk::signature::Keypair;
use tokio::sync::watch;

use crate::epochs::peers::Peers;
use crate::log::Storage;
use crate::ops::Ops;
use crate::registry::{OraclePeer, Registry};
use crate::settings::Settings;
use crate::signer::OracleKey;

/// The wall clock, Unix milliseconds; an argument so that tests can hold it.
pub type ClockFn = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's clock.
pub fn system_clock() -> ClockFn {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    })
}

/// Who the oracle is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Signs frames and transactions.
    pub signing_key: OracleKey,
    /// The public key.
    pub key: [u8; 32],
}

impl Identity {
    /// A key at hand, as the Solana CLI keeps it.
    pub fn new(keypair: Keypair) -> Self {
        Self::of((&keypair).into())
    }

    /// A key that somebody keeps.
    pub fn of(signing_key: OracleKey) -> Self {
        let key = signing_key.public_key();
        Self { signing_key, key }
    }

    /// The key as people read it.
    pub fn base58(&self) -> String {
        bs58::encode(self.key).into_string()
    }
}

/// When this oracle last accepted a heartbeat of a node, and what the node said about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Receive time, Unix milliseconds.
    pub at_ms: u64,
    /// What the node said about itself.
    pub status: Status,
}

/// See the module. Shared behind an `Arc`.
pub struct OracleContext {
    /// Who this oracle is.
    pub identity: Identity,
    /// Which network its frames belong to.
    pub domain: Domain,
    /// The cluster's genesis hash.
    pub genesis_hash: [u8; 32],
    /// The network's calendar.
    pub schedule: Schedule,
    /// The chain; for transactions and for reads that the registry does not hold.
    pub chain: Chain,
    /// The newest picture of the chain; never empty.
    pub registry: watch::Receiver<Arc<Registry>>,
    /// Last accepted heartbeats by node key; written by ingest, restored by replay.
    pub seen: Arc<RwLock<HashMap<[u8; 32], Seen>>>,
    /// The wall clock, Unix milliseconds.
    pub clock: ClockFn,
    /// Where log and epoch files are.
    pub storage: Arc<dyn Storage>,
    /// The way to the other oracles' files.
    pub to_peers: Arc<dyn Peers>,
    /// What whoever runs the oracle wants to know.
    pub ops: Arc<Ops>,
    /// For calls to peers: 5 s per request at most, no redirects.
    pub http: reqwest::Client,
    /// Effective settings.
    pub settings: Settings,
}

impl OracleContext {
    /// The wall clock, Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// The newest picture of the chain.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.borrow().clone()
    }

    /// The other oracles of the set.
    pub fn peers(&self) -> Vec<OraclePeer> {
        let registry = self.registry();
        let others = registry.oracle_set.oracles.iter();
        others.filter(|oracle| oracle.key != self.identity.key && !oracle.url.is_empty()).cloned().collect()
    }

    /// When a node was last heard.
    pub fn seen(&self, node_key: &[u8; 32]) -> Option<Seen> {
        let seen = self.seen.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        seen.get(node_key).copied()
    }

    /// The folder of one part's files.
    pub fn folder(&self, part: &str) -> PathBuf {
        self.settings.data_dir.join(part)
    }
}

/// A client for calls to peers.
pub fn peer_client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("muster-oracle/", env!("CARGO_PKG_VERSION")))
        .build()
}
