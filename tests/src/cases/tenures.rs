//! How tenures end, whom they pay, and what who runs a node says of it.

use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![
        unbind(),
        thaw(),
        rotate_node_key(),
        set_payout(),
        set_operator(),
        release_operator(),
        set_metadata(),
        announce_maintenance(),
    ]
}

/// Two accepted nodes; the instruction is the first one's.
fn running() -> (World, NodeOf) {
    let world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    (world, node)
}

/// Besides, an operator runs the first one for its holder.
fn operated() -> (World, NodeOf, Wallet) {
    let (mut world, node) = running();
    let operator = world.add_operator(&node);
    (world, node, operator)
}

fn unbind() -> Case {
    let (world, node) = running();
    let ix = network_ix(world.unbind_accounts(&node), network::instruction::Unbind {});
    Case::new("unbind", world, ix, vec![node.holder])
}

fn thaw() -> Case {
    let (mut world, node) = running();
    world.unbind(&node).expect("the node is unbound");
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    let ix = network_ix(world.thaw_accounts(&node), network::instruction::Thaw {});
    Case::new("thaw", world, ix, vec![])
}

fn rotate_node_key() -> Case {
    let (world, node) = running();
    let key = Wallet::named("a new node key");
    let accounts = world.rotate_accounts(&node, &node.holder.key(), &key.key());
    let ix = network_ix(accounts, network::instruction::RotateNodeKey {});
    Case::new("rotate_node_key", world, ix, vec![node.holder, key])
}

fn set_payout() -> Case {
    let (world, node, operator) = operated();
    let data = network::instruction::SetPayout { payout_owner: Wallet::named("another payout").key() };
    let ix = network_ix(world.set_payout_accounts(&node, Some(operator.key())), data);
    Case::new("set_payout", world, ix, vec![node.holder, operator])
}

fn set_operator() -> Case {
    let (mut world, node, operator) = operated();
    world.release_operator(&node, &operator).expect("the operator releases the tenure");
    let split = at::split(&node.holder.key(), 0);
    let data = network::instruction::SetOperator { operator: operator.key(), bps: 3_000 };
    let ix = network_ix(world.set_operator_accounts(&node, &split), data);
    Case::new("set_operator", world, ix, vec![node.holder])
}

fn release_operator() -> Case {
    let (world, node, operator) = operated();
    let accounts = world.release_operator_accounts(&node, &operator.key());
    let ix = network_ix(accounts, network::instruction::ReleaseOperator {});
    Case::new("release_operator", world, ix, vec![operator])
}

fn set_metadata() -> Case {
    let (world, node) = running();
    let data = network::instruction::SetMetadata { metadata_hash: [8; 32] };
    let ix = network_ix(world.set_metadata_accounts(&node, &node.holder.key()), data);
    Case::new("set_metadata", world, ix, vec![node.holder])
}

fn announce_maintenance() -> Case {
    let (world, node, operator) = operated();
    let start = world.svm.now() + 60;
    let data = network::instruction::AnnounceMaintenance { start, end: start + 60 };
    let ix = network_ix(world.maintenance_accounts(&node, &operator.key()), data);
    Case::new("announce_maintenance", world, ix, vec![operator])
}
