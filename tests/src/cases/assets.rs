//! Licences of linked collections.

use muster_network::{
    self as network,
    licences::{core_asset, token_metadata},
    state::licence_standard::{CORE, TOKEN_METADATA},
};

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![link_core(), link_token_metadata(), bind_asset(), bind_sold_asset(), detach()]
}

/// Another than the owner has authority over the collection.
fn link(standard: u8) -> Case {
    let (mut world, collection) = World::with_collection(standard);
    let authority = Wallet::new();
    if standard == CORE {
        world.put(collection, core_asset::PROGRAM, core_collection(authority.key()));
    } else {
        let metadata =
            Metadata { update_authority: authority.key(), collection: None, ..Metadata::of(collection, collection) };
        world.put(token_metadata::metadata_address(&collection), token_metadata::PROGRAM, metadata.bytes());
    }
    let mut accounts = world.link_collection_accounts(standard, collection);
    accounts.collection_authority = authority.key();
    let ix = network_ix(accounts, network::instruction::LinkCollection { standard });
    let owner = world.owner.clone();
    Case::new("link_collection", world, ix, vec![owner, authority])
}

fn link_core() -> Case {
    link(CORE)
}

fn link_token_metadata() -> Case {
    link(TOKEN_METADATA)
}

/// The first bind of a Core asset, besides another's node.
fn bind_asset() -> Case {
    let mut world = World::with_assets(CORE);
    world.run_asset(CORE);
    let asset = world.add_asset(CORE);
    let data = network::instruction::BindAsset { args: World::bind_asset_args(&asset) };
    let ix = network_ix(world.bind_asset_accounts(&asset, None), data);
    Case::new("bind_asset", world, ix, vec![asset.holder])
}

/// The buyer binds over the seller, with everything that can be named.
fn bind_sold_asset() -> Case {
    let mut world = World::with_assets(TOKEN_METADATA);
    world.run_asset(TOKEN_METADATA);
    let seller = world.run_asset(TOKEN_METADATA);
    let buyer = world.sell_asset(&seller);
    let data = network::instruction::BindAsset { args: World::bind_asset_args(&buyer) };
    let ix = network_ix(world.bind_asset_accounts(&buyer, Some(&seller)), data);
    Case::new("bind_asset", world, ix, vec![buyer.holder])
}

/// The holder still holds a mint that has left the collection.
fn detach() -> Case {
    let mut world = World::with_assets(TOKEN_METADATA);
    world.run_asset(TOKEN_METADATA);
    let asset = world.run_asset(TOKEN_METADATA);
    let left = Metadata { collection: None, ..Metadata::of(asset.licence, asset.licence) };
    world.put(token_metadata::metadata_address(&asset.licence), token_metadata::PROGRAM, left.bytes());
    let ix = network_ix(world.detach_accounts(&asset), network::instruction::Detach {});
    Case::new("detach", world, ix, vec![])
}
