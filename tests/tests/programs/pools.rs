//! Pools: who makes them, who joins, who takes a node out.

use muster_network::{
    NetworkError as E,
    state::{Node, Pool, Tenure, node_status},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

fn pool_of(world: &World, index: u32) -> Pool {
    world.svm.borsh(&at::pool(&world.project, index))
}

fn node_of(world: &World, node: &NodeOf) -> Node {
    world.svm.pod(&node.node)
}

/// A project with `nodes` nodes and one pool of the usual capacity.
fn with_pool(nodes: u32) -> World {
    let mut world = World::with_nodes(nodes);
    world.create_pool(World::create_pool_args(0)).unwrap();
    world
}

/// Adds a second project of the same owner.
fn second_project(world: &mut World) -> Pubkey {
    let first = world.project;
    let mut args = world.project_args();
    args.index = 1;
    world.project = at::project(1);
    world.create_project(args).unwrap();
    std::mem::replace(&mut world.project, first)
}

#[test]
fn a_pool_holds_a_hundred_nodes_unless_it_says_otherwise() {
    let mut world = with_pool(0);
    let pool = pool_of(&world, 0);
    assert_eq!((pool.project, pool.index, pool.capacity, pool.count), (world.project, 0, 100, 0));
    assert_eq!(pool.name(), "Europe");
    let mut args = World::create_pool_args(1);
    args.capacity = Some(1);
    world.create_pool(args).unwrap();
    assert_eq!(pool_of(&world, 1).capacity, 1);
}

#[test]
fn an_invalid_pool_is_refused() {
    let mut world = World::with_project();
    let mut args = World::create_pool_args(0);
    args.capacity = Some(0);
    assert_refused(world.create_pool(args), E::PoolCapacityInvalid);
    assert_refused(world.create_pool(World::create_pool_args(1)), E::WrongPoolIndex);
    for name in ["n".repeat(33), "a\0b".to_owned()] {
        let mut args = World::create_pool_args(0);
        args.name = name;
        assert_refused(world.create_pool(args), E::TextInvalid);
    }
}

#[test]
fn a_nodes_holder_joins_and_leaves() {
    let mut world = with_pool(1);
    let node = world.nodes[0].clone();
    world.join_pool(&node, 0).unwrap();
    assert_eq!((node_of(&world, &node).pool, pool_of(&world, 0).count), (at::pool(&world.project, 0), 1));
    world.leave_pool(&node.holder, &node, 0).unwrap();
    assert_eq!((node_of(&world, &node).pool, pool_of(&world, 0).count), (Pubkey::default(), 0));
    assert_refused(world.leave_pool(&node.holder, &node, 0), E::NotPoolMember);
    world.join_pool(&node, 0).unwrap();
}

#[test]
fn a_node_is_in_one_pool_at_most() {
    let mut world = with_pool(1);
    world.create_pool(World::create_pool_args(1)).unwrap();
    let node = world.nodes[0].clone();
    world.join_pool(&node, 0).unwrap();
    assert_refused(world.join_pool(&node, 0), E::InPool);
    assert_refused(world.join_pool(&node, 1), E::InPool);
    assert_refused(world.leave_pool(&node.holder, &node, 1), E::NotPoolMember);
    assert_eq!((pool_of(&world, 0).count, pool_of(&world, 1).count), (1, 0));
}

#[test]
fn a_full_pool_takes_nobody() {
    let mut world = World::with_nodes(2);
    let mut args = World::create_pool_args(0);
    args.capacity = Some(1);
    world.create_pool(args).unwrap();
    let (first, second) = (world.nodes[0].clone(), world.nodes[1].clone());
    world.join_pool(&first, 0).unwrap();
    assert_refused(world.join_pool(&second, 0), E::PoolFull);
    world.set_pool_capacity(0, 2).unwrap();
    world.join_pool(&second, 0).unwrap();
    // No smaller than what is in it, and never nothing.
    assert_refused(world.set_pool_capacity(0, 1), E::PoolCapacityInvalid);
    for node in [&first, &second] {
        world.leave_pool(&node.holder, node, 0).unwrap();
    }
    assert_refused(world.set_pool_capacity(0, 0), E::PoolCapacityInvalid);
    world.set_pool_capacity(0, 1).unwrap();
}

#[test]
fn only_the_holder_of_a_bound_node_joins() {
    let mut world = with_pool(2);
    let mut thief = world.nodes[0].clone();
    thief.holder = world.nodes[1].holder.clone();
    assert_refused(world.join_pool(&thief, 0), E::NotHolder);
    // Nor with another node's tenure, which is his.
    thief.tenure = world.nodes[1].tenure;
    assert_refused(world.join_pool(&thief, 0), anchor_lang::error::ErrorCode::ConstraintAddress);
    let node = world.nodes[0].clone();
    for status in [node_status::UNBINDING, node_status::FREE] {
        let mut world = world.clone();
        world.svm.edit_pod(&node.node, |state: &mut Node| state.status = status);
        assert_refused(world.join_pool(&node, 0), E::NodeUnbound);
    }
    world.svm.edit_pod(&node.node, |state: &mut Node| state.status = node_status::BOUND);
    world.join_pool(&node, 0).unwrap();
}

#[test]
fn a_pool_takes_no_node_of_another_project() {
    let mut world = World::with_nodes(1);
    let (node, first) = (world.nodes[0].clone(), world.project);
    let second = second_project(&mut world);
    world.project = second;
    world.create_pool(World::create_pool_args(0)).unwrap();
    assert_refused(world.join_pool(&node, 0), E::WrongProject);
    let pool = at::pool(&second, 0);
    world.project = first;
    let mut accounts = world.join_pool_accounts(&node, 0);
    accounts.pool = pool;
    let ix = network_ix(accounts, muster_network::instruction::JoinPool {});
    assert_refused(world.svm.send(&[ix], &[&node.holder]), E::WrongProject);
}

#[test]
fn holder_operator_and_owner_take_a_bound_node_out_and_nobody_else() {
    let mut base = with_pool(2);
    let (node, operator) = (base.nodes[0].clone(), Wallet::new());
    base.join_pool(&node, 0).unwrap();
    base.svm.edit_pod(&node.tenure, |tenure: &mut Tenure| tenure.operator = operator.key());
    for signer in [&node.holder, &operator, &base.owner.clone()] {
        base.clone().leave_pool(signer, &node, 0).unwrap();
    }
    for stranger in [&base.nodes[1].holder.clone(), &node.key, &base.authority.clone()] {
        assert_refused(base.clone().leave_pool(stranger, &node, 0), E::MayNotLeave);
    }
    // Nor a former holder by his own tenure.
    let mut sold = base.clone();
    sold.svm.edit_pod(&node.node, |state: &mut Node| state.tenure = Pubkey::new_unique());
    let refused = sold.leave_pool(&node.holder, &node, 0);
    assert_refused(refused, anchor_lang::error::ErrorCode::ConstraintAddress);
}

#[test]
fn an_unbound_node_blocks_no_place() {
    for status in [node_status::UNBINDING, node_status::FREE] {
        let mut world = with_pool(1);
        let node = world.nodes[0].clone();
        world.join_pool(&node, 0).unwrap();
        world.svm.edit_pod(&node.node, |state: &mut Node| state.status = status);
        world.leave_pool(&Wallet::new(), &node, 0).unwrap();
        assert_eq!(pool_of(&world, 0).count, 0);
    }
}

#[test]
fn leaving_is_stopped_by_nothing() {
    let mut world = with_pool(1);
    let node = world.nodes[0].clone();
    world.join_pool(&node, 0).unwrap();
    world.set_paused(muster_network::state::pause::ALL).unwrap();
    world.close_project().unwrap();
    world.leave_pool(&node.holder, &node, 0).unwrap();
}

#[test]
fn an_empty_pool_closes_and_its_index_is_never_used_again() {
    let mut world = with_pool(1);
    let node = world.nodes[0].clone();
    world.join_pool(&node, 0).unwrap();
    assert_refused(world.close_pool(0), E::PoolNotEmpty);
    world.leave_pool(&node.holder, &node, 0).unwrap();
    let owner = world.owner.key();
    let pool = at::pool(&world.project, 0);
    let rent = world.svm.inner.get_account(&pool).unwrap().lamports;
    let before = world.svm.inner.get_account(&owner).unwrap().lamports;
    world.close_pool(0).unwrap();
    assert!(world.svm.inner.get_account(&pool).is_none_or(|account| account.lamports == 0));
    assert_eq!(world.svm.inner.get_account(&owner).unwrap().lamports, before + rent);
    assert_refused(world.create_pool(World::create_pool_args(0)), E::WrongPoolIndex);
    world.create_pool(World::create_pool_args(1)).unwrap();
}

#[test]
fn a_pool_obeys_its_own_project_only() {
    let mut world = with_pool(0);
    let first_pool = at::pool(&world.project, 0);
    world.project = second_project(&mut world);
    let owner = world.owner.clone();
    let mut accounts = world.close_pool_accounts(0);
    accounts.pool = first_pool;
    let ix = network_ix(accounts, muster_network::instruction::ClosePool {});
    assert_refused(world.svm.send(&[ix], &[&owner]), E::WrongProject);
    let mut accounts = world.set_pool_capacity_accounts(0);
    accounts.pool = first_pool;
    let ix = network_ix(accounts, muster_network::instruction::SetPoolCapacity { capacity: 5 });
    assert_refused(world.svm.send(&[ix], &[&owner]), E::WrongProject);
}
