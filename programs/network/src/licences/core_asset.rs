//! Metaplex Core: one account is the asset, its owner and its collection at once.

use anchor_lang::prelude::*;

use super::{Shown, reader::Reader};

/// The program that owns assets and collections.
pub const PROGRAM: Pubkey = pubkey!("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d");

/// First byte of an asset that is held in its account. A burnt asset leaves 0 there, a compressed one 2.
pub const ASSET: u8 = 1;
/// Where an asset names its owner, and behind him its update authority.
pub const OWNER_OFFSET: usize = 1;
pub const UPDATE_AUTHORITY_OFFSET: usize = 33;
/// First byte of a collection.
const COLLECTION: u8 = 5;

/// Who may update an asset: nobody, an address, or whoever may update the collection that it belongs to.
pub mod update_authority {
    pub const NONE: u8 = 0;
    pub const ADDRESS: u8 = 1;
    pub const COLLECTION: u8 = 2;
}

/// What an asset says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    pub owner: Pubkey,
    pub collection: Option<Pubkey>,
}

/// Reads an account as an asset; `None` if it is none, or no longer one.
pub fn read_asset(account: &Shown) -> Option<Asset> {
    if *account.owner != PROGRAM {
        return None;
    }
    let mut reader = Reader::new(account.data);
    if reader.byte()? != ASSET {
        return None;
    }
    let owner = reader.key()?;
    let collection = match reader.byte()? {
        update_authority::NONE => None,
        update_authority::ADDRESS => reader.key().map(|_| None)?,
        update_authority::COLLECTION => Some(reader.key()?),
        _ => return None,
    };
    let (_name, _uri) = (reader.text()?, reader.text()?);
    let _compression_seq = reader.option(|reader| reader.bytes(8))?;
    Some(Asset { owner, collection })
}

/// Reads an account as a collection; returns who may add assets to it.
pub fn read_collection_authority(account: &Shown) -> Option<Pubkey> {
    if *account.owner != PROGRAM {
        return None;
    }
    let mut reader = Reader::new(account.data);
    if reader.byte()? != COLLECTION {
        return None;
    }
    let authority = reader.key()?;
    let (_name, _uri) = (reader.text()?, reader.text()?);
    let (_minted, _size) = (reader.count()?, reader.count()?);
    Some(authority)
}
