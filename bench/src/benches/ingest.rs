//! What a heartbeat costs a whole oracle, from the socket to the durable acknowledgement: processor time of all of its
//! threads, the kernel's part of the loopback included, the load generator's not. Many frames a request against V64, one
//! frame a request (frames of different connections share a batch) against V1.

use muster_protocol::heartbeat::push_frame;

use super::Bench;
use super::verify::Signed;
use crate::load;
use crate::measure::server_cpu_s;
use crate::network::{self, MILLION, NOW_MS};
use crate::report::{Line, Target};
use crate::server::Server;

pub const BATCHED: Bench = Bench {
    names: &["ingest_batched"],
    about: "processor time of a heartbeat over HTTP to the durable acknowledgement, 256 a request, against V64",
    run: batched,
};

pub const SINGLE: Bench = Bench {
    names: &["ingest_http_single", "share_1m_nodes_at_60s"],
    about: "the same with one heartbeat a request, 64 connections, against V1; 1M nodes' share of two processors",
    run: single,
};

const ROUNDS: usize = 6;

/// For each connection its requests, every one of `body` frames; each sender once a round, always over one connection.
pub fn requests(server: &Server, connections: usize, body: usize, rounds: std::ops::Range<u64>) -> Vec<Vec<Vec<u8>>> {
    let root = server.receipt_root();
    let senders = network::senders(MILLION);
    let mut signer = network::Signer::default();
    let mut lists = vec![Vec::new(); connections];
    for seq in rounds {
        for (i, senders) in senders.chunks(body).enumerate() {
            let mut frames = Vec::new();
            for node in senders {
                let frame = signer.frame(*node, &network::domain(), root, seq, NOW_MS);
                push_frame(&mut frames, &frame).expect("a heartbeat fits");
            }
            lists[i % connections].push(load::post(&frames));
        }
    }
    lists
}

/// Microseconds of processor time and of the wall for each of `count` things.
fn each_us(count: usize, work: impl FnOnce() -> f64) -> (f64, f64) {
    let before_s = server_cpu_s();
    let wall_s = work();
    let us_each = 1e6 / count as f64;
    ((server_cpu_s() - before_s) * us_each, wall_s * us_each)
}

fn measured(connections: usize, body: usize, verify: fn(&Signed)) -> [f64; 3] {
    let server = Server::start(network::registry(MILLION));
    let address = server.running().address;
    load::closed_loop(address, &requests(&server, connections, body, 1..2));
    let lists = requests(&server, connections, body, 2..2 + ROUNDS as u64);
    let signed = Signed::new(MILLION);
    verify(&signed);
    let count = ROUNDS * signed.len();
    let (reference_us, _) = each_us(count, || {
        (0..ROUNDS).for_each(|_| verify(&signed));
        0.0
    });
    let (cpu_us, wall_us) = each_us(count, || load::closed_loop(address, &lists));
    let accepted = server.running().ingest.core().counters().accepted;
    assert_eq!(accepted, (count + signed.len()) as u64, "every frame is accepted");
    [cpu_us, reference_us, wall_us]
}

fn line(name: &'static str, most: f64, [cpu_us, reference_us, wall_us]: [f64; 3]) -> Line {
    Line {
        name,
        unit: "us",
        value: cpu_us,
        reference: Some(reference_us),
        target: Target::RatioAtMost(most),
        more: vec![("wall_us", wall_us)],
    }
}

fn batched() -> Vec<Line> {
    vec![line("ingest_batched", 1.20, measured(4, 256, Signed::in_batches))]
}

fn single() -> Vec<Line> {
    let figures = measured(64, 1, Signed::one_by_one);
    let share = Line {
        name: "share_1m_nodes_at_60s",
        unit: "of 2 CPUs",
        value: figures[0] * 1e-6 * MILLION as f64 / 60.0 / 2.0,
        reference: None,
        target: if has_avx512() { Target::AtMost(0.25) } else { Target::Shown },
        more: Vec::new(),
    };
    vec![line("ingest_http_single", 1.35, figures), share]
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512ifma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}
