//! Nodes: binding, accepting and what their holders and operators set.

use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![bind(), accept_node()]
}

/// A licence that its buyer has not bound yet, besides an accepted node.
fn bought() -> (World, NodeOf) {
    let mut world = World::with_nodes(1);
    let (holder, key) = (Wallet::new(), Wallet::new());
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, PRICE);
    world.buy_licence(&holder, 1, PRICE).expect("the licence is bought");
    let licence = at::licence(&world.project, 1);
    let node = at::node(&licence);
    (world, NodeOf { holder, key, licence, node, tenure: at::tenure(&node, 1) })
}

fn bind() -> Case {
    let (world, node) = bought();
    let data = network::instruction::Bind { args: World::bind_args(&node) };
    let ix = network_ix(world.bind_accounts(&node), data);
    Case::new("bind", world, ix, vec![node.holder])
}

fn accept_node() -> Case {
    let (mut world, node) = bought();
    world.bind(&node).expect("the licence is bound");
    world.nodes.push(node.clone());
    let ix = network_ix(world.accept_accounts(&node), network::instruction::AcceptNode {});
    Case::new("accept_node", world, ix, vec![node.key])
}
