//! Settlements that are replaced or voided before a threshold approved them.

use muster_network::{
    self as network, NetworkError as E,
    state::{Project, epoch_status, settlement_state},
};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const HALVES: [u64; 2] = [POOL / 2, POOL / 2];

/// Two nodes and an open settlement that no oracle has voted on.
fn settled() -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    (world, epoch)
}

/// What lies in the budget vault and in the distribution's.
fn vaults(world: &World) -> [u64; 2] {
    [at::budget_vault(&world.project), world.distribution().vault].map(|vault| world.svm.tokens(&vault))
}

fn approve_twice(world: &mut World, epoch: u64, amounts: &[u64]) {
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, amounts)).unwrap();
    }
}

#[test]
fn a_settlement_that_no_oracle_reproduces_locks_no_budget() {
    // Given a statement that is wrong, and an oracle's vote on it.
    let (mut world, epoch) = settled();
    let [before, _] = vaults(&world);
    let rent = world.svm.inner.get_account(&at::epoch(&world.project, epoch)).unwrap().lamports;
    world.approve(0, world.approve_args(epoch, &[POOL, 0])).unwrap();
    // When the settler voids it.
    let settler = world.settler.clone();
    let lamports = world.svm.inner.get_balance(&settler.key()).unwrap();
    world.void(&settler, epoch).unwrap();
    // Then the whole budget is back, and the rent of the statement.
    assert_eq!(vaults(&world), [before + BUDGET, 0]);
    assert_eq!(world.distribution().open_state, settlement_state::NONE);
    assert_eq!(world.svm.inner.get_balance(&settler.key()).unwrap(), lamports + rent);
    // And the same epoch is settled again, in the next revision, approved and paid.
    world.settle(world.settle_args(epoch, BUDGET / 2)).unwrap();
    assert_eq!((world.distribution().open_revision, world.epoch_account(epoch).revision), (1, 1));
    approve_twice(&mut world, epoch, &[POOL / 4, POOL / 4]);
    world.pass_root_delay();
    world.activate(epoch).unwrap();
    world.claim(0, &[POOL / 4, POOL / 4]).unwrap();
}

#[test]
fn the_owner_voids_what_a_stolen_settler_stated() {
    let (mut world, epoch) = settled();
    let owner = world.owner.clone();
    world.void(&owner, epoch).unwrap();
    assert_eq!(vaults(&world)[1], 0);
}

#[test]
fn a_stranger_voids_only_what_nobody_approved_for_seven_epochs() {
    let (mut world, epoch) = settled();
    let stranger = Wallet::new();
    world.svm.airdrop(&stranger);
    let settled_at = world.epoch_account(epoch).settled_at;
    assert_refused(world.void(&stranger, epoch), E::VoidTooEarly);
    world.svm.set_time(settled_at + 7 * i64::from(EPOCH_LEN) - 1);
    assert_refused(world.void(&stranger, epoch), E::VoidTooEarly);
    world.svm.set_time(settled_at + 7 * i64::from(EPOCH_LEN));
    world.void(&stranger, epoch).unwrap();
    assert_eq!(vaults(&world)[1], 0);
}

#[test]
fn what_a_threshold_approved_is_neither_voided_nor_replaced() {
    let (mut world, epoch) = settled();
    approve_twice(&mut world, epoch, &HALVES);
    let (settler, owner, stranger) = (world.settler.clone(), world.owner.clone(), Wallet::new());
    world.svm.airdrop(&stranger);
    assert_refused(world.void(&settler, epoch), E::AlreadyApproved);
    assert_refused(world.void(&owner, epoch), E::AlreadyApproved);
    world.go_after(epoch + 10, 0);
    assert_refused(world.void(&stranger, epoch), E::AlreadyApproved);
    assert_refused(world.replace(world.settle_args(epoch, BUDGET / 2)), E::AlreadyApproved);
    world.activate(epoch).unwrap();
    assert!(world.void(&settler, epoch).is_err(), "nothing is open");
}

#[test]
fn an_approval_of_an_earlier_set_stands_in_nobodys_way() {
    // Given an approval, and a set that changed before its activation.
    let (mut base, epoch) = settled();
    approve_twice(&mut base, epoch, &HALVES);
    base.change_oracle_set();
    assert_refused(base.activate(epoch), E::OracleSetChangedSince);
    // Then the settler may replace or void it.
    let mut world = base.clone();
    world.replace(world.settle_args(epoch, BUDGET / 2)).unwrap();
    assert_eq!(world.distribution().open_state, settlement_state::SETTLED);
    assert_refused(world.activate(epoch), E::NotApproved);
    approve_twice(&mut world, epoch, &[POOL / 4, POOL / 4]);
    let mut world = base;
    let settler = world.settler.clone();
    world.void(&settler, epoch).unwrap();
    assert_eq!(vaults(&world)[1], 0);
}

#[test]
fn a_replacement_is_the_next_revision_and_voids_the_votes() {
    // Given one vote.
    let (mut world, epoch) = settled();
    world.approve(0, world.approve_args(epoch, &HALVES)).unwrap();
    let stale = world.approve_args(epoch, &HALVES);
    // When the settler states other points.
    let args = network::SettleEpochArgs { points_root: [44; 32], ..world.settle_args(epoch, BUDGET) };
    world.replace(args).unwrap();
    // Then the vote is gone, the old revision can no longer be voted for, and the new one can.
    let state = world.distribution();
    assert_eq!((state.open_revision, state.votes[0]), (1, [0; 32]));
    assert_eq!(world.epoch_account(epoch).points_root, [44; 32]);
    assert_refused(world.approve(1, stale), E::WrongSettlement);
    world.approve(1, world.approve_args(epoch, &HALVES)).unwrap();
    assert_eq!(world.distribution().open_state, settlement_state::SETTLED, "one vote of this revision");
    world.approve(0, world.approve_args(epoch, &HALVES)).unwrap();
    world.pass_root_delay();
    world.activate(epoch).unwrap();
    assert_eq!(world.distribution().roots[0].revision, 1);
}

#[test]
fn a_replacement_moves_the_difference_of_the_budgets_and_nothing_else() {
    let (mut world, epoch) = settled();
    let [before, _] = vaults(&world);
    let funds = before + BUDGET;
    for budget in [BUDGET / 2, BUDGET / 2, 2 * BUDGET, MAX_BUDGET, 1] {
        world.replace(world.settle_args(epoch, budget)).unwrap();
        assert_eq!(vaults(&world), [funds - budget, budget]);
        let (state, stated) = (world.distribution(), world.epoch_account(epoch));
        assert_eq!((state.open_budget, stated.budget, stated.fee + stated.node_pool), (budget, budget, budget));
        assert_eq!(state.open_node_pool, stated.node_pool);
    }
    assert_eq!(world.distribution().open_revision, 5);
}

#[test]
fn an_empty_replacement_ends_the_epoch_and_returns_the_budget() {
    let (mut world, epoch) = settled();
    let [before, _] = vaults(&world);
    world.replace(World::empty_settle_args(epoch)).unwrap();
    assert_eq!(vaults(&world), [before + BUDGET, 0]);
    assert_eq!(world.distribution().open_state, settlement_state::NONE);
    assert_eq!(world.epoch_account(epoch).status, epoch_status::FINAL);
    assert_eq!(world.svm.borsh::<Project>(&world.project).next_epoch, epoch + 1);
    assert!(world.replace(world.settle_args(epoch, BUDGET)).is_err(), "final");
}

#[test]
fn a_replacement_keeps_to_the_rules_of_a_settlement() {
    let (base, epoch) = settled();
    let right = base.settle_args(epoch, BUDGET);
    let cases = [
        (E::BudgetAboveMax, network::SettleEpochArgs { budget: MAX_BUDGET + 1, ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { total_points: 0, ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { points_root: [0; 32], ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { dataset_hash: [0; 32], ..right.clone() }),
        (E::NodeCountInvalid, network::SettleEpochArgs { node_count: 3, ..right.clone() }),
        (E::UnapprovedStatement, network::SettleEpochArgs { budget: 0, ..right.clone() }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().replace(args), expected);
    }
    // Another epoch's statement is not this one's.
    let mut world = base.clone();
    world.close_views(epoch + 1);
    let mut accounts = world.replace_accounts(epoch);
    accounts.view_set = at::view_set(epoch + 1);
    let args = network::SettleEpochArgs { epoch: epoch + 1, ..right.clone() };
    let settler = world.settler.clone();
    let ix = network_ix(accounts, network::instruction::ReplaceSettlement { args });
    assert_refused(world.svm.send(&[ix], &[&settler]), E::WrongSettlement);
    // Nor are another epoch's views this one's.
    let mut accounts = world.replace_accounts(epoch);
    accounts.view_set = at::view_set(epoch + 1);
    let ix = network_ix(accounts, network::instruction::ReplaceSettlement { args: right.clone() });
    assert_refused(world.svm.send(&[ix], &[&settler]), E::ViewsOpen);
}

#[test]
fn a_replacement_is_funded() {
    let (mut world, epoch) = settled();
    // Two more settlements of the largest budget would empty the vault; so does this edit.
    let vault = at::budget_vault(&world.project);
    let mut account = world.svm.inner.get_account(&vault).unwrap();
    account.data[64..72].copy_from_slice(&7_u64.to_le_bytes());
    world.svm.inner.set_account(vault, account).unwrap();
    assert_refused(world.clone().replace(world.settle_args(epoch, BUDGET + 8)), E::BudgetUnfunded);
    world.replace(world.settle_args(epoch, BUDGET + 7)).unwrap();
    assert_eq!(vaults(&world), [0, BUDGET + 7]);
}

#[test]
fn only_the_settler_replaces() {
    let (mut world, epoch) = settled();
    for thief in [world.owner.clone(), world.oracles[0].clone()] {
        let mut accounts = world.replace_accounts(epoch);
        accounts.settler = thief.key();
        let args = world.settle_args(epoch, BUDGET);
        let ix = network_ix(accounts, network::instruction::ReplaceSettlement { args });
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotSettler);
    }
}

#[test]
fn no_epoch_has_two_statements_of_one_revision() {
    // Given an epoch whose settlement was voided in its second revision.
    let (mut world, epoch) = settled();
    let settler = world.settler.clone();
    world.close_views(epoch + 1);
    world.replace(world.settle_args(epoch, BUDGET)).unwrap();
    world.void(&settler, epoch).unwrap();
    // Then its next statement is the third, and so is that of any epoch before it; a later epoch begins anew.
    let mut later = world.clone();
    later.settle(later.settle_args(epoch + 1, BUDGET)).unwrap();
    assert_eq!(later.distribution().open_revision, 0);
    later.void(&settler, epoch + 1).unwrap();
    later.settle(later.settle_args(epoch, BUDGET)).unwrap();
    assert_eq!(later.distribution().open_revision, 2);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    assert_eq!(world.distribution().open_revision, 2);
}

#[test]
fn a_budget_and_rent_go_back_to_where_they_came_from() {
    let (base, epoch) = settled();
    let settler = base.settler.clone();
    let stranger = base.owner.key();
    for spoil in 0..4 {
        let mut world = base.clone();
        let mut accounts = world.void_accounts(&settler.key(), epoch);
        match spoil {
            0 => accounts.rent_payer = stranger,
            1 => accounts.budget_vault = at::ata(&stranger, &world.mint, &TOKEN),
            2 => accounts.vault = accounts.budget_vault,
            _ => accounts.epoch = at::epoch(&world.project, epoch + 1),
        }
        let ix = network_ix(accounts, network::instruction::VoidSettlement {});
        assert!(world.svm.send(&[ix], &[&settler]).is_err(), "{spoil}");
    }
}

#[test]
fn a_pause_stops_replacements_and_no_void() {
    let (mut world, epoch) = settled();
    world.svm.edit::<network::state::Network>(&at::network(), |network| network.paused = u32::MAX);
    assert_refused(world.replace(world.settle_args(epoch, BUDGET)), E::Paused);
    let settler = world.settler.clone();
    world.void(&settler, epoch).unwrap();
}

#[test]
fn a_void_returns_the_budget_of_a_closed_project_too() {
    let (mut world, epoch) = settled();
    world.svm.edit::<Project>(&world.project.clone(), |project| project.closed = true);
    let owner = world.owner.clone();
    world.void(&owner, epoch).unwrap();
    assert_eq!(vaults(&world)[1], 0);
}
