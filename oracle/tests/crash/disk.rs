//! What a power cut takes, by the shim's notes: of bytes that were not synced each sector is as before or as after, and
//! behind a file's old end zeros or nothing; of names whose folder was not synced, the newest ones are as before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::rngs::StdRng;

const SECTOR_LEN: usize = 512;

const WRITE: u8 = 1;
const SYNC: u8 = 2;
const CREATE: u8 = 3;
const RENAME: u8 = 4;
const UNLINK: u8 = 5;
const MKDIR: u8 = 6;
const SYNC_FOLDER: u8 = 7;

/// What the shim wrote down.
struct Note {
    kind: u8,
    inode: u64,
    at: u64,
    old_len: u64,
    path: PathBuf,
    to: PathBuf,
    data: Vec<u8>,
}

/// What was not synced, and so could be taken.
#[derive(Default)]
pub struct Loss {
    writes: usize,
    names: usize,
    names_lost: usize,
    bytes_lost: usize,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, names, names_lost, bytes_lost } = self;
        write!(f, "{writes} writes and {names} names were not synced: lost {bytes_lost} bytes and {names_lost} names")
    }
}

fn notes(journal: &Path) -> Vec<Note> {
    let bytes = fs::read(journal).unwrap_or_default();
    let mut rest = bytes.as_slice();
    let mut notes = Vec::new();
    fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, after) = rest.split_at(count);
        *rest = after;
        taken
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    while rest.len() >= 33 {
        let kind = take(&mut rest, 1)[0];
        let [inode, at, old_len] = [8, 8, 8].map(|len| number(take(&mut rest, len)));
        let [path, to, data] = [2, 2, 4].map(|len| number(take(&mut rest, len)) as usize);
        let [path, to, data] = [path, to, data].map(|len| take(&mut rest, len).to_vec());
        let text = |bytes: Vec<u8>| PathBuf::from(String::from_utf8(bytes).unwrap());
        notes.push(Note { kind, inode, at, old_len, path: text(path), to: text(to), data });
    }
    notes
}

fn files(folder: &Path, found: &mut HashMap<u64, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            files(&entry.path(), found);
        } else {
            found.insert(metadata.ino(), entry.path());
        }
    }
}

/// A file as it was at its last sync.
fn before(now: &[u8], writes: &[&Note]) -> Vec<u8> {
    let mut bytes = now.to_vec();
    for write in writes.iter().rev() {
        bytes.resize(write.old_len as usize, 0);
        let at = write.at as usize;
        // A note may stand for a write that the kill prevented.
        if let Some(place) = bytes.get_mut(at..at + write.data.len()) {
            place.copy_from_slice(&write.data);
        }
    }
    bytes
}

/// Each sector as before or as after; beyond the old end also zeros, or nothing from some sector on.
fn torn(old: &[u8], new: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let longest = match rng.random_range(0..4) {
        0 => old.len(),
        1 => new.len(),
        _ => rng.random_range(old.len().min(new.len())..=old.len().max(new.len())),
    };
    let mut left = vec![0; longest];
    let keeps_all = rng.random_bool(0.3);
    for start in (0..longest).step_by(SECTOR_LEN) {
        let from = if keeps_all || rng.random_bool(0.5) { new } else { old };
        let end = (start + SECTOR_LEN).min(longest).min(from.len());
        if start < end {
            left[start..end].copy_from_slice(&from[start..end]);
        }
    }
    left
}

/// Takes from a folder what a power cut could take.
pub fn lose(folder: &Path, journal: &Path, rng: &mut StdRng) -> Loss {
    let notes = notes(journal);
    let mut writes: BTreeMap<u64, Vec<&Note>> = BTreeMap::new();
    let mut names: Vec<&Note> = Vec::new();
    for note in &notes {
        match note.kind {
            WRITE => writes.entry(note.inode).or_default().push(note),
            SYNC => drop(writes.remove(&note.inode)),
            SYNC_FOLDER => names.retain(|name| name.path.parent() != Some(note.path.as_path())),
            _ => names.push(note),
        }
    }
    let mut loss = Loss { names: names.len(), ..Loss::default() };
    let mut found = HashMap::new();
    files(folder, &mut found);
    for (inode, writes) in &writes {
        loss.writes += writes.len();
        let Some(path) = found.get(inode) else { continue };
        let now = fs::read(path).unwrap();
        let left = torn(&before(&now, writes), &now, rng);
        loss.bytes_lost += now.len() - now.iter().zip(&left).filter(|(now, left)| now == left).count();
        fs::write(path, left).unwrap();
    }
    let mut gone = BTreeSet::new();
    let kept = rng.random_range(0..=names.len());
    for name in names[kept..].iter().rev() {
        loss.names_lost += 1;
        take_back(name, &mut gone);
    }
    loss
}

fn take_back(name: &Note, gone: &mut BTreeSet<PathBuf>) {
    if gone.iter().any(|folder| name.path.starts_with(folder)) {
        return;
    }
    // Whatever fails here was not done before the kill.
    let kept = String::from_utf8(name.data.clone()).unwrap();
    let _ = match name.kind {
        CREATE => fs::remove_file(&name.path),
        RENAME => fs::rename(&name.to, &name.path).and_then(|()| match kept.as_str() {
            "" => Ok(()),
            kept => fs::hard_link(kept, &name.to),
        }),
        UNLINK => fs::hard_link(kept, &name.path),
        MKDIR => {
            gone.insert(name.path.clone());
            fs::remove_dir_all(&name.path)
        }
        kind => panic!("the shim noted kind {kind}"),
    };
}
