//! Segments on disk: `log/0000000000.seg` and so on, the last one open for writing.
//!
//! A failed sync is final. The system may have forgotten what it could not write, so a second try would lie; and what it
//! still shows may not be on the disk. At the next start the records after the last known sync are written once more,
//! over themselves, before anything is built on them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::read::{Contents, Part, contents, damaged, header_bytes, indices, io, records_from, segment_path};
use super::segment::{HEADER_LEN, Header, Kind, PAYLOAD_LEN_MAX, RECORD_EXTRA_LEN, lacks_sector, push_record};
use super::storage::{Lock, Storage, StoredFile};
use super::{Log, LogError, Position, Take};
use crate::context::ClockFn;

/// How a log is kept.
pub struct Options {
    /// Bytes after which a new segment is begun.
    pub segment_bytes_max: u64,
    /// Bytes that stay free on the disk, for snapshots and views: below that nothing is appended.
    pub reserve_bytes: u64,
    /// Says when a segment was begun.
    pub clock: ClockFn,
}

/// See the module.
pub struct SegmentLog {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    oracle_key: [u8; 32],
    options: Options,
    _lock: Box<dyn Lock>,
    /// None until replayed.
    writer: Option<Writer>,
    next_number: u64,
    /// The last record that is durable.
    synced: u64,
    /// A sync failed.
    has_failed: bool,
    /// The bytes of a batch on their way to the file.
    buffer: Vec<u8>,
}

struct Writer {
    file: Box<dyn StoredFile>,
    path: PathBuf,
    /// Where it begins.
    place: Position,
    /// Bytes up to the end of the last whole record.
    len: u64,
    /// Over all bytes of the segment so far.
    hash: Sha256,
    /// What the next segment's header repeats, once this one is full.
    seal: Option<[u8; 32]>,
    /// Part of a record that failed half-way stands behind `len`.
    is_torn: bool,
}

impl SegmentLog {
    /// Opens the log of `oracle_key` in `folder`, which is made if it is not there, and locks it.
    pub fn open(
        storage: Arc<dyn Storage>,
        folder: &Path,
        oracle_key: [u8; 32],
        options: Options,
    ) -> Result<Self, LogError> {
        storage.create_folder(folder).map_err(io("cannot make the folder", folder))?;
        let path = folder.join("lock");
        let lock = storage.lock(&path).map_err(io("cannot lock", &path))?;
        let lock = lock.ok_or_else(|| LogError::InUse(folder.into()))?;
        Ok(Self {
            storage,
            folder: folder.into(),
            oracle_key,
            options,
            _lock: lock,
            writer: None,
            next_number: 1,
            synced: 0,
            has_failed: false,
            buffer: Vec::new(),
        })
    }

    fn full(&self, free_bytes: u64) -> LogError {
        LogError::Full { path: self.folder.clone(), free_bytes, reserve_bytes: self.options.reserve_bytes }
    }

    /// An error of the disk: that it is full is told apart.
    fn failed(&self, what: &'static str, path: &Path, error: std::io::Error) -> LogError {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                self.full(self.storage.free_bytes(&self.folder).unwrap_or(0))
            }
            _ => io(what, path)(error),
        }
    }

    /// Makes the segment at a place and its name durable before anything is written to it.
    fn create(&self, place: &Position) -> Result<Writer, LogError> {
        let path = segment_path(&self.folder, place.segment);
        let header = Header {
            oracle_key: self.oracle_key,
            index: place.segment,
            first_number: place.number,
            begun_at_ms: (self.options.clock)(),
            previous: place.previous,
        };
        let bytes = header.encode();
        let failed = |what| move |error| self.failed(what, &segment_path(&self.folder, place.segment), error);
        let mut file = self.storage.create(&path).map_err(failed("cannot make"))?;
        file.write_at(&bytes, 0).map_err(failed("cannot write"))?;
        file.sync().map_err(failed("cannot sync"))?;
        self.storage.sync_folder(&self.folder).map_err(failed("cannot sync the folder of"))?;
        Ok(Writer {
            file,
            path,
            place: place.clone(),
            len: HEADER_LEN as u64,
            hash: Sha256::new_with_prefix(bytes),
            seal: None,
            is_torn: false,
        })
    }

    /// Checks a segment's header against what must follow the segment before.
    fn check_header(&self, path: &Path, header: &Header, place: &Position) -> Result<(), LogError> {
        if header.oracle_key != self.oracle_key {
            return Err(LogError::OtherOracle {
                path: self.folder.clone(),
                found: bs58::encode(header.oracle_key).into_string(),
                expected: bs58::encode(self.oracle_key).into_string(),
            });
        }
        if header.index != place.segment {
            return Err(damaged(path, 0, "its name is not its index"));
        }
        if header.previous != place.previous {
            return Err(damaged(path, 0, "the segment before it is not the one it was written after"));
        }
        if header.first_number != place.number {
            return Err(damaged(path, 0, format!("it begins with another record than {}", place.number)));
        }
        Ok(())
    }

    /// The writer at the end of the last segment: what is torn is cut off, what may not be durable written again.
    fn resume(
        &mut self,
        mut file: Box<dyn StoredFile>,
        path: &Path,
        place: Position,
        found: Contents,
    ) -> Result<Writer, LogError> {
        let Contents { len, seal, hash, unsynced_from, next_number } = found;
        let mut piece = vec![0; 1 << 20];
        let mut from = unsynced_from;
        while from < len {
            let count = (len - from).min(piece.len() as u64) as usize;
            let filled = file.read_at(&mut piece[..count], from).map_err(io("cannot read", path))?;
            if filled != count {
                return Err(damaged(path, from, "the file became shorter while it was read"));
            }
            file.write_at(&piece[..count], from).map_err(io("cannot write", path))?;
            from += count as u64;
        }
        file.cut(len).map_err(io("cannot cut", path))?;
        file.sync().map_err(io("cannot sync", path))?;
        self.synced = next_number - 1;
        Ok(Writer { file, path: path.into(), place, len, hash, seal, is_torn: false })
    }

    /// Appends to the open segment, whole or not at all. What failed half-way is cut off, durably, before anything is
    /// written in its place: else a crash could mix the two.
    fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        let writer = self.writer.as_mut().ok_or(LogError::NotReplayed)?;
        if writer.is_torn {
            writer.file.cut(writer.len).map_err(io("cannot cut", &writer.path))?;
            self.sync()?;
        }
        let writer = self.writer.as_mut().ok_or(LogError::NotReplayed)?;
        let written = writer.file.write_at(bytes, writer.len);
        writer.is_torn = written.is_err();
        if let Err(error) = written {
            let path = writer.path.clone();
            return Err(self.failed("cannot write", &path, error));
        }
        writer.len += bytes.len() as u64;
        writer.hash.update(bytes);
        Ok(())
    }

    /// Seals the open segment and begins the next.
    fn roll(&mut self) -> Result<(), LogError> {
        let writer = self.writer.as_ref().ok_or(LogError::NotReplayed)?;
        let (segment, number) = (writer.place.segment + 1, self.next_number);
        let previous = match writer.seal {
            Some(seal) => seal,
            None => {
                let seal: [u8; 32] = writer.hash.clone().finalize().into();
                let mut bytes = Vec::with_capacity(RECORD_EXTRA_LEN + seal.len());
                push_record(&mut bytes, Kind::Seal, number, self.synced, &seal);
                self.write(&bytes)?;
                self.sync()?;
                seal
            }
        };
        if let Some(writer) = &mut self.writer {
            writer.seal = Some(previous);
        }
        self.writer = Some(self.create(&Position { segment, number, previous })?);
        Ok(())
    }

    fn check_sync(&self) -> Result<(), LogError> {
        if self.has_failed { Err(LogError::Unsynced) } else { Ok(()) }
    }
}

impl Log for SegmentLog {
    fn replay(&mut self, from: &Position, take: Take<'_>) -> Result<(), LogError> {
        let mut indices = indices(&*self.storage, &self.folder)?;
        indices.retain(|index| *index >= from.segment);
        let mut place = from.clone();
        let mut buffer = Vec::new();
        for (count, &index) in indices.iter().enumerate() {
            let path = segment_path(&self.folder, index);
            let is_last = count + 1 == indices.len();
            if index != place.segment {
                let why =
                    format!("segment {} is missing before it, and no snapshot holds what was in it", place.segment);
                return Err(damaged(&path, 0, why));
            }
            let file = self.storage.open(&path).map_err(io("cannot open", &path))?;
            let bytes = header_bytes(&*file, &path)?;
            let header = match Header::decode(&bytes) {
                Ok(header) => header,
                Err(_) if is_last && (bytes.len() < HEADER_LEN || lacks_sector(&bytes, 0)) => {
                    tracing::warn!(segment = %path.display(), "made the log's last segment anew; a crash tore its header");
                    break;
                }
                Err(why) => return Err(damaged(&path, 0, why)),
            };
            self.check_header(&path, &header, &place)?;
            let part = Part { path: &path, is_last, hashes: is_last };
            let found = contents(&*file, &part, place.number, &mut buffer, take)?;
            self.next_number = found.next_number;
            if is_last {
                self.writer = Some(self.resume(file, &path, place, found)?);
                return Ok(());
            }
            let previous = found.seal.unwrap_or_default();
            place = Position { segment: index + 1, number: found.next_number, previous };
        }
        if indices.is_empty() && *from != Position::START {
            let path = segment_path(&self.folder, from.segment);
            return Err(damaged(&path, 0, "it is missing, and the snapshot says that it was there"));
        }
        self.next_number = place.number;
        self.synced = place.number - 1;
        self.writer = Some(self.create(&place)?);
        Ok(())
    }

    fn check_room(&mut self) -> Result<(), LogError> {
        let free_bytes = self.storage.free_bytes(&self.folder).map_err(io("cannot ask for room in", &self.folder))?;
        if free_bytes < self.options.reserve_bytes { Err(self.full(free_bytes)) } else { Ok(()) }
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<(), LogError> {
        self.check_sync()?;
        if let Some(record) = records.iter().find(|record| record.len() > PAYLOAD_LEN_MAX) {
            return Err(LogError::TooLarge(record.len()));
        }
        let writer = self.writer.as_ref().ok_or(LogError::NotReplayed)?;
        if writer.len >= self.options.segment_bytes_max || writer.seal.is_some() {
            self.roll()?;
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        let mut number = self.next_number;
        for record in records {
            push_record(&mut bytes, Kind::Record, number, self.synced, record);
            number += 1;
        }
        let written = self.write(&bytes);
        self.buffer = bytes;
        written?;
        self.next_number = number;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.check_sync()?;
        let writer = self.writer.as_mut().ok_or(LogError::NotReplayed)?;
        if let Err(error) = writer.file.sync() {
            self.has_failed = true;
            return Err(io("cannot sync", &writer.path)(error));
        }
        self.synced = self.next_number - 1;
        Ok(())
    }

    fn mark(&mut self) -> Result<Position, LogError> {
        self.check_sync()?;
        let writer = self.writer.as_ref().ok_or(LogError::NotReplayed)?;
        if self.next_number > writer.place.number || writer.seal.is_some() {
            self.roll()?;
        }
        Ok(self.writer.as_ref().ok_or(LogError::NotReplayed)?.place.clone())
    }

    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, LogError> {
        let mut found = None;
        records_from(&*self.storage, &self.folder, number, &mut |at, payload| {
            found = (at == number).then(|| payload.to_vec());
            std::ops::ControlFlow::Break(())
        })?;
        Ok(found)
    }
}
