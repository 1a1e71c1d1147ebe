//! Every decoder against bytes that nobody meant: it takes no panic and no memory beyond its input's measure, and what it
//! accepts it writes again, byte for byte (P5).
//!
//! `make test` gives each target a fixed number of inputs; `MUSTER_FUZZ_S` gives each target so many seconds instead, from
//! a seed that is printed (`MUSTER_FUZZ_SEED` repeats it). What fails is written to `fuzz/crashes/TARGET`.

mod chain;
mod engine;
mod files;
mod frames;
mod memory;
mod tlog;

use engine::{Target, run};

macro_rules! targets {
    ($($name:ident: $target:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let target: Target = $target;
                run(stringify!($name), target);
            }
        )*

        #[test]
        fn every_folder_of_the_corpus_is_some_targets() {
            let known = [$(stringify!($name)),*];
            let folders = engine::folders();
            for folder in &folders {
                assert!(known.contains(&folder.as_str()), "fuzz/corpus/{folder} belongs to no target");
            }
            for name in known {
                assert!(folders.iter().any(|folder| folder == name), "{name} has no corpus");
            }
        }
    };
}

targets! {
    heartbeat: frames::frame::<muster_protocol::heartbeat::Heartbeat>;
    receipt: frames::frame::<muster_protocol::receipt::BatchReceipt>;
    view: frames::frame::<muster_protocol::view::View>;
    assignment: frames::frame::<muster_protocol::assignment::Assignment>;
    result: frames::frame::<muster_protocol::result::TaskResult>;
    progress: frames::frame::<muster_protocol::result::Progress>;
    scores: frames::frame::<muster_protocol::scores::Scores>;
    uptime: frames::frame::<muster_protocol::uptime::UptimeStatement>;
    points: frames::frame::<muster_protocol::export::PointsStatement>;
    body: frames::body;
    answer: frames::answer;
    request: frames::request;
    dataset: files::dataset;
    leaves: files::leaves;
    job: files::job;
    record: files::record;
    segment: files::segment;
    snapshot: files::snapshot;
    entry: tlog::entry;
    block: tlog::block;
    note: tlog::note;
    verifier: tlog::verifier;
    checkpoint: tlog::checkpoint;
    tile: tlog::tile;
    bundle: tlog::bundle;
    add_checkpoint: tlog::add_checkpoint;
    account: chain::account;
    event: chain::event;
    token: chain::token;
    transaction: chain::transaction;
}
