//! What a pause stops and what it never does, closed projects, and mints that vaults cannot hold.

use muster_network::{
    self as network, NetworkError as E,
    state::{Network, Node, Project, node_status, pause},
};
use muster_tests::world::*;
use solana_sdk::{account::Account, pubkey::Pubkey};

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

fn paused(base: &World, bits: u32) -> World {
    let mut world = base.clone();
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = bits);
    world
}

/// Somebody with a licence that is not bound.
fn licensed(world: &mut World, serial: u32) -> NodeOf {
    let holder = Wallet::new();
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
    world.buy_licence(&holder, serial, PRICE).unwrap();
    let licence = at::licence(&world.project, serial);
    let node = at::node(&licence);
    NodeOf { holder, key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) }
}

#[test]
fn each_pause_bit_stops_its_instructions() {
    // Given one world at every step that a pause can stop.
    let mut base = World::with_nodes(2);
    let unbound = licensed(&mut base, 2);
    let bound = licensed(&mut base, 3);
    base.bind(&bound).unwrap();
    let buyer = base.nodes[0].holder.clone();
    let epoch = base.epoch() + 1;
    base.close_views(epoch);
    let mut settled = base.clone();
    settled.settle(settled.settle_args(epoch, BUDGET)).unwrap();
    let mut approved = settled.clone();
    for oracle in 0..2 {
        approved.approve(oracle, approved.approve_args(epoch, &[POOL, 0])).unwrap();
    }
    approved.go_after(epoch, 1_000);
    // Then each bit stops its instruction, and the same one passes without it.
    assert_refused(paused(&base, pause::BUY).buy_licence(&buyer, 4, PRICE), E::Paused);
    base.clone().buy_licence(&buyer, 4, PRICE).unwrap();
    assert_refused(paused(&base, pause::BIND).bind(&unbound), E::Paused);
    assert_refused(paused(&base, pause::BIND).accept(&bound), E::Paused);
    base.clone().accept(&bound).unwrap();
    assert_refused(paused(&base, pause::SUBMIT).submit(&buyer, base.submit_args(0)), muster_jobs::JobsError::Paused);
    base.clone().submit(&buyer, base.submit_args(0)).unwrap();
    assert_refused(paused(&base, pause::SETTLE).settle(base.settle_args(epoch, BUDGET)), E::Paused);
    let vote = settled.approve_args(epoch, &[POOL, 0]);
    assert_refused(paused(&settled, pause::APPROVE).approve(0, vote), E::Paused);
    assert_refused(paused(&approved, pause::ACTIVATE).activate(epoch), E::Paused);
    approved.activate(epoch).unwrap();
}

#[test]
fn no_pause_stops_claims_withdrawals_and_settled_jobs() {
    // Given an active root, a submitted job, and everything paused.
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &[POOL, 0]);
    let submitter = world.nodes[1].holder.clone();
    world.submit(&submitter, world.submit_args(0)).unwrap();
    let mut world = paused(&world, u32::MAX);
    // Then the claim, the job's outcome and the bond's withdrawal go through.
    world.claim(0, &[POOL, 0]).unwrap();
    let mut tenures: Vec<Pubkey> = world.nodes.iter().map(|node| node.tenure).collect();
    tenures.sort_unstable();
    let bonds: Vec<Pubkey> = tenures.iter().map(at::bond).collect();
    let outcome = muster_jobs::state::Outcome::Completed { tenures, result_hash: [9; 32] };
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    world.settle_job(0, outcome, &bonds).unwrap();
    let node = world.nodes[0].clone();
    world.withdraw(&node, 40 * TOKEN_UNIT).unwrap();
}

#[test]
fn a_guardians_pause_lapses() {
    let mut world = World::with_nodes(1);
    let buyer = world.nodes[0].holder.clone();
    let until = world.svm.now() + 10;
    world.svm.edit(&at::network(), |network: &mut Network| {
        network.guardian_paused = pause::BUY;
        network.guardian_pause_until = until;
    });
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::Paused);
    world.svm.set_time(until);
    world.buy_licence(&buyer, 1, PRICE).unwrap();
}

#[test]
fn a_closed_project_takes_no_money_and_no_nodes() {
    let mut world = World::with_nodes(1);
    let unbound = licensed(&mut world, 1);
    world.svm.edit(&world.project.clone(), |project: &mut Project| project.closed = true);
    let source = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    assert_refused(world.fund_project(source, 1), E::ProjectClosed);
    let buyer = world.nodes[0].holder.clone();
    assert_refused(world.buy_licence(&buyer, 2, PRICE), E::ProjectClosed);
    assert_refused(world.bind(&unbound), E::ProjectClosed);
}

#[test]
fn a_full_distribution_takes_no_more_tenures() {
    let mut world = World::with_project();
    let unbound = licensed(&mut world, 0);
    world.svm.edit(&world.project.clone(), |project: &mut Project| project.leaf_count = network::LEAVES_MAX);
    assert_refused(world.bind(&unbound), E::LeavesExhausted);
}

#[test]
fn a_free_node_waits_for_nobody_to_accept_it() {
    let mut world = World::with_project();
    let node = licensed(&mut world, 0);
    world.bind(&node).unwrap();
    world.svm.edit_pod(&node.node, |state: &mut Node| state.status = node_status::FREE);
    assert_refused(world.accept(&node), E::NotBound);
}

#[test]
fn nobody_votes_on_an_epoch_without_a_budget() {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(World::empty_settle_args(epoch)).unwrap();
    assert_refused(world.approve(0, world.approve_args(epoch, &[POOL, 0])), E::WrongSettlement);
}

/// A Token-2022 mint with one extension, as its bytes.
fn mint_with_extension(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut data = vec![0; 165];
    data[44] = 6; // decimals
    data[45] = 1; // initialised
    data.push(1); // an account of type mint
    data.extend(kind.to_le_bytes());
    data.extend((value.len() as u16).to_le_bytes());
    data.extend(value);
    data
}

#[test]
fn mints_that_others_can_close_tax_or_take_are_refused() {
    let extensions: [(&str, u16, usize); 4] = [
        ("transfer fee", 1, 108),
        ("close authority", 3, 32),
        ("permanent delegate", 12, 32),
        ("transfer hook", 14, 64),
    ];
    for (name, kind, len) in extensions {
        // Given a network that lists such a mint.
        let mut world = World::with_network();
        let mint = Pubkey::new_unique();
        let data = mint_with_extension(kind, &vec![0; len]);
        let account = Account { lamports: 1_000_000_000, data, owner: TOKEN_2022, executable: false, rent_epoch: 0 };
        world.svm.inner.set_account(mint, account).unwrap();
        world.svm.edit(&at::network(), |network: &mut Network| {
            network.allowed_mints[1] = mint;
            network.allowed_mint_count = 2;
        });
        // When a project wants to pay with it, then the project is refused.
        let mut accounts = world.create_project_accounts();
        accounts.payment_mint = mint;
        let args = world.project_args();
        let owner = world.owner.clone();
        let ix = network_ix(accounts, network::instruction::CreateProject { args });
        let refused = world.svm.send(&[ix], &[&owner]).expect_err(name);
        assert_eq!(refused.code(), Some(u32::from(E::MintExtensionRefused)), "{name}: {refused:?}");
    }
}
