//! Accounts of epochs long past: their rent goes back, and they are never made again.

use muster_network::{self as network, NetworkError as E, state::Distribution};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const HALVES: [u64; 2] = [POOL / 2, POOL / 2];
const TWICE: [u64; 2] = [POOL, POOL];

fn paid() -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &HALVES);
    (world, epoch)
}

/// The same, and the next epoch's root is active too.
fn followed() -> (World, u64) {
    let (mut world, epoch) = paid();
    world.pay_epoch(epoch + 1, BUDGET, &TWICE);
    (world, epoch)
}

/// The first second in which an epoch's accounts may be closed.
fn go_past_retention(world: &mut World, epoch: u64) {
    world.svm.set_time(((epoch + RETENTION_EPOCHS) * u64::from(EPOCH_LEN)) as i64);
}

fn lamports(world: &World, wallet: &Wallet) -> u64 {
    world.svm.inner.get_balance(&wallet.key()).unwrap_or(0)
}

#[test]
fn a_final_epochs_rent_goes_back_after_ninety_epochs() {
    // Given a final epoch, and another after it.
    let (mut world, epoch) = followed();
    assert_refused(world.close_epoch(epoch), E::RetentionRuns);
    go_past_retention(&mut world, epoch);
    let now = world.svm.now();
    world.svm.set_time(now - 1);
    assert_refused(world.close_epoch(epoch), E::RetentionRuns);
    // When its retention is over.
    world.svm.set_time(now);
    let settler = world.settler.clone();
    let (before, address) = (lamports(&world, &settler), at::epoch(&world.project, epoch));
    let rent = world.svm.inner.get_account(&address).unwrap().lamports;
    world.close_epoch(epoch).unwrap();
    // Then whoever paid has it back, the epoch is settled no more, and its root still pays.
    assert_eq!(lamports(&world, &settler), before + rent);
    assert!(world.svm.inner.get_account(&address).is_none_or(|account| account.lamports == 0));
    assert_refused(world.settle(world.settle_args(epoch, BUDGET)), E::EpochPassed);
    world.claim(0, &TWICE).unwrap();
}

/// Invariants I59, I62.
#[test]
fn the_newest_roots_statement_stays_so_that_a_late_hold_of_it_is_still_corrected() {
    // Given a wrong root that nobody followed for 90 epochs.
    let (mut world, epoch) = paid();
    go_past_retention(&mut world, epoch);
    // When somebody closes its statement, then he is refused: the guardian finds it and holds it, and the oracles correct it.
    assert_refused(world.close_epoch(epoch), E::StatementNeeded);
    world.hold(epoch).unwrap();
    assert_refused(world.close_epoch(epoch), E::StatementNeeded);
    let args = world.vote_args(epoch, 1, &[POOL, 0]);
    for oracle in 0..2 {
        world.correct(oracle, args.clone()).unwrap();
    }
    assert_eq!(world.distribution().roots[0].root, args.root);
    assert_refused(world.close_epoch(epoch), E::StatementNeeded);
}

#[test]
fn an_epoch_that_is_not_final_is_kept() {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    go_past_retention(&mut world, epoch);
    assert_refused(world.close_epoch(epoch), E::EpochNotFinal);
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &HALVES)).unwrap();
    }
    assert_refused(world.close_epoch(epoch), E::EpochNotFinal);
}

#[test]
fn the_statement_of_a_held_root_is_kept_for_its_correction() {
    // Given a root that was held, and followed by another.
    let (mut world, epoch) = paid();
    world.hold(epoch).unwrap();
    world.pay_epoch(epoch + 1, BUDGET, &TWICE);
    // When its retention is over and its hold is not, then its statement stays until that ends.
    go_past_retention(&mut world, epoch);
    let now = world.svm.now();
    let distribution = at::distribution(&world.project);
    world.svm.edit_pod(&distribution, |of: &mut Distribution| of.roots[1].held_until = now + 1);
    assert_refused(world.close_epoch(epoch), E::RetentionRuns);
    world.end_hold(epoch).unwrap();
    world.close_epoch(epoch).unwrap();
}

#[test]
fn a_view_sets_rent_goes_back_after_ninety_epochs_and_it_is_never_made_again() {
    // Given the views of an epoch that is long over.
    let (mut world, epoch) = paid();
    assert_refused(world.remove_views(epoch), E::RetentionRuns);
    go_past_retention(&mut world, epoch);
    let now = world.svm.now();
    world.svm.set_time(now - 1);
    assert_refused(world.remove_views(epoch), E::RetentionRuns);
    // When they are closed.
    world.svm.set_time(now);
    let oracle = world.oracles[0].clone();
    let before = lamports(&world, &oracle);
    let rent = world.svm.inner.get_account(&at::view_set(epoch)).unwrap().lamports;
    world.remove_views(epoch).unwrap();
    // Then the oracle that paid has its rent, and no oracle commits to that epoch again.
    assert_eq!(lamports(&world, &oracle), before + rent);
    assert_refused(world.commit_views(1, epoch, vec![[1; 32], [2; 32], [3; 32]]), E::EpochTooOld);
}

#[test]
fn views_are_committed_until_their_retention_is_over() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    go_past_retention(&mut world, epoch);
    let hashes = vec![[1; 32], [2; 32], [3; 32]];
    assert_refused(world.commit_views(0, epoch, hashes.clone()), E::EpochTooOld);
    world.commit_views(0, epoch + 1, hashes).unwrap();
}

#[test]
fn an_epoch_whose_views_are_gone_is_settled_and_replaced_no_more_and_its_budget_is_free() {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    go_past_retention(&mut world, epoch);
    world.remove_views(epoch).unwrap();
    assert!(world.replace(world.settle_args(epoch, BUDGET / 2)).is_err(), "no views");
    let settler = world.settler.clone();
    world.void(&settler, epoch).unwrap();
    assert!(world.settle(world.settle_args(epoch, BUDGET)).is_err(), "no views");
    assert_eq!(world.svm.tokens(&world.distribution().vault), 0);
}

#[test]
fn rent_goes_to_nobody_but_who_paid_it() {
    let (mut world, epoch) = paid();
    go_past_retention(&mut world, epoch);
    let thief = world.owner.key();
    let mut accounts = world.close_epoch_accounts(epoch);
    accounts.rent_payer = thief;
    let ix = network_ix(accounts, network::instruction::CloseEpoch {});
    assert_refused(world.svm.send(&[ix], &[]), E::NotRentPayer);
    let mut accounts = world.close_views_accounts(epoch);
    accounts.rent_payer = thief;
    let ix = network_ix(accounts, network::instruction::CloseViews {});
    assert_refused(world.svm.send(&[ix], &[]), E::NotRentPayer);
}
