use muster_network::{self as network, NetworkError as E, state::ViewSet};
use muster_tests::world::*;

const A: [u8; 32] = [1; 32];
const B: [u8; 32] = [2; 32];
const C: [u8; 32] = [3; 32];
const NONE: [u8; 32] = [0; 32];

fn view_set(world: &World, epoch: u64) -> ViewSet {
    world.svm.pod(&at::view_set(epoch))
}

#[test]
fn a_view_is_in_when_a_threshold_names_the_same_hash() {
    // Given an epoch that is over.
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    // When one oracle names three views.
    let first = world.commit_views(0, epoch, vec![A, B, C]).unwrap();
    assert_eq!(view_set(&world, epoch).in_count, 0);
    // And a second names two of them and another hash for the third.
    world.commit_views(1, epoch, vec![A, B, A]).unwrap();
    // Then the two are in, the third is not.
    let set = view_set(&world, epoch);
    assert_eq!((set.in_count, set.view_hashes[0], set.view_hashes[1], set.view_hashes[2]), (2, A, B, NONE));
    println!("commit_views: {} CU", first.compute_units_consumed);
}

#[test]
fn an_equivocator_excludes_itself() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    // Oracle 2 showed B to one and C to the other, and commits to A.
    world.commit_views(0, epoch, vec![A, B, B]).unwrap();
    world.commit_views(1, epoch, vec![A, B, C]).unwrap();
    world.commit_views(2, epoch, vec![A, B, A]).unwrap();
    assert_eq!(view_set(&world, epoch).view_hashes[2], NONE);
}

#[test]
fn a_row_is_replaceable_until_the_set_closes_with_the_grace() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    world.commit_views(0, epoch, vec![A, B, NONE]).unwrap();
    world.commit_views(0, epoch, vec![A, B, C]).unwrap();
    world.commit_views(1, epoch, vec![A, B, C]).unwrap();
    assert_eq!(view_set(&world, epoch).in_count, 3);
    world.go_after(epoch, i64::from(GRACE));
    assert_refused(world.commit_views(2, epoch, vec![A, B, C]), E::ViewsClosed);
}

#[test]
fn after_the_grace_the_set_closes_as_soon_as_a_threshold_of_views_is_in() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 1_000);
    world.commit_views(0, epoch, vec![A, NONE, NONE]).unwrap();
    world.commit_views(1, epoch, vec![A, NONE, NONE]).unwrap();
    assert_eq!((view_set(&world, epoch).in_count, view_set(&world, epoch).closed_at), (1, 0));
    world.commit_views(1, epoch, vec![A, B, NONE]).unwrap();
    world.commit_views(0, epoch, vec![A, B, NONE]).unwrap();
    assert_eq!(view_set(&world, epoch).closed_at, world.svm.now());
    assert_refused(world.commit_views(2, epoch, vec![A, B, C]), E::ViewsClosed);
}

#[test]
fn wrong_commits_are_refused() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    assert_refused(world.commit_views(0, epoch, vec![A, B, C]), E::EpochNotOver);
    world.go_after(epoch, 0);
    assert_refused(world.commit_views(0, epoch, vec![A, B]), E::WrongHashCount);
    let stranger = Wallet::new();
    world.svm.airdrop(&stranger);
    let accounts = world.commit_views_accounts(&stranger.key(), epoch);
    let ix = network_ix(accounts, network::instruction::CommitViews { epoch, hashes: vec![A, B, C] });
    assert_refused(world.svm.send(&[ix], &[&stranger]), E::NotOracle);
}
