//! The readers of other programs' accounts, on the host: no bytes make them panic, and none that their program would
//! not have written make a licence.

use muster_network::{
    licences::{ExternalLicence, Shown, core_asset, token_2022, token_metadata},
    state::licence_standard,
};
use muster_tests::world::*;
use proptest::prelude::*;
use solana_sdk::pubkey::Pubkey;

/// Bytes behind which a Core asset has only texts and a sequence: its key, its owner, its collection.
const CORE_DECIDES: usize = 1 + 32 + 1 + 32;

/// Accounts of the tests, told apart by a number.
fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

const LICENCE: u8 = 1;
const COLLECTION: u8 = 2;
const HOLDER: u8 = 3;
const ACCOUNT: u8 = 4;

/// The bytes that show a licence.
#[derive(Clone)]
struct Bytes {
    licence: Vec<u8>,
    account: Vec<u8>,
    metadata: Vec<u8>,
    edition: Vec<u8>,
}

impl Bytes {
    fn core() -> Self {
        let licence = CoreAsset::of(key(HOLDER), key(COLLECTION)).bytes();
        Self { account: licence.clone(), licence, metadata: vec![], edition: vec![] }
    }

    fn token_metadata() -> Self {
        let mint = key(LICENCE);
        Self {
            licence: mint_bytes(Some(token_metadata::edition_address(&mint)), 1, 0),
            account: token_account_bytes(&mint, &key(HOLDER), 1),
            metadata: Metadata::of(mint, key(COLLECTION)).bytes(),
            edition: edition_bytes(6),
        }
    }

    /// Whether they show a licence of the collection in the holder's hand.
    fn verify(&self, standard: u8) -> bool {
        let (mint, collection) = (key(LICENCE), key(COLLECTION));
        let is_core = standard == licence_standard::CORE;
        let owner = if is_core { core_asset::PROGRAM } else { TOKEN };
        let account = if is_core { mint } else { key(ACCOUNT) };
        let (metadata, edition) = (token_metadata::metadata_address(&mint), token_metadata::edition_address(&mint));
        let licence = ExternalLicence {
            standard,
            collection: &collection,
            licence: Shown { key: &mint, owner: &owner, data: &self.licence },
            account: Shown { key: &account, owner: &owner, data: &self.account },
            metadata: Some(Shown { key: &metadata, owner: &token_metadata::PROGRAM, data: &self.metadata }),
            edition: Some(Shown { key: &edition, owner: &token_metadata::PROGRAM, data: &self.edition }),
        };
        licence.is_licence() && licence.is_held_by(&key(HOLDER))
    }
}

/// Every copy of some bytes with one bit changed, and where.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, copy)
    })
}

#[test]
fn the_tests_start_from_licences() {
    assert!(Bytes::core().verify(licence_standard::CORE));
    assert!(Bytes::token_metadata().verify(licence_standard::TOKEN_METADATA));
    // No standard reads the other's accounts, and none but these two is external.
    for standard in [licence_standard::TOKEN_2022, licence_standard::TOKEN_METADATA, 3] {
        assert!(!Bytes::core().verify(standard));
    }
    assert!(!Bytes::token_metadata().verify(licence_standard::CORE));
}

#[test]
fn accounts_that_are_cut_short_show_nothing() {
    let core = Bytes::core();
    for len in 0..core.licence.len() {
        let licence = core.licence[..len].to_vec();
        assert!(!Bytes { account: licence.clone(), licence, ..core.clone() }.verify(licence_standard::CORE), "{len}");
    }
    let whole = Bytes::token_metadata();
    let fields = Metadata::of(key(LICENCE), key(COLLECTION)).fields();
    let tm = licence_standard::TOKEN_METADATA;
    for len in 0..fields.len() {
        assert!(!Bytes { metadata: fields[..len].to_vec(), ..whole.clone() }.verify(tm), "metadata of {len}");
    }
    for len in 0..whole.licence.len() {
        assert!(!Bytes { licence: whole.licence[..len].to_vec(), ..whole.clone() }.verify(tm), "mint of {len}");
    }
    for len in 0..whole.account.len() {
        assert!(!Bytes { account: whole.account[..len].to_vec(), ..whole.clone() }.verify(tm), "account of {len}");
    }
    assert!(!Bytes { edition: vec![], ..whole }.verify(tm));
    let collection = core_collection(key(HOLDER));
    for len in 0..=collection.len() {
        let shown = Shown { key: &key(COLLECTION), owner: &core_asset::PROGRAM, data: &collection[..len] };
        let read = core_asset::read_collection_authority(&shown);
        assert_eq!(read, (len == collection.len()).then(|| key(HOLDER)), "collection of {len}");
    }
}

#[test]
fn one_changed_bit_in_what_decides_shows_nothing() {
    let core = Bytes::core();
    for (at, licence) in flipped(&core.licence[..CORE_DECIDES]) {
        let licence = [licence.as_slice(), &core.licence[CORE_DECIDES..]].concat();
        assert!(!Bytes { account: licence.clone(), licence, ..core.clone() }.verify(licence_standard::CORE), "{at}");
    }
    let tm = licence_standard::TOKEN_METADATA;
    let whole = Bytes::token_metadata();
    // A mint: the option of its authority, the authority, supply, decimals, initialised.
    for (at, licence) in flipped(&whole.licence[..46]) {
        let licence = [licence.as_slice(), &whole.licence[46..]].concat();
        let gives_up_authority = licence[..4] == [0; 4];
        assert_eq!(Bytes { licence, ..whole.clone() }.verify(tm), gives_up_authority, "mint {at}");
    }
    // A token account: mint, owner, amount.
    for (at, account) in flipped(&whole.account[..72]) {
        let account = [account.as_slice(), &whole.account[72..]].concat();
        assert!(!Bytes { account, ..whole.clone() }.verify(tm), "account {at}");
    }
    // Metadata: what stands before its texts is the kind, the update authority, which does not decide, and the mint.
    for (at, metadata) in flipped(&whole.metadata) {
        let before_texts = at == 0 || (33..65).contains(&at);
        let verified = Bytes { metadata, ..whole.clone() }.verify(tm);
        assert!(!(before_texts && verified), "metadata {at}");
    }
    // Its collection, and that it is verified.
    let fields = Metadata::of(key(LICENCE), key(COLLECTION)).fields();
    let from = fields.len() - 1 - 32 - 1;
    for (at, end) in flipped(&fields[from..from + 33]) {
        let metadata = [&fields[..from], end.as_slice(), &fields[from + 33..]].concat();
        assert!(!Bytes { metadata, ..whole.clone() }.verify(tm), "collection {at}");
    }
}

#[test]
fn a_licence_of_the_projects_own_is_read_whole() {
    // Given a licence as Token-2022 made it.
    let world = World::with_nodes(2);
    let node = &world.nodes[1];
    let (project, group) = (world.project, at::collection(&world.project));
    let data = world.svm.inner.get_account(&node.licence).unwrap().data;
    let read = |licence: &Pubkey, owner: &Pubkey, data: &[u8], project: &Pubkey, group: &Pubkey| {
        token_2022::read_serial(&Shown { key: licence, owner, data }, project, group)
    };
    // When it is read, then its serial is the second.
    assert_eq!(read(&node.licence, &TOKEN_2022, &data, &project, &group), Some(1));
    // Of another program, in another place, of another project or another group it is none,
    assert_eq!(read(&node.licence, &TOKEN, &data, &project, &group), None);
    assert_eq!(read(&node.node, &TOKEN_2022, &data, &project, &group), None);
    assert_eq!(read(&node.licence, &TOKEN_2022, &data, &group, &group), None);
    assert_eq!(read(&node.licence, &TOKEN_2022, &data, &project, &project), None);
    // nor cut short by what it is a member of.
    let member = data.windows(32).rposition(|bytes| bytes == group.as_ref()).unwrap() + 32;
    for len in 0..member {
        assert_eq!(read(&node.licence, &TOKEN_2022, &data[..len], &project, &group), None, "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_a_reader_panic_or_believe(
        licence in prop::collection::vec(any::<u8>(), 0..700),
        account in prop::collection::vec(any::<u8>(), 0..300),
        metadata in prop::collection::vec(any::<u8>(), 0..700),
        edition in prop::collection::vec(any::<u8>(), 0..300),
        start in 0u8..8,
    ) {
        let random = Bytes { licence, account, metadata, edition };
        // As they are, and with a first byte that each reader goes on from.
        let mut begun = random.clone();
        for bytes in [&mut begun.licence, &mut begun.metadata, &mut begun.edition] {
            bytes.insert(0, start);
        }
        for bytes in [random, begun] {
            for standard in 0..4 {
                prop_assert!(!bytes.verify(standard));
            }
            let at = key(LICENCE);
            let shown = |owner| Shown { key: &at, owner, data: &bytes.licence };
            prop_assert_eq!(token_2022::read_serial(&shown(&TOKEN_2022), &key(HOLDER), &key(COLLECTION)), None);
            core_asset::read_collection_authority(&shown(&core_asset::PROGRAM));
        }
    }

    #[test]
    fn one_foreign_account_among_right_ones_shows_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        slot in 0usize..3,
    ) {
        let mut shown = Bytes::token_metadata();
        *[&mut shown.licence, &mut shown.account, &mut shown.metadata][slot] = bytes;
        prop_assert!(!shown.verify(licence_standard::TOKEN_METADATA));
    }

    #[test]
    fn whatever_a_core_asset_is_called_its_owner_and_collection_are_read(
        name in ".{0,40}",
        uri in ".{0,200}",
        seq in any::<Option<u64>>(),
        plugins in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let fields = CoreAsset { name, uri, seq, ..CoreAsset::of(key(HOLDER), key(COLLECTION)) };
        let data = [fields.bytes(), plugins].concat();
        let shown = Shown { key: &key(LICENCE), owner: &core_asset::PROGRAM, data: &data };
        let expected = core_asset::Asset { owner: key(HOLDER), collection: Some(key(COLLECTION)) };
        prop_assert_eq!(core_asset::read_asset(&shown), Some(expected));
    }

    #[test]
    fn whatever_stands_in_metadata_its_collection_counts_only_when_verified(
        creators in 0usize..6,
        token_standard in prop::option::of(0u8..6),
        collection in prop::option::of((any::<bool>(), prop::sample::select(vec![COLLECTION, HOLDER]))),
        uses in prop::option::of((0u8..3, any::<u64>(), any::<u64>())),
    ) {
        let mint = key(LICENCE);
        let fields = Metadata {
            creators,
            token_standard,
            collection: collection.map(|(verified, number)| (verified, key(number))),
            uses,
            ..Metadata::of(mint, key(COLLECTION))
        };
        let shown = Bytes { metadata: fields.bytes(), ..Bytes::token_metadata() };
        let is_unique = matches!(token_standard, None | Some(0) | Some(4));
        let is_member = is_unique && collection == Some((true, COLLECTION));
        prop_assert_eq!(shown.verify(licence_standard::TOKEN_METADATA), is_member);
    }
}
