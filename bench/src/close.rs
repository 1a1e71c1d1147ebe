//! A project of a million members at the end of an epoch, and bare SHA-256 over its trees.

use muster_network::state::ViewSet;
use muster_oracle::epochs::compute::Inputs;
use muster_oracle::registry::ProjectInfo;
use muster_protocol::Hash;
use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::{Dataset, Member};
use muster_protocol::points::Formula;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::view::{NodeView, View};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::network;

/// The epoch.
pub const EPOCH: u64 = 20_000;
/// Oracles, and how many must agree.
const ORACLES: u8 = 3;
pub const THRESHOLD: u8 = 2;
pub const PROJECT: [u8; 32] = [6; 32];
pub const DISTRIBUTION: [u8; 32] = [7; 32];

/// Something like random, the same every time.
fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 27
}

/// What each oracle saw: most nodes all day, some with gaps that differ from oracle to oracle, some not at all.
pub fn views(nodes: usize) -> Vec<View> {
    let mut order: Vec<usize> = (0..nodes).collect();
    order.sort_unstable_by_key(|node| network::public_keys()[*node]);
    let buckets = network::schedule().buckets();
    let view = |oracle: u8| {
        let node_view = |node: &usize| {
            let chance = mixed(*node as u64 * 31 + u64::from(oracle));
            if chance.is_multiple_of(1000) {
                return None;
            }
            let mut bitmap = Bitmap::new(buckets);
            let gap = (chance >> 16) as u32 % buckets;
            let gap_len = if chance.is_multiple_of(4) { (chance >> 40) as u32 % 24 } else { 0 };
            for bucket in (0..buckets).filter(|bucket| !(gap..gap + gap_len).contains(bucket)) {
                bitmap.set(Bucket::new(bucket));
            }
            let node_key = network::public_keys()[*node];
            Some(NodeView { node_key, bitmap, refused: Vec::new(), last_frame: vec![1; 274] })
        };
        View {
            oracle_key: [oracle; 32],
            epoch: EpochIndex::new(EPOCH),
            buckets,
            nodes: order.iter().filter_map(node_view).collect(),
        }
    };
    (0..ORACLES).map(view).collect()
}

/// The tenures, in leaf order.
pub fn members(nodes: usize) -> Vec<Member> {
    let member = |(index, key): (usize, &[u8; 32])| {
        let mut address = [0x40; 32];
        address[..8].copy_from_slice(&(index as u64).to_le_bytes());
        Member {
            index: index as u32,
            tenure: address,
            node: address,
            node_key: *key,
            first_bucket: Bucket::new(0),
            excused: 0,
        }
    };
    network::public_keys()[..nodes].iter().enumerate().map(member).collect()
}

pub fn project() -> ProjectInfo {
    let formula = Formula { w_uptime: 8_000, w_task: 2_000, cap: 10_000, min_uptime_bps: 5_000 };
    ProjectInfo {
        project: PROJECT,
        distribution: DISTRIBUTION,
        owner: [9; 32],
        settler: [8; 32],
        next_epoch: EPOCH,
        formulas: (formula, formula),
        next_formula_epoch: 0,
        seq: 0,
    }
}

/// From views in memory to the dataset, as the oracle does it.
pub fn dataset(project: &ProjectInfo, members: &[Member], views: &[&View]) -> Dataset {
    let view_set = ViewSet { threshold: THRESHOLD, ..bytemuck::Zeroable::zeroed() };
    let keys: Vec<[u8; 32]> = (0..ORACLES).map(|oracle| [oracle; 32]).collect();
    let inputs = Inputs {
        genesis_hash: [4; 32],
        program: [2; 32],
        network: [5; 32],
        schedule: network::schedule(),
        project,
        epoch: EPOCH,
        oracles: &keys,
        view_set: &view_set,
        scores_hash: [0; 32],
    };
    inputs.dataset(members, views, None).expect("views that add up")
}

/// Bare SHA-256 on the same threads: `count` leaves of `LEN` bytes, and the tree over them, whose inner nodes have 65.
pub fn bare_tree<const LEN: usize>(count: usize) -> Hash {
    let leaf = |i: usize| -> Hash {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&i.to_le_bytes());
        Sha256::digest(bytes).into()
    };
    let mut level: Vec<Hash> = (0..count).into_par_iter().with_min_len(4096).map(leaf).collect();
    while level.len() > 1 {
        let inner = |pair: &[Hash]| -> Hash {
            let mut bytes = [1; 65];
            bytes[1..33].copy_from_slice(&pair[0]);
            bytes[33..].copy_from_slice(pair.get(1).unwrap_or(&[0; 32]));
            Sha256::digest(bytes).into()
        };
        level = level.par_chunks(2).with_min_len(2048).map(inner).collect();
    }
    level[0]
}
