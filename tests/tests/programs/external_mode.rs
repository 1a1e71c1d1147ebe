//! Projects whose rewards are paid elsewhere: their points are approved on-chain, and nothing moves.

use muster_network::{
    self as network, NetworkError as E,
    state::{Project, epoch_status, settlement_state},
};
use muster_tests::world::*;

/// An external project with two nodes, an epoch whose views are closed, and a statement of its points.
fn stated() -> (World, u64, network::SettleEpochArgs) {
    let mut world = World::with_external_project(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    let args = world.settle_args(epoch, 0);
    (world, epoch, args)
}

#[test]
fn points_are_approved_and_final_and_nothing_moves() {
    // Given points of an external project, stated without a budget.
    let (mut world, epoch, args) = stated();
    world.settle(args).unwrap();
    assert_eq!(world.distribution().open_state, settlement_state::SETTLED);
    // When a threshold approves them and the delay is over.
    for oracle in 0..2 {
        world.approve(oracle, world.external_vote(epoch)).unwrap();
    }
    assert_refused(world.activate(epoch), E::DelayRuns);
    world.pass_root_delay();
    world.activate(epoch).unwrap();
    // Then they are final and in the ledger; no token moved, and none may be claimed.
    let (state, stated) = (world.distribution(), world.epoch_account(epoch));
    assert_eq!((stated.status, stated.points_root, stated.budget), (epoch_status::FINAL, POINTS_ROOT, 0));
    assert_eq!((state.roots[0].root, state.roots[0].total, state.allocated), (POINTS_ROOT, 0, 0));
    assert_ne!(state.ledger_head, [0; 32]);
    assert_eq!((world.svm.tokens(&state.vault), world.svm.tokens(&at::treasury(&world.mint))), (0, 0));
    assert_eq!(world.svm.borsh::<Project>(&world.project).next_epoch, epoch + 1);
    assert_refused(world.claim(0, &[1, 1]), E::ProofInvalid);
}

#[test]
fn the_approved_root_is_the_statements_own() {
    let (mut base, epoch, args) = stated();
    base.settle(args).unwrap();
    let right = base.external_vote(epoch);
    let cases = [
        (E::NotPointsRoot, network::ApproveRootArgs { root: [66; 32], ..right.clone() }),
        (E::WrongTotal, network::ApproveRootArgs { total: 1, ..right.clone() }),
        (E::WrongLeafCount, network::ApproveRootArgs { count: 1, ..right.clone() }),
        (E::WrongDataset, network::ApproveRootArgs { dataset_hash: [66; 32], ..right }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().approve(0, args), expected);
    }
}

#[test]
fn a_budget_is_refused() {
    let (mut world, _, args) = stated();
    // With money in its vault, which anybody may put there.
    let owner = world.owner.clone();
    let source = at::ata(&owner.key(), &world.mint, &TOKEN);
    world.fund_project(source, 100).unwrap();
    assert_refused(world.settle(network::SettleEpochArgs { budget: 1, ..args }), E::PaidElsewhere);
}

#[test]
fn a_distribution_that_pays_nobody_takes_no_money() {
    let (mut world, _, _) = stated();
    let owner = world.owner.clone();
    assert_refused(world.top_up(&owner, 1), E::PaidElsewhere);
}

#[test]
fn half_a_statement_is_refused_and_an_empty_one_is_final() {
    let (base, epoch, right) = stated();
    let cases = [
        (E::NothingToReward, network::SettleEpochArgs { points_root: [0; 32], ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { dataset_hash: [0; 32], ..right.clone() }),
        (E::NodeCountInvalid, network::SettleEpochArgs { node_count: 0, ..right.clone() }),
        (E::NodeCountInvalid, network::SettleEpochArgs { node_count: 3, ..right.clone() }),
        (E::UnapprovedStatement, network::SettleEpochArgs { total_points: 0, ..right }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().settle(args), expected);
    }
    let mut world = base;
    world.settle(World::empty_settle_args(epoch)).unwrap();
    assert_eq!(world.epoch_account(epoch).status, epoch_status::FINAL);
}

#[test]
fn points_are_replaced_and_voided_like_any_settlement() {
    let (mut world, epoch, args) = stated();
    world.settle(args.clone()).unwrap();
    world.replace(network::SettleEpochArgs { total_points: 7, ..args.clone() }).unwrap();
    assert_eq!(world.epoch_account(epoch).total_points, 7);
    let settler = world.settler.clone();
    world.void(&settler, epoch).unwrap();
    world.settle(args).unwrap();
    assert_eq!(world.distribution().open_revision, 2);
}

#[test]
fn fewer_nodes_may_earn_than_the_epoch_before() {
    let (mut world, epoch, args) = stated();
    let fewer = network::SettleEpochArgs { epoch: epoch + 1, node_count: 1, ..args.clone() };
    for args in [args, fewer] {
        let epoch = args.epoch;
        if epoch > world.epoch() - 1 {
            world.close_views(epoch);
        }
        world.settle(args).unwrap();
        for oracle in 0..2 {
            world.approve(oracle, world.external_vote(epoch)).unwrap();
        }
        world.pass_root_delay();
        world.activate(epoch).unwrap();
    }
    assert_eq!(world.distribution().roots[0].count, 1);
}
