//! Tiles of C2SP's `tlog-tiles`: 256 consecutive hashes of every eighth level, and bundles of 256 entries.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{self, Node};
use crate::hash::Hash;
use crate::merkle::inner;

/// Hashes of a full tile, entries of a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of the tree within a tile.
const HEIGHT: u8 = 8;
/// The highest level of tiles: a tree of 2^64 entries.
const LEVEL_MAX: u8 = 7;

/// Where a file of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Level of tiles; none for a bundle of entries.
    pub level: Option<u8>,
    /// Place within the level.
    pub index: u64,
    /// Hashes or entries: 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile of a level as a tree of `size` has it; none if that holds no hash.
    pub fn of(level: u8, index: u64, size: u64) -> Option<Self> {
        Self::with_width(Some(level), index, size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0))
    }

    /// The bundle of entries as a log of `size` has it.
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Self::with_width(None, index, size)
    }

    fn with_width(level: Option<u8>, index: u64, count: u64) -> Option<Self> {
        let width = count.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Self { level, index, width: width as u16 })
    }

    /// Whether it is complete, and does not change any more.
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// `tile/<level>/<index>[.p/<width>]`, or `tile/entries/...`.
    pub fn path(&self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
        let (mut index, mut digits) = (self.index / 1_000, format!("{:03}", self.index % 1_000));
        while index > 0 {
            digits = format!("x{:03}/{digits}", index % 1_000);
            index /= 1_000;
        }
        let partial = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{level}/{digits}{partial}")
    }

    /// Reads [`Tile::path`]; a path that is not exactly such is none.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<&str> = path.strip_prefix("tile/")?.split('/').collect();
        let mut width = WIDTH as u16;
        let before_last = parts.len().checked_sub(2)?;
        if let Some(index) = parts[before_last].strip_suffix(".p") {
            width = parts.pop()?.parse().ok()?;
            parts[before_last] = index;
        }
        let (level, digits) = parts.split_first()?;
        let level = if *level == "entries" { None } else { Some(level.parse().ok()?) };
        let mut index: u64 = 0;
        for part in digits {
            let number: u64 = part.strip_prefix('x').unwrap_or(part).parse().ok()?;
            index = index.checked_mul(1_000)?.checked_add(number)?;
        }
        let tile = Self { level, index, width };
        // One spelling each: what is not written the same way again is no path.
        let good = (1..=WIDTH as u16).contains(&width) && level.is_none_or(|level| level <= LEVEL_MAX);
        (good && tile.path() == path).then_some(tile)
    }

    /// The tile that a tree of `size` has a complete subtree's hash in.
    pub fn holding(node: Node, size: u64) -> Option<Self> {
        let first = node.index.checked_shl(u32::from(node.level % HEIGHT))?;
        Self::of(node.level / HEIGHT, first / WIDTH, size)
    }
}

/// The hash of a complete subtree out of the tile that holds it; none if the tile is too short for it.
pub fn hash_in(tile: &[u8], node: Node) -> Option<Hash> {
    let shift = u32::from(node.level % HEIGHT);
    let first = (node.index.checked_shl(shift)? % WIDTH) as usize;
    let bytes = tile.get(first * 32..(first + (1 << shift)) * 32)?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| fold(hashes.to_vec()))
}

/// The root over a power of two of hashes.
fn fold(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        let (pairs, _) = hashes.as_chunks::<2>();
        hashes = pairs.iter().map(|[left, right]| inner(left, right)).collect();
    }
    hashes.first().copied().unwrap_or_else(tree::empty_root)
}

/// The hash that a full tile is at the level above; none unless it is full.
pub fn full_hash(tile: &[u8]) -> Option<Hash> {
    let (hashes, rest) = tile.as_chunks::<32>();
    (rest.is_empty() && hashes.len() as u64 == WIDTH).then(|| fold(hashes.to_vec()))
}

/// The tiles of a tree of `size` that nodes are in.
pub fn tiles_of(nodes: &[Node], size: u64) -> BTreeSet<Tile> {
    nodes.iter().filter_map(|node| Tile::holding(*node, size)).collect()
}

/// Tiles of one tree, fetched. What they hold is believed by what it leads to alone: a root that is signed.
#[derive(Clone, Debug, Default)]
pub struct Tiles {
    size: u64,
    held: BTreeMap<Tile, Vec<u8>>,
}

/// A hash that no tile at hand holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no tile holds the hash of subtree {} of level {}", .0.index, .0.level)]
pub struct Missing(pub Node);

impl Tiles {
    /// Tiles as a tree of `size` has them.
    pub fn new(size: u64, held: BTreeMap<Tile, Vec<u8>>) -> Self {
        Self { size, held }
    }

    /// The hash of a complete subtree.
    pub fn hash(&self, node: Node) -> Result<Hash, Missing> {
        let tile = Tile::holding(node, self.size);
        let bytes = tile.and_then(|tile| self.held.get(&tile));
        bytes.and_then(|bytes| hash_in(bytes, node)).ok_or(Missing(node))
    }

    /// The inclusion proof of an entry.
    pub fn inclusion_proof(&self, index: u64) -> Result<Vec<Hash>, Missing> {
        tree::inclusion_proof(index, self.size, &mut |node| self.hash(node))
    }

    /// The consistency proof from a smaller tree.
    pub fn consistency_proof(&self, old: u64) -> Result<Vec<Hash>, Missing> {
        tree::consistency_proof(old, self.size, &mut |node| self.hash(node))
    }

    /// The root of the tree.
    pub fn root(&self) -> Result<Hash, Missing> {
        tree::root(self.size, &mut |node| self.hash(node))
    }
}

/// Appends an entry to a bundle: its length in two bytes, **big-endian** as the format has it, then its bytes.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle; none if the bytes are not one.
pub fn entries_of(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (len, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        entries.push(entry);
        bundle = rest;
    }
    (entries.len() as u64 <= WIDTH).then_some(entries)
}
