//! Accounts of Metaplex Core, Token Metadata and the token programs, byte for byte as those programs write them.

use solana_sdk::pubkey::Pubkey;

/// Bytes that Token Metadata reserves behind its fields.
const METADATA_LEN: usize = 607;
/// Bytes of a master edition.
const EDITION_LEN: usize = 282;
const MINT_LEN: usize = 82;
const TOKEN_ACCOUNT_LEN: usize = 165;

/// A Core asset's fields.
#[derive(Clone, Debug)]
pub struct CoreAsset {
    pub key: u8,
    pub owner: Pubkey,
    /// 0 nobody, 1 an address, 2 a collection.
    pub update_authority_kind: u8,
    pub update_authority: Pubkey,
    pub name: String,
    pub uri: String,
    pub seq: Option<u64>,
}

impl CoreAsset {
    /// A member of a collection.
    pub fn of(owner: Pubkey, collection: Pubkey) -> Self {
        Self {
            key: 1,
            owner,
            update_authority_kind: 2,
            update_authority: collection,
            name: "Licence".to_owned(),
            uri: "https://example.org/licence.json".to_owned(),
            seq: None,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.key];
        bytes.extend_from_slice(self.owner.as_ref());
        bytes.push(self.update_authority_kind);
        if self.update_authority_kind != 0 {
            bytes.extend_from_slice(self.update_authority.as_ref());
        }
        put_text(&mut bytes, &self.name);
        put_text(&mut bytes, &self.uri);
        put_option(&mut bytes, self.seq.map(u64::to_le_bytes));
        bytes
    }
}

/// A Core collection's bytes.
pub fn core_collection(update_authority: Pubkey) -> Vec<u8> {
    let mut bytes = vec![5];
    bytes.extend_from_slice(update_authority.as_ref());
    put_text(&mut bytes, "Licences");
    put_text(&mut bytes, "https://example.org/collection.json");
    bytes.extend_from_slice(&3u32.to_le_bytes());
    bytes.extend_from_slice(&2u32.to_le_bytes());
    bytes
}

/// Token Metadata's fields, those that decide.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub key: u8,
    pub update_authority: Pubkey,
    pub mint: Pubkey,
    pub creators: usize,
    pub token_standard: Option<u8>,
    /// Whether its authority verified it, and the collection.
    pub collection: Option<(bool, Pubkey)>,
    /// Method, remaining and total.
    pub uses: Option<(u8, u64, u64)>,
}

impl Metadata {
    /// A verified member of a collection.
    pub fn of(mint: Pubkey, collection: Pubkey) -> Self {
        Self {
            key: 4,
            update_authority: Pubkey::new_unique(),
            mint,
            creators: 2,
            token_standard: Some(0),
            collection: Some((true, collection)),
            uses: None,
        }
    }

    /// The fields, without the room behind them.
    pub fn fields(&self) -> Vec<u8> {
        let mut bytes = vec![self.key];
        bytes.extend_from_slice(self.update_authority.as_ref());
        bytes.extend_from_slice(self.mint.as_ref());
        put_text(&mut bytes, &format!("{:\0<32}", "Licence"));
        put_text(&mut bytes, &format!("{:\0<10}", "LIC"));
        put_text(&mut bytes, &format!("{:\0<200}", "https://example.org/licence.json"));
        bytes.extend_from_slice(&500u16.to_le_bytes());
        bytes.push(u8::from(self.creators > 0));
        if self.creators > 0 {
            bytes.extend_from_slice(&(self.creators as u32).to_le_bytes());
            for creator in 0..self.creators {
                bytes.extend_from_slice(&[creator as u8; 32]);
                bytes.extend_from_slice(&[1, 50]);
            }
        }
        // The first sale happened, the data may change, the edition's bump.
        bytes.extend_from_slice(&[1, 1, 1, 254]);
        put_option(&mut bytes, self.token_standard.map(|standard| [standard]));
        bytes.push(u8::from(self.collection.is_some()));
        if let Some((verified, key)) = self.collection {
            bytes.push(u8::from(verified));
            bytes.extend_from_slice(key.as_ref());
        }
        bytes.push(u8::from(self.uses.is_some()));
        if let Some((method, remaining, total)) = self.uses {
            bytes.push(method);
            bytes.extend_from_slice(&remaining.to_le_bytes());
            bytes.extend_from_slice(&total.to_le_bytes());
        }
        bytes
    }

    /// The account's data.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.fields();
        bytes.resize(METADATA_LEN, 0);
        bytes
    }
}

/// A mint's bytes.
pub fn mint_bytes(authority: Option<Pubkey>, supply: u64, decimals: u8) -> Vec<u8> {
    let mut bytes = vec![0; MINT_LEN];
    if let Some(authority) = authority {
        bytes[0] = 1;
        bytes[4..36].copy_from_slice(authority.as_ref());
    }
    bytes[36..44].copy_from_slice(&supply.to_le_bytes());
    bytes[44] = decimals;
    bytes[45] = 1;
    bytes
}

/// A token account's bytes.
pub fn token_account_bytes(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Vec<u8> {
    let mut bytes = vec![0; TOKEN_ACCOUNT_LEN];
    bytes[..32].copy_from_slice(mint.as_ref());
    bytes[32..64].copy_from_slice(owner.as_ref());
    bytes[64..72].copy_from_slice(&amount.to_le_bytes());
    bytes[108] = 1;
    bytes
}

/// An edition's bytes: 1 is a print, 2 and 6 are masters.
pub fn edition_bytes(key: u8) -> Vec<u8> {
    let mut bytes = vec![0; EDITION_LEN];
    bytes[0] = key;
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_option<const N: usize>(bytes: &mut Vec<u8>, value: Option<[u8; N]>) {
    bytes.push(u8::from(value.is_some()));
    bytes.extend(value.into_iter().flatten());
}
