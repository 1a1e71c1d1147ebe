//! What a heartbeat costs without sockets: decoding, the look into a million nodes, verification, the rules, its bit, its
//! place in the log's buffer and in the receipt's tree, and the answer; against verification in batches of 64 alone.

use std::cell::RefCell;
use std::sync::Arc;

use muster_oracle::core::{Core, Input, Output, Request};
use muster_protocol::heartbeat::push_frame;

use super::Bench;
use super::verify::Signed;
use crate::measure::in_turns;
use crate::network::{self, MILLION, NOW_MS};
use crate::report::{Line, Target};

pub const BENCH: Bench = Bench {
    names: &[
        "heartbeat_pipeline",
        "heartbeat_cost_1k",
        "heartbeat_cost_10k",
        "heartbeat_cost_100k",
        "heartbeat_cost_1m",
        "overhead_1m",
    ],
    about: "a heartbeat without sockets, by the number of nodes, against V64",
    run,
};

const ROUNDS: usize = 7;
/// Frames of a request.
const BODY: usize = 64;
/// Requests of a batch.
const REQUESTS: usize = 16;

/// Rounds of requests, every frame newer than the one before.
fn rounds(nodes: usize, receipt_root: [u8; 32], count: usize) -> Vec<Vec<Vec<Request>>> {
    let mut signer = network::Signer::default();
    let senders = network::senders(nodes);
    let mut next_id = 0;
    let mut round = |seq: usize| {
        let mut requests = Vec::new();
        for senders in senders.chunks(BODY) {
            let mut body = Vec::new();
            for node in senders {
                let frame = signer.frame(*node, &network::domain(), receipt_root, seq as u64, NOW_MS);
                push_frame(&mut body, &frame).expect("a heartbeat fits");
            }
            next_id += 1;
            requests.push(Request { id: next_id, received_at_ms: NOW_MS, body });
        }
        requests.chunks(REQUESTS).map(<[Request]>::to_vec).collect()
    };
    (1..=count).map(&mut round).collect()
}

/// One round through the core; the disk is at once done.
fn feed(core: &mut Core, round: Vec<Vec<Request>>) -> usize {
    let mut answered = 0;
    for requests in round {
        let asked = core.step(Input::Heartbeats(requests), NOW_MS);
        assert!(matches!(asked[..], [Output::Write(_)]), "every frame is accepted");
        let answers = core.step(Input::Written, NOW_MS);
        answered += answers.iter().filter(|output| matches!(output, Output::Answer { .. })).count();
    }
    answered
}

/// Microseconds of a heartbeat and of its verification alone.
fn cost(nodes: usize) -> (f64, f64) {
    let registry = Arc::new(network::registry(nodes));
    let mut core = network::core(&registry);
    let root = core.newest().expect("a tick").receipt().root;
    let rounds = RefCell::new(rounds(nodes, root, ROUNDS + 1).into_iter());
    let signed = Signed::new(nodes);
    let core = RefCell::new(&mut core);
    let run = || {
        let round = rounds.borrow_mut().next().expect("a round for every run");
        assert!(feed(&mut core.borrow_mut(), round) > 0);
    };
    let (value_s, reference_s) = in_turns(ROUNDS, run, || signed.in_batches());
    let us_each = 1e6 / signed.len() as f64;
    (value_s * us_each, reference_s * us_each)
}

fn run() -> Vec<Line> {
    let mut lines = Vec::new();
    let sizes = [("heartbeat_cost_1k", 1_000), ("heartbeat_cost_10k", 10_000), ("heartbeat_cost_100k", 100_000)];
    let line = |name, target, (value, reference)| Line {
        name,
        unit: "us",
        value,
        reference: Some(reference),
        target,
        more: vec![("overhead_us", value - reference)],
    };
    for (name, nodes) in sizes {
        lines.push(line(name, Target::Shown, cost(nodes)));
    }
    let million = cost(MILLION);
    lines.push(line("heartbeat_cost_1m", Target::Shown, million));
    lines.insert(0, line("heartbeat_pipeline", Target::RatioAtMost(1.10), million));
    let overhead = Target::AtMost(0.8);
    lines.push(Line { unit: "us", reference: None, ..line("overhead_1m", overhead, (million.0 - million.1, 0.0)) });
    lines
}
