//! Disks that are full, or do not sync.

use std::io::{self, ErrorKind};
use std::sync::Mutex;

use super::*;
use crate::log::storage::{Lock, StoredFile};

/// A real folder with knobs.
#[derive(Clone, Default)]
pub(crate) struct Faulty(Arc<Mutex<Knobs>>);

#[derive(Default)]
struct Knobs {
    /// Bytes until the disk is full; none is endless.
    room: Option<usize>,
    syncs_fail: bool,
    /// Where bytes were written in segments.
    written: Vec<std::ops::Range<u64>>,
}

struct FaultyFile {
    file: Box<dyn StoredFile>,
    disk: Faulty,
}

impl Faulty {
    /// Leaves room for so many bytes; none is endless.
    pub(crate) fn fill(&self, room: Option<usize>) {
        self.with(|knobs| knobs.room = room);
    }

    fn with<T>(&self, f: impl FnOnce(&mut Knobs) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn wrap(&self, file: Box<dyn StoredFile>) -> Box<dyn StoredFile> {
        Box::new(FaultyFile { file, disk: self.clone() })
    }
}

impl Storage for Faulty {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.create_folder(folder)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        Disk.list(folder)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(Disk.open(path)?))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(Disk.create(path)?))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }
    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let room = self.with(|knobs| knobs.room);
        room.map_or_else(|| Disk.free_bytes(folder), |room| Ok(room as u64))
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        Disk.lock(path)
    }
}

impl StoredFile for FaultyFile {
    fn byte_len(&self) -> io::Result<u64> {
        self.file.byte_len()
    }
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fits = self.disk.with(|knobs| {
            let fits = knobs.room.map_or(bytes.len(), |room| room.min(bytes.len()));
            knobs.room = knobs.room.map(|room| room - fits);
            knobs.written.push(offset..offset + fits as u64);
            fits
        });
        self.file.write_at(&bytes[..fits], offset)?;
        if fits < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        if self.disk.with(|knobs| knobs.syncs_fail) {
            return Err(io::Error::other("the disk does not answer"));
        }
        self.file.sync()
    }
}

#[test]
fn a_record_that_a_full_disk_took_half_of_is_cut_and_the_log_goes_on_when_there_is_room_again() {
    // Also where the disk fills in the middle of a seal or of the next segment's header.
    for room in (0..900).step_by(13) {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = filled(folder.path(), 13);
        let disk = Faulty::default();
        let (mut log, _) = open_on(Arc::new(disk.clone()), folder.path(), &Position::START).unwrap();
        disk.fill(Some(room));
        for byte in 100..110 {
            let record = vec![byte; 100];
            match log.append_batch(&[&record]).and_then(|()| log.sync()) {
                Ok(()) => kept.push(record),
                Err(error) => assert!(matches!(error, LogError::Full { .. }), "{error}"),
            }
        }
        disk.fill(None);
        let record = vec![200; 150];
        log.append_batch(&[&record]).unwrap();
        log.sync().unwrap();
        kept.push(record);
        drop(log);
        let (_log, replayed) = open(folder.path()).unwrap();
        assert_eq!(replayed, kept, "room for {room} bytes");
    }
}

#[test]
fn a_full_disk_keeps_its_reserve() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    let kept = Options { reserve_bytes: 1_000, ..options(2048) };
    let mut log = SegmentLog::open(Arc::new(disk.clone()), folder.path(), KEY, kept).unwrap();
    log.replay(&Position::START, &mut |_, _| Ok(())).unwrap();
    disk.fill(Some(999));
    assert!(matches!(log.check_room(), Err(LogError::Full { free_bytes: 999, reserve_bytes: 1_000, .. })));
    disk.fill(Some(1_000));
    log.check_room().unwrap();
}

#[test]
fn a_failed_sync_is_final_and_the_next_start_writes_what_it_left_once_more() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let disk = Faulty::default();
    let (mut log, _) = open_on(Arc::new(disk.clone()), folder.path(), &Position::START).unwrap();
    log.append_batch(&[&[9; 100]]).unwrap();
    disk.with(|knobs| knobs.syncs_fail = true);
    assert!(matches!(log.sync(), Err(LogError::Io { .. })));
    disk.with(|knobs| knobs.syncs_fail = false);
    for refused in [log.sync(), log.append_batch(&[b"more"]), log.mark().map(|_| ())] {
        assert!(matches!(refused, Err(LogError::Unsynced)), "{refused:?}");
    }
    drop(log);
    disk.with(|knobs| knobs.written.clear());
    let (_log, replayed) = open_on(Arc::new(disk.clone()), folder.path(), &Position::START).unwrap();
    assert_eq!(replayed.len(), 4);
    let start = (HEADER_LEN + 3 * (100 + RECORD_EXTRA_LEN)) as u64;
    let rewritten = start..start + (100 + RECORD_EXTRA_LEN) as u64;
    assert_eq!(disk.with(|knobs| knobs.written.clone()), [rewritten]);
}
