//! How fast a restarted oracle takes its log back in: segments in the page cache through checksum, chain and core.

use std::path::Path;
use std::sync::Arc;

use muster_oracle::core::Input;
use muster_oracle::core::batch::Draft;
use muster_oracle::log::{Disk, Log, Options, Position, SegmentLog};
use muster_protocol::heartbeat::frame_hash;
use muster_protocol::wire::Frame;

use super::Bench;
use crate::measure::{median, seconds};
use crate::network::{self, NOW_MS};
use crate::report::{Line, Target};

pub const BENCH: Bench =
    Bench { names: &["replay_records"], about: "frames a second out of the log at start, 100,000 nodes", run };

/// Frames in the log.
const FRAMES: usize = 2_000_000;
const NODES: usize = 100_000;
const BATCH: usize = 1024;
const SEGMENT_BYTES: u64 = 64 << 20;
const ROUNDS: usize = 3;

fn open(folder: &Path) -> SegmentLog {
    let oracle = network::oracle_key().verifying_key().to_bytes();
    let options = Options { segment_bytes_max: SEGMENT_BYTES, reserve_bytes: 0, clock: Arc::new(|| NOW_MS) };
    SegmentLog::open(Arc::new(Disk), folder, oracle, options).expect("a log")
}

/// A log in which all nodes were heard in turns; replay asks for no signature.
fn write(folder: &Path) {
    let oracle = network::oracle_key().verifying_key().to_bytes();
    let mut log = open(folder);
    log.replay(&Position::START, &mut |_, _| Ok(())).expect("an empty log");
    let keys = network::public_keys();
    for at in (0..FRAMES).step_by(BATCH) {
        let mut draft = Draft::new(BATCH, 0);
        for i in at..(at + BATCH).min(FRAMES) {
            let key = keys[i * 7_919 % NODES];
            let said = network::heartbeat(key, oracle, [0x22; 32], 1 + (i / NODES) as u64, NOW_MS);
            let mut frame = said.signing_bytes(&network::domain()).expect("a good heartbeat");
            frame.extend_from_slice(&[0x77; 64]);
            draft.push(NOW_MS, &frame, &frame_hash(&frame));
        }
        let (record, _) = draft.finish(oracle, 10 + (at / BATCH) as u64, NOW_MS);
        log.append_batch(&[&record]).expect("room on the disk");
    }
    log.sync().expect("a disk");
}

fn run() -> Vec<Line> {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let registry = Arc::new(network::registry(NODES));
    let mut times = Vec::new();
    let mut in_core = Vec::new();
    for _ in 0..ROUNDS {
        let mut core = network::core(&registry);
        let mut log = open(folder.path());
        let mut core_s = 0.0;
        times.push(seconds(|| {
            let taken = log.replay(&Position::START, &mut |_, record| {
                core_s += seconds(|| assert_eq!(core.step(Input::Replay(record), 0), []));
                Ok(())
            });
            taken.expect("a whole log");
        }));
        in_core.push(core_s);
    }
    let per_s = |s: f64| FRAMES as f64 / s;
    vec![Line {
        name: "replay_records",
        unit: "/s",
        value: per_s(median(times)),
        reference: None,
        target: Target::AtLeast(5e6),
        more: vec![("core_alone_per_s", per_s(median(in_core)))],
    }]
}
