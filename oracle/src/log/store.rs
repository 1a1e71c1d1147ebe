//! Segments on disk: `log/0000000000.seg` and so on, the last one open for writing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::segment::{
    HEADER_LEN, Header, PAYLOAD_LEN_MAX, RECORD_HEADER_LEN, holds_later_record, push_record, read_record,
};
use super::storage::{Lock, Storage, StoredFile, read_whole};
use super::{Log, LogError};

/// See the module.
pub struct SegmentLog {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    oracle_key: [u8; 32],
    segment_bytes_max: u64,
    /// Held open for the lock on it.
    _lock: Box<dyn Lock>,
    /// None until replayed.
    writer: Option<Writer>,
    next_number: u64,
}

struct Writer {
    file: Box<dyn StoredFile>,
    path: PathBuf,
    index: u64,
    len: u64,
    /// Over all bytes of the segment so far.
    hash: Sha256,
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LogError {
    let path = path.to_path_buf();
    move |source| LogError::Io { what, path, source }
}

impl SegmentLog {
    /// Opens the log of `oracle_key` in `folder`, which is made if it is not there, and locks it.
    pub fn open(
        storage: Arc<dyn Storage>,
        folder: &Path,
        oracle_key: [u8; 32],
        segment_bytes_max: u64,
    ) -> Result<Self, LogError> {
        storage.create_folder(folder).map_err(io("cannot make the folder", folder))?;
        let path = folder.join("lock");
        let lock = storage.lock(&path).map_err(io("cannot lock", &path))?;
        let lock = lock.ok_or_else(|| LogError::InUse(folder.into()))?;
        Ok(Self {
            storage,
            folder: folder.into(),
            oracle_key,
            segment_bytes_max: segment_bytes_max.max(1 << 10),
            _lock: lock,
            writer: None,
            next_number: 1,
        })
    }

    fn path(&self, index: u64) -> PathBuf {
        self.folder.join(format!("{index:010}.seg"))
    }

    /// The indices of the segments, ascending.
    fn indices(&self) -> Result<Vec<u64>, LogError> {
        let names = self.storage.list(&self.folder).map_err(io("cannot list", &self.folder))?;
        let index = |name: &String| name.strip_suffix(".seg")?.parse().ok();
        let mut indices: Vec<u64> = names.iter().filter_map(index).collect();
        indices.sort_unstable();
        Ok(indices)
    }

    /// Makes the next segment and its name durable before anything is written to it.
    fn create(&self, index: u64, previous: [u8; 32]) -> Result<Writer, LogError> {
        let path = self.path(index);
        let header = Header { oracle_key: self.oracle_key, index, previous };
        let bytes = header.encode();
        let mut file = self.storage.create(&path).map_err(io("cannot make", &path))?;
        file.write_at(&bytes, 0).map_err(io("cannot write", &path))?;
        file.sync().map_err(io("cannot sync", &path))?;
        self.storage.sync_folder(&self.folder).map_err(io("cannot sync the folder", &self.folder))?;
        let mut hash = Sha256::new();
        hash.update(bytes);
        Ok(Writer { file, path, index, len: HEADER_LEN as u64, hash })
    }

    /// Checks a segment's header against what must follow the segment before.
    fn check_header(&self, path: &Path, header: &Header, previous: &[u8; 32]) -> Result<(), LogError> {
        if header.oracle_key != self.oracle_key {
            return Err(LogError::OtherOracle {
                path: self.folder.clone(),
                found: bs58::encode(header.oracle_key).into_string(),
                expected: bs58::encode(self.oracle_key).into_string(),
            });
        }
        let damaged = |why: &str| LogError::Damaged { path: path.into(), at: 0, why: why.into() };
        if path != self.path(header.index) {
            return Err(damaged("its name is not its index"));
        }
        if header.previous != *previous {
            return Err(damaged("the segment before it is not the one it was written after"));
        }
        Ok(())
    }

    /// Reads the records of one segment; gives the length of its good part.
    fn read_segment(
        &mut self,
        path: &Path,
        bytes: &[u8],
        is_last: bool,
        take: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<usize, LogError> {
        let mut at = HEADER_LEN;
        let damaged = |at: usize, why: String| LogError::Damaged { path: path.into(), at: at as u64, why };
        while at < bytes.len() {
            match read_record(&bytes[at..]) {
                Some((number, payload)) if number == self.next_number => {
                    take(payload).map_err(|why| damaged(at, why))?;
                    self.next_number += 1;
                    at += RECORD_HEADER_LEN + payload.len();
                }
                Some((number, _)) => {
                    let expected = self.next_number;
                    let why = format!("record {number} stands where {expected} belongs");
                    return Err(damaged(at, why));
                }
                None => {
                    let rest = &bytes[at..];
                    let torn = is_last
                        && rest.len() <= PAYLOAD_LEN_MAX + RECORD_HEADER_LEN
                        && !holds_later_record(&rest[1..], self.next_number);
                    if !torn {
                        let why = "a record's checksum is wrong and good records follow it";
                        return Err(damaged(at, why.into()));
                    }
                    tracing::warn!(
                        segment = %path.display(), kept_bytes = at, cut_bytes = rest.len(),
                        "cut off the log's last record, which was never acknowledged whole"
                    );
                    break;
                }
            }
        }
        Ok(at)
    }
}

impl Log for SegmentLog {
    fn replay(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), LogError> {
        let indices = self.indices()?;
        let mut previous = [0; 32];
        for (position, &index) in indices.iter().enumerate() {
            let path = self.path(index);
            let is_last = position + 1 == indices.len();
            let bytes = read_whole(&*self.storage, &path).map_err(io("cannot read", &path))?.unwrap_or_default();
            if index != position as u64 {
                let why = format!("segment {position} is missing before it");
                return Err(LogError::Damaged { path, at: 0, why });
            }
            if is_last && bytes.len() < HEADER_LEN {
                tracing::warn!(segment = %path.display(), "made the log's last segment anew; a crash tore its header");
                self.writer = Some(self.create(index, previous)?);
                return Ok(());
            }
            let header = Header::decode(&bytes).map_err(|why| LogError::Damaged {
                path: path.clone(),
                at: 0,
                why: why.into(),
            })?;
            self.check_header(&path, &header, &previous)?;
            let good = self.read_segment(&path, &bytes, is_last, take)?;
            let hash = Sha256::new_with_prefix(&bytes[..good]);
            previous = hash.clone().finalize().into();
            if is_last {
                let mut file = self.storage.open(&path).map_err(io("cannot open", &path))?;
                file.cut(good as u64).map_err(io("cannot cut", &path))?;
                file.sync().map_err(io("cannot sync", &path))?;
                self.writer = Some(Writer { file, path, index, len: good as u64, hash });
            }
        }
        if self.writer.is_none() {
            self.writer = Some(self.create(0, previous)?);
        }
        Ok(())
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<(), LogError> {
        let writer = self.writer.as_ref().ok_or(LogError::NotReplayed)?;
        if writer.len >= self.segment_bytes_max {
            let previous = writer.hash.clone().finalize().into();
            let index = writer.index + 1;
            self.sync()?;
            self.writer = Some(self.create(index, previous)?);
        }
        let mut bytes = Vec::with_capacity(records.iter().map(|r| r.len() + 16).sum());
        let mut number = self.next_number;
        for record in records {
            if record.len() > PAYLOAD_LEN_MAX {
                return Err(LogError::TooLarge(record.len()));
            }
            push_record(&mut bytes, number, record);
            number += 1;
        }
        let writer = self.writer.as_mut().ok_or(LogError::NotReplayed)?;
        let written = writer.file.write_at(&bytes, writer.len);
        written.map_err(io("cannot write", &writer.path))?;
        writer.len += bytes.len() as u64;
        writer.hash.update(&bytes);
        self.next_number = number;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        let writer = self.writer.as_mut().ok_or(LogError::NotReplayed)?;
        let synced = writer.file.sync();
        synced.map_err(io("cannot sync", &writer.path))
    }
}
