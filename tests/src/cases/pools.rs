//! Pools and the nodes in them.

use muster_network as network;
use network::instruction as data;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![create_pool(), close_pool(), set_pool_capacity(), join_pool(), leave_pool()]
}

/// A project with one node and one pool.
fn with_pool() -> World {
    let mut world = World::with_nodes(1);
    world.create_pool(World::create_pool_args(0)).expect("the pool is made");
    world
}

fn create_pool() -> Case {
    let world = with_pool();
    let owner = world.owner.clone();
    let ix = network_ix(world.create_pool_accounts(1), data::CreatePool { args: World::create_pool_args(1) });
    Case::new("create_pool", world, ix, vec![owner])
}

fn close_pool() -> Case {
    let world = with_pool();
    let owner = world.owner.clone();
    let ix = network_ix(world.close_pool_accounts(0), data::ClosePool {});
    Case::new("close_pool", world, ix, vec![owner])
}

fn set_pool_capacity() -> Case {
    let world = with_pool();
    let owner = world.owner.clone();
    let ix = network_ix(world.set_pool_capacity_accounts(0), data::SetPoolCapacity { capacity: 5 });
    Case::new("set_pool_capacity", world, ix, vec![owner])
}

fn join_pool() -> Case {
    let world = with_pool();
    let node = world.nodes[0].clone();
    let ix = network_ix(world.join_pool_accounts(&node, 0), data::JoinPool {});
    Case::new("join_pool", world, ix, vec![node.holder])
}

fn leave_pool() -> Case {
    let mut world = with_pool();
    let node = world.nodes[0].clone();
    world.join_pool(&node, 0).expect("the node joins");
    let ix = network_ix(world.leave_pool_accounts(&node.holder.key(), &node, 0), data::LeavePool {});
    Case::new("leave_pool", world, ix, vec![node.holder])
}
