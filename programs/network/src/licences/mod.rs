//! Which asset is a licence of a project, and who holds it, in every standard that a project may follow. Accounts of
//! other programs are read here and never written. Whatever is not known whole is no licence.

pub mod core_asset;
mod reader;
pub mod token_2022;
pub mod token_metadata;

use anchor_lang::prelude::*;

use crate::state::licence_standard;

/// An account of another program.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub key: &'a Pubkey,
    /// The program that wrote it.
    pub owner: &'a Pubkey,
    pub data: &'a [u8],
}

/// The accounts that show a licence which this program cannot freeze.
#[derive(Clone, Copy, Debug)]
pub struct ExternalLicence<'a> {
    /// One of `licence_standard`; a Token-2022 licence is never external.
    pub standard: u8,
    pub collection: &'a Pubkey,
    /// The Core asset, or the mint.
    pub licence: Shown<'a>,
    /// The Core asset again, or a token account of the mint.
    pub account: Shown<'a>,
    /// Token Metadata's description of the mint.
    pub metadata: Option<Shown<'a>>,
    /// The edition that holds the mint's authority, if anything does.
    pub edition: Option<Shown<'a>>,
}

impl ExternalLicence<'_> {
    /// Whether the asset is a licence of the collection.
    pub fn is_licence(&self) -> bool {
        match self.standard {
            licence_standard::CORE => self.is_core_member(),
            licence_standard::TOKEN_METADATA => {
                token_metadata::has_one_token(&self.licence, self.edition.as_ref()) && self.is_described() == Some(true)
            }
            _ => false,
        }
    }

    /// Whether `holder` holds the asset, licence or not.
    pub fn is_held_by(&self, holder: &Pubkey) -> bool {
        match self.standard {
            licence_standard::CORE => {
                let asset = core_asset::read_asset(&self.account);
                self.account.key == self.licence.key && asset.is_some_and(|asset| asset.owner == *holder)
            }
            licence_standard::TOKEN_METADATA => token_metadata::read_holding(&self.account)
                .is_some_and(|holding| holding.is_of(self.licence.key, holder)),
            _ => false,
        }
    }

    /// Whether the accounts prove that the asset has left the collection. Metadata that is not shown proves nothing.
    pub fn has_left(&self) -> bool {
        match self.standard {
            licence_standard::CORE => !self.is_core_member(),
            _ => self.is_described() == Some(false),
        }
    }

    fn is_core_member(&self) -> bool {
        core_asset::read_asset(&self.licence).is_some_and(|asset| asset.collection == Some(*self.collection))
    }

    /// Whether the mint's own metadata makes it a member; `None` if that is not what is shown.
    fn is_described(&self) -> Option<bool> {
        let metadata = self.metadata.as_ref()?;
        (*metadata.key == token_metadata::metadata_address(self.licence.key)).then(|| {
            token_metadata::read_metadata(metadata)
                .is_some_and(|read| read.is_member(self.licence.key, self.collection))
        })
    }
}

/// The accounts of an instruction that show an external licence.
pub struct LicenceAccounts<'a, 'info> {
    pub licence: &'a AccountInfo<'info>,
    pub account: &'a AccountInfo<'info>,
    pub metadata: Option<&'a AccountInfo<'info>>,
    pub edition: Option<&'a AccountInfo<'info>>,
}

impl LicenceAccounts<'_, '_> {
    /// Reads them as a licence of a collection.
    pub fn read<T>(&self, standard: u8, collection: &Pubkey, read: impl FnOnce(&ExternalLicence) -> T) -> Result<T> {
        let licence = self.licence.try_borrow_data()?;
        let account = self.account.try_borrow_data()?;
        let metadata = self.metadata.map(|info| info.try_borrow_data()).transpose()?;
        let edition = self.edition.map(|info| info.try_borrow_data()).transpose()?;
        Ok(read(&ExternalLicence {
            standard,
            collection,
            licence: shown(self.licence, &licence),
            account: shown(self.account, &account),
            metadata: self.metadata.zip(metadata.as_deref()).map(|(info, data)| shown(info, data)),
            edition: self.edition.zip(edition.as_deref()).map(|(info, data)| shown(info, data)),
        }))
    }
}

/// An account whose data is borrowed.
pub fn shown<'a>(info: &'a AccountInfo, data: &'a [u8]) -> Shown<'a> {
    Shown { key: info.key, owner: info.owner, data }
}
