//! A network of many nodes, of which some send: real keys, real frames.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use muster_network::state::node_status;
use muster_oracle::core::node::Rate;
use muster_oracle::core::roster::Roster;
use muster_oracle::core::{Config, Core, Input};
use muster_oracle::registry::{NodeInfo, Registry};
use muster_protocol::heartbeat::{Heartbeat, Status};
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::{Domain, Frame};

/// The nodes of a large network.
pub const MILLION: usize = 1_000_000;
/// Nodes that send in one round, spread evenly over all.
pub const SENDERS: usize = 8_192;
/// The moment at which everything happens, in the middle of a bucket: Unix milliseconds.
pub const NOW_MS: u64 = 20_000 * 86_400_000 + 43_350_000;
/// Nobody is limited.
pub const UNLIMITED: Rate = Rate { burst: u32::MAX, refill_ms: 1 };
const ORACLE_SEED: [u8; 32] = [9; 32];

pub fn domain() -> Domain {
    Domain { genesis_tag: [1; 8], program: [2; 32] }
}

pub fn schedule() -> Schedule {
    Schedule::new(86_400, 300).expect("a day in buckets of five minutes")
}

pub fn oracle_key() -> SigningKey {
    SigningKey::from_bytes(&ORACLE_SEED)
}

pub fn node_key(node: usize) -> SigningKey {
    let mut seed = [0x5d; 32];
    seed[..8].copy_from_slice(&(node as u64).to_le_bytes());
    SigningKey::from_bytes(&seed)
}

/// The public keys of a million nodes; made once, on all processors.
pub fn public_keys() -> &'static [[u8; 32]] {
    static KEYS: OnceLock<Vec<[u8; 32]>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut keys = vec![[0; 32]; MILLION];
        let share = MILLION.div_ceil(threads);
        std::thread::scope(|scope| {
            for (at, keys) in keys.chunks_mut(share).enumerate() {
                scope.spawn(move || {
                    for (i, key) in keys.iter_mut().enumerate() {
                        *key = node_key(at * share + i).verifying_key().to_bytes();
                    }
                });
            }
        });
        keys
    })
}

/// A million keys as the oracle holds them.
pub fn roster() -> &'static Roster {
    static ROSTER: OnceLock<Roster> = OnceLock::new();
    ROSTER.get_or_init(|| {
        let mut roster = Roster::default();
        for key in public_keys() {
            roster.find_or_insert(key).expect("a generated key is good");
        }
        roster
    })
}

/// Those of `nodes` nodes that send.
pub fn senders(nodes: usize) -> Vec<usize> {
    let count = SENDERS.min(nodes);
    // Odd steps, so that neighbours in time are no neighbours in memory.
    let step = (nodes / count).max(1);
    (0..count).map(|i| (i * 4_099 % count) * step).collect()
}

/// The chain's picture of so many nodes, all accepted long ago.
pub fn registry(nodes: usize) -> Registry {
    let mut registry = Registry { clock_s: (NOW_MS / 1000) as i64, ..Registry::default() };
    for (node, key) in public_keys()[..nodes].iter().enumerate() {
        let mut address = [0x40; 32];
        address[..8].copy_from_slice(&(node as u64).to_le_bytes());
        registry.insert_node(NodeInfo {
            node: address,
            project: [6; 32],
            node_key: *key,
            tenure: address,
            status: node_status::ACTIVE,
            accepted_at: 1,
            suspended: (0, 0),
            until_epoch: u64::MAX,
            maintenance: (0, 0),
        });
    }
    registry.pack();
    registry
}

/// An oracle's core that knows so many nodes.
pub fn core(registry: &Arc<Registry>) -> Core {
    let config = Config { domain: domain(), signing_key: oracle_key().into(), schedule: schedule(), rate: UNLIMITED };
    let mut core = Core::new(config, 0);
    core.step(Input::Registry(registry.clone()), NOW_MS);
    core.step(Input::Tick, NOW_MS);
    core.step(Input::Written, NOW_MS);
    core
}

/// What a node says at `at_ms`.
pub fn heartbeat(key: [u8; 32], oracle_key: [u8; 32], receipt_root: [u8; 32], seq: u64, at_ms: u64) -> Heartbeat {
    let (epoch, bucket) = schedule().bucket_at_ms(at_ms);
    Heartbeat {
        oracle_key,
        node_key: key,
        epoch,
        bucket,
        sent_at_ms: at_ms,
        seq,
        bitmap_digest: [0x21; 32],
        receipt_root,
        status: Status::Online,
        cpu_permille: 100,
        memory_permille: 500,
        workloads: Vec::new(),
    }
}

/// Makes signed frames; keys are expanded once.
#[derive(Default)]
pub struct Signer {
    keys: HashMap<usize, SigningKey>,
}

impl Signer {
    pub fn frame(&mut self, node: usize, domain: &Domain, receipt_root: [u8; 32], seq: u64, at_ms: u64) -> Vec<u8> {
        let key = self.keys.entry(node).or_insert_with(|| node_key(node));
        let oracle = oracle_key().verifying_key().to_bytes();
        let said = heartbeat(key.verifying_key().to_bytes(), oracle, receipt_root, seq, at_ms);
        said.encode_signed(domain, key).expect("a good heartbeat")
    }
}
