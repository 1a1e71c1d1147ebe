//! Serving proofs out of a tree of a million leaves, against an axum handler that answers as many bytes that are always the
//! same: answers a processor second, the load generator's time not counted.

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use muster_network::state::{Distribution, Root};
use muster_oracle::registry::{Registry, TenureInfo};
use muster_protocol::leaves::{Leaf, Leaves};
use muster_protocol::units::{BaseUnits, EpochIndex};

use super::Bench;
use crate::close::{DISTRIBUTION, EPOCH, PROJECT, members, project};
use crate::load::{self, Connection};
use crate::measure::server_cpu_s;
use crate::network::{self, MILLION};
use crate::report::{Line, Target};
use crate::server::Server;

pub const BENCH: Bench =
    Bench { names: &["proof_serving"], about: "proofs of 1M leaves, against a static axum answer as long", run };

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 2_500;
const ROUNDS: usize = 5;

fn leaves() -> Leaves {
    let rows: Vec<Leaf> = members(MILLION)
        .iter()
        .map(|member| Leaf { tenure: member.tenure, cumulative: BaseUnits::new(1_000_000 + u64::from(member.index)) })
        .collect();
    let total = BaseUnits::new(rows.iter().map(|row| row.cumulative.get()).sum());
    Leaves {
        program: network::domain().program,
        distribution: DISTRIBUTION,
        epoch: EpochIndex::new(EPOCH),
        revision: 0,
        node_pool: total,
        total,
        rows,
    }
}

fn registry(leaves: &Leaves) -> Registry {
    let mut registry = Registry { clock_s: (network::NOW_MS / 1000) as i64, ..Registry::default() };
    registry.projects.insert(PROJECT, project());
    let mut distribution: Distribution = bytemuck::Zeroable::zeroed();
    distribution.roots[0] = Root {
        root: leaves.root().expect("a tree"),
        epoch: EPOCH,
        total: leaves.total.get(),
        count: leaves.rows.len() as u32,
        ..Root::default()
    };
    registry.distributions.insert(PROJECT, distribution);
    for (index, row) in leaves.rows.iter().enumerate() {
        let info = TenureInfo {
            tenure: row.tenure,
            node: row.tenure,
            project: PROJECT,
            holder: [1; 32],
            operator: [0; 32],
            leaf_index: index as u32,
            until_epoch: u64::MAX,
        };
        registry.tenures.insert(row.tenure, info);
    }
    registry
}

/// Answers a processor second.
fn per_cpu_s(address: std::net::SocketAddr, requests: &[Vec<Vec<u8>>]) -> f64 {
    let before_s = server_cpu_s();
    load::closed_loop(address, requests);
    requests.iter().map(Vec::len).sum::<usize>() as f64 / (server_cpu_s() - before_s)
}

fn run() -> Vec<Line> {
    let leaves = leaves();
    let server = Server::start(registry(&leaves));
    let bytes = leaves.encode().expect("a good leaf file");
    let store = server.running().epochs.store();
    store.put_leaves(&PROJECT, EPOCH, 0, &bytes).expect("room on the disk");
    let address = server.running().address;

    let base58 = |key: &[u8; 32]| bs58::encode(key).into_string();
    let path = |i: usize| {
        let tenure = &leaves.rows[i * 7_919 % MILLION].tenure;
        format!("/api/v1/projects/{}/proofs/{}", base58(&PROJECT), base58(tenure))
    };
    let proofs: Vec<Vec<Vec<u8>>> =
        (0..CONNECTIONS).map(|c| (0..REQUESTS).map(|i| load::get(&path(c * REQUESTS + i))).collect()).collect();
    let example = Bytes::copy_from_slice(Connection::open(address).ask(&proofs[0][0]));
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], example) };
    let router = Router::new().route("/", get(answer));
    let runtime = server.runtime();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let static_address = listener.local_addr().expect("a port");
    let serving = runtime.spawn(async move { axum::serve(listener, router).await });
    let statics = vec![vec![load::get("/"); REQUESTS]; CONNECTIONS];

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (our, their) = (per_cpu_s(address, &proofs), per_cpu_s(static_address, &statics));
        if round > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    serving.abort();
    vec![Line {
        name: "proof_serving",
        unit: "/s",
        value: crate::measure::median(ours),
        reference: Some(crate::measure::median(theirs)),
        target: Target::RatioAtLeast(0.8),
        more: Vec::new(),
    }]
}
