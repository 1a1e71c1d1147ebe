use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, Log, LogError, SegmentLog};

const KEY: [u8; 32] = [7; 32];

fn open(folder: &Path) -> Result<(SegmentLog, Vec<Vec<u8>>), LogError> {
    let mut log = SegmentLog::open(Arc::new(Disk), folder, KEY, 2048)?;
    let mut records = Vec::new();
    log.replay(&mut |payload| {
        records.push(payload.to_vec());
        Ok(())
    })?;
    Ok((log, records))
}

/// Writes `count` records of 100 bytes, each synced alone, over several segments.
fn filled(folder: &Path, count: u8) -> Vec<Vec<u8>> {
    let (mut log, _) = open(folder).unwrap();
    let records: Vec<Vec<u8>> = (0..count).map(|n| vec![n; 100]).collect();
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
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_log_goes_on() {
    let source = tempfile::tempdir().unwrap();
    let records = filled(source.path(), 5);
    let whole = std::fs::read(&segments(source.path())[0]).unwrap();
    let last_start = whole.len() - 116;
    for len in last_start..whole.len() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("0000000000.seg"), &whole[..len]).unwrap();
        let (mut log, replayed) = open(folder.path()).unwrap();
        assert_eq!(replayed, records[..4]);
        log.append_batch(&[b"after"]).unwrap();
        log.sync().unwrap();
        drop(log);
        let (_log, replayed) = open(folder.path()).unwrap();
        assert_eq!(replayed[4], b"after");
    }
}

#[test]
fn a_torn_header_of_the_last_segment_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let records = filled(folder.path(), 60);
    let next = segments(folder.path()).len();
    std::fs::write(folder.path().join(format!("{next:010}.seg")), b"MSLG").unwrap();
    let (_log, replayed) = open(folder.path()).unwrap();
    assert_eq!(replayed, records);
}

#[test]
fn a_flipped_byte_before_good_records_refuses_to_start() {
    let source = tempfile::tempdir().unwrap();
    filled(source.path(), 60);
    let paths = segments(source.path());
    let last = paths.len() - 1;
    for (which, path) in paths.iter().enumerate() {
        let whole = std::fs::read(path).unwrap();
        // In the last segment the last record is spared: there a flip looks like a torn tail.
        let end = if which == last { whole.len() - 116 } else { whole.len() };
        for at in (0..end).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
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
fn a_missing_segment_and_another_oracles_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 60);
    let other = SegmentLog::open(Arc::new(Disk), folder.path(), [8; 32], 2048).unwrap().replay(&mut |_| Ok(()));
    assert!(matches!(other, Err(LogError::OtherOracle { .. })));
    std::fs::remove_file(&segments(folder.path())[1]).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::Damaged { .. })));
}

#[test]
fn a_second_process_does_not_get_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::InUse(_))));
    drop(first);
    assert!(open(folder.path()).is_ok());
}
