//! Licences and how they come to their holders.

use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![buy_licence(), gift_licence()]
}

fn buy_licence() -> Case {
    let mut world = World::with_nodes(1);
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    world.fund_wallet(&buyer, PRICE);
    let ix = network_ix(
        world.buy_licence_accounts(&buyer.key(), 1),
        network::instruction::BuyLicence { serial: 1, max_price: PRICE },
    );
    Case::new("buy_licence", world, ix, vec![buyer])
}

fn gift_licence() -> Case {
    let world = World::with_nodes(1);
    let owner = world.owner.clone();
    let recipient = world.authority.key();
    let data = network::instruction::GiftLicence { serial: 1 };
    let ix = network_ix(world.gift_licence_accounts(&recipient, 1), data);
    Case::new("gift_licence", world, ix, vec![owner])
}
