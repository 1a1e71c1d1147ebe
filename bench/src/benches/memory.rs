//! What a million nodes take in memory: the picture of the chain, their keys and the index, and an epoch in which every
//! node was heard, with the receipts that it may ask for again. A process of its own, so that nothing else is counted.

use std::process::Command;
use std::sync::Arc;

use muster_oracle::core::{Core, Input, Request};
use muster_protocol::heartbeat::push_frame;
use rayon::prelude::*;

use super::Bench;
use crate::measure::resident_mib;
use crate::network::{self, MILLION, NOW_MS};
use crate::report::{Line, Target};

pub const BENCH: Bench = Bench {
    names: &["memory_1m"],
    about: "memory of an oracle that knows a million nodes and heard each in the epoch",
    run,
};

/// Set in the process that measures.
const MEASURING: &str = "MUSTER_BENCH_MEASURES_MEMORY";
/// Frames of a batch, and of a request.
const BATCH: usize = 1024;
const BODY: usize = 64;

/// One frame of each node, signed on all processors.
fn sign(first: usize, count: usize, root: [u8; 32], at_ms: u64) -> Vec<Vec<u8>> {
    let nodes: Vec<usize> = (first..first + count).collect();
    let frame = |node: &usize| network::Signer::default().frame(*node, &network::domain(), root, 1, at_ms);
    nodes.par_iter().map(frame).collect()
}

/// Every node heard once at `at_ms`.
fn hear(core: &mut Core, at_ms: u64) {
    core.step(Input::Tick, at_ms);
    core.step(Input::Written, at_ms);
    let root = core.newest().expect("a tick").receipt().root;
    for first in (0..MILLION).step_by(BATCH) {
        let frames = sign(first, BATCH.min(MILLION - first), root, at_ms);
        let mut requests = Vec::new();
        for frames in frames.chunks(BODY) {
            let mut body = Vec::new();
            frames.iter().for_each(|frame| push_frame(&mut body, frame).expect("a heartbeat fits"));
            requests.push(Request { id: 0, received_at_ms: at_ms, body });
        }
        core.step(Input::Heartbeats(requests), at_ms);
        core.step(Input::Written, at_ms);
    }
}

/// Mebibytes: the chain's picture, keys and index, an epoch in which every node was heard.
fn measure() -> [f64; 3] {
    network::public_keys();
    sign(0, BATCH, [0; 32], NOW_MS);
    let bare = resident_mib();
    let registry = Arc::new(network::registry(MILLION));
    let chain = resident_mib();
    let mut core = network::core(&registry);
    let keys = resident_mib();
    hear(&mut core, NOW_MS);
    let heard = resident_mib();
    assert_eq!(core.heard().count(), MILLION);
    [chain - bare, keys - chain, heard - keys]
}

fn run() -> Vec<Line> {
    if std::env::var_os(MEASURING).is_some() {
        let figures = measure().map(|figure| figure.to_string());
        println!("{}", figures.join(" "));
        std::process::exit(0);
    }
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--only", "memory_1m"]).env(MEASURING, "1").output();
    let output = output.expect("this program runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [chain, keys, epoch] = figures[..] else { panic!("the measuring process said {text:?}") };
    vec![Line {
        name: "memory_1m",
        unit: "MiB",
        value: chain + keys + epoch,
        reference: None,
        target: Target::AtMost(1024.0),
        more: vec![("chain_mib", chain), ("keys_mib", keys), ("epoch_mib", epoch)],
    }]
}
