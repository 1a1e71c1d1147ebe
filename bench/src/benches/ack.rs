//! How long a durable acknowledgement takes at half of the load that the oracle can bear, 16 frames a request over 16
//! connections. The load goes on at its pace whether or not the oracle keeps up; a request's time begins when it was due.

use std::time::Duration;

use super::Bench;
use super::ingest::requests;
use crate::load;
use crate::network::{self, MILLION, SENDERS};
use crate::report::{Line, Target};
use crate::server::Server;

pub const BENCH: Bench =
    Bench { names: &["ack_p99_ms"], about: "durable acknowledgement at half load, 99th percentile", run };

const CONNECTIONS: usize = 16;
const BODY: usize = 16;
const FULL_ROUNDS: u64 = 4;
const HALF_ROUNDS: u64 = 8;

fn run() -> Vec<Line> {
    let server = Server::start(network::registry(MILLION));
    let address = server.running().address;
    load::closed_loop(address, &requests(&server, CONNECTIONS, BODY, 1..2));
    let full = requests(&server, CONNECTIONS, BODY, 2..2 + FULL_ROUNDS);
    let full_s = load::closed_loop(address, &full);
    let most_per_s = FULL_ROUNDS as f64 * SENDERS as f64 / full_s;
    let half = requests(&server, CONNECTIONS, BODY, 10..10 + HALF_ROUNDS);
    let every = Duration::from_secs_f64((BODY * CONNECTIONS) as f64 / (most_per_s / 2.0));
    let mut took = load::open_loop(address, &half, every);
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    vec![Line {
        name: "ack_p99_ms",
        unit: "ms",
        value: at(0.99),
        reference: None,
        target: Target::AtMost(10.0),
        more: vec![("p50_ms", at(0.5)), ("max_ms", at(1.0)), ("full_per_s", most_per_s)],
    }]
}
