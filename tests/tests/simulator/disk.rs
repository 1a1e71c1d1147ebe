//! A disk that keeps what was synced, and of the rest whatever a power cut leaves; that fills up, and that rots.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use muster_oracle::log::storage::{Lock, SECTOR_LEN, Storage, StoredFile};
use rand::Rng;
use rand::rngs::StdRng;

use super::exec::lock;
use super::plants::Plant;

type Inode = u64;

#[derive(Clone, Default)]
struct Bytes {
    /// As programs read them.
    now: Vec<u8>,
    /// As they were synced last.
    synced: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    inodes: BTreeMap<Inode, Bytes>,
    names: BTreeMap<PathBuf, Inode>,
    synced_names: BTreeMap<PathBuf, Inode>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    next: Inode,
    /// Writes fail, at most with a part written.
    is_full: bool,
    plant: Option<Plant>,
}

/// Whether the machine goes off at a call, before it does anything or right after it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    No,
    Before,
    After,
}

/// Asked at each call.
pub type Hook = Arc<dyn Fn(&'static str) -> Crash + Send + Sync>;

/// See the module. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    inner: Arc<Mutex<Inner>>,
    hook: Hook,
}

/// Where a bit was flipped.
#[derive(Clone, Debug)]
pub struct Flip {
    path: PathBuf,
    at: usize,
    bit: u8,
}

fn off() -> io::Error {
    io::Error::other("the machine is off")
}

impl SimDisk {
    pub fn new(hook: Hook, plant: Option<Plant>) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { plant, ..Inner::default() })), hook }
    }

    fn call<T>(&self, what: &'static str, f: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let crash = (self.hook)(what);
        let mut inner = lock(&self.inner);
        let done = if crash == Crash::Before { Err(off()) } else { f(&mut inner) };
        if crash == Crash::After { Err(off()) } else { done }
    }

    pub fn set_full(&self, is_full: bool) {
        lock(&self.inner).is_full = is_full;
    }

    /// The process died, the machine runs on: nothing is lost.
    pub fn restart(&self) {
        let mut inner = lock(&self.inner);
        inner.locks.clear();
    }

    /// The power went: of what was not synced each sector and each name is as before or as after.
    pub fn power_cut(&self, rng: &mut StdRng) {
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let paths: BTreeSet<PathBuf> = inner.names.keys().chain(inner.synced_names.keys()).cloned().collect();
        let mut names = BTreeMap::new();
        for path in paths {
            let (now, before) = (inner.names.get(&path), inner.synced_names.get(&path));
            let left = if now == before || rng.random_bool(0.5) { now } else { before };
            if let Some(inode) = left {
                names.insert(path, *inode);
            }
        }
        for bytes in inner.inodes.values_mut() {
            if bytes.now != bytes.synced {
                bytes.now = torn(bytes, rng);
                bytes.synced = bytes.now.clone();
            }
        }
        let kept: BTreeSet<Inode> = names.values().copied().collect();
        inner.inodes.retain(|inode, _| kept.contains(inode));
        inner.synced_names = names.clone();
        inner.names = names;
        inner.locks.clear();
    }

    /// The same disk, read past all faults.
    pub fn inspected(&self) -> Self {
        Self { inner: self.inner.clone(), hook: Arc::new(|_| Crash::No) }
    }

    /// Flips a bit in the first half of a synced file of this kind; none if there is none. In the last record of a log
    /// nobody can tell a rotten bit from a torn write.
    pub fn flip_early(&self, suffix: &str, rng: &mut StdRng) -> Option<Flip> {
        let mut inner = lock(&self.inner);
        let found: Vec<(PathBuf, Inode)> = inner
            .names
            .iter()
            .filter(|(path, inode)| {
                path.to_string_lossy().ends_with(suffix)
                    && inner
                        .inodes
                        .get(inode)
                        .is_some_and(|bytes| bytes.synced.len() > 2_000 && bytes.synced == bytes.now)
            })
            .map(|(path, inode)| (path.clone(), *inode))
            .collect();
        if found.is_empty() {
            return None;
        }
        let (path, inode) = found[rng.random_range(0..found.len())].clone();
        let bytes = inner.inodes.get_mut(&inode)?;
        let (at, bit) = (rng.random_range(0..bytes.synced.len() / 2), 1 << rng.random_range(0..8));
        bytes.synced[at] ^= bit;
        bytes.now[at] ^= bit;
        Some(Flip { path, at, bit })
    }

    /// Puts a flipped bit back, as a copy of the folder would.
    pub fn mend(&self, flip: &Flip) {
        let mut inner = lock(&self.inner);
        let inode = inner.names.get(&flip.path).copied();
        if let Some(bytes) = inode.and_then(|inode| inner.inodes.get_mut(&inode)) {
            for side in [&mut bytes.now, &mut bytes.synced] {
                if let Some(byte) = side.get_mut(flip.at) {
                    *byte ^= flip.bit;
                }
            }
        }
    }
}

/// What is left of a file: each sector old or new; beyond the old end new, zeros, or nothing from some sector on.
fn torn(bytes: &Bytes, rng: &mut StdRng) -> Vec<u8> {
    let sector = SECTOR_LEN as usize;
    let (old, new) = (&bytes.synced, &bytes.now);
    let len = if new.len() <= old.len() {
        if rng.random_bool(0.5) { new.len() } else { old.len() }
    } else {
        let lost = rng.random_range(0..=(new.len() - old.len()).div_ceil(sector));
        new.len().saturating_sub(lost * sector).max(old.len())
    };
    let mut left = vec![0; len];
    for start in (0..len).step_by(sector) {
        let end = (start + sector).min(len);
        let source = if rng.random_bool(0.5) { new } else { old };
        let end_of_source = end.min(source.len()).max(start);
        if start < source.len() {
            left[start..end_of_source].copy_from_slice(&source[start..end_of_source]);
        }
    }
    left
}

struct SimFile {
    disk: SimDisk,
    inode: Inode,
    is_segment: bool,
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        lock(&self.disk.inner).locks.remove(&self.path);
    }
}

impl Inner {
    fn inode(&self, path: &Path) -> io::Result<Inode> {
        self.names.get(path).copied().ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }

    fn bytes(&mut self, inode: Inode) -> io::Result<&mut Bytes> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }

    fn room(&self) -> io::Result<()> {
        if self.is_full { Err(io::Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl Storage for SimDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.call("create_folder", |inner| {
            inner.folders.insert(folder.to_path_buf());
            Ok(())
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.call("list", |inner| {
            let files = inner.names.keys().chain(&inner.folders);
            let mut names: BTreeSet<String> = BTreeSet::new();
            for path in files {
                if let Ok(rest) = path.strip_prefix(folder)
                    && let Some(first) = rest.components().next()
                {
                    names.insert(first.as_os_str().to_string_lossy().into_owned());
                }
            }
            Ok(names.into_iter().collect())
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let inode = self.call("open", |inner| inner.inode(path))?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, is_segment: is_segment(path) }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let inode = self.call("create", |inner| {
            inner.room()?;
            if let Ok(inode) = inner.inode(path) {
                inner.bytes(inode)?.now.clear();
                return Ok(inode);
            }
            inner.next += 1;
            let inode = inner.next;
            inner.inodes.insert(inode, Bytes::default());
            inner.names.insert(path.to_path_buf(), inode);
            Ok(inode)
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, is_segment: is_segment(path) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename", |inner| {
            let inode = inner.inode(from)?;
            inner.names.remove(from);
            inner.names.insert(to.to_path_buf(), inode);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove", |inner| {
            inner.inode(path)?;
            inner.names.remove(path);
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call("sync_folder", |inner| {
            if inner.plant == Some(Plant::FoldersAreNotSynced) {
                return Ok(());
            }
            let inside = |path: &PathBuf| path.parent() == Some(folder);
            inner.synced_names.retain(|path, _| !inside(path));
            let now: Vec<_> = inner.names.iter().filter(|(path, _)| inside(path)).collect();
            inner.synced_names.extend(now.into_iter().map(|(path, inode)| (path.clone(), *inode)));
            Ok(())
        })
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        self.call("free_bytes", |inner| Ok(if inner.is_full { 0 } else { 1 << 40 }))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let is_new = self.call("lock", |inner| Ok(inner.locks.insert(path.to_path_buf())))?;
        if !is_new {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf() })))
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

impl StoredFile for SimFile {
    fn byte_len(&self) -> io::Result<u64> {
        self.disk.call("byte_len", |inner| Ok(inner.bytes(self.inode)?.now.len() as u64))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.call("read_at", |inner| {
            let bytes = &inner.bytes(self.inode)?.now;
            let from = bytes.get(offset as usize..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Ok(count)
        })
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let is_segment = self.is_segment;
        self.disk.call("write_at", |inner| {
            if is_segment && inner.plant == Some(Plant::LogForgetsWrites) && bytes.len() > 300 {
                return Ok(());
            }
            let full = inner.room();
            let part = if full.is_err() { &bytes[..bytes.len() / 2] } else { bytes };
            let now = &mut inner.bytes(self.inode)?.now;
            let end = offset as usize + part.len();
            if now.len() < end {
                now.resize(end, 0);
            }
            now[offset as usize..end].copy_from_slice(part);
            full
        })
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.disk.call("cut", |inner| {
            inner.bytes(self.inode)?.now.resize(len as usize, 0);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let is_segment = self.is_segment;
        self.disk.call("sync", |inner| {
            if is_segment && inner.plant == Some(Plant::LogIsNotSynced) {
                return Ok(());
            }
            let bytes = inner.bytes(self.inode)?;
            bytes.synced = bytes.now.clone();
            Ok(())
        })
    }
}
