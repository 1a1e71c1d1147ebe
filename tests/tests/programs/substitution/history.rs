//! A busier history of the same network, by the same people: what really exists besides a case's accounts.

use std::{collections::BTreeMap, sync::LazyLock};

use muster_jobs::{
    self as jobs,
    state::{Outcome, failure_reason},
};
use muster_network::{
    self as network,
    licences::{core_asset, token_metadata},
    state::licence_standard,
};
use muster_tests::world::*;
use solana_sdk::{account::Account, pubkey::Pubkey};

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const NODES: u32 = 4;
/// Whose accounts a history is made of.
const PROGRAMS: [Pubkey; 6] = [network::ID, jobs::ID, TOKEN, TOKEN_2022, core_asset::PROGRAM, token_metadata::PROGRAM];

static BUSY: LazyLock<Busy> = LazyLock::new(busy);

struct Busy {
    accounts: BTreeMap<Pubkey, Account>,
    nodes: Vec<NodeOf>,
}

/// Whose accounts are not everybody's: those of the programs, mints and token accounts.
pub fn accounts() -> impl Iterator<Item = (&'static Pubkey, &'static Account)> {
    BUSY.accounts.iter()
}

/// The nodes of both projects.
pub fn nodes() -> &'static [NodeOf] {
    &BUSY.nodes
}

/// Somebody who has lamports and nothing to do with the network.
pub fn stranger() -> Wallet {
    Wallet::named("stranger")
}

/// A mint that no project uses.
pub fn other_mint() -> Pubkey {
    Wallet::named("another mint").key()
}

/// Two projects of one owner and settler, each with nodes, two paid epochs and an open one, and all that nodes can have;
/// jobs in several states; external licences of both standards.
fn busy() -> Busy {
    let mut world = World::with_nodes(NODES);
    world.svm.add_mint("another mint");
    let first_project = (world.project, world.nodes.clone());
    add_project(&mut world, 1);
    let second_project = (world.project, world.nodes.clone());
    let projects = [first_project, second_project];
    let first = world.epoch() + 1;
    for round in 1..=2 {
        let epoch = first + round - 1;
        world.close_views(epoch);
        for project in &projects {
            (world.project, world.nodes) = project.clone();
            settle(&mut world, epoch, 2, round);
        }
        let now = world.svm.now();
        world.svm.set_time(now + i64::from(ROOT_DELAY));
        for project in &projects {
            (world.project, world.nodes) = project.clone();
            world.activate(epoch).expect("the root is activated");
            for node in 0..2 {
                world.claim(node, &amounts(round)).expect("the node claims");
            }
        }
    }
    let open = first + 2;
    world.close_views(open);
    for project in &projects {
        (world.project, world.nodes) = project.clone();
        settle(&mut world, open, 1, 3);
    }
    add_jobs(&mut world);
    for project in &projects {
        (world.project, world.nodes) = project.clone();
        add_relations(&mut world);
    }
    let mut accounts = BTreeMap::new();
    for world in [world, with_assets(licence_standard::CORE), with_assets(licence_standard::TOKEN_METADATA)] {
        for (address, account) in &world.svm.inner.accounts_db().inner {
            let account = Account::from(account.clone());
            if PROGRAMS.contains(&account.owner) && account.lamports > 0 {
                accounts.entry(*address).or_insert(account);
            }
        }
    }
    Busy { accounts, nodes: projects.into_iter().flat_map(|(_, nodes)| nodes).collect() }
}

/// A project with a linked collection and three nodes, and another collection of the standard.
fn with_assets(standard: u8) -> World {
    let mut world = World::with_assets(standard);
    for _ in 0..3 {
        world.run_asset(standard);
    }
    let (other, collection) = World::with_collection(standard);
    let metadata = token_metadata::metadata_address(&collection);
    for address in [collection, metadata] {
        if let Some(account) = other.svm.inner.get_account(&address) {
            world.put(address, account.owner, account.data);
        }
    }
    world
}

/// Equal cumulative amounts after so many equal pools.
fn amounts(rounds: u64) -> [u64; NODES as usize] {
    [rounds * POOL / u64::from(NODES); NODES as usize]
}

/// Another funded project with as many nodes, which the world is about from now on.
fn add_project(world: &mut World, index: u64) {
    world.project = at::project(index);
    world.nodes.clear();
    let args = network::CreateProjectArgs { index, ..world.project_args() };
    world.create_project(args).expect("the project is created");
    let source = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    world.fund_project(source, 10 * BUDGET).expect("the project is funded");
    for serial in 0..NODES {
        world.add_node(serial);
    }
}

/// Settles with so many votes.
fn settle(world: &mut World, epoch: u64, votes: usize, rounds: u64) {
    world.settle(world.settle_args(epoch, BUDGET)).expect("the epoch is settled");
    for oracle in 0..votes {
        world.approve(oracle, world.approve_args(epoch, &amounts(rounds))).expect("the oracle votes");
    }
}

/// A completed, a failed and two open jobs, one of them attested.
fn add_jobs(world: &mut World) {
    let submitter = Wallet::named("submitter");
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    let tenure = world.nodes[0].tenure;
    let completed = Outcome::Completed { tenures: vec![tenure], result_hash: [9; 32] };
    let failed = Outcome::Failed { reason: failure_reason::IMAGE };
    for (job, outcome) in [(0, &completed), (1, &failed), (2, &failed), (3, &completed)] {
        world.submit(&submitter, world.submit_args(job)).expect("the job is submitted");
        for oracle in 0..2 {
            world.attest(oracle, job, outcome).expect("the oracle votes");
        }
    }
    world.settle_job(0, completed, &[at::bond(&tenure)]).expect("the job is settled");
    world.settle_job(1, failed, &[]).expect("the job is settled");
    for (node, job) in [(0, 2), (1, 3), (1, 2)] {
        let node = world.nodes[node].clone();
        world.sponsor(&node.holder, job, TOKEN_UNIT).expect("the job is sponsored");
    }
}

/// In the world's project: pools, splits and an operator, a ballot, staked bonds and a slash, a second tenure.
fn add_relations(world: &mut World) {
    let nodes = world.nodes.clone();
    for index in 0..2 {
        world.create_pool(World::create_pool_args(index)).expect("the pool is created");
        world.join_pool(&nodes[index as usize], index).expect("the node joins");
    }
    world.add_operator(&nodes[1]);
    let shares = [(nodes[0].holder.key(), 5_000), (nodes[1].holder.key(), 5_000)];
    world.create_split(&nodes[0].holder, 1, &shares).expect("the split is created");
    world.vote_suspension(0, &nodes[2], World::suspension_args(2)).expect("the oracle votes");
    for node in &nodes[..2] {
        world.stake(&node.holder, node, 10 * TOKEN_UNIT).expect("the bond is staked");
        world.vote_slash(0, node, world.slash_args(TOKEN_UNIT)).expect("the oracle votes");
    }
    // The last node's licence is sold to the first one's holder, who runs it under a new key.
    let sold = nodes[nodes.len() - 1].clone();
    world.free(&sold);
    world.send_licence(&sold, &nodes[0].holder).expect("the licence is sold");
    let key = Wallet::named(&format!("second key of {}", sold.node));
    let bought = NodeOf { holder: nodes[0].holder.clone(), key, tenure: at::tenure(&sold.node, 2), ..sold };
    world.bind_number(&bought, 2).expect("the buyer binds");
    world.accept(&bought).expect("the new key accepts");
}
