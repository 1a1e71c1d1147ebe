//! The append-only tree of RFC 6962: proofs out of the hashes of complete subtrees, and their verification.

use crate::hash::{Hash, hashv};
use crate::merkle::inner;

/// A complete subtree: the entries `index << level` up to `(index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Levels above the entries.
    pub level: u8,
    /// Place within the level.
    pub index: u64,
}

/// Entries from `.0` up to `.1`.
type Range = (u64, u64);

/// The root of a tree without entries: `H("")`.
pub fn empty_root() -> Hash {
    hashv(&[])
}

/// The most entries of the left subtree of so many: the largest power of two below.
fn split(len: u64) -> u64 {
    1 << (len - 1).ilog2()
}

/// The complete subtrees that a range consists of, from the left, larger before smaller as RFC 6962 splits it.
fn nodes_of((mut low, high): Range) -> Vec<Node> {
    let mut nodes = Vec::new();
    while low < high {
        let level = low.trailing_zeros().min((high - low).ilog2());
        nodes.push(Node { level: level as u8, index: low >> level });
        low += 1 << level;
    }
    nodes
}

fn hash_of<E>(range: Range, node: &mut impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut hash = None;
    for part in nodes_of(range).into_iter().rev() {
        let left = node(part)?;
        hash = Some(hash.map_or(left, |right| inner(&left, &right)));
    }
    Ok(hash.unwrap_or_else(empty_root))
}

/// The root of the tree of the first `size` entries.
pub fn root<E>(size: u64, node: &mut impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    hash_of((0, size), node)
}

/// Ranges whose hashes prove entry `index` of `size`, from the entry upward.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range> {
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            ranges.push((middle, high));
            high = middle;
        } else {
            ranges.push((low, middle));
            low = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// Ranges whose hashes prove that the tree of `old` entries is the beginning of that of `size`; `0 < old <= size`.
fn consistency_ranges(old: u64, size: u64) -> Vec<Range> {
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            ranges.push((middle, high));
            high = middle;
        } else {
            ranges.push((low, middle));
            low = middle;
        }
    }
    if low != 0 {
        ranges.push((low, high));
    }
    ranges.reverse();
    ranges
}

/// The complete subtrees that an inclusion proof needs; none when there is no such entry.
pub fn inclusion_nodes(index: u64, size: u64) -> Vec<Node> {
    if index >= size {
        return Vec::new();
    }
    inclusion_ranges(index, size).into_iter().flat_map(nodes_of).collect()
}

/// The complete subtrees that a consistency proof needs; none when there is none to give.
pub fn consistency_nodes(old: u64, size: u64) -> Vec<Node> {
    if old == 0 || old > size {
        return Vec::new();
    }
    consistency_ranges(old, size).into_iter().flat_map(nodes_of).collect()
}

/// The complete subtrees that the root of `size` entries needs.
pub fn root_nodes(size: u64) -> Vec<Node> {
    nodes_of((0, size))
}

/// The inclusion proof of entry `index < size`, from the entry upward.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    node: &mut impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if index >= size {
        return Ok(Vec::new());
    }
    inclusion_ranges(index, size).into_iter().map(|range| hash_of(range, node)).collect()
}

/// The consistency proof from `old` to `size` entries; empty from 0.
pub fn consistency_proof<E>(
    old: u64,
    size: u64,
    node: &mut impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if old == 0 || old > size {
        return Ok(Vec::new());
    }
    consistency_ranges(old, size).into_iter().map(|range| hash_of(range, node)).collect()
}

/// Whether `leaf` is the hash of entry `index` of the tree of `size` entries with this root.
pub fn verify_inclusion(root: &Hash, size: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = inner(sibling, &hash);
            // Levels at which the right edge has no sibling.
            let shift = at.trailing_zeros();
            at >>= shift;
            last >>= shift;
        } else {
            hash = inner(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `old_size` entries is the beginning of the tree of `size`.
pub fn verify_consistency(old_size: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old_size > size {
        return false;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    let mut rest = proof.iter();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else {
        return false;
    };
    let shift = (old_size - 1).trailing_ones();
    let (mut at, mut last) = ((old_size - 1) >> shift, (size - 1) >> shift);
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old = inner(sibling, &old);
            new = inner(sibling, &new);
            let shift = at.trailing_zeros();
            at >>= shift;
            last >>= shift;
        } else {
            new = inner(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *root
}
