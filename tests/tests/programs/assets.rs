//! Licences of other programs: collections that are linked, assets that are bound without being frozen, holders who
//! sold them. Each standard's accounts are spoilt one by one.

use muster_network::{
    self as network, NetworkError as E,
    licences::{core_asset, token_metadata},
    state::{
        CollectionMarker, EPOCH_NEVER, KeyMarker, Network, Node, Project, Tenure,
        licence_standard::{CORE, TOKEN_METADATA},
        node_status, pause,
    },
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

const STANDARDS: [u8; 2] = [CORE, TOKEN_METADATA];

/// One thing that is wrong with a licence, and what is said of it.
type Spoil = (&'static str, fn(&mut World, &mut AssetOf), E);

/// Binds a fresh licence after each spoiling; none may pass.
#[track_caller]
fn assert_all_refused(standard: u8, cases: &[Spoil]) {
    let base = World::with_assets(standard);
    for (what, spoil, expected) in cases {
        let mut world = base.clone();
        let mut asset = world.add_asset(standard);
        spoil(&mut world, &mut asset);
        let refused = world.bind_asset(&asset, None).expect_err(what);
        assert_eq!(refused.code(), Some(u32::from(*expected)), "{what}: {refused:#?}");
    }
}

fn put_core(world: &mut World, asset: &AssetOf, change: impl FnOnce(&mut CoreAsset)) {
    let mut fields = CoreAsset::of(asset.holder.key(), world.collection());
    change(&mut fields);
    world.put(asset.licence, core_asset::PROGRAM, fields.bytes());
}

fn put_metadata(world: &mut World, asset: &AssetOf, change: impl FnOnce(&mut Metadata)) {
    let mut fields = Metadata::of(asset.licence, world.collection());
    change(&mut fields);
    world.put(asset.metadata.unwrap(), token_metadata::PROGRAM, fields.bytes());
}

fn put_token(world: &mut World, asset: &AssetOf, program: Pubkey, mint: Pubkey, owner: Pubkey, amount: u64) {
    world.put(asset.account, program, token_account_bytes(&mint, &owner, amount));
}

fn tenure_of(world: &World, asset: &AssetOf) -> Tenure {
    world.svm.pod(&asset.tenure)
}

// ---- linking ----

#[test]
fn a_linked_collection_is_the_projects_licences() {
    for standard in STANDARDS {
        // Given a project without licences and a collection of its owner.
        let (mut world, collection) = World::with_collection(standard);
        // When it is linked.
        let linked = world.link_collection(standard, collection).unwrap();
        // Then the project's licences are its assets, and the collection is taken.
        let project: Project = world.svm.borsh(&world.project);
        assert_eq!((project.collection, project.standard), (collection, standard));
        let marker: CollectionMarker = world.svm.borsh(&at::collection_marker(&collection));
        assert_eq!(marker.project, world.project);
        println!("link_collection: {} CU", linked.compute_units_consumed);
    }
}

#[test]
fn only_the_project_owner_links_and_only_with_the_collections_authority() {
    for standard in STANDARDS {
        let (mut world, collection) = World::with_collection(standard);
        let stranger = Wallet::new();
        world.svm.airdrop(&stranger);
        let owner = world.owner.clone();
        let data = || network::instruction::LinkCollection { standard };
        let mut accounts = world.link_collection_accounts(standard, collection);
        accounts.owner = stranger.key();
        assert_refused(world.svm.send(&[network_ix(accounts, data())], &[&stranger, &owner]), E::NotProjectOwner);
        let mut accounts = world.link_collection_accounts(standard, collection);
        accounts.collection_authority = stranger.key();
        let ix = network_ix(accounts, data());
        assert_refused(world.svm.send(&[ix], &[&stranger, &owner]), E::NotCollectionAuthority);
    }
}

#[test]
fn a_collection_belongs_to_one_project() {
    let mut world = World::with_assets(CORE);
    let collection = world.collection();
    let mut args = world.project_args();
    args.index = 1;
    world.project = at::project(1);
    world.create_project(args).unwrap();
    assert!(world.link_collection(CORE, collection).is_err(), "the marker exists");
}

#[test]
fn a_collection_is_linked_once_before_any_licence_and_while_the_project_is_open() {
    let (base, collection) = World::with_collection(CORE);
    // A licence of the project's own collection is sold
    let mut world = base.clone();
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    world.fund_wallet(&buyer, PRICE);
    world.buy_licence(&buyer, 0, PRICE).unwrap();
    assert_refused(world.link_collection(CORE, collection), E::LicencesExist);
    // or a leaf is given
    let mut world = base.clone();
    let project = world.project;
    world.svm.edit(&project, |project: &mut Project| project.leaf_count = 1);
    assert_refused(world.link_collection(CORE, collection), E::LicencesExist);
    // or the project is closed
    let mut world = base.clone();
    world.svm.edit(&project, |project: &mut Project| project.closed = true);
    assert_refused(world.link_collection(CORE, collection), E::ProjectClosed);
    // or another collection is linked already.
    let mut world = base;
    world.link_collection(CORE, collection).unwrap();
    let second = Pubkey::new_unique();
    let owner = world.owner.key();
    world.put(second, core_asset::PROGRAM, core_collection(owner));
    assert_refused(world.link_collection(CORE, second), E::WrongStandard);
}

#[test]
fn what_is_no_collection_cannot_be_linked() {
    let (core, collection) = World::with_collection(CORE);
    let owner = core.owner.key();
    let bytes = core_collection(owner);
    let cases = [
        ("of another program", TOKEN, bytes.clone()),
        ("cut short", core_asset::PROGRAM, bytes[..bytes.len() - 1].to_vec()),
        ("an asset", core_asset::PROGRAM, CoreAsset::of(owner, collection).bytes()),
        ("burnt", core_asset::PROGRAM, vec![0]),
        ("empty", core_asset::PROGRAM, vec![]),
    ];
    for (what, program, bytes) in cases {
        let mut world = core.clone();
        world.put(collection, program, bytes);
        let refused = world.link_collection(CORE, collection).expect_err(what);
        assert_eq!(refused.code(), Some(E::NotACollection.into()), "{what}");
    }
    let (described, mint) = World::with_collection(TOKEN_METADATA);
    let owner = described.owner.key();
    let address = token_metadata::metadata_address(&mint);
    let right = Metadata { update_authority: owner, ..Metadata::of(mint, mint) };
    let cases = [
        ("of another program", TOKEN, right.bytes()),
        ("of another mint", token_metadata::PROGRAM, Metadata { mint: collection, ..right.clone() }.bytes()),
        ("burnt", token_metadata::PROGRAM, vec![0]),
        ("a master edition", token_metadata::PROGRAM, Metadata { key: 6, ..right.clone() }.bytes()),
    ];
    for (what, program, bytes) in cases {
        let mut world = described.clone();
        world.put(address, program, bytes);
        let refused = world.link_collection(TOKEN_METADATA, mint).expect_err(what);
        assert_eq!(refused.code(), Some(E::NotACollection.into()), "{what}");
    }
    // Metadata at an address that is not the mint's, or none.
    for metadata in [Some(collection), None] {
        let mut world = described.clone();
        world.put(collection, token_metadata::PROGRAM, right.bytes());
        let mut accounts = world.link_collection_accounts(TOKEN_METADATA, mint);
        accounts.metadata = metadata;
        let ix = network_ix(accounts, network::instruction::LinkCollection { standard: TOKEN_METADATA });
        let owner = world.owner.clone();
        assert_refused(world.svm.send(&[ix], &[&owner]), E::NotACollection);
    }
    // A standard that no external collection has.
    for standard in [0, 3, u8::MAX] {
        assert_refused(core.clone().link_collection(standard, collection), E::WrongStandard);
    }
}

#[test]
fn a_project_with_a_linked_collection_sells_no_licences_of_its_own() {
    for standard in STANDARDS {
        let mut world = World::with_assets(standard);
        let buyer = Wallet::new();
        world.svm.airdrop(&buyer);
        world.fund_wallet(&buyer, PRICE);
        assert!(world.buy_licence(&buyer, 0, PRICE).is_err());
        let project: Project = world.svm.borsh(&world.project);
        assert_eq!(project.licences_sold, 0);
    }
}

// ---- binding ----

#[test]
fn a_held_asset_runs_a_node() {
    for standard in STANDARDS {
        // Given a project with a linked collection and a holder of one of its assets.
        let mut world = World::with_assets(standard);
        let asset = world.add_asset(standard);
        // When he binds it and the node key accepts.
        let bound = world.bind_asset(&asset, None).unwrap();
        world.accept_asset(&asset).unwrap();
        // Then it runs a node as any licence does.
        let node = world.node_of(&asset);
        assert_eq!((node.status, node.standard, node.licence), (node_status::ACTIVE, standard, asset.licence));
        assert_eq!((node.licence_account, node.tenure), (asset.account, asset.tenure));
        let tenure = tenure_of(&world, &asset);
        assert_eq!((tenure.holder, tenure.number, tenure.leaf_index), (asset.holder.key(), 1, 0));
        assert_eq!((tenure.from_epoch, tenure.until_epoch), (world.epoch(), EPOCH_NEVER));
        println!("bind_asset: {} CU", bound.compute_units_consumed);
    }
}

#[test]
fn each_asset_has_a_serial_of_its_own() {
    let mut world = World::with_assets(CORE);
    let first = world.run_asset(CORE);
    let second = world.run_asset(CORE);
    // The first is sold and bound again: it keeps its serial, although a leaf was added.
    let sold = world.sell_asset(&first);
    world.bind_asset(&sold, Some(&first)).unwrap();
    let third = world.run_asset(CORE);
    let serials: Vec<u32> = [&sold, &second, &third].iter().map(|asset| world.node_of(asset).serial).collect();
    assert_eq!(serials, [0, 1, 3]);
}

#[test]
fn a_core_asset_that_is_no_licence_of_the_collection_is_refused() {
    assert_all_refused(
        CORE,
        &[
            ("of another program", |w, a| put_owner(w, a.licence, TOKEN), E::NotALicence),
            ("burnt", |w, a| w.put(a.licence, core_asset::PROGRAM, vec![0]), E::NotALicence),
            ("closed", |w, a| w.take_away(a.licence), E::NotALicence),
            ("compressed", |w, a| put_core(w, a, |fields| fields.key = 2), E::NotALicence),
            ("a collection", |w, a| put_core(w, a, |fields| fields.key = 5), E::NotALicence),
            ("in no collection", |w, a| put_core(w, a, |fields| fields.update_authority_kind = 0), E::NotALicence),
            ("updated by an address", |w, a| put_core(w, a, |fields| fields.update_authority_kind = 1), E::NotALicence),
            (
                "updated by nobody known",
                |w, a| put_core(w, a, |fields| fields.update_authority_kind = 3),
                E::NotALicence,
            ),
            (
                "in another collection",
                |w, a| put_core(w, a, |fields| fields.update_authority = Pubkey::new_unique()),
                E::NotALicence,
            ),
            (
                "cut short",
                |w, a| {
                    let mut bytes = CoreAsset::of(a.holder.key(), w.collection()).bytes();
                    bytes.pop();
                    w.put(a.licence, core_asset::PROGRAM, bytes);
                },
                E::NotALicence,
            ),
            (
                "with a name longer than the account",
                |w, a| {
                    let mut bytes = CoreAsset::of(a.holder.key(), w.collection()).bytes();
                    bytes[66..70].fill(u8::MAX);
                    w.put(a.licence, core_asset::PROGRAM, bytes);
                },
                E::NotALicence,
            ),
            ("another's", |w, a| put_core(w, a, |fields| fields.owner = Pubkey::new_unique()), E::NotHolder),
            (
                "another's, shown by an own asset",
                |w, a| {
                    let own = w.add_asset(CORE);
                    put_core(w, a, |fields| fields.owner = Pubkey::new_unique());
                    put_core(w, &AssetOf { holder: a.holder.clone(), ..own.clone() }, |_| ());
                    a.account = own.licence;
                },
                E::NotHolder,
            ),
        ],
    );
}

#[test]
fn a_mint_that_is_no_licence_of_the_collection_is_refused() {
    assert_all_refused(
        TOKEN_METADATA,
        &[
            ("two tokens", |w, a| put_mint(w, a, a.edition, 2, 0), E::NotALicence),
            ("no token", |w, a| put_mint(w, a, a.edition, 0, 0), E::NotALicence),
            ("decimals", |w, a| put_mint(w, a, a.edition, 1, 1), E::NotALicence),
            ("more to come", |w, a| put_mint(w, a, Some(Pubkey::new_unique()), 1, 0), E::NotALicence),
            ("a mint of another program", |w, a| put_owner(w, a.licence, token_metadata::PROGRAM), E::NotALicence),
            ("a token account", |w, a| put_data(w, a.licence, w_token(a)), E::NotALicence),
            ("a mint cut short", |w, a| put_data(w, a.licence, vec![1; 81]), E::NotALicence),
            ("no edition", |_, a| a.edition = None, E::NotALicence),
            ("a print", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, edition_bytes(1)), E::NotALicence),
            ("a burnt edition", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, vec![]), E::NotALicence),
            ("an edition of another program", |w, a| put_owner(w, a.edition.unwrap(), TOKEN), E::NotALicence),
            (
                "an edition that is not the mint's",
                |w, a| {
                    let other = Pubkey::new_unique();
                    w.put(other, token_metadata::PROGRAM, edition_bytes(6));
                    put_mint(w, a, Some(other), 1, 0);
                    a.edition = Some(other);
                },
                E::NotALicence,
            ),
            ("no metadata", |_, a| a.metadata = None, E::NotALicence),
            (
                "metadata elsewhere",
                |w, a| {
                    let other = Pubkey::new_unique();
                    w.put(other, token_metadata::PROGRAM, Metadata::of(a.licence, w.collection()).bytes());
                    a.metadata = Some(other);
                },
                E::NotALicence,
            ),
            ("metadata of another program", |w, a| put_owner(w, a.metadata.unwrap(), TOKEN), E::NotALicence),
            ("burnt", |w, a| w.put(a.metadata.unwrap(), token_metadata::PROGRAM, vec![0]), E::NotALicence),
            ("metadata of another kind", |w, a| put_metadata(w, a, |fields| fields.key = 6), E::NotALicence),
            (
                "metadata of another mint",
                |w, a| put_metadata(w, a, |fields| fields.mint = Pubkey::new_unique()),
                E::NotALicence,
            ),
            ("no collection", |w, a| put_metadata(w, a, |fields| fields.collection = None), E::NotALicence),
            (
                "an unverified collection",
                |w, a| put_metadata(w, a, |fields| fields.collection = fields.collection.map(|(_, key)| (false, key))),
                E::NotALicence,
            ),
            (
                "another collection",
                |w, a| put_metadata(w, a, |fields| fields.collection = Some((true, Pubkey::new_unique()))),
                E::NotALicence,
            ),
            ("fungible asset", |w, a| put_metadata(w, a, |fields| fields.token_standard = Some(1)), E::NotALicence),
            ("fungible", |w, a| put_metadata(w, a, |fields| fields.token_standard = Some(2)), E::NotALicence),
            ("a print", |w, a| put_metadata(w, a, |fields| fields.token_standard = Some(3)), E::NotALicence),
            (
                "a programmable print",
                |w, a| put_metadata(w, a, |fields| fields.token_standard = Some(5)),
                E::NotALicence,
            ),
            ("unknown", |w, a| put_metadata(w, a, |fields| fields.token_standard = Some(6)), E::NotALicence),
            ("remains", |w, a| put_metadata(w, a, |fields| fields.uses = Some((9, 1, 1))), E::NotALicence),
            ("not in hand", |w, a| put_token(w, a, TOKEN, a.licence, a.holder.key(), 0), E::NotHolder),
            ("another's", |w, a| put_token(w, a, TOKEN, a.licence, Pubkey::new_unique(), 1), E::NotHolder),
            ("another mint's", |w, a| put_token(w, a, TOKEN, Pubkey::new_unique(), a.holder.key(), 1), E::NotHolder),
            (
                "a token account of another program",
                |w, a| put_token(w, a, token_metadata::PROGRAM, a.licence, a.holder.key(), 1),
                E::NotHolder,
            ),
            ("a closed token account", |w, a| w.take_away(a.account), E::NotHolder),
        ],
    );
}

fn put_mint(world: &mut World, asset: &AssetOf, authority: Option<Pubkey>, supply: u64, decimals: u8) {
    world.put(asset.licence, TOKEN, mint_bytes(authority, supply, decimals));
}

fn put_owner(world: &mut World, address: Pubkey, owner: Pubkey) {
    let data = world.svm.inner.get_account(&address).unwrap().data;
    world.put(address, owner, data);
}

fn put_data(world: &mut World, address: Pubkey, data: Vec<u8>) {
    let owner = world.svm.inner.get_account(&address).unwrap().owner;
    world.put(address, owner, data);
}

fn w_token(asset: &AssetOf) -> Vec<u8> {
    token_account_bytes(&asset.licence, &asset.holder.key(), 1)
}

#[test]
fn every_form_of_a_single_token_is_a_licence() {
    let base = World::with_assets(TOKEN_METADATA);
    let forms: [(&str, fn(&mut World, &mut AssetOf)); 6] = [
        ("an older master edition", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, edition_bytes(2))),
        ("no authority", |w, a| {
            put_mint(w, a, None, 1, 0);
            a.edition = None;
        }),
        ("programmable and so frozen", |w, a| {
            put_metadata(w, a, |fields| fields.token_standard = Some(4));
            let mut bytes = w_token(a);
            bytes[108] = 2;
            w.put(a.account, TOKEN, bytes);
        }),
        ("older than standards", |w, a| put_metadata(w, a, |fields| fields.token_standard = None)),
        ("with uses and without creators", |w, a| {
            put_metadata(w, a, |fields| (fields.uses, fields.creators) = (Some((2, 1, 1)), 0));
        }),
        ("of Token-2022", |w, a| {
            put_owner(w, a.licence, TOKEN_2022);
            put_owner(w, a.account, TOKEN_2022);
        }),
    ];
    for (what, form) in forms {
        let mut world = base.clone();
        let mut asset = world.add_asset(TOKEN_METADATA);
        form(&mut world, &mut asset);
        world.bind_asset(&asset, None).unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
    }
}

#[test]
fn a_bind_of_an_asset_asks_what_every_bind_asks() {
    let mut base = World::with_assets(CORE);
    let asset = base.add_asset(CORE);
    let mut world = base.clone();
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = pause::BIND);
    assert_refused(world.bind_asset(&asset, None), E::Paused);
    let mut world = base.clone();
    let project = world.project;
    world.svm.edit(&project, |project: &mut Project| project.closed = true);
    assert_refused(world.bind_asset(&asset, None), E::ProjectClosed);
    let mut world = base.clone();
    let other = world.run_asset(CORE);
    assert_refused(world.bind_asset(&AssetOf { key: other.key, ..asset.clone() }, None), E::NodeKeyTaken);
    base.bind_asset(&asset, None).unwrap();
    assert_refused(base.bind_asset(&asset, None), E::AlreadyBound);
    // Neither does its holder make the next tenure over his own.
    let next = AssetOf { tenure: at::tenure(&asset.node, 2), tenure_number: 2, key: Wallet::new(), ..asset.clone() };
    assert_refused(base.bind_asset(&next, Some(&asset)), E::AlreadyBound);
}

#[test]
fn only_assets_of_an_external_standard_are_bound_without_being_frozen() {
    // A project that sells its own licences knows no other.
    let mut world = World::with_nodes(1);
    let own = &world.nodes[0];
    let asset = AssetOf {
        standard: 0,
        holder: own.holder.clone(),
        key: Wallet::new(),
        licence: own.licence,
        account: at::ata(&own.holder.key(), &own.licence, &TOKEN_2022),
        metadata: None,
        edition: None,
        node: own.node,
        tenure: own.tenure,
        tenure_number: 1,
    };
    assert_refused(world.bind_asset(&asset, None), E::WrongStandard);
    let running = AssetOf { key: world.nodes[0].key.clone(), ..asset };
    assert_refused(world.detach(&running), E::WrongStandard);
}

#[test]
fn an_asset_belongs_to_one_project_for_ever() {
    // Given a bound asset, whose collection's authority then moves it into another project's collection.
    let mut world = World::with_assets(CORE);
    let asset = world.run_asset(CORE);
    let mut args = world.project_args();
    args.index = 1;
    world.project = at::project(1);
    world.create_project(args).unwrap();
    let collection = Pubkey::new_unique();
    let owner = world.owner.key();
    world.put(collection, core_asset::PROGRAM, core_collection(owner));
    world.link_collection(CORE, collection).unwrap();
    let moved = world.sell_asset(&asset);
    // When it is bound there, then it is refused: its node and its claims are the first project's.
    assert_refused(world.bind_asset(&moved, Some(&asset)), E::WrongProject);
}

// ---- a bound asset is sold ----

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
    let cases: [(&str, fn(&mut network::accounts::BindAsset, &AssetOf), E); 6] = [
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

// ---- detaching ----

/// Detaches after each proof; all must pass.
#[track_caller]
fn assert_all_detach(standard: u8, proofs: &[(&str, fn(&mut World, &AssetOf))]) {
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
            ("sold", |w, a| put_core(w, a, |fields| fields.owner = Pubkey::new_unique())),
            ("burnt", |w, a| w.put(a.licence, core_asset::PROGRAM, vec![0])),
            ("closed", |w, a| w.take_away(a.licence)),
            ("compressed", |w, a| put_core(w, a, |fields| fields.key = 2)),
            ("another collection's", |w, a| put_core(w, a, |fields| fields.update_authority = Pubkey::new_unique())),
            ("no collection's", |w, a| put_core(w, a, |fields| fields.update_authority_kind = 1)),
        ],
    );
}

#[test]
fn anybody_detaches_a_token_that_its_holder_gave_away() {
    assert_all_detach(
        TOKEN_METADATA,
        &[
            ("sold", |w, a| put_token(w, a, TOKEN, a.licence, a.holder.key(), 0)),
            ("closed", |w, a| w.take_away(a.account)),
            ("with its account", |w, a| put_token(w, a, TOKEN, a.licence, Pubkey::new_unique(), 1)),
            ("replaced", |w, a| put_token(w, a, TOKEN, Pubkey::new_unique(), a.holder.key(), 1)),
            ("another program's", |w, a| put_owner(w, a.account, token_metadata::PROGRAM)),
            ("unverified", |w, a| put_metadata(w, a, |fields| fields.collection = None)),
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
            put_token(&mut world, &lent, TOKEN, lent.licence, lent.holder.key(), 0);
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
