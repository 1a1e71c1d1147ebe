//! What stands behind a tenure's work: staked by anybody, taken out by the holder alone and not at once.

use muster_jobs::{self as jobs, JobsError as E};
use muster_network::state::{Network, pause};
use muster_tests::world::*;

const UNBOND_DELAY_S: i64 = 3_600;

/// Two nodes and somebody with 100 tokens.
fn staker() -> (World, NodeOf, Wallet) {
    let mut world = World::with_nodes(2);
    let staker = world.funded(100 * TOKEN_UNIT);
    let node = world.nodes[0].clone();
    (world, node, staker)
}

/// Invariant I75.
#[test]
fn anybody_stakes_and_the_vault_holds_what_the_bonds_say() {
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 30 * TOKEN_UNIT).unwrap();
    world.stake(&node.holder.clone(), &node, 5 * TOKEN_UNIT).unwrap();
    let bond = world.bond(&node);
    assert_eq!((bond.staked, bond.earned, bond.unbonding, bond.seq), (35 * TOKEN_UNIT, 0, 0, 3));
    assert_eq!(world.svm.tokens(&at::bond_vault()), 35 * TOKEN_UNIT);
    assert_eq!(world.balance(&staker), 70 * TOKEN_UNIT);
}

#[test]
fn staking_nothing_or_from_somebody_elses_account_is_refused() {
    let (mut world, node, staker) = staker();
    assert_refused(world.stake(&staker, &node, 0), E::ZeroAmount);
    let mut accounts = world.stake_accounts(&staker.key(), &node);
    accounts.source = at::ata(&node.holder.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::Stake { amount: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&staker]), E::WrongSource);
    // The treasury is no bond vault.
    let mut accounts = world.stake_accounts(&staker.key(), &node);
    accounts.bond_vault = at::treasury(&world.mint);
    let ix = jobs_ix(accounts, jobs::instruction::Stake { amount: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&staker]), E::WrongVault);
}

#[test]
fn a_pause_stops_staking_and_never_unbonding() {
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 10).unwrap();
    let mut paused = world.clone();
    paused.svm.edit(&at::network(), |network: &mut Network| network.paused = pause::STAKE);
    assert_refused(paused.stake(&staker, &node, 10), E::Paused);
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.unbond(&node, 10).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + UNBOND_DELAY_S);
    world.withdraw_unbonded(&node).unwrap();
}

#[test]
fn stake_leaves_after_the_delay_and_goes_where_the_holder_says() {
    // Given 30 staked tokens of which 20 unbond.
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 30 * TOKEN_UNIT).unwrap();
    assert_refused(world.unbond(&node, 0), E::AmountOutOfRange);
    assert_refused(world.unbond(&node, 30 * TOKEN_UNIT + 1), E::AmountOutOfRange);
    assert_refused(world.withdraw_unbonded(&node), E::UnbondRuns);
    world.unbond(&node, 20 * TOKEN_UNIT).unwrap();
    let start = world.svm.now();
    // Then they wait to the last second, and what is staked or unbonding is not what was earned.
    assert_refused(world.withdraw(&node, 1), E::AmountOutOfRange);
    world.svm.set_time(start + UNBOND_DELAY_S - 1);
    assert_refused(world.withdraw_unbonded(&node), E::UnbondRuns);
    // When the delay is over, the holder has them once.
    world.svm.set_time(start + UNBOND_DELAY_S);
    let before = world.balance(&node.holder);
    world.withdraw_unbonded(&node).unwrap();
    assert_eq!(world.balance(&node.holder), before + 20 * TOKEN_UNIT);
    let bond = world.bond(&node);
    assert_eq!((bond.staked, bond.unbonding, bond.unbond_at), (10 * TOKEN_UNIT, 0, 0));
    assert_refused(world.withdraw_unbonded(&node), E::UnbondRuns);
    assert_eq!(world.svm.tokens(&at::bond_vault()), 10 * TOKEN_UNIT);
}

#[test]
fn unbonding_more_makes_all_of_it_wait_anew() {
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 30).unwrap();
    world.unbond(&node, 10).unwrap();
    let start = world.svm.now();
    world.svm.set_time(start + UNBOND_DELAY_S - 1);
    world.unbond(&node, 5).unwrap();
    let bond = world.bond(&node);
    assert_eq!((bond.unbonding, bond.unbond_at), (15, start + 2 * UNBOND_DELAY_S - 1));
    world.svm.set_time(start + UNBOND_DELAY_S);
    assert_refused(world.withdraw_unbonded(&node), E::UnbondRuns);
}

#[test]
fn a_changed_delay_leaves_what_unbonds_already_as_it_is() {
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 30).unwrap();
    world.unbond(&node, 30).unwrap();
    let start = world.svm.now();
    world.set_jobs_config(jobs::JobsConfigArgs { unbond_delay: 60 * 86_400, ..world.jobs_args() }).unwrap();
    world.svm.set_time(start + UNBOND_DELAY_S);
    world.withdraw_unbonded(&node).unwrap();
}

/// Invariant I16.
#[test]
fn nobody_but_the_holder_takes_stake_out_and_never_into_the_vault() {
    let (mut world, node, staker) = staker();
    world.stake(&staker, &node, 30).unwrap();
    // Neither the staker nor another node's holder.
    for thief in [staker, world.nodes[1].holder.clone()] {
        let mut accounts = world.unbond_accounts(&node);
        accounts.holder = thief.key();
        let ix = jobs_ix(accounts, jobs::instruction::Unbond { amount: 1 }, &[]);
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotHolder);
    }
    world.unbond(&node, 30).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + UNBOND_DELAY_S);
    let thief = world.nodes[1].holder.clone();
    let mut accounts = world.withdraw_unbonded_accounts(&node);
    accounts.holder = thief.key();
    accounts.destination = at::ata(&thief.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::WithdrawUnbonded {}, &[]);
    assert_refused(world.svm.send(&[ix], &[&thief]), E::NotHolder);
    let mut accounts = world.withdraw_unbonded_accounts(&node);
    accounts.destination = at::bond_vault();
    let ix = jobs_ix(accounts, jobs::instruction::WithdrawUnbonded {}, &[]);
    assert_refused(world.svm.send(&[ix], &[&node.holder]), E::VaultDelta);
}
