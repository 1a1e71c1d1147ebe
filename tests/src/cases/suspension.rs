//! Suspension of a node.

use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![suspend_node(), first_vote(), deciding_vote(), lift_suspension(), appeal()]
}

fn running() -> (World, NodeOf) {
    let world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    (world, node)
}

fn suspended() -> (World, NodeOf) {
    let (mut world, node) = running();
    world.suspend_node(&node, World::suspension_args(2)).expect("the owner suspends the node");
    (world, node)
}

fn suspend_node() -> Case {
    let (world, node) = running();
    let data = network::instruction::SuspendNode { args: World::suspension_args(2) };
    let ix = network_ix(world.suspend_accounts(&node), data);
    let owner = world.owner.clone();
    Case::new("suspend_node", world, ix, vec![owner])
}

fn vote(world: World, node: &NodeOf) -> Case {
    let oracle = world.oracles[1].clone();
    let data = network::instruction::VoteSuspension { args: World::suspension_args(2), set_version: 1 };
    let ix = network_ix(world.vote_suspension_accounts(node, &oracle.key()), data);
    Case::new("vote_suspension", world, ix, vec![oracle])
}

/// Makes the ballot.
fn first_vote() -> Case {
    let (world, node) = running();
    vote(world, &node)
}

fn deciding_vote() -> Case {
    let (mut world, node) = running();
    world.vote_suspension(0, &node, World::suspension_args(2)).expect("an oracle votes");
    vote(world, &node)
}

fn lift_suspension() -> Case {
    let (world, node) = suspended();
    let ix = network_ix(world.lift_accounts(&node), network::instruction::LiftSuspension {});
    let owner = world.owner.clone();
    Case::new("lift_suspension", world, ix, vec![owner])
}

fn appeal() -> Case {
    let (world, node) = suspended();
    let data = network::instruction::Appeal { evidence_hash: [5; 32] };
    let ix = network_ix(world.appeal_accounts(&node, &node.holder.key()), data);
    Case::new("appeal", world, ix, vec![node.holder])
}
