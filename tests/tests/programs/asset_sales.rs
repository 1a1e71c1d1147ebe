//! Licences that are not frozen while bound: what their sale does to the node, and how anybody ends the bind of a holder
//! who no longer holds.

use muster_network::{
    self as network, NetworkError as E,
    licences::{core_asset, token_metadata},
    state::{
        EPOCH_NEVER, KeyMarker, Network, Node, Project, Tenure,
        licence_standard::{CORE, TOKEN_METADATA},
        node_status,
    },
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

const STANDARDS: [u8; 2] = [CORE, TOKEN_METADATA];

fn put_token(world: &mut World, asset: &AssetOf, mint: Pubkey, owner: Pubkey, amount: u64) {
    world.put(asset.account, TOKEN, token_account_bytes(&mint, &owner, amount));
}

fn tenure_of(world: &World, asset: &AssetOf) -> Tenure {
    world.svm.pod(&asset.tenure)
}

/// Makes the right accounts of a bind wrong.
type SpoilBind = fn(&mut network::accounts::BindAsset, &AssetOf);
/// What becomes of an asset.
type Happening = fn(&mut World, &AssetOf);

#[test]
fn the_buyers_bind_ends_the_sellers_after_this_epoch() {
    for standard in STANDARDS {
        // Given a node that runs, whose licence is sold.
        let mut world = World::with_assets(standard);
        let seller = world.run_asset(standard);
        let buyer = world.sell_asset(&seller);
        let epoch = world.epoch();
        // When the buyer binds it and his key accepts.
        let bound = world.bind_asset(&buyer, Some(&seller)).unwrap();
        world.accept_asset(&buyer).unwrap();
        // Then the seller earns this epoch and the buyer from the next one: none is both's.
        let (old, new) = (tenure_of(&world, &seller), tenure_of(&world, &buyer));
        assert_eq!((old.until_epoch, new.from_epoch, new.until_epoch), (epoch + 1, epoch + 1, EPOCH_NEVER));
        let node = world.node_of(&buyer);
        assert_eq!((node.status, node.tenure, node.node_key), (node_status::ACTIVE, buyer.tenure, buyer.key.key()));
        // And the seller binds no more.
        let back = AssetOf { tenure: at::tenure(&buyer.node, 3), tenure_number: 3, ..buyer.passed_to(seller.holder) };
        assert_refused(world.bind_asset(&back, Some(&buyer)), E::NotHolder);
        println!("bind_asset over a sold one: {} CU", bound.compute_units_consumed);
    }
}

#[test]
fn the_buyer_of_a_bind_that_was_never_accepted_needs_no_marker() {
    let mut world = World::with_assets(CORE);
    let seller = world.add_asset(CORE);
    world.bind_asset(&seller, None).unwrap();
    let buyer = world.sell_asset(&seller);
    world.bind_asset(&buyer, Some(&seller)).unwrap();
    assert_eq!(world.node_of(&buyer).node_key, buyer.key.key());
}

#[test]
fn a_buyer_may_go_on_with_the_sellers_machine() {
    let mut world = World::with_assets(TOKEN_METADATA);
    let seller = world.run_asset(TOKEN_METADATA);
    let buyer = AssetOf { key: seller.key.clone(), ..world.sell_asset(&seller) };
    world.bind_asset(&buyer, Some(&seller)).unwrap();
    world.accept_asset(&buyer).unwrap();
    assert_eq!(world.node_of(&buyer).status, node_status::ACTIVE);
}

#[test]
fn a_bind_over_a_sold_one_names_what_it_ends() {
    let mut base = World::with_assets(CORE);
    let seller = base.run_asset(CORE);
    let other = base.run_asset(CORE);
    let buyer = base.sell_asset(&seller);
    let right = base.bind_asset_accounts(&buyer, Some(&seller));
    let cases: [(&str, SpoilBind, E); 6] = [
        ("no holder", |accounts, _| accounts.former_holder = None, E::WrongTenure),
        ("another holder", |accounts, other| accounts.former_holder = Some(other.holder.key()), E::WrongTenure),
        ("no tenure", |accounts, _| accounts.former_tenure = None, E::WrongTenure),
        ("another node's tenure", |accounts, other| accounts.former_tenure = Some(other.tenure), E::WrongTenure),
        ("no marker", |accounts, _| accounts.former_key_marker = None, E::WrongKeyMarker),
        (
            "another node's marker",
            |accounts, other| accounts.former_key_marker = Some(at::key_marker(&other.key.key())),
            E::WrongKeyMarker,
        ),
    ];
    for (what, spoil, expected) in cases {
        let mut world = base.clone();
        let mut accounts = network::accounts::BindAsset { ..right };
        spoil(&mut accounts, &other);
        let args = World::bind_asset_args(&buyer);
        let ix = network_ix(accounts, network::instruction::BindAsset { args });
        let refused = world.svm.send(&[ix], &[&buyer.holder]).expect_err(what);
        assert_eq!(refused.code(), Some(expected.into()), "{what}: {refused:#?}");
    }
}

#[test]
fn a_licence_that_is_passed_round_makes_one_tenure_an_epoch() {
    for standard in STANDARDS {
        // Given a licence that was sold and bound in this epoch.
        let mut world = World::with_assets(standard);
        let first = world.run_asset(standard);
        let second = world.sell_asset(&first);
        world.bind_asset(&second, Some(&first)).unwrap();
        let third = world.sell_asset(&second);
        // When it is sold again, then the next bind waits for the next epoch, also after a detach.
        assert_refused(world.bind_asset(&third, Some(&second)), E::HolderChangedThisEpoch);
        world.detach(&second).unwrap();
        assert_refused(world.bind_asset(&third, Some(&second)), E::HolderChangedThisEpoch);
        let epoch = world.epoch();
        world.go_after(epoch, 0);
        world.bind_asset(&third, Some(&second)).unwrap();
        // And no epoch is two tenures': the second has none at all.
        let spans: Vec<(u64, u64)> = [&first, &second, &third]
            .iter()
            .map(|asset| tenure_of(&world, asset))
            .map(|tenure| (tenure.from_epoch, tenure.until_epoch))
            .collect();
        assert_eq!(spans, [(epoch, epoch + 1), (epoch + 1, epoch + 1), (epoch + 1, EPOCH_NEVER)]);
        let project: Project = world.svm.borsh(&world.project);
        assert_eq!(project.leaf_count, 3);
    }
}

#[test]
fn a_licence_that_was_unbound_before_the_sale_waits_for_the_thaw() {
    for standard in STANDARDS {
        let mut world = World::with_assets(standard);
        let seller = world.run_asset(standard);
        world.unbind(&seller.as_node()).unwrap();
        let buyer = world.sell_asset(&seller);
        assert_refused(world.bind_asset(&buyer, Some(&seller)), E::AlreadyBound);
        assert_refused(world.thaw_asset(&seller), E::ThawRuns);
        let epoch = world.epoch();
        world.go_after(epoch, 0);
        world.thaw_asset(&seller).unwrap();
        world.bind_asset(&buyer, Some(&seller)).unwrap();
        let (old, new) = (tenure_of(&world, &seller), tenure_of(&world, &buyer));
        assert_eq!((old.until_epoch, new.from_epoch), (epoch + 1, epoch + 1));
    }
}

#[test]
fn the_key_of_a_sold_node_is_free_and_its_rent_goes_to_the_seller() {
    for standard in STANDARDS {
        // Given a node that runs, whose licence is sold, and another licence.
        let mut world = World::with_assets(standard);
        let seller = world.run_asset(standard);
        let mut other = world.add_asset(standard);
        other.key = seller.key.clone();
        assert_refused(world.bind_asset(&other, None), E::NodeKeyTaken);
        let buyer = world.sell_asset(&seller);
        let marker = at::key_marker(&seller.key.key());
        let rent = world.svm.inner.get_balance(&marker).unwrap();
        let before = world.svm.inner.get_balance(&seller.holder.key()).unwrap();
        // When the buyer binds it.
        world.bind_asset(&buyer, Some(&seller)).unwrap();
        // Then the seller has his marker's rent, and the machine may run another node.
        assert_eq!(world.svm.inner.get_balance(&seller.holder.key()).unwrap(), before + rent);
        world.bind_asset(&other, None).unwrap();
        world.accept_asset(&other).unwrap();
        let marker: KeyMarker = world.svm.borsh(&marker);
        assert_eq!(marker.node, other.node);
    }
}

/// Detaches after each proof; all must pass.
#[track_caller]
fn assert_all_detach(standard: u8, proofs: &[(&str, Happening)]) {
    let mut base = World::with_assets(standard);
    let asset = base.run_asset(standard);
    let epoch = base.epoch();
    for (what, prove) in proofs {
        let mut world = base.clone();
        prove(&mut world, &asset);
        world.detach(&asset).unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
        let node: Node = world.node_of(&asset);
        assert_eq!((node.status, node.accepted_at), (node_status::FREE, 0), "{what}");
        assert_eq!(tenure_of(&world, &asset).until_epoch, epoch + 1, "{what}");
    }
}

#[test]
fn anybody_detaches_a_core_asset_that_its_holder_gave_away() {
    assert_all_detach(
        CORE,
        &[
            ("sold", |w, a| w.put_core(a, |fields| fields.owner = Pubkey::new_unique())),
            ("burnt", |w, a| w.put(a.licence, core_asset::PROGRAM, vec![0])),
            ("closed", |w, a| w.take_away(a.licence)),
            ("compressed", |w, a| w.put_core(a, |fields| fields.key = 2)),
            ("another collection's", |w, a| w.put_core(a, |fields| fields.update_authority = Pubkey::new_unique())),
            ("no collection's", |w, a| w.put_core(a, |fields| fields.update_authority_kind = 1)),
        ],
    );
}

#[test]
fn anybody_detaches_a_token_that_its_holder_gave_away() {
    assert_all_detach(
        TOKEN_METADATA,
        &[
            ("sold", |w, a| put_token(w, a, a.licence, a.holder.key(), 0)),
            ("closed", |w, a| w.take_away(a.account)),
            ("with its account", |w, a| put_token(w, a, a.licence, Pubkey::new_unique(), 1)),
            ("replaced", |w, a| put_token(w, a, Pubkey::new_unique(), a.holder.key(), 1)),
            ("another program's", |w, a| w.put_owner(a.account, token_metadata::PROGRAM)),
            ("unverified", |w, a| w.put_metadata(a, |fields| fields.collection = None)),
            ("burnt", |w, a| w.put(a.metadata.unwrap(), token_metadata::PROGRAM, vec![0])),
        ],
    );
}

#[test]
fn nobody_detaches_a_holder_who_holds() {
    for standard in STANDARDS {
        let mut world = World::with_assets(standard);
        let asset = world.run_asset(standard);
        let other = world.add_asset(standard);
        assert_refused(world.detach(&asset), E::StillHeld);
        // Other accounts in the place of the right ones prove nothing.
        let send = |world: &mut World, accounts: network::accounts::Detach| {
            world.svm.send(&[network_ix(accounts, network::instruction::Detach {})], &[])
        };
        let right = || world.detach_accounts(&asset);
        let cases = [
            (network::accounts::Detach { licence: other.licence, ..right() }, E::NotALicence),
            (network::accounts::Detach { licence_account: other.account, ..right() }, E::WrongLicenceAccount),
        ];
        let foreign = network::accounts::Detach { metadata: Some(other.licence), ..right() };
        let empty = network::accounts::Detach { metadata: Some(Pubkey::new_unique()), ..right() };
        for (accounts, expected) in cases.into_iter().chain([(foreign, E::StillHeld), (empty, E::StillHeld)]) {
            assert_refused(send(&mut world, accounts), expected);
        }
    }
}

#[test]
fn a_detach_names_the_nodes_own_tenure_and_key() {
    let mut world = World::with_assets(CORE);
    let (asset, other) = (world.run_asset(CORE), world.run_asset(CORE));
    world.take_away(asset.licence);
    let right = || world.detach_accounts(&asset);
    let marker = at::key_marker(&other.key.key());
    let cases = [
        (network::accounts::Detach { tenure: other.tenure, ..right() }, E::WrongTenure),
        (network::accounts::Detach { holder: other.holder.key(), ..right() }, E::WrongTenure),
        (network::accounts::Detach { key_marker: None, ..right() }, E::WrongKeyMarker),
        (network::accounts::Detach { key_marker: Some(marker), ..right() }, E::WrongKeyMarker),
    ];
    for (accounts, expected) in cases {
        let ix = network_ix(accounts, network::instruction::Detach {});
        assert_refused(world.svm.send(&[ix], &[]), expected);
    }
}

#[test]
fn a_detach_is_never_paused_and_ends_only_a_bind() {
    let mut world = World::with_assets(CORE);
    let asset = world.run_asset(CORE);
    let project = world.project;
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.svm.edit(&project, |project: &mut Project| project.closed = true);
    world.take_away(asset.licence);
    // A node that unbinds is on its way already
    let mut unbound = world.clone();
    unbound.unbind(&asset.as_node()).unwrap();
    assert_refused(unbound.detach(&asset), E::NotBound);
    // and one that is free has nobody to take it from.
    world.detach(&asset).unwrap();
    let accounts = network::accounts::Detach { key_marker: None, ..world.detach_accounts(&asset) };
    let ix = network_ix(accounts, network::instruction::Detach {});
    assert_refused(world.svm.send(&[ix], &[]), E::NotBound);
}

#[test]
fn a_detached_holder_who_holds_again_keeps_his_tenure() {
    for standard in STANDARDS {
        // Given a holder whose licence left his hand and was detached.
        let mut world = World::with_assets(standard);
        let asset = world.run_asset(standard);
        let lent = world.sell_asset(&asset);
        world.detach(&asset).unwrap();
        // When he has it back and binds again with another key.
        if standard == TOKEN_METADATA {
            put_token(&mut world, &lent, lent.licence, lent.holder.key(), 0);
        }
        world.give(&asset);
        let again = AssetOf { key: Wallet::new(), ..asset.clone() };
        world.bind_asset(&again, None).unwrap();
        world.accept_asset(&again).unwrap();
        // Then it is the same tenure with the same leaf.
        let tenure = tenure_of(&world, &again);
        assert_eq!((tenure.number, tenure.leaf_index, tenure.until_epoch), (1, 0, EPOCH_NEVER));
        assert_eq!(world.node_of(&again).node_key, again.key.key());
    }
}

#[test]
fn after_a_detach_the_next_holder_begins_with_the_next_epoch() {
    for standard in STANDARDS {
        let mut world = World::with_assets(standard);
        let seller = world.run_asset(standard);
        let buyer = world.sell_asset(&seller);
        world.detach(&seller).unwrap();
        world.bind_asset(&buyer, Some(&seller)).unwrap();
        let epoch = world.epoch();
        assert_eq!(tenure_of(&world, &seller).until_epoch, epoch + 1);
        assert_eq!(tenure_of(&world, &buyer).from_epoch, epoch + 1);
    }
}
