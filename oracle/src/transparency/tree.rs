//! The log's tree on disk: full tiles and bundles, each written whole and never changed, and the right edge in memory.
//!
//! ```text
//! tlog/tile/0/x001/234        full tiles and bundles, at the paths that they are served at
//! tlog/tile/entries/x001/234  a full bundle: written first, so that it alone says how far the full tiles go
//! tlog/sides/0000001234       what is kept beside the entries of a bundle
//! tlog/journal                entries after the last full bundle
//! ```

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use muster_protocol::Hash;
use muster_protocol::tlog::leaf_hash;
use muster_protocol::tlog::tile::{Tile, WIDTH, entries_of, full_hash, hash_in, push_entry};
use muster_protocol::tlog::tree::{Node, root};

use super::journal::{Journal, Pending};
use crate::log::storage::{Storage, is_there, read_whole, write_whole};

/// Levels of tiles: enough for 2^64 entries.
const LEVELS: usize = 8;

/// The tile of a level that is not on disk yet.
#[derive(Default)]
struct Partial {
    index: u64,
    hashes: Vec<Hash>,
}

/// What is not in full tiles yet.
#[derive(Default)]
struct Edge {
    /// Entries of the log.
    size: u64,
    /// By level.
    levels: [Partial; LEVELS],
    /// Entries after the last full bundle.
    pending: Vec<Pending>,
}

/// Reads the log; cheap to share.
pub struct LogTree {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    edge: RwLock<Edge>,
}

/// Appends to the log; there is one.
pub struct Appender {
    tree: Arc<LogTree>,
    journal: Journal,
}

impl LogTree {
    fn edge(&self) -> RwLockReadGuard<'_, Edge> {
        self.edge.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Entries of the log, durable.
    pub fn size(&self) -> u64 {
        self.edge().size
    }

    fn path(&self, tile: &Tile) -> PathBuf {
        self.folder.join(tile.path())
    }

    fn write(&self, path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
        write_whole(&*self.storage, path, &self.folder.join("temporary"), bytes)
    }

    fn full(level: Option<u8>, index: u64) -> Tile {
        Tile { level, index, width: WIDTH as u16 }
    }

    /// The bytes of a tile or bundle, of any width up to what there is; none if there is no such.
    pub fn tile(&self, tile: &Tile) -> io::Result<Option<Vec<u8>>> {
        let width = usize::from(tile.width);
        if let Some(bytes) = self.edge().tile(tile) {
            return Ok(Some(bytes));
        }
        let full = Self::full(tile.level, tile.index);
        let Some(bytes) = read_whole(&*self.storage, &self.path(&full))? else {
            return Ok(None);
        };
        Ok(match tile.level {
            Some(_) => bytes.get(..width * 32).map(<[u8]>::to_vec),
            None => entries_of(&bytes).and_then(|entries| {
                let entries = entries.get(..width)?;
                let mut bundle = Vec::new();
                entries.iter().for_each(|entry| push_entry(&mut bundle, entry));
                Some(bundle)
            }),
        })
    }

    /// The hash of a complete subtree that is in the log.
    pub fn hash(&self, node: Node) -> io::Result<Hash> {
        let size = self.size();
        let missing = || io::Error::other(format!("the log does not hold the hash of {node:?}"));
        let tile = Tile::holding(node, size).ok_or_else(missing)?;
        let bytes = self.tile(&tile)?.ok_or_else(missing)?;
        hash_in(&bytes, node).ok_or_else(missing)
    }

    /// The root of the first `size` entries.
    pub fn root(&self, size: u64) -> io::Result<Hash> {
        root(size, &mut |node| self.hash(node))
    }

    /// An entry.
    pub fn entry(&self, index: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(tile) = Tile::entries(index / WIDTH, self.size()) else {
            return Ok(None);
        };
        let bundle = self.tile(&tile)?.unwrap_or_default();
        let entries = entries_of(&bundle).unwrap_or_default();
        Ok(entries.get((index % WIDTH) as usize).map(|entry| entry.to_vec()))
    }

    fn side_path(&self, bundle: u64) -> PathBuf {
        self.folder.join("sides").join(format!("{bundle:010}"))
    }

    /// What is kept beside the entries of a bundle, one after the other; empty once it was removed.
    pub fn sides(&self, bundle: u64) -> io::Result<Vec<u8>> {
        let edge = self.edge();
        if edge.size / WIDTH == bundle {
            return Ok(edge.pending.iter().flat_map(|pending| pending.side.clone()).collect());
        }
        drop(edge);
        Ok(read_whole(&*self.storage, &self.side_path(bundle))?.unwrap_or_default())
    }

    /// The full bundles whose sides are there, ascending.
    pub fn bundles_with_sides(&self) -> io::Result<Vec<u64>> {
        let names = self.storage.list(&self.folder.join("sides"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Forgets what is kept beside the entries of a bundle.
    pub fn remove_sides(&self, bundle: u64) -> io::Result<()> {
        self.storage.remove(&self.side_path(bundle))
    }
}

impl Edge {
    /// The part of a tile that is not full; none if it is, or is not that wide.
    fn tile(&self, tile: &Tile) -> Option<Vec<u8>> {
        let width = usize::from(tile.width);
        let partial = self.levels.get(usize::from(tile.level.unwrap_or(0)))?;
        if partial.index != tile.index {
            return None;
        }
        match tile.level {
            Some(_) => Some(partial.hashes.get(..width)?.concat()),
            None => {
                let mut bundle = Vec::new();
                self.pending.get(..width)?.iter().for_each(|pending| push_entry(&mut bundle, &pending.entry));
                Some(bundle)
            }
        }
    }

    fn push(&mut self, pending: Pending) {
        self.levels[0].hashes.push(leaf_hash(&pending.entry));
        self.size += 1;
        self.pending.push(pending);
    }
}

impl Appender {
    /// Opens the log in `folder`. `from` is a size up to which it is known to be whole.
    pub fn open(storage: Arc<dyn Storage>, folder: PathBuf, from: u64) -> io::Result<Self> {
        storage.create_folder(&folder)?;
        let tree = LogTree { storage: storage.clone(), folder: folder.clone(), edge: RwLock::default() };
        let mut bundles = from / WIDTH;
        while is_there(&*storage, &tree.path(&LogTree::full(None, bundles)))? {
            bundles += 1;
        }
        let mut edge = Edge { size: bundles * WIDTH, ..Edge::default() };
        tree.mend(from / WIDTH, bundles)?;
        let mut full = bundles;
        edge.levels[0].index = full;
        for level in 1..LEVELS {
            let below = full - full % WIDTH..full;
            full /= WIDTH;
            let hashes = below.map(|index| tree.full_hash(level as u8 - 1, index)).collect::<io::Result<_>>()?;
            edge.levels[level] = Partial { index: full, hashes };
        }
        let (journal, pending) = Journal::open(&*storage, &folder.join("journal"), edge.size)?;
        pending.into_iter().for_each(|pending| edge.push(pending));
        let mut appender = Self { tree: Arc::new(LogTree { edge: RwLock::new(edge), ..tree }), journal };
        // A crash between the last entry of a bundle and the bundle.
        appender.complete()?;
        Ok(appender)
    }

    /// The log to read.
    pub fn tree(&self) -> Arc<LogTree> {
        self.tree.clone()
    }

    /// Makes entries durable, and counts them.
    pub fn append(&mut self, entries: Vec<Pending>) -> io::Result<()> {
        // What a full disk kept from being written before.
        self.complete()?;
        let mut rest = entries.into_iter();
        loop {
            let size = self.tree.size();
            let room = (WIDTH - size % WIDTH) as usize;
            let part: Vec<Pending> = rest.by_ref().take(room).collect();
            if part.is_empty() {
                return Ok(());
            }
            self.journal.append(size, &part)?;
            let mut edge = self.tree.edge.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            part.into_iter().for_each(|pending| edge.push(pending));
            drop(edge);
            self.complete()?;
        }
    }

    /// Writes the bundle and the tiles that have become full. Readers see the edge until the files are durable.
    fn complete(&mut self) -> io::Result<()> {
        let edge = self.tree.edge();
        if (edge.pending.len() as u64) < WIDTH {
            return Ok(());
        }
        let mut index = edge.levels[0].index;
        let mut bundle = Vec::new();
        edge.pending.iter().for_each(|pending| push_entry(&mut bundle, &pending.entry));
        let side: Vec<u8> = edge.pending.iter().flat_map(|pending| pending.side.clone()).collect();
        let mut hashes = edge.levels[0].hashes.concat();
        drop(edge);
        if !side.is_empty() {
            self.tree.write(&self.tree.side_path(index), &side)?;
        }
        self.tree.write(&self.tree.path(&LogTree::full(None, index)), &bundle)?;
        // The tiles follow from the bundle: a crash from here on is mended.
        let mut full = Vec::new();
        for level in 0..LEVELS - 1 {
            self.tree.write(&self.tree.path(&LogTree::full(Some(level as u8), index)), &hashes)?;
            let hash = full_hash(&hashes).unwrap_or_default();
            full.push(hash);
            let above = &self.tree.edge().levels[level + 1];
            if above.hashes.len() as u64 + 1 < WIDTH {
                break;
            }
            index = above.index;
            hashes = [above.hashes.concat(), hash.to_vec()].concat();
        }
        let mut edge = self.tree.edge.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        edge.pending.clear();
        for (level, hash) in full.into_iter().enumerate() {
            let index = edge.levels[level].index + 1;
            edge.levels[level] = Partial { index, hashes: Vec::new() };
            edge.levels[level + 1].hashes.push(hash);
        }
        drop(edge);
        self.journal.clear()
    }
}

impl LogTree {
    fn full_hash(&self, level: u8, index: u64) -> io::Result<Hash> {
        let bytes = read_whole(&*self.storage, &self.path(&Self::full(Some(level), index)))?;
        let hash = bytes.and_then(|bytes| full_hash(&bytes));
        hash.ok_or_else(|| io::Error::other(format!("tile {index} of level {level} is missing or damaged")))
    }

    /// Makes the tiles over the bundles `from..to` anew that a crash prevented.
    fn mend(&self, from: u64, to: u64) -> io::Result<()> {
        for bundle in from..to {
            let tile = Self::full(Some(0), bundle);
            if is_there(&*self.storage, &self.path(&tile))? {
                continue;
            }
            let bytes = read_whole(&*self.storage, &self.path(&Self::full(None, bundle)))?.unwrap_or_default();
            let entries = entries_of(&bytes).filter(|entries| entries.len() as u64 == WIDTH);
            let entries = entries.ok_or_else(|| io::Error::other(format!("bundle {bundle} is damaged")))?;
            let hashes: Vec<u8> = entries.into_iter().flat_map(leaf_hash).collect();
            self.write(&self.path(&tile), &hashes)?;
        }
        let (mut from, mut to) = (from, to);
        for level in 1u8..8 {
            (from, to) = (from / WIDTH, to / WIDTH);
            for index in from..to {
                let tile = Self::full(Some(level), index);
                if is_there(&*self.storage, &self.path(&tile))? {
                    continue;
                }
                let below = (index * WIDTH..(index + 1) * WIDTH).map(|index| self.full_hash(level - 1, index));
                let hashes = below.collect::<io::Result<Vec<Hash>>>()?.concat();
                self.write(&self.path(&tile), &hashes)?;
            }
        }
        Ok(())
    }
}
