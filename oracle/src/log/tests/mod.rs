use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::read::{check, records_from};
use super::segment::{HEADER_LEN, Kind, RECORD_EXTRA_LEN, RECORD_HEADER_LEN, push_record};
use super::{Disk, Log, LogError, Options, Position, SegmentLog, Storage};

pub(crate) mod faults;
mod snapshots;
mod vectors;

const KEY: [u8; 32] = [7; 32];

fn options(segment_bytes_max: u64) -> Options {
    let now = AtomicU64::new(1_000);
    Options { segment_bytes_max, reserve_bytes: 0, clock: Arc::new(move || now.fetch_add(1_000, Ordering::Relaxed)) }
}

type Opened = Result<(SegmentLog, Vec<Vec<u8>>), LogError>;

fn open_on(storage: Arc<dyn Storage>, folder: &Path, from: &Position) -> Opened {
    let mut log = SegmentLog::open(storage, folder, KEY, options(2048))?;
    let mut records = Vec::new();
    log.replay(from, &mut |number, payload| {
        assert_eq!(number, from.number + records.len() as u64);
        records.push(payload.to_vec());
        Ok(())
    })?;
    Ok((log, records))
}

fn open(folder: &Path) -> Opened {
    open_on(Arc::new(Disk), folder, &Position::START)
}

/// Writes `count` records of 100 bytes, each synced alone, over several segments.
fn filled(folder: &Path, count: u8) -> Vec<Vec<u8>> {
    let (mut log, _) = open(folder).unwrap();
    let records: Vec<Vec<u8>> = (0..count).map(|n| vec![n + 1; 100]).collect();
    for record in &records {
        log.append_batch(&[record]).unwrap();
        log.sync().unwrap();
    }
    records
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "seg"));
    paths.sort();
    paths
}

#[test]
fn what_was_synced_is_replayed_in_order_over_segments() {
    let folder = tempfile::tempdir().unwrap();
    let records = filled(folder.path(), 60);
    assert!(segments(folder.path()).len() >= 3);
    let (mut log, replayed) = open(folder.path()).unwrap();
    assert_eq!(replayed, records);
    log.append_batch(&[b"one", b"two"]).unwrap();
    log.sync().unwrap();
    drop(log);
    let (_log, replayed) = open(folder.path()).unwrap();
    assert_eq!(replayed.len(), 62);
    assert_eq!(replayed[61], b"two");
    let checked = check(&Disk, folder.path()).unwrap();
    assert_eq!((checked.records, checked.first_number), (62, 1));
}

/// Puts the bytes of a segment in an otherwise empty folder, opens the log and appends to it.
fn reopened(bytes: &[u8]) -> Result<Vec<Vec<u8>>, LogError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("0000000000.seg"), bytes).unwrap();
    let (mut log, replayed) = open(folder.path())?;
    log.append_batch(&[b"after"]).unwrap();
    log.sync().unwrap();
    drop(log);
    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(again[..replayed.len()], replayed);
    assert_eq!(again[replayed.len()..], [b"after"]);
    Ok(replayed)
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_log_goes_on() {
    let source = tempfile::tempdir().unwrap();
    let records = filled(source.path(), 5);
    let whole = std::fs::read(&segments(source.path())[0]).unwrap();
    let last_start = whole.len() - 100 - RECORD_EXTRA_LEN;
    for len in (last_start..whole.len()).step_by(3) {
        assert_eq!(reopened(&whole[..len]).unwrap(), records[..4], "cut at {len}");
    }
}

#[test]
fn a_tail_that_lacks_sectors_is_cut_and_the_log_goes_on() {
    let source = tempfile::tempdir().unwrap();
    let (mut log, _) = open(source.path()).unwrap();
    let records = [vec![1; 300], vec![2; 2000]];
    for record in &records {
        log.append_batch(&[record]).unwrap();
        log.sync().unwrap();
    }
    let whole = std::fs::read(&segments(source.path())[0]).unwrap();
    let last_start = whole.len() - 2000 - RECORD_EXTRA_LEN;
    let sectors = last_start / 512..=whole.len() / 512;
    for lacking in 1..1u32 << sectors.clone().count() {
        let mut torn = whole.clone();
        for (bit, sector) in sectors.clone().enumerate() {
            if lacking >> bit & 1 == 1 {
                let end = whole.len().min((sector + 1) * 512);
                torn[last_start.max(sector * 512).min(end)..end].fill(0);
            }
        }
        assert_eq!(reopened(&torn).unwrap(), records[..1], "sectors {lacking:b}");
    }
}

#[test]
fn of_records_that_were_appended_together_a_later_good_one_does_not_vouch_for_a_torn_one() {
    let source = tempfile::tempdir().unwrap();
    let (mut log, _) = open(source.path()).unwrap();
    log.append_batch(&[&[1; 100]]).unwrap();
    log.sync().unwrap();
    log.append_batch(&[&[2; 900], &[3; 100]]).unwrap();
    let mut torn = std::fs::read(&segments(source.path())[0]).unwrap();
    let second = HEADER_LEN + 100 + RECORD_EXTRA_LEN;
    torn[second.next_multiple_of(512)..][..512].fill(0);
    assert_eq!(reopened(&torn).unwrap(), [vec![1; 100]]);
    log.sync().unwrap();
    log.append_batch(&[&[4; 100]]).unwrap();
    let mut rotten = std::fs::read(&segments(source.path())[0]).unwrap();
    rotten[second.next_multiple_of(512)..][..512].fill(0);
    assert!(matches!(reopened(&rotten), Err(LogError::Damaged { .. })), "it was synced before record 4");
}

#[test]
fn a_torn_header_of_the_last_segment_is_made_anew() {
    for torn in [b"MSLG".to_vec(), vec![0; 100], Vec::new()] {
        let folder = tempfile::tempdir().unwrap();
        let mut records = Vec::new();
        // The last segment is full, so the next is on its way.
        for count in 12..40 {
            let again = tempfile::tempdir().unwrap();
            records = filled(again.path(), count);
            let paths = segments(again.path());
            if paths.len() == 3 && std::fs::metadata(&paths[2]).unwrap().len() < 300 {
                for path in &paths[..2] {
                    std::fs::copy(path, folder.path().join(path.file_name().unwrap())).unwrap();
                }
                records.pop();
                break;
            }
        }
        std::fs::write(folder.path().join("0000000002.seg"), torn).unwrap();
        let (_log, replayed) = open(folder.path()).unwrap();
        assert_eq!(replayed, records);
    }
}

#[test]
fn a_flipped_byte_anywhere_refuses_to_start_and_so_in_the_very_last_record() {
    let source = tempfile::tempdir().unwrap();
    filled(source.path(), 40);
    for (which, path) in segments(source.path()).iter().enumerate() {
        let whole = std::fs::read(path).unwrap();
        for at in (0..whole.len()).step_by(if which == 2 { 1 } else { 7 }) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x11;
            std::fs::write(path, &flipped).unwrap();
            let error = open(source.path()).err();
            assert!(
                matches!(error, Some(LogError::Damaged { .. } | LogError::OtherOracle { .. })),
                "segment {which} byte {at}: {error:?}"
            );
        }
        std::fs::write(path, &whole).unwrap();
    }
    assert!(open(source.path()).is_ok());
}

#[test]
fn an_edit_with_good_checksums_breaks_the_seal() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 40);
    let path = &segments(folder.path())[0];
    let mut bytes = std::fs::read(path).unwrap();
    let mut edited = Vec::new();
    push_record(&mut edited, Kind::Record, 1, 0, &[9; 100]);
    bytes[HEADER_LEN..HEADER_LEN + edited.len()].copy_from_slice(&edited);
    std::fs::write(path, &bytes).unwrap();
    let error = check(&Disk, folder.path()).unwrap_err();
    assert!(error.to_string().contains("the seal is not the hash"), "{error}");
}

#[test]
fn a_missing_segment_and_another_oracles_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 60);
    let mut other = SegmentLog::open(Arc::new(Disk), folder.path(), [8; 32], options(2048)).unwrap();
    assert!(matches!(other.replay(&Position::START, &mut |_, _| Ok(())), Err(LogError::OtherOracle { .. })));
    drop(other);
    std::fs::remove_file(&segments(folder.path())[1]).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::Damaged { .. })));
    assert!(check(&Disk, folder.path()).is_err());
}

#[test]
fn a_second_process_does_not_get_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::InUse(_))));
    drop(first);
    assert!(open(folder.path()).is_ok());
}

#[test]
fn replay_starts_at_a_mark_and_needs_nothing_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = filled(folder.path(), 30);
    let (mut log, _) = open(folder.path()).unwrap();
    let mark = log.mark().unwrap();
    assert_eq!((mark.number, &log.mark().unwrap()), (31, &mark), "nothing came between");
    log.append_batch(&[b"later"]).unwrap();
    log.sync().unwrap();
    drop(log);
    for path in &segments(folder.path())[..mark.segment as usize] {
        std::fs::remove_file(path).unwrap();
    }
    let (mut log, replayed) = open_on(Arc::new(Disk), folder.path(), &mark).unwrap();
    assert_eq!(replayed, [b"later"]);
    assert_eq!(log.read(31).unwrap().unwrap(), b"later");
    assert_eq!((log.read(30).unwrap(), log.read(32).unwrap()), (None, None));
    drop(log);
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("no snapshot holds"), "{error}");
    let wrong = Position { previous: [1; 32], ..mark };
    assert!(matches!(open_on(Arc::new(Disk), folder.path(), &wrong), Err(LogError::Damaged { .. })));
    assert_eq!(records.len(), 30);
}

#[test]
fn records_are_found_by_their_number_while_the_log_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let records = filled(folder.path(), 60);
    let (mut log, _) = open(folder.path()).unwrap();
    for number in [1, 2, 13, 14, 15, 59, 60] {
        assert_eq!(log.read(number).unwrap().as_ref(), Some(&records[number as usize - 1]));
        let mut found = Vec::new();
        records_from(&Disk, folder.path(), number, &mut |at, payload| {
            found.push((at, payload.to_vec()));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        let expected = (number..).zip(records[number as usize - 1..].iter().cloned());
        assert!(found.into_iter().eq(expected), "from {number}");
    }
    assert_eq!(RECORD_HEADER_LEN + 4, RECORD_EXTRA_LEN);
}
