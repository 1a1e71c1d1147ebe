//! The positional Merkle tree (SHA-256) of points, claims and heartbeat receipts.
//!
//! `2^depth` slots; slot `i` holds leaf `i`, an empty slot the zero hash. Inner node = `H(0x01 || left || right)`.
//! The position is part of the proof: bit `k` of the index says on which side the node of level `k` stands.

use crate::hash::{Hash, hashv};
use crate::par;

/// The deepest tree: 1,048,576 leaves.
pub const MAX_DEPTH: u8 = 20;
/// The most leaves.
pub const MAX_LEAVES: u32 = 1 << MAX_DEPTH;
/// What an empty slot holds.
pub const EMPTY: Hash = [0; 32];

/// Levels of a tree with `count` leaves: `max(1, ceil(log2 count))`. More than [`MAX_DEPTH`] when `count` is more than
/// [`MAX_LEAVES`], which no tree and no proof may be.
pub const fn depth(count: u32) -> u8 {
    if count <= 2 { 1 } else { (u32::BITS - (count - 1).leading_zeros()) as u8 }
}

/// `H(0x01 || left || right)`.
pub fn inner(left: &Hash, right: &Hash) -> Hash {
    // One slice: on chain each costs, and a proof has twenty of these.
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    hashv(&[&bytes])
}

/// Leaf of the points tree of one epoch: `H(0x00 || index || tenure || points)`, 45 bytes: one SHA-256 block.
pub fn points_leaf(index: u32, tenure: &[u8; 32], points: u64) -> Hash {
    let mut bytes = [0; 45];
    bytes[1..5].copy_from_slice(&index.to_le_bytes());
    bytes[5..37].copy_from_slice(tenure);
    bytes[37..].copy_from_slice(&points.to_le_bytes());
    hashv(&[&bytes])
}

/// Leaf of the tree that tenures claim against: `H(0x00 || program || distribution || tenure || index || cumulative)`.
pub fn distribution_leaf(
    program: &[u8; 32],
    distribution: &[u8; 32],
    tenure: &[u8; 32],
    index: u32,
    cumulative: u64,
) -> Hash {
    let mut bytes = [0; 109];
    bytes[1..33].copy_from_slice(program);
    bytes[33..65].copy_from_slice(distribution);
    bytes[65..97].copy_from_slice(tenure);
    bytes[97..101].copy_from_slice(&index.to_le_bytes());
    bytes[101..].copy_from_slice(&cumulative.to_le_bytes());
    hashv(&[&bytes])
}

/// Leaf of a batch of acknowledged heartbeats: `H(0x00 || frame_hash || received_at_ms)`.
pub fn batch_leaf(frame_hash: &Hash, received_at_ms: u64) -> Hash {
    let mut bytes = [0; 41];
    bytes[1..33].copy_from_slice(frame_hash);
    bytes[33..].copy_from_slice(&received_at_ms.to_le_bytes());
    hashv(&[&bytes])
}

/// The root that `proof` (siblings from the leaf upward) leads to. Allocates nothing. The caller compares it and must
/// have checked `proof.len() == depth(count)` and `index < count`; [`verify`] does all of it.
pub fn root_from_proof(leaf: &Hash, index: u32, proof: &[Hash]) -> Hash {
    let mut node = *leaf;
    let mut position = index;
    for sibling in proof {
        node = if position & 1 == 0 { inner(&node, sibling) } else { inner(sibling, &node) };
        position >>= 1;
    }
    node
}

/// Whether `leaf` stands at `index` of the tree with `count` leaves and this `root`.
pub fn verify(root: &Hash, leaf: &Hash, index: u32, count: u32, proof: &[Hash]) -> bool {
    let levels = depth(count);
    index < count
        && levels <= MAX_DEPTH
        && proof.len() == usize::from(levels)
        && root_from_proof(leaf, index, proof) == *root
}

/// Why there is no such tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyLeaves(
    /// How many leaves there were.
    pub usize,
);

impl core::fmt::Display for TooManyLeaves {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a tree holds at most {MAX_LEAVES} leaves, not {}", self.0)
    }
}

impl core::error::Error for TooManyLeaves {}

/// A whole tree in memory; it hands out proofs.
#[derive(Clone, Debug)]
pub struct Tree {
    /// `levels[0]` holds the leaves, the last one the root alone. Empty slots at the right edge are not kept.
    levels: Vec<Vec<Hash>>,
    /// What an empty slot of each level holds.
    empty: Vec<Hash>,
}

impl Tree {
    /// Builds the tree over `leaves`, leaf `i` in slot `i`. No leaves give the root of two empty slots.
    pub fn build(leaves: Vec<Hash>) -> Result<Self, TooManyLeaves> {
        if leaves.len() > MAX_LEAVES as usize {
            return Err(TooManyLeaves(leaves.len()));
        }
        let depth = depth(leaves.len() as u32);
        let mut levels = Vec::with_capacity(usize::from(depth) + 1);
        levels.push(leaves);
        let mut empties = vec![EMPTY];
        for level in 0..usize::from(depth) {
            let (below, mut empty) = (&levels[level], empties[level]);
            let mut above = par::map_chunks(below, 2, |pair| inner(&pair[0], pair.get(1).unwrap_or(&empty)));
            empty = inner(&empty, &empty);
            if above.is_empty() {
                above.push(empty);
            }
            levels.push(above);
            empties.push(empty);
        }
        Ok(Self { levels, empty: empties })
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.levels[self.levels.len() - 1][0]
    }

    /// How many leaves it was built over.
    pub fn count(&self) -> u32 {
        self.levels[0].len() as u32
    }

    /// The leaf in slot `index`.
    pub fn leaf(&self, index: u32) -> Option<Hash> {
        self.levels[0].get(index as usize).copied()
    }

    /// The siblings from leaf `index` upward, `depth(count)` of them; none if there is no such leaf.
    pub fn proof(&self, index: u32) -> Option<Vec<Hash>> {
        if index >= self.count() {
            return None;
        }
        let below_root = &self.levels[..self.levels.len() - 1];
        let sibling = |(height, (level, empty)): (usize, (&Vec<Hash>, &Hash))| {
            level.get((index as usize >> height) ^ 1).copied().unwrap_or(*empty)
        };
        Some(below_root.iter().zip(&self.empty).enumerate().map(sibling).collect())
    }
}
