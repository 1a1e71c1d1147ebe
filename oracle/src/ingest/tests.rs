//! The committer on a disk that is full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_protocol::reason::Reason;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;

use super::committer::{Handle, Reply, Start, open_log};
use crate::core::Config;
use crate::core::node::Rate;
use crate::log::Options;
use crate::log::tests::faults::Faulty;
use crate::registry::Registry;

const RESERVE: usize = 10_000;

fn start(disk: &Faulty, folder: &std::path::Path) -> (Handle, std::thread::JoinHandle<()>) {
    let signing_key = SigningKey::from_bytes(&[9; 32]);
    let key = signing_key.verifying_key().to_bytes();
    let clock: crate::context::ClockFn = Arc::new(|| 1_000_000);
    let options = Options { segment_bytes_max: 1 << 20, reserve_bytes: RESERVE as u64, clock: clock.clone() };
    let config = Config {
        domain: Domain { genesis_tag: [1; 8], program: [2; 32] },
        signing_key: signing_key.into(),
        schedule: Schedule::new(60, 10).unwrap(),
        rate: Rate { burst: 10, refill_ms: 1 },
    };
    let start = Start {
        config,
        frozen_before: 0,
        log: open_log(Arc::new(disk.clone()), folder, key, options).unwrap(),
        snapshots: None,
        registry: Arc::new(Registry::default()),
        seen: Arc::default(),
        clock,
        tick_every: Duration::from_millis(10),
        queue_requests_max: 4,
    };
    start.start().unwrap()
}

/// One frame that means nothing.
fn send(ingest: &Handle) -> Reply {
    ingest.heartbeats(1_000_000, vec![1, 0, 7]).unwrap().blocking_recv().unwrap()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_disk_refuses_with_a_reason_and_ingest_goes_on_by_itself_when_there_is_room() {
    let (disk, folder) = (Faulty::default(), tempfile::tempdir().unwrap());
    let (ingest, thread) = start(&disk, folder.path());
    assert!(matches!(send(&ingest), Reply::Answer(_)));
    // Below the reserve nothing is judged; with less room than a record the record is cut off again.
    for room in [RESERVE - 1, 50, 0] {
        disk.fill(Some(room));
        let Reply::Refused(Reason::Overloaded, why) = send(&ingest) else { panic!("a full disk took a heartbeat") };
        assert!(why.contains("is full"), "{why}");
        assert_eq!(ingest.disk_full(), Some(why));
        assert!(ingest.mark().is_none() || room > 0, "there is no place for a mark");
        disk.fill(None);
        wait_until("the full disk is not forgotten", || ingest.disk_full().is_none());
        assert!(matches!(send(&ingest), Reply::Answer(_)));
    }
    let (shed, received) = (ingest.shed_frames(), ingest.core().counters().received);
    assert_eq!((shed, received), (3, 4), "each frame is counted once");
    assert_eq!(ingest.failure(), None);
    ingest.stop();
    thread.join().unwrap();
}
