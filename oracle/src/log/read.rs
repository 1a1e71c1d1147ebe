//! Reading segments: which there are, what is in them, and whether that is what was written.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::scan::Scan;
use super::segment::{HEADER_LEN, Header, Kind, is_torn};
use super::storage::{Storage, StoredFile};
use super::{LogError, Take};

pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LogError {
    let path = path.to_path_buf();
    move |source| LogError::Io { what, path, source }
}

pub(super) fn damaged(path: &Path, at: u64, why: impl Into<String>) -> LogError {
    LogError::Damaged { path: path.into(), at, why: why.into() }
}

/// The file of a segment.
pub fn segment_path(folder: &Path, index: u64) -> PathBuf {
    folder.join(format!("{index:010}.seg"))
}

/// The indices of the segments, ascending.
pub fn indices(storage: &dyn Storage, folder: &Path) -> Result<Vec<u64>, LogError> {
    let names = storage.list(folder).map_err(io("cannot list", folder))?;
    let index = |name: &String| name.strip_suffix(".seg")?.parse().ok();
    let mut indices: Vec<u64> = names.iter().filter_map(index).collect();
    indices.sort_unstable();
    Ok(indices)
}

/// The first bytes of a segment, as many as a header has if there are so many.
pub(super) fn header_bytes(file: &dyn StoredFile, path: &Path) -> Result<Vec<u8>, LogError> {
    let mut bytes = vec![0; HEADER_LEN];
    let filled = file.read_at(&mut bytes, 0).map_err(io("cannot read", path))?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// A segment's header.
pub fn header(storage: &dyn Storage, path: &Path) -> Result<Header, LogError> {
    let file = storage.open(path).map_err(io("cannot open", path))?;
    Header::decode(&header_bytes(&*file, path)?).map_err(|why| damaged(path, 0, why))
}

/// Which part of a log a segment is.
pub(super) struct Part<'a> {
    pub(super) path: &'a Path,
    /// No segment follows it: a crash may have torn its end.
    pub(super) is_last: bool,
    /// Whether to check the seal against the bytes, not against the next header alone.
    pub(super) hashes: bool,
}

/// What a segment's records came to.
pub(super) struct Contents {
    /// Bytes up to the end of the last good record.
    pub(super) len: u64,
    /// What the seal says, if there is one.
    pub(super) seal: Option<[u8; 32]>,
    /// Over all good bytes; of use where [`Part::hashes`].
    pub(super) hash: Sha256,
    /// Where the records begin that were appended after the last sync that the segment tells of.
    pub(super) unsynced_from: u64,
    /// Number of the record that comes next.
    pub(super) next_number: u64,
}

/// Reads the records of a segment whose header was checked, from record `next_number` on.
pub(super) fn contents(
    file: &dyn StoredFile,
    part: &Part<'_>,
    next_number: u64,
    buffer: &mut Vec<u8>,
    take: Take<'_>,
) -> Result<Contents, LogError> {
    let path = part.path;
    let mut scan = Scan::new(file, 0, std::mem::take(buffer));
    let mut hash = Sha256::new();
    if part.hashes {
        hash.update(&scan.peek(HEADER_LEN).map_err(io("cannot read", path))?[..HEADER_LEN]);
    }
    scan.skip(HEADER_LEN);
    let mut found =
        Contents { len: HEADER_LEN as u64, seal: None, hash, unsynced_from: HEADER_LEN as u64, next_number };
    while found.seal.is_none() {
        let (at, expected) = (scan.at(), found.next_number);
        let Some(record) = scan.next_record().map_err(io("cannot read", path))? else {
            break;
        };
        if record.number != expected {
            let why = format!("record {} stands where {expected} belongs", record.number);
            return Err(damaged(path, at, why));
        }
        if record.synced + 1 == expected {
            found.unsynced_from = at;
        }
        match record.kind {
            Kind::Record => {
                take(expected, record.payload).map_err(|why| damaged(path, at, why))?;
                found.next_number += 1;
            }
            Kind::Seal => {
                let seal = record.payload.try_into();
                let seal: [u8; 32] = seal.map_err(|_| damaged(path, at, "the seal is no hash"))?;
                if part.hashes && seal[..] != found.hash.clone().finalize()[..] {
                    return Err(damaged(path, at, "the seal is not the hash of what it seals"));
                }
                found.seal = Some(seal);
            }
        }
        if part.hashes {
            found.hash.update(record.bytes);
        }
        found.len = scan.at();
    }
    check_rest(&mut scan, part, &found)?;
    *buffer = scan.into_buffer();
    Ok(found)
}

/// What stands behind the last good record: nothing, or what a crash tore.
fn check_rest(scan: &mut Scan<'_>, part: &Part<'_>, found: &Contents) -> Result<(), LogError> {
    let (path, at) = (part.path, scan.at());
    if scan.peek(1).map_err(io("cannot read", path))?.is_empty() {
        if found.seal.is_none() && !part.is_last {
            return Err(damaged(path, at, "the segment ends without its seal, and others follow it"));
        }
        return Ok(());
    }
    if found.seal.is_some() {
        return Err(damaged(path, at, "something follows the seal"));
    }
    let rest = if part.is_last { scan.rest().map_err(io("cannot read", path))? } else { &[] };
    if !part.is_last || !is_torn(rest, at, found.next_number) {
        return Err(damaged(path, at, "a record that was synced has another checksum"));
    }
    tracing::warn!(
        segment = %path.display(), kept_bytes = at, cut_bytes = rest.len(),
        "cut off the log's last record, which was never acknowledged"
    );
    Ok(())
}

/// Hands out the records from `number` on, or from the first that is there, until `take` has enough or no good record
/// follows. While the log is written to, the last records may not be durable yet.
pub fn records_from(
    storage: &dyn Storage,
    folder: &Path,
    number: u64,
    take: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let indices = indices(storage, folder)?;
    let mut buffer = Vec::new();
    for (place, &index) in indices.iter().enumerate() {
        let follows = indices.get(place + 1).map(|&next| header(storage, &segment_path(folder, next)));
        if follows.is_some_and(|next| next.is_ok_and(|next| next.first_number <= number)) {
            continue;
        }
        let path = segment_path(folder, index);
        let file = storage.open(&path).map_err(io("cannot open", &path))?;
        let mut scan = Scan::new(&*file, HEADER_LEN as u64, buffer);
        while let Some(record) = scan.next_record().map_err(io("cannot read", &path))? {
            let wanted = record.kind == Kind::Record && record.number >= number;
            if wanted && take(record.number, record.payload).is_break() {
                return Ok(());
            }
        }
        buffer = scan.into_buffer();
    }
    Ok(())
}

/// What [`check`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Segments.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Number of the first one.
    pub first_number: u64,
}

/// Checks every byte of all segments that are there: checksums, numbers, seals and the chain of them. The log may be
/// written to meanwhile.
pub fn check(storage: &dyn Storage, folder: &Path) -> Result<Checked, LogError> {
    let indices = indices(storage, folder)?;
    let mut checked = Checked::default();
    let (mut chain, mut next_number) = (None, 0);
    let mut buffer = Vec::new();
    for (place, &index) in indices.iter().enumerate() {
        let path = segment_path(folder, index);
        let file = storage.open(&path).map_err(io("cannot open", &path))?;
        let is_last = place + 1 == indices.len();
        let header = Header::decode(&header_bytes(&*file, &path)?).map_err(|why| damaged(&path, 0, why))?;
        let follows = chain.is_none_or(|seal| seal == header.previous && next_number == header.first_number);
        if header.index != index || index != indices[0] + place as u64 || !follows {
            return Err(damaged(&path, 0, "it does not follow the segment before it"));
        }
        let part = Part { path: &path, is_last, hashes: true };
        let found = contents(&*file, &part, header.first_number, &mut buffer, &mut |_, _| Ok(()))?;
        if place == 0 {
            checked.first_number = header.first_number;
        }
        checked.segments += 1;
        checked.records += found.next_number - header.first_number;
        (chain, next_number) = (Some(found.seal.unwrap_or_default()), found.next_number);
    }
    Ok(checked)
}
