//! Slashing a bond: a threshold decides, a delay and a hold leave time, and half is the most.

use anchor_lang::error::ErrorCode;
use muster_jobs::{
    self as jobs, JobsError as E,
    state::{Bond, Slash},
};
use muster_network::state::OracleSet;
use muster_tests::world::*;

const DELAY_S: i64 = 900;
const HOLD_S: i64 = 3_600;
const UNBOND_S: i64 = 3_600;

/// Two nodes; the first has earned 40, staked 30 and is unbonding 30 tokens.
fn bonded() -> (World, NodeOf) {
    let mut world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    let submitter = world.funded(1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    let (outcome, bonds) = world.completed(&[0, 1]);
    world.decide(0, outcome, &bonds).unwrap();
    world.stake(&submitter, &node, 60 * TOKEN_UNIT).unwrap();
    world.unbond(&node, 30 * TOKEN_UNIT).unwrap();
    (world, node)
}

/// The same, and a threshold has decided to take `amount`.
fn decided(amount: u64) -> (World, NodeOf) {
    let (mut world, node) = bonded();
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(amount)).unwrap();
    }
    (world, node)
}

fn slash(world: &World, node: &NodeOf) -> Slash {
    world.svm.pod(&at::slash(&at::bond(&node.tenure)))
}

fn amounts(bond: &Bond) -> (u64, u64, u64) {
    (bond.earned, bond.staked, bond.unbonding)
}

fn wait(world: &mut World, seconds: i64) {
    let now = world.svm.now();
    world.svm.set_time(now + seconds);
}

#[test]
fn a_threshold_slashes_a_bond_after_the_delay() {
    // Given one vote, which decides nothing.
    let (mut world, node) = bonded();
    let now = world.svm.now();
    world.vote_slash(0, &node, world.slash_args(20 * TOKEN_UNIT)).unwrap();
    assert_eq!(slash(&world, &node).eta, 0);
    wait(&mut world, DELAY_S);
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
    // When a second oracle votes the same.
    world.vote_slash(1, &node, world.slash_args(20 * TOKEN_UNIT)).unwrap();
    let pending = slash(&world, &node);
    assert_eq!((pending.eta, pending.decided.amount), (now + 2 * DELAY_S, 20 * TOKEN_UNIT));
    wait(&mut world, DELAY_S - 1);
    assert_refused(world.execute_slash(&node), E::SlashDelayRuns);
    // Then anybody carries it out when its delay is over, from what was earned first.
    wait(&mut world, 1);
    let treasury = world.svm.tokens(&at::treasury(&world.mint));
    world.execute_slash(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (20 * TOKEN_UNIT, 30 * TOKEN_UNIT, 30 * TOKEN_UNIT));
    assert_eq!(world.bond(&node).slashed_total, 20 * TOKEN_UNIT);
    assert_eq!(world.svm.tokens(&at::treasury(&world.mint)), treasury + 20 * TOKEN_UNIT);
    // And once.
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
}

/// Invariant I76.
#[test]
fn a_slash_takes_half_at_most_from_what_was_earned_then_staked_then_unbonds() {
    let (mut world, node) = decided(u64::MAX);
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
    // Half of 100: all that was earned and 10 of the stake.
    assert_eq!(amounts(&world.bond(&node)), (0, 20 * TOKEN_UNIT, 30 * TOKEN_UNIT));
    assert_eq!(world.svm.tokens(&at::bond_vault()), 90 * TOKEN_UNIT);
    // The next half, when nothing is earned, comes from stake and what unbonds.
    wait(&mut world, DELAY_S);
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(u64::MAX)).unwrap();
    }
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 0, 25 * TOKEN_UNIT));
}

#[test]
fn the_other_bonds_money_stays() {
    let (mut world, node) = decided(u64::MAX);
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
    let other = world.nodes[1].clone();
    assert_eq!(world.bond(&other).earned, 40 * TOKEN_UNIT);
    world.withdraw(&other, 40 * TOKEN_UNIT).unwrap();
}

/// Invariant I77.
#[test]
fn what_a_decided_slash_takes_is_there_whatever_the_holder_does() {
    // Given a holder whose stake has unbonded when a slash is decided, which the guardian holds at its last moment.
    let (mut world, node) = bonded();
    world.unbond(&node, 30 * TOKEN_UNIT).unwrap();
    wait(&mut world, UNBOND_S);
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(u64::MAX)).unwrap();
    }
    let bond = world.bond(&node);
    let lapses = world.svm.now() + DELAY_S + jobs::SLASH_LAPSE_S;
    assert_eq!((bond.set_aside, bond.set_aside_until), (50 * TOKEN_UNIT, lapses));
    // When he takes all that he can.
    world.withdraw_unbonded(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (40 * TOKEN_UNIT, 0, 10 * TOKEN_UNIT));
    assert_refused(world.withdraw_unbonded(&node), E::SlashReserved);
    assert_refused(world.withdraw(&node, 1), E::SlashReserved);
    world.svm.set_time(lapses);
    world.hold_slash(&node).unwrap();
    world.svm.set_time(lapses + HOLD_S);
    assert_refused(world.withdraw(&node, 1), E::SlashReserved);
    // Then the slash takes the half that was there.
    world.execute_slash(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 0, 0));
    assert_eq!(world.bond(&node).slashed_total, 50 * TOKEN_UNIT);
}

/// Invariant I77.
#[test]
fn a_bonds_own_delay_keeps_nothing_from_a_decided_slash() {
    // Given a delay that the authority has made as short as it may be.
    let (mut world, node) = bonded();
    let args = jobs::JobsConfigArgs { unbond_delay: 61, slash_delay: 60, ..world.jobs_args() };
    world.set_jobs_config(args).unwrap();
    world.unbond(&node, 30 * TOKEN_UNIT).unwrap();
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(30 * TOKEN_UNIT)).unwrap();
    }
    world.hold_slash(&node).unwrap();
    wait(&mut world, UNBOND_S);
    world.withdraw_unbonded(&node).unwrap();
    assert_refused(world.withdraw(&node, 10 * TOKEN_UNIT + 1), E::SlashReserved);
    world.withdraw(&node, 10 * TOKEN_UNIT).unwrap();
    world.execute_slash(&node).unwrap();
    assert_eq!(world.bond(&node).slashed_total, 30 * TOKEN_UNIT);
}

/// Invariant I77.
#[test]
fn money_beyond_what_a_slash_takes_always_leaves() {
    let (mut world, node) = decided(10 * TOKEN_UNIT);
    world.withdraw(&node, 40 * TOKEN_UNIT).unwrap();
    world.unbond(&node, 30 * TOKEN_UNIT).unwrap();
    // What is earned or staked later leaves too.
    let staker = world.funded(5 * TOKEN_UNIT);
    world.stake(&staker, &node, 5 * TOKEN_UNIT).unwrap();
    wait(&mut world, UNBOND_S);
    world.withdraw_unbonded(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 5 * TOKEN_UNIT, 5 * TOKEN_UNIT));
    world.execute_slash(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 0, 0));
}

/// Invariant I77.
#[test]
fn a_slash_that_nobody_executes_lapses_and_everything_leaves() {
    let (mut world, node) = decided(u64::MAX);
    let lapses = world.bond(&node).set_aside_until;
    world.unbond(&node, 30 * TOKEN_UNIT).unwrap();
    world.svm.set_time(lapses);
    world.withdraw_unbonded(&node).unwrap();
    assert_refused(world.withdraw(&node, 1), E::SlashReserved);
    // When its time has passed, then nobody holds, voids or executes it, nor decides the next before the cool-down is over.
    world.svm.set_time(lapses + 1);
    assert_refused(world.hold_slash(&node), E::NoSlashPending);
    assert_refused(world.void_slash(&node), E::NoSlashPending);
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
    assert_refused(world.vote_slash(0, &node, world.slash_args(10)), E::SlashCoolDown);
    world.svm.set_time(lapses + DELAY_S - 1);
    assert_refused(world.vote_slash(0, &node, world.slash_args(10)), E::SlashCoolDown);
    world.withdraw(&node, 40 * TOKEN_UNIT).unwrap();
    world.withdraw_unbonded(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 0, 0));
    // And the next one needs votes of its own.
    world.svm.set_time(lapses + DELAY_S);
    world.vote_slash(0, &node, world.slash_args(u64::MAX)).unwrap();
    assert_eq!((slash(&world, &node).eta, world.bond(&node).set_aside_until), (0, lapses));
    world.vote_slash(1, &node, world.slash_args(u64::MAX)).unwrap();
    assert_eq!(world.bond(&node).set_aside, 0);
}

/// Invariant I77.
#[test]
fn nothing_but_a_threshold_sets_money_of_a_bond_aside() {
    let (mut world, node) = bonded();
    world.vote_slash(0, &node, world.slash_args(u64::MAX)).unwrap();
    assert_eq!(world.bond(&node).set_aside, 0);
    world.vote_slash(1, &node, world.slash_args(u64::MAX)).unwrap();
    // A slash that is voided frees it at once.
    world.void_slash(&node).unwrap();
    assert_eq!((world.bond(&node).set_aside, world.bond(&node).set_aside_until), (0, 0));
    world.withdraw(&node, 40 * TOKEN_UNIT).unwrap();
    // One that a change of the oracle set has voided frees it when it would have lapsed; single votes make that no later.
    wait(&mut world, DELAY_S);
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(u64::MAX)).unwrap();
    }
    let lapses = world.bond(&node).set_aside_until;
    world.svm.edit_pod(&at::oracle_set(), |set: &mut OracleSet| set.set_version = 2);
    assert_refused(world.hold_slash(&node), E::NoSlashPending);
    let anew = jobs::instruction::VoteSlash { set_version: 2, ..world.slash_args(10) };
    world.vote_slash(0, &node, anew).unwrap();
    assert_eq!(world.bond(&node).set_aside_until, lapses);
    world.svm.set_time(lapses + 1);
    world.withdraw_unbonded(&node).unwrap();
    assert_eq!(amounts(&world.bond(&node)), (0, 30 * TOKEN_UNIT, 0));
}

#[test]
fn a_slash_of_an_empty_bond_ends_without_taking_anything() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    for oracle in 0..2 {
        world.vote_slash(oracle, &node, world.slash_args(5)).unwrap();
    }
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
    assert_eq!(world.bond(&node).slashed_total, 0);
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
}

/// Invariant I11.
#[test]
fn a_slash_vote_is_replaceable_and_counts_only_with_equal_ones() {
    let (mut world, node) = bonded();
    world.vote_slash(0, &node, world.slash_args(10)).unwrap();
    world.vote_slash(0, &node, world.slash_args(10)).unwrap();
    assert_eq!(slash(&world, &node).eta, 0);
    let right = world.slash_args(10);
    for other in [
        jobs::instruction::VoteSlash { amount: 11, ..world.slash_args(10) },
        jobs::instruction::VoteSlash { reason: SLASH_REASON + 1, ..world.slash_args(10) },
        jobs::instruction::VoteSlash { evidence_hash: [7; 32], ..world.slash_args(10) },
    ] {
        world.vote_slash(1, &node, other).unwrap();
        assert_eq!(slash(&world, &node).eta, 0);
    }
    world.vote_slash(1, &node, right).unwrap();
    assert_ne!(slash(&world, &node).eta, 0);
}

#[test]
fn a_vote_without_amount_reason_or_evidence_and_strangers_votes_are_refused() {
    let (mut world, node) = bonded();
    for wrong in [
        jobs::instruction::VoteSlash { amount: 0, ..world.slash_args(10) },
        jobs::instruction::VoteSlash { reason: 0, ..world.slash_args(10) },
        jobs::instruction::VoteSlash { evidence_hash: [0; 32], ..world.slash_args(10) },
    ] {
        assert_refused(world.vote_slash(0, &node, wrong), E::SlashInvalid);
    }
    let other = jobs::instruction::VoteSlash { set_version: 2, ..world.slash_args(10) };
    assert_refused(world.vote_slash(0, &node, other), E::WrongSetVersion);
    let stranger = world.funded(0);
    let ix = jobs_ix(world.vote_slash_accounts(&stranger.key(), &node), world.slash_args(10), &[]);
    assert_refused(world.svm.send(&[ix], &[&stranger]), E::NotOracle);
}

#[test]
fn one_slash_at_a_time_and_a_cool_down_between_two() {
    let (mut world, node) = decided(10);
    assert_refused(world.vote_slash(2, &node, world.slash_args(10)), E::SlashPending);
    assert_refused(world.vote_slash(0, &node, world.slash_args(11)), E::SlashPending);
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
    assert_refused(world.vote_slash(0, &node, world.slash_args(10)), E::SlashCoolDown);
    wait(&mut world, DELAY_S - 1);
    assert_refused(world.vote_slash(0, &node, world.slash_args(10)), E::SlashCoolDown);
    wait(&mut world, 1);
    world.vote_slash(0, &node, world.slash_args(10)).unwrap();
    // The votes of the first slash do not count for the second.
    assert_eq!(slash(&world, &node).eta, 0);
}

/// Invariant I20.
#[test]
fn a_change_of_the_oracle_set_voids_votes_and_a_pending_slash() {
    let (mut world, node) = decided(10);
    world.svm.edit_pod(&at::oracle_set(), |set: &mut OracleSet| set.set_version = 2);
    wait(&mut world, DELAY_S);
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
    assert_refused(world.hold_slash(&node), E::NoSlashPending);
    // The new set votes anew, and the old votes are gone.
    let anew = |world: &World| jobs::instruction::VoteSlash { set_version: 2, ..world.slash_args(10) };
    world.vote_slash(2, &node, anew(&world)).unwrap();
    assert_eq!(slash(&world, &node).eta, 0);
    world.vote_slash(0, &node, anew(&world)).unwrap();
    wait(&mut world, DELAY_S);
    world.execute_slash(&node).unwrap();
}

#[test]
fn the_guardian_holds_a_slash_once_and_only_for_the_limit() {
    let (mut world, node) = decided(10);
    wait(&mut world, DELAY_S);
    world.hold_slash(&node).unwrap();
    assert_refused(world.hold_slash(&node), E::SlashHeld);
    wait(&mut world, HOLD_S - 1);
    assert_refused(world.execute_slash(&node), E::SlashDelayRuns);
    wait(&mut world, 1);
    assert_refused(world.hold_slash(&node), E::SlashHeld);
    world.execute_slash(&node).unwrap();
    assert_refused(world.hold_slash(&node), E::NoSlashPending);
}

#[test]
fn the_authority_voids_a_pending_slash_and_the_next_one_waits() {
    let (mut world, node) = decided(10);
    world.void_slash(&node).unwrap();
    assert_eq!((slash(&world, &node).eta, slash(&world, &node).votes[0].amount), (0, 0));
    assert_refused(world.void_slash(&node), E::NoSlashPending);
    assert_refused(world.vote_slash(0, &node, world.slash_args(10)), E::SlashCoolDown);
    wait(&mut world, DELAY_S);
    assert_refused(world.execute_slash(&node), E::NoSlashPending);
    world.vote_slash(0, &node, world.slash_args(10)).unwrap();
}

#[test]
fn guardian_and_authority_do_not_do_each_others_part() {
    let (mut world, node) = decided(10);
    let (authority, guardian) = (world.authority.clone(), world.guardian.clone());
    let mut accounts = world.hold_slash_accounts(&node);
    accounts.guardian = authority.key();
    let ix = jobs_ix(accounts, jobs::instruction::HoldSlash {}, &[]);
    assert_refused(world.svm.send(&[ix], &[&authority]), E::NotGuardian);
    let mut accounts = world.void_slash_accounts(&node);
    accounts.authority = guardian.key();
    let ix = jobs_ix(accounts, jobs::instruction::VoidSlash {}, &[]);
    assert_refused(world.svm.send(&[ix], &[&guardian]), E::NotAuthority);
}

#[test]
fn a_slash_of_one_bond_takes_nothing_from_another() {
    let (mut world, node) = decided(10);
    wait(&mut world, DELAY_S);
    let other = world.nodes[1].clone();
    let mut accounts = world.execute_slash_accounts(&node);
    accounts.bond = at::bond(&other.tenure);
    let ix = jobs_ix(accounts, jobs::instruction::ExecuteSlash {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongBond);
    let mut accounts = world.execute_slash_accounts(&node);
    accounts.treasury = at::ata(&other.holder.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::ExecuteSlash {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongVault);
    // Nor is another bond's account a place for votes.
    let oracle = world.oracles[0].clone();
    let mut accounts = world.vote_slash_accounts(&oracle.key(), &other);
    accounts.slash = at::slash(&at::bond(&node.tenure));
    let ix = jobs_ix(accounts, world.slash_args(10), &[]);
    assert_refused(world.svm.send(&[ix], &[&oracle]), ErrorCode::ConstraintSeeds);
}
