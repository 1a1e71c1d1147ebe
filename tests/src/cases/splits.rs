//! Splits of payouts.

use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![create_split(), release()]
}

fn create_split() -> Case {
    let world = World::with_nodes(1);
    let creator = world.nodes[0].holder.clone();
    let recipients = vec![creator.key(), Wallet::named("a recipient").key()];
    let args = network::CreateSplitArgs { id: 0, recipients, shares_bps: vec![7_000, 3_000] };
    let data = network::instruction::CreateSplit { args };
    let ix = network_ix(world.create_split_accounts(&creator.key(), 0), data);
    Case::new("create_split", world, ix, vec![creator])
}

fn release() -> Case {
    let mut world = World::with_nodes(2);
    let [first, second] = [0, 1].map(|index| world.nodes[index].holder.clone());
    let shares = [(first.key(), 7_000), (second.key(), 3_000)];
    let split = world.create_split(&first, 0, &shares).expect("the split is created");
    let vault = at::ata(&split, &world.mint, &TOKEN);
    let payer = world.svm.payer.clone();
    litesvm_token::MintTo::new(&mut world.svm.inner, payer.keypair(), &world.mint, &vault, 10 * TOKEN_UNIT)
        .send()
        .expect("the split is paid");
    let ix = network_ix(world.release_accounts(&split, &second.key()), network::instruction::Release { index: 1 });
    Case::new("release", world, ix, vec![])
}
