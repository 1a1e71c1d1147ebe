//! Licences of other programs: collections that are linked, assets that are bound without being frozen. Each
//! standard's accounts are spoilt one by one.

use muster_network::{
    self as network, NetworkError as E,
    licences::{core_asset, token_metadata},
    state::{
        CollectionMarker, EPOCH_NEVER, Network, Project, Tenure,
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

fn put_token(world: &mut World, asset: &AssetOf, program: Pubkey, mint: Pubkey, owner: Pubkey, amount: u64) {
    world.put(asset.account, program, token_account_bytes(&mint, &owner, amount));
}

fn tenure_of(world: &World, asset: &AssetOf) -> Tenure {
    world.svm.pod(&asset.tenure)
}

// ---- linking ----

/// Gives an asset another form.
type Reform = fn(&mut World, &mut AssetOf);

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
    // Given a project whose collection is another program's, and a buyer who names that one or the project's own.
    let mut world = World::with_assets(TOKEN_METADATA);
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    world.fund_wallet(&buyer, PRICE);
    let data = || network::instruction::BuyLicence { serial: 0, max_price: PRICE };
    let mut accounts = world.buy_licence_accounts(&buyer.key(), 0);
    accounts.collection = world.collection();
    assert_refused(world.svm.send(&[network_ix(accounts, data())], &[&buyer]), E::WrongStandard);
    assert!(world.buy_licence(&buyer, 0, PRICE).is_err());
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
            ("of another program", |w, a| w.put_owner(a.licence, TOKEN), E::NotALicence),
            ("burnt", |w, a| w.put(a.licence, core_asset::PROGRAM, vec![0]), E::NotALicence),
            ("closed", |w, a| w.take_away(a.licence), E::NotALicence),
            ("compressed", |w, a| w.put_core(a, |fields| fields.key = 2), E::NotALicence),
            ("a collection", |w, a| w.put_core(a, |fields| fields.key = 5), E::NotALicence),
            ("in no collection", |w, a| w.put_core(a, |fields| fields.update_authority_kind = 0), E::NotALicence),
            ("updated by an address", |w, a| w.put_core(a, |fields| fields.update_authority_kind = 1), E::NotALicence),
            (
                "updated by nobody known",
                |w, a| w.put_core(a, |fields| fields.update_authority_kind = 3),
                E::NotALicence,
            ),
            (
                "in another collection",
                |w, a| w.put_core(a, |fields| fields.update_authority = Pubkey::new_unique()),
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
            ("another's", |w, a| w.put_core(a, |fields| fields.owner = Pubkey::new_unique()), E::NotHolder),
            (
                "another's, shown by an own asset",
                |w, a| {
                    let own = w.add_asset(CORE);
                    w.put_core(a, |fields| fields.owner = Pubkey::new_unique());
                    w.put_core(&AssetOf { holder: a.holder.clone(), ..own.clone() }, |_| ());
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
            ("a mint of another program", |w, a| w.put_owner(a.licence, token_metadata::PROGRAM), E::NotALicence),
            ("a token account", |w, a| put_data(w, a.licence, w_token(a)), E::NotALicence),
            ("a mint cut short", |w, a| put_data(w, a.licence, vec![1; 81]), E::NotALicence),
            ("no edition", |_, a| a.edition = None, E::NotALicence),
            ("a print", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, edition_bytes(1)), E::NotALicence),
            ("a burnt edition", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, vec![]), E::NotALicence),
            ("an edition of another program", |w, a| w.put_owner(a.edition.unwrap(), TOKEN), E::NotALicence),
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
            ("metadata of another program", |w, a| w.put_owner(a.metadata.unwrap(), TOKEN), E::NotALicence),
            ("burnt", |w, a| w.put(a.metadata.unwrap(), token_metadata::PROGRAM, vec![0]), E::NotALicence),
            ("metadata of another kind", |w, a| w.put_metadata(a, |fields| fields.key = 6), E::NotALicence),
            (
                "metadata of another mint",
                |w, a| w.put_metadata(a, |fields| fields.mint = Pubkey::new_unique()),
                E::NotALicence,
            ),
            ("no collection", |w, a| w.put_metadata(a, |fields| fields.collection = None), E::NotALicence),
            (
                "an unverified collection",
                |w, a| w.put_metadata(a, |fields| fields.collection = fields.collection.map(|(_, key)| (false, key))),
                E::NotALicence,
            ),
            (
                "another collection",
                |w, a| w.put_metadata(a, |fields| fields.collection = Some((true, Pubkey::new_unique()))),
                E::NotALicence,
            ),
            ("fungible asset", |w, a| w.put_metadata(a, |fields| fields.token_standard = Some(1)), E::NotALicence),
            ("fungible", |w, a| w.put_metadata(a, |fields| fields.token_standard = Some(2)), E::NotALicence),
            ("a print", |w, a| w.put_metadata(a, |fields| fields.token_standard = Some(3)), E::NotALicence),
            (
                "a programmable print",
                |w, a| w.put_metadata(a, |fields| fields.token_standard = Some(5)),
                E::NotALicence,
            ),
            ("unknown", |w, a| w.put_metadata(a, |fields| fields.token_standard = Some(6)), E::NotALicence),
            ("remains", |w, a| w.put_metadata(a, |fields| fields.uses = Some((9, 1, 1))), E::NotALicence),
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
    let forms: [(&str, Reform); 6] = [
        ("an older master edition", |w, a| w.put(a.edition.unwrap(), token_metadata::PROGRAM, edition_bytes(2))),
        ("no authority", |w, a| {
            put_mint(w, a, None, 1, 0);
            a.edition = None;
        }),
        ("programmable and so frozen", |w, a| {
            w.put_metadata(a, |fields| fields.token_standard = Some(4));
            let mut bytes = w_token(a);
            bytes[108] = 2;
            w.put(a.account, TOKEN, bytes);
        }),
        ("older than standards", |w, a| w.put_metadata(a, |fields| fields.token_standard = None)),
        ("with uses and without creators", |w, a| {
            w.put_metadata(a, |fields| (fields.uses, fields.creators) = (Some((2, 1, 1)), 0));
        }),
        ("of Token-2022", |w, a| {
            w.put_owner(a.licence, TOKEN_2022);
            w.put_owner(a.account, TOKEN_2022);
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
