//! Snapshot files, and what may be removed once they hold it.

use proptest::prelude::*;

use super::*;
use crate::log::retention::{Extent, Keep, removable, remove_old};
use crate::log::snapshot::{self, Header, SnapshotWriter};

fn header(segment: u64) -> Header {
    let position = Position { segment, number: 10 * segment + 1, previous: [segment as u8; 32] };
    Header { oracle_key: KEY, position, taken_at_ms: 5 }
}

fn take(folder: &Path, segment: u64, chunks: &[&[u8]]) {
    let mut writer = SnapshotWriter::begin(&Disk, folder, &header(segment)).unwrap();
    for chunk in chunks {
        writer.push(chunk).unwrap();
    }
    writer.finish().unwrap();
}

fn load(folder: &Path, segment: u64) -> Option<(Header, Vec<Vec<u8>>)> {
    let mut chunks = Vec::new();
    let header = snapshot::load(&Disk, folder, &KEY, segment, &mut |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    header.ok().map(|header| (header, chunks))
}

#[test]
fn a_snapshot_comes_back_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let chunks: [&[u8]; 3] = [&[1], &[2; 700], &[3; 5]];
    take(folder.path(), 4, &chunks);
    let (found, loaded) = load(folder.path(), 4).unwrap();
    assert_eq!((found, loaded), (header(4), chunks.map(<[u8]>::to_vec).to_vec()));
    let path = folder.path().join("snapshots/0000000004.snap");
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x40;
        std::fs::write(&path, &flipped).unwrap();
        assert!((6..8).contains(&at) || load(folder.path(), 4).is_none(), "byte {at} flipped");
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(load(folder.path(), 4).is_none(), "cut at {at}");
    }
}

#[test]
fn two_snapshots_are_kept_and_what_both_hold_may_go() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(snapshot::prune(&Disk, folder.path()).unwrap(), 0);
    take(folder.path(), 3, &[b"a"]);
    assert_eq!(snapshot::prune(&Disk, folder.path()).unwrap(), 0, "one alone could be damaged");
    take(folder.path(), 5, &[b"b"]);
    take(folder.path(), 9, &[b"c"]);
    assert_eq!(snapshot::prune(&Disk, folder.path()).unwrap(), 5);
    assert_eq!(snapshot::list(&Disk, folder.path()).unwrap(), [9, 5]);
    // A crash left one half-written.
    SnapshotWriter::begin(&Disk, folder.path(), &header(11)).unwrap().push(b"d").unwrap();
    assert_eq!(snapshot::list(&Disk, folder.path()).unwrap(), [9, 5]);
}

#[test]
fn old_segments_that_snapshots_hold_are_removed_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 60);
    let all = segments(folder.path()).len();
    let keep = Keep { age_ms: 0, bytes: u64::MAX };
    let removed = |held_below, now_ms| remove_old(&Disk, folder.path(), held_below, now_ms, &keep).unwrap();
    assert_eq!(removed(0, u64::MAX), 0, "no snapshot");
    assert_eq!(removed(2, u64::MAX), 2);
    assert_eq!(segments(folder.path()).len(), all - 2);
    assert_eq!(removed(u64::MAX, u64::MAX), all - 3, "the last one stays");
    let checked = check(&Disk, folder.path()).unwrap();
    assert_eq!(checked.first_number + checked.records, 61);
}

proptest! {
    #[test]
    fn nothing_goes_that_no_snapshot_holds_or_that_is_young_and_fits(
        ages in prop::collection::vec((0u64..100, 1u64..50), 0..12),
        held_below in 0u64..14,
        age_ms in 0u64..300,
        bytes in 0u64..300,
    ) {
        let mut begun_at_ms = 1_000;
        let segments: Vec<Extent> = (0..).zip(&ages).map(|(index, (lasts_ms, bytes))| {
            begun_at_ms += lasts_ms;
            Extent { index, begun_at_ms, bytes: *bytes }
        }).collect();
        let now_ms = begun_at_ms;
        let count = removable(&segments, held_below, now_ms, &Keep { age_ms, bytes });
        let total = |from: usize| segments[from..].iter().map(|segment| segment.bytes).sum::<u64>();
        let may_go = |at: usize| {
            at + 1 < segments.len()
                && segments[at].index < held_below
                && (now_ms - segments[at + 1].begun_at_ms >= age_ms || total(at) > bytes)
        };
        prop_assert!((0..count).all(may_go));
        prop_assert!(!may_go(count));
    }
}
