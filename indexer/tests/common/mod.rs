//! Events of a small network's life, and a source that serves them. The database is a real PostgreSQL.
#![allow(dead_code, reason = "each test file uses a part of it")]

mod changes;

pub use muster_localpg::scratch as postgres;

use std::sync::{Arc, Mutex};

use muster_client::events::Event;
use muster_client::muster_jobs::events::*;
use muster_client::muster_network::events::*;
use muster_client::muster_network::state::PointsFormula;
use muster_client::{Pubkey, addresses};
use muster_indexer::decode::{ChainEvent, ChainTransaction, InnerGroup, InnerInstruction, decode};
use muster_indexer::dump::dump;
use muster_indexer::source::{Found, Listing, Source, SourceError};
use muster_indexer::store::{ChainIdentity, Store};

/// Unix milliseconds at which jobs are submitted.
pub const NONCE: u64 = 1_700_000_000_000;

pub fn key(n: u8) -> Pubkey {
    Pubkey::new_from_array([n; 32])
}

pub fn identity() -> ChainIdentity {
    ChainIdentity {
        genesis_hash: "genesis".to_owned(),
        network_program: muster_client::muster_network::ID.to_string(),
        jobs_program: muster_client::muster_jobs::ID.to_string(),
    }
}

/// A schema of its own, bound to the test chain.
pub async fn store(url: &str, schema: &str) -> Store {
    let store = Store::connect(url, schema).await.expect("a schema");
    store.bind_to(&identity()).await.expect("a new schema takes any chain");
    store
}

pub async fn text(store: &Store) -> String {
    let mut out = Vec::new();
    dump(store, &mut out).await.expect("a dump");
    String::from_utf8(out).expect("a dump is text")
}

/// A transaction as the RPC source would hand it over: each event is the program's call of itself.
pub fn transaction(slot: u64, number: usize, events: &[Event]) -> ChainTransaction {
    let instructions = events.iter().map(|event| InnerInstruction {
        program: event.program(),
        accounts: vec![addresses::event_authority(&event.program())],
        data: event.encode(),
    });
    let inner = vec![InnerGroup { ix: 1, instructions: instructions.collect() }];
    ChainTransaction { signature: format!("signature{number:04}"), slot, inner }
}

pub fn decoded(transactions: &[ChainTransaction]) -> Vec<ChainEvent> {
    transactions.iter().flat_map(|transaction| decode(transaction).expect("known events")).collect()
}

/// Numbers events by stream and places each group of them in a transaction, two transactions a slot.
struct Story {
    seqs: std::collections::HashMap<Pubkey, u64>,
    transactions: Vec<ChainTransaction>,
}

impl Story {
    fn seq(&mut self, stream: Pubkey) -> u64 {
        let seq = self.seqs.entry(stream).or_default();
        *seq += 1;
        *seq
    }

    fn now(&self) -> i64 {
        1_700_000_000 + self.transactions.len() as i64
    }

    fn push(&mut self, event: Event) {
        let number = self.transactions.len();
        self.transactions.push(transaction(10 + number as u64 / 2, number, &[event]));
    }
}

/// Every kind of event: a network, two projects, four nodes, one of which is bound twice, two settled epochs, claims, a
/// completed and a failed job, bonds.
pub fn story() -> Vec<ChainTransaction> {
    let mut s = Story { seqs: Default::default(), transactions: Vec::new() };
    let network = addresses::network();
    let (seq, timestamp) = (s.seq(network), s.now());
    s.push(Event::NetworkInitialized(NetworkInitialized {
        stream: network,
        seq,
        timestamp,
        authority: key(1),
        guardian: key(2),
        treasury_owner: key(3),
        job_mint: key(4),
        fee_bps: 2000,
        epoch_len: 120,
        bucket_len: 10,
        grace: 20,
        root_delay: 10,
        hold_limit: 3600,
        oracle_set_delay: 60,
    }));
    let (seq, timestamp) = (s.seq(network), s.now());
    s.push(Event::OracleSetChanged(OracleSetChanged {
        stream: network,
        seq,
        timestamp,
        set_version: 1,
        threshold: 2,
        effective_at: timestamp,
        oracles: vec![key(10), key(11), key(12)],
    }));
    let config = addresses::jobs_config();
    let (seq, timestamp) = (s.seq(config), s.now());
    s.push(Event::JobsInitialized(JobsInitialized {
        stream: config,
        seq,
        timestamp,
        network,
        mint: key(4),
        default_stake: 100_000_000,
        stake_min: 1_000_000,
        sponsor_min: 1_000_000,
        attest_grace: 60,
        cancel_window: 60,
        unbond_delay: 3_600,
        slash_delay: 600,
    }));
    for index in 0..2 {
        project(&mut s, index);
    }
    jobs(&mut s);
    changes::network(&mut s);
    for index in 0..2 {
        let project = addresses::project(index);
        changes::nodes(&mut s, project);
        changes::project(&mut s, project);
        changes::settlement(&mut s, project, addresses::distribution(&project));
    }
    let views = s.transactions.iter().flat_map(|transaction| decode(transaction).expect("known events"));
    let first = views.map(|found| found.event).find(|event| event.name() == "ViewsCommitted").expect("views");
    changes::views(&mut s, first.stream(), 0);
    let tenure = addresses::tenure(&addresses::node(&addresses::licence(&addresses::project(0), 1)), 1);
    changes::jobs(&mut s, addresses::bond(&tenure), tenure, 80_000_000);
    s.transactions
}

fn project(s: &mut Story, index: u64) {
    let project = addresses::project(index);
    let distribution = addresses::distribution(&project);
    let (seq, timestamp) = (s.seq(project), s.now());
    s.push(Event::ProjectCreated(ProjectCreated {
        stream: project,
        seq,
        timestamp,
        index,
        owner: key(20),
        settler: key(21),
        collection: addresses::group(&project),
        distribution,
        reward_mint: key(4),
        payment_mint: key(4),
        price: u64::MAX,
        licences_max: 100,
        formula: PointsFormula { w_uptime: 1000, w_task: 500, cap: u64::MAX, min_uptime_bps: 5000 },
        max_epoch_budget: 1_000_000_000,
        reward_mode: 0,
        next_epoch: 100,
        name: format!("Project \\u0000 \t\"{index}\"\0"),
        uri: "https://example.org/ä".to_owned(),
    }));
    for amount in [5_000_000, 7_000_000] {
        let (seq, timestamp) = (s.seq(project), s.now());
        s.push(Event::ProjectFunded(ProjectFunded {
            stream: project,
            seq,
            timestamp,
            funder: key(20),
            amount,
            balance: amount,
        }));
    }
    for serial in 0..2 {
        let (licence, holder) = (addresses::licence(&project, serial), key(30 + serial as u8));
        let (seq, timestamp) = (s.seq(project), s.now());
        s.push(Event::LicenceSold(LicenceSold {
            stream: project,
            seq,
            timestamp,
            licence,
            serial,
            buyer: holder,
            payment_mint: key(4),
            price: u64::MAX,
        }));
        bind(s, project, serial, holder, 1, serial);
    }
    // A sale of the first licence: another holder, the next tenure, not accepted yet.
    bind(s, project, 0, key(40), 2, 2);
    s.transactions.pop();
    *s.seqs.get_mut(&project).expect("the project has events") -= 1;
    epochs(s, project, distribution);
}

fn bind(s: &mut Story, project: Pubkey, serial: u32, holder: Pubkey, tenure_number: u32, leaf_index: u32) {
    let licence = addresses::licence(&project, serial);
    let node = addresses::node(&licence);
    let node_key = Pubkey::new_from_array(muster_protocol::hashv(&[node.as_ref(), &tenure_number.to_le_bytes()]));
    let (seq, timestamp) = (s.seq(project), s.now());
    s.push(Event::NodeBound(NodeBound {
        stream: project,
        seq,
        timestamp,
        node,
        licence,
        serial,
        holder,
        node_key,
        tenure: addresses::tenure(&node, tenure_number),
        tenure_number,
        leaf_index,
        from_epoch: 100,
        payout: key(50),
        payout_owner: holder,
        metadata_hash: [serial as u8; 32],
    }));
    let (seq, timestamp) = (s.seq(project), s.now());
    s.push(Event::NodeAccepted(NodeAccepted { stream: project, seq, timestamp, node, node_key }));
}

fn epochs(s: &mut Story, project: Pubkey, distribution: Pubkey) {
    for (round, epoch) in [100u64, 101].into_iter().enumerate() {
        let view_set = addresses::view_set(epoch * 10 + s.transactions.len() as u64);
        for oracle in 0..3u8 {
            let (seq, timestamp) = (s.seq(view_set), s.now());
            s.push(Event::ViewsCommitted(ViewsCommitted {
                stream: view_set,
                seq,
                timestamp,
                epoch: epoch * 1000 + s.transactions.len() as u64 - u64::from(oracle),
                set_version: 1,
                oracle: key(10 + oracle),
                oracle_index: oracle,
                hashes: vec![[1; 32], [2; 32], [0; 32]],
                in_count: oracle,
                closed: oracle == 2,
            }));
        }
        let (seq, timestamp) = (s.seq(distribution), s.now());
        s.push(Event::EpochSettled(EpochSettled {
            stream: distribution,
            seq,
            timestamp,
            project,
            epoch,
            revision: 0,
            skipped_from: epoch,
            points_root: [7; 32],
            total_points: 3000,
            node_count: 3,
            budget: 1_000_000,
            fee_bps: 2000,
            fee: 200_000,
            node_pool: 800_000,
            dataset_hash: [8; 32],
            scores_hash: [0; 32],
            is_final: false,
        }));
        let total = 800_000 * (round as u64 + 1);
        for oracle in 0..2u8 {
            let (seq, timestamp) = (s.seq(distribution), s.now());
            s.push(Event::RootVoted(RootVoted {
                stream: distribution,
                seq,
                timestamp,
                project,
                oracle: key(10 + oracle),
                oracle_index: oracle,
                epoch,
                revision: 0,
                root: [9; 32],
                total,
                count: 3,
                dataset_hash: [8; 32],
                log_head: [6; 32],
                set_version: 1,
                votes: oracle + 1,
                approved: oracle == 1,
                eta: if oracle == 1 { timestamp + 10 } else { 0 },
            }));
        }
        let (seq, timestamp) = (s.seq(distribution), s.now());
        s.push(Event::RootActivated(RootActivated {
            stream: distribution,
            seq,
            timestamp,
            project,
            epoch,
            revision: 0,
            root: [9; 32],
            total,
            count: 3,
            budget: 1_000_000,
            fee: 200_000,
            node_pool: 800_000,
            log_head: [6; 32],
        }));
        for leaf_index in 0..2u32 {
            let node = addresses::node(&addresses::licence(&project, leaf_index));
            let (seq, timestamp) = (s.seq(distribution), s.now());
            s.push(Event::Claimed(Claimed {
                stream: distribution,
                seq,
                timestamp,
                tenure: addresses::tenure(&node, 1),
                payout: key(50),
                leaf_index,
                amount: 300_000,
                claimed_total: 300_000 * (round as u64 + 1),
            }));
        }
    }
}

fn jobs(s: &mut Story) {
    let project = addresses::project(0);
    let tenures: Vec<Pubkey> =
        (0..2).map(|serial| addresses::tenure(&addresses::node(&addresses::licence(&project, serial)), 1)).collect();
    for (i, tenure) in tenures.iter().enumerate() {
        let bond = addresses::bond(tenure);
        let (seq, timestamp) = (s.seq(bond), s.now());
        s.push(Event::BondOpened(BondOpened {
            stream: bond,
            seq,
            timestamp,
            tenure: *tenure,
            holder: key(30 + i as u8),
        }));
    }
    let mut earned = 0;
    for index in 0..3u64 {
        let job = addresses::job(&key(60), NONCE + index);
        let (seq, timestamp) = (s.seq(job), s.now());
        s.push(Event::JobSubmitted(JobSubmitted {
            stream: job,
            seq,
            timestamp,
            index,
            submitter: key(60),
            nonce: NONCE + index,
            refund_account: key(61),
            stake: 100_000_000,
            tip: 0,
            fee_bps: 2000,
            redundancy: 2,
            deadline: timestamp + 600,
            attest_grace: 60,
            cancel_window: 60,
            descriptor_hash: [index as u8; 32],
        }));
        for oracle in 0..2u8 {
            let (seq, timestamp) = (s.seq(job), s.now());
            s.push(Event::JobAttested(JobAttested {
                stream: job,
                seq,
                timestamp,
                oracle: key(10 + oracle),
                oracle_index: oracle,
                outcome_hash: [5; 32],
                set_version: 1,
                votes: oracle + 1,
                reached: oracle == 1,
            }));
        }
        let completed = index < 2;
        if completed {
            earned += 40_000_000;
        }
        let credits = tenures.iter().filter(|_| completed).map(|tenure| {
            let bond = addresses::bond(tenure);
            BondCredit { bond, seq: s.seq(bond), tenure: *tenure, amount: 40_000_000, earned }
        });
        let credits = credits.collect();
        let (seq, timestamp) = (s.seq(job), s.now());
        s.push(Event::JobFinished(JobFinished {
            stream: job,
            seq,
            timestamp,
            state: if completed { 2 } else { 3 },
            outcome_hash: [5; 32],
            result_hash: if completed { [4; 32] } else { [0; 32] },
            reason: u16::from(!completed),
            to_nodes: if completed { 80_000_000 } else { 0 },
            to_treasury: if completed { 20_000_000 } else { 0 },
            refunded: if completed { 0 } else { 100_000_000 },
            owed: 0,
            to_sponsors: 0,
            number: index + 1,
            ledger_head: [7; 32],
            credits,
        }));
    }
    let bond = addresses::bond(&tenures[0]);
    let (seq, timestamp) = (s.seq(bond), s.now());
    s.push(Event::BondWithdrawn(BondWithdrawn {
        stream: bond,
        seq,
        timestamp,
        tenure: tenures[0],
        amount: 80_000_000,
        destination: key(62),
        earned: 0,
    }));
}

/// Not a chain: serves prepared transactions, and misbehaves as told.
#[derive(Clone)]
pub struct FakeSource {
    inner: Arc<Mutex<Fake>>,
}

#[derive(Default)]
pub struct Fake {
    pub transactions: Vec<ChainTransaction>,
    pub head: u64,
    /// Listed, but not to be had.
    pub lost: Option<String>,
    /// Not even listed.
    pub hidden: Option<String>,
    /// Transactions that one listing gives at most.
    pub listing_max: usize,
    pub fetched: usize,
}

impl FakeSource {
    pub fn new(transactions: Vec<ChainTransaction>) -> Self {
        let head = transactions.iter().map(|transaction| transaction.slot).max().unwrap_or(0) + 5;
        let fake = Fake { transactions, head, listing_max: usize::MAX, ..Fake::default() };
        Self { inner: Arc::new(Mutex::new(fake)) }
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut Fake) -> T) -> T {
        change(&mut self.inner.lock().expect("no test panics while it holds this"))
    }
}

impl Source for FakeSource {
    async fn head(&self) -> Result<u64, SourceError> {
        Ok(self.with(|fake| fake.head))
    }

    async fn list(&self, from: u64, to: u64) -> Result<Listing, SourceError> {
        self.with(|fake| {
            let visible = fake.transactions.iter().filter(|t| fake.hidden.as_ref() != Some(&t.signature));
            let mut found: Vec<Found> = visible
                .filter(|t| (from..=to).contains(&t.slot))
                .map(|t| Found { slot: t.slot, signature: t.signature.clone() })
                .collect();
            found.sort();
            let mut complete_to = to;
            if let Some(first_left_out) = found.get(fake.listing_max) {
                complete_to = first_left_out.slot.saturating_sub(1).max(from);
                found.retain(|entry| entry.slot <= complete_to);
            }
            Ok(Listing { found, complete_to })
        })
    }

    async fn fetch(&self, found: &[Found]) -> Result<Vec<ChainTransaction>, SourceError> {
        self.with(|fake| {
            let mut transactions = Vec::new();
            for entry in found {
                if fake.lost.as_ref() == Some(&entry.signature) {
                    return Err(SourceError(format!("transaction {} is not to be had", entry.signature)));
                }
                fake.fetched += 1;
                let transaction = fake.transactions.iter().find(|t| t.signature == entry.signature);
                transactions.push(transaction.expect("listed transactions exist").clone());
            }
            Ok(transactions)
        })
    }
}
