//! The bytes on disk, pinned: whoever changes one of these changes the version.

use super::*;
use crate::log::segment;
use crate::log::snapshot;

fn position() -> Position {
    Position { segment: 3, number: 41, previous: [0xAB; 32] }
}

#[test]
fn a_segment_has_these_bytes() {
    let header = segment::Header {
        oracle_key: KEY,
        index: 3,
        first_number: 41,
        begun_at_ms: 1_700_000_000_000,
        previous: [0xAB; 32],
    };
    let mut bytes = header.encode().to_vec();
    push_record(&mut bytes, Kind::Record, 41, 40, b"first");
    push_record(&mut bytes, Kind::Record, 42, 41, b"");
    push_record(&mut bytes, Kind::Seal, 43, 42, &[0xCD; 32]);
    assert_eq!(hex::encode(&bytes), include_str!("segment.hex").replace(char::is_whitespace, ""));
    assert_eq!(segment::Header::decode(&bytes), Ok(header));
}

#[test]
fn a_snapshot_has_these_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let header = snapshot::Header { oracle_key: KEY, position: position(), taken_at_ms: 1_700_000_000_000 };
    let mut writer = snapshot::SnapshotWriter::begin(&Disk, folder.path(), &header).unwrap();
    writer.push(b"first").unwrap();
    writer.push(&[0xEF; 3]).unwrap();
    writer.finish().unwrap();
    let bytes = std::fs::read(folder.path().join("snapshots/0000000003.snap")).unwrap();
    assert_eq!(hex::encode(bytes), include_str!("snapshot.hex").replace(char::is_whitespace, ""));
}
