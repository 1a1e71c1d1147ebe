//! Metaplex Token Metadata: a mint of one, described by a metadata account, held in a token account.

use anchor_lang::prelude::*;
use anchor_spl::{
    token,
    token_2022::{
        self,
        spl_token_2022::{
            extension::StateWithExtensions,
            state::{Account as TokenState, Mint as MintState},
        },
    },
};

use super::{Shown, reader::Reader};

/// The program that owns metadata and editions.
pub const PROGRAM: Pubkey = pubkey!("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");

/// First byte of metadata.
const METADATA: u8 = 4;
/// First byte of a master edition, of the first version and of the second. A print has 1.
const MASTER_EDITIONS: [u8; 2] = [2, 6];
/// Bytes of a creator: address, verified, share.
const CREATOR_LEN: usize = 32 + 1 + 1;
/// Ways of using a token up, and the two counters behind them.
const USE_METHODS: u8 = 3;
const USES_LEN: usize = 8 + 8;

/// What a token is, by its metadata.
mod token_standard {
    pub const NON_FUNGIBLE: u8 = 0;
    pub const PROGRAMMABLE_NON_FUNGIBLE: u8 = 4;
    /// The highest that is known.
    pub const LAST: u8 = 5;
}

/// What metadata says of a mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub update_authority: Pubkey,
    pub mint: Pubkey,
    pub token_standard: Option<u8>,
    /// The collection, if its authority verified the membership.
    pub collection: Option<Pubkey>,
}

/// One token of a mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub mint: Pubkey,
    pub owner: Pubkey,
    pub amount: u64,
}

/// Where a mint's metadata lies.
pub fn metadata_address(mint: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[b"metadata", PROGRAM.as_ref(), mint.as_ref()], &PROGRAM).0
}

/// Where a mint's edition lies, of a master as of a print; it holds the mint authority of both.
pub fn edition_address(mint: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[b"metadata", PROGRAM.as_ref(), mint.as_ref(), b"edition"], &PROGRAM).0
}

/// Reads an account as metadata. Some accounts carry remains of an older, longer form behind their creators; their own
/// program then believes neither standard nor collection, and here they are refused as a whole.
pub fn read_metadata(account: &Shown) -> Option<Metadata> {
    if *account.owner != PROGRAM {
        return None;
    }
    let mut reader = Reader::new(account.data);
    if reader.byte()? != METADATA {
        return None;
    }
    let (update_authority, mint) = (reader.key()?, reader.key()?);
    let (_name, _symbol, _uri) = (reader.text()?, reader.text()?, reader.text()?);
    let _seller_fee_bps = reader.bytes(2)?;
    let _creators = reader.option(|reader| {
        let len = reader.count()?.checked_mul(CREATOR_LEN)?;
        reader.bytes(len)
    })?;
    let (_primary_sale_happened, _is_mutable) = (reader.flag()?, reader.flag()?);
    let _edition_bump = reader.option(Reader::byte)?;
    let token_standard = reader.option(|reader| reader.byte().filter(|kind| *kind <= token_standard::LAST))?;
    let collection = reader.option(|reader| Some((reader.flag()?, reader.key()?)))?;
    let _uses = reader.option(|reader| {
        reader.byte().filter(|method| *method < USE_METHODS)?;
        reader.bytes(USES_LEN)
    })?;
    let collection = collection.and_then(|(verified, key)| verified.then_some(key));
    Some(Metadata { update_authority, mint, token_standard, collection })
}

impl Metadata {
    /// Whether this describes a verified member of a collection that is one of a kind.
    pub fn is_member(&self, mint: &Pubkey, collection: &Pubkey) -> bool {
        let unique = match self.token_standard {
            // Written before standards were named; the mint itself tells.
            None => true,
            Some(kind) => kind == token_standard::NON_FUNGIBLE || kind == token_standard::PROGRAMMABLE_NON_FUNGIBLE,
        };
        unique && self.mint == *mint && self.collection == Some(*collection)
    }
}

/// Whether a mint has one token for ever: no authority, or that of its master edition, which never mints again. A print
/// shares its master's verified collection, and has an edition of its own.
pub fn has_one_token(mint: &Shown, edition: Option<&Shown>) -> bool {
    if !is_token_program(mint.owner) {
        return false;
    }
    let Ok(state) = StateWithExtensions::<MintState>::unpack(mint.data) else { return false };
    if state.base.supply != 1 || state.base.decimals != 0 {
        return false;
    }
    let Some(authority) = Option::<Pubkey>::from(state.base.mint_authority) else { return true };
    edition.is_some_and(|edition| {
        *edition.key == authority
            && *edition.owner == PROGRAM
            && edition.data.first().is_some_and(|key| MASTER_EDITIONS.contains(key))
            && authority == edition_address(mint.key)
    })
}

/// Reads an account as a token account; `None` if it is none, or no longer one.
pub fn read_holding(account: &Shown) -> Option<Holding> {
    if !is_token_program(account.owner) {
        return None;
    }
    let state = StateWithExtensions::<TokenState>::unpack(account.data).ok()?.base;
    Some(Holding { mint: state.mint, owner: state.owner, amount: state.amount })
}

impl Holding {
    /// Whether this is the one token of a mint in a holder's hand.
    pub fn is_of(&self, mint: &Pubkey, holder: &Pubkey) -> bool {
        self.mint == *mint && self.owner == *holder && self.amount == 1
    }
}

fn is_token_program(program: &Pubkey) -> bool {
    *program == token::ID || *program == token_2022::ID
}
