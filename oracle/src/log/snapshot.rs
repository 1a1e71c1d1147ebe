//! Snapshot files: `log/snapshots/0000000012.snap` stands for all records before segment 12.
//!
//! Header: `"MSSN" | version u16 = 1 | reserved u16 | oracle key[32] | segment u64 | number of its first record u64 |
//! seal[32] of the segment before | taken_at_ms u64 | CRC32C u32 of all of it`. Then chunks: `len u32 | payload[len] |
//! CRC32C u32 of both`, at least one byte each; then the end: `len u32 = 0 | count of chunks u64 | CRC32C u32 of both`.
//! All little-endian. A file has its name only once it is whole and durable.

use std::path::{Path, PathBuf};

use super::read::io;
use super::scan::Scan;
use super::storage::{Storage, StoredFile};
use super::{LogError, Position};

/// First bytes of a snapshot.
pub const MAGIC: [u8; 4] = *b"MSSN";
/// The version of these bytes.
pub const VERSION: u16 = 1;
/// Bytes of the header.
pub const HEADER_LEN: usize = 100;
/// The most bytes of a chunk.
pub const CHUNK_LEN_MAX: usize = 16 << 20;
/// Snapshots that are kept: if the newest is damaged, there is the one before.
pub const KEPT: usize = 2;
/// Bytes after which a piece is synced, so that the log's own syncs never wait for a whole snapshot.
const SYNC_EVERY_BYTES: u64 = 4 << 20;

/// Why a snapshot cannot be used; there may be an older one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] LogError),
    /// The bytes are not what was written.
    #[error("the snapshot {} is damaged at byte {at}: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Offset of the first bad byte.
        at: u64,
        /// In words.
        why: String,
    },
}

/// What stands at the head of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose it is.
    pub oracle_key: [u8; 32],
    /// Where replay goes on.
    pub position: Position,
    /// When it was begun, Unix milliseconds.
    pub taken_at_ms: u64,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&VERSION.to_le_bytes());
        out[8..40].copy_from_slice(&self.oracle_key);
        out[40..48].copy_from_slice(&self.position.segment.to_le_bytes());
        out[48..56].copy_from_slice(&self.position.number.to_le_bytes());
        out[56..88].copy_from_slice(&self.position.previous);
        out[88..96].copy_from_slice(&self.taken_at_ms.to_le_bytes());
        let crc = crc32c::crc32c(&out[..96]);
        out[96..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header; the error says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err("the header is not complete");
        };
        if bytes[..4] != MAGIC {
            return Err("it is not a snapshot");
        }
        if bytes[4..6] != VERSION.to_le_bytes() {
            return Err("its version is unknown here");
        }
        if crc32c::crc32c(&bytes[..96]).to_le_bytes() != bytes[96..] {
            return Err("the header's checksum is wrong");
        }
        let (mut oracle_key, mut previous) = ([0; 32], [0; 32]);
        oracle_key.copy_from_slice(&bytes[8..40]);
        previous.copy_from_slice(&bytes[56..88]);
        let number = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let position = Position { segment: number(40), number: number(48), previous };
        Ok(Self { oracle_key, position, taken_at_ms: number(88) })
    }
}

fn folder_of(log: &Path) -> PathBuf {
    log.join("snapshots")
}

fn path_of(log: &Path, segment: u64) -> PathBuf {
    folder_of(log).join(format!("{segment:010}.snap"))
}

/// A snapshot that is being written, chunk by chunk.
pub struct SnapshotWriter<'a> {
    storage: &'a dyn Storage,
    file: Box<dyn StoredFile>,
    temporary: PathBuf,
    path: PathBuf,
    len: u64,
    synced: u64,
    chunks: u64,
}

impl<'a> SnapshotWriter<'a> {
    /// Begins one in the log's folder.
    pub fn begin(storage: &'a dyn Storage, log: &Path, header: &Header) -> Result<Self, LogError> {
        let folder = folder_of(log);
        storage.create_folder(&folder).map_err(io("cannot make the folder", &folder))?;
        let temporary = folder.join("new.tmp");
        let mut file = storage.create(&temporary).map_err(io("cannot make", &temporary))?;
        file.write_at(&header.encode(), 0).map_err(io("cannot write", &temporary))?;
        let path = path_of(log, header.position.segment);
        Ok(Self { storage, file, temporary, path, len: HEADER_LEN as u64, synced: 0, chunks: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.file.write_at(bytes, self.len).map_err(io("cannot write", &self.temporary))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Adds a chunk.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), LogError> {
        if payload.is_empty() || payload.len() > CHUNK_LEN_MAX {
            return Err(LogError::TooLarge(payload.len()));
        }
        let mut bytes = Vec::with_capacity(payload.len() + 8);
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        self.write(&bytes)?;
        self.chunks += 1;
        if self.len - self.synced >= SYNC_EVERY_BYTES {
            self.file.sync().map_err(io("cannot sync", &self.temporary))?;
            self.synced = self.len;
        }
        Ok(())
    }

    /// Ends it: from now on it is one to start from. Says how many bytes it has.
    pub fn finish(mut self) -> Result<u64, LogError> {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&self.chunks.to_le_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        self.write(&bytes)?;
        self.file.sync().map_err(io("cannot sync", &self.temporary))?;
        self.storage.rename(&self.temporary, &self.path).map_err(io("cannot name", &self.path))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        self.storage.sync_folder(folder).map_err(io("cannot sync the folder", folder))?;
        Ok(self.len)
    }
}

/// The segments that snapshots stand before, the newest first.
pub fn list(storage: &dyn Storage, log: &Path) -> Result<Vec<u64>, LogError> {
    let folder = folder_of(log);
    let names = storage.list(&folder).map_err(io("cannot list", &folder))?;
    let segment = |name: &String| name.strip_suffix(".snap")?.parse().ok();
    let mut segments: Vec<u64> = names.iter().filter_map(segment).collect();
    segments.sort_unstable();
    segments.reverse();
    Ok(segments)
}

/// Reads the snapshot that stands before a segment, and hands out its chunks. What was handed out counts for nothing if an
/// error follows.
pub fn load(
    storage: &dyn Storage,
    log: &Path,
    oracle_key: &[u8; 32],
    segment: u64,
    take: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<Header, SnapshotError> {
    let path = path_of(log, segment);
    let damaged = |at: u64, why: &str| SnapshotError::Damaged { path: path.clone(), at, why: why.into() };
    let cannot_read = |error| SnapshotError::Disk(io("cannot read", &path)(error));
    let file = storage.open(&path).map_err(io("cannot open", &path))?;
    let mut scan = Scan::new(&*file, 0, Vec::new());
    let bytes = scan.peek(HEADER_LEN).map_err(cannot_read)?;
    let header = Header::decode(bytes).map_err(|why| damaged(0, why))?;
    if header.oracle_key != *oracle_key || header.position.segment != segment {
        return Err(damaged(0, "it is another oracle's, or of another place in the log than its name says"));
    }
    scan.skip(HEADER_LEN);
    let mut chunks = 0u64;
    loop {
        let at = scan.at();
        let bytes = scan.peek(4).map_err(cannot_read)?;
        let len = bytes.first_chunk().map_or(u32::MAX, |len| u32::from_le_bytes(*len)) as usize;
        if len > CHUNK_LEN_MAX {
            return Err(damaged(at, "a chunk's length is missing or wrong"));
        }
        let body = if len == 0 { 8 } else { len };
        let bytes = scan.peek(body + 8).map_err(cannot_read)?;
        let (Some(covered), Some(crc)) = (bytes.get(..4 + body), bytes.get(4 + body..8 + body)) else {
            return Err(damaged(at, "it ends in the middle of a chunk"));
        };
        if crc32c::crc32c(covered).to_le_bytes() != crc {
            return Err(damaged(at, "a chunk's checksum is wrong"));
        }
        if len == 0 {
            return match covered[4..] == chunks.to_le_bytes() {
                true => Ok(header),
                false => Err(damaged(at, "chunks are missing")),
            };
        }
        take(&covered[4..]).map_err(|why| damaged(at, &why))?;
        chunks += 1;
        scan.skip(body + 8);
    }
}

/// Removes all but the newest [`KEPT`] snapshots. Says before which segment all records are held by each that stays: 0,
/// and so none, while there are fewer.
pub fn prune(storage: &dyn Storage, log: &Path) -> Result<u64, LogError> {
    let segments = list(storage, log)?;
    for segment in segments.iter().skip(KEPT) {
        let path = path_of(log, *segment);
        storage.remove(&path).map_err(io("cannot remove", &path))?;
    }
    Ok(segments.get(KEPT - 1).copied().unwrap_or(0))
}
