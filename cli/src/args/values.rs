//! What arguments are made of.

use std::{fmt, path::PathBuf, str::FromStr};

use clap::Args;
use muster_client::{Pubkey, addresses, shell::keys};
use solana_sdk::signature::Signer;

use crate::amount::{Amount, parse_amount};

/// A project by index or address.
#[derive(Debug, Clone, Copy)]
pub enum ProjectRef {
    Index(u64),
    Address(Pubkey),
}

impl ProjectRef {
    /// Where it lives.
    pub fn address(&self) -> Pubkey {
        match self {
            Self::Index(index) => addresses::project(*index),
            Self::Address(address) => *address,
        }
    }
}

impl FromStr for ProjectRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        index_or_address(text, Self::Index, Self::Address)
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// A job by index or address. Only its account says which address an index has.
#[derive(Debug, Clone, Copy)]
pub enum JobRef {
    Index(u64),
    Address(Pubkey),
}

impl FromStr for JobRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        index_or_address(text, Self::Index, Self::Address)
    }
}

fn index_or_address<T>(text: &str, index: impl Fn(u64) -> T, address: impl Fn(Pubkey) -> T) -> Result<T, String> {
    if let Ok(number) = text.parse() {
        return Ok(index(number));
    }
    text.parse().map(address).map_err(|_| "an index or a base58 address is needed".to_owned())
}

/// 32 bytes in hex.
#[derive(Debug, Clone, Copy)]
pub struct Hash32(pub [u8; 32]);

pub fn parse_hash(text: &str) -> Result<Hash32, String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map(|()| Hash32(bytes)).map_err(|_| "64 hex digits are needed".to_owned())
}

/// An address in base58, or the public key of a key file.
pub fn parse_address(text: &str) -> Result<Pubkey, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let path = PathBuf::from(text);
    if !path.exists() {
        return Err("neither a base58 address nor a key file".to_owned());
    }
    keys::read(&path).map(|key| key.pubkey()).map_err(|error| error.to_string())
}

/// An oracle's key; without a URL it keeps the one that it has, or sets its own.
pub fn parse_oracle(text: &str) -> Result<(Pubkey, String), String> {
    let Some((key, url)) = text.split_once('=') else {
        return Ok((parse_address(text)?, String::new()));
    };
    let url = parse_url(url)?;
    Ok((parse_address(key)?, url))
}

/// The base URL of an oracle's API.
pub fn parse_url(url: &str) -> Result<String, String> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(format!("{url:?} is neither http:// nor https://"));
    }
    Ok(url.to_owned())
}

pub fn parse_share(text: &str) -> Result<(Pubkey, Option<Amount>), String> {
    match text.split_once('=') {
        None => Ok((parse_address(text)?, None)),
        Some((owner, amount)) => Ok((parse_address(owner)?, Some(parse_amount(amount)?))),
    }
}

/// A recipient of a split and its share in basis points.
pub fn parse_recipient(text: &str) -> Result<(Pubkey, u16), String> {
    let (wallet, share) = text.split_once('=').ok_or("WALLET=BPS is needed")?;
    let share = share.parse().map_err(|_| format!("{share:?} is no number of basis points"))?;
    Ok((parse_address(wallet)?, share))
}

/// An oracle and the hash of its view.
pub fn parse_view(text: &str) -> Result<(Pubkey, Hash32), String> {
    let (oracle, hash) = text.split_once('=').ok_or("ORACLE=HEX is needed")?;
    Ok((parse_address(oracle)?, parse_hash(hash)?))
}

/// What a suspension or a slash rests on. The hash goes on chain; the document is published beside it.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("proof").required(true).args(["evidence", "evidence_hash"])))]
pub struct EvidenceArgs {
    /// The document whose SHA-256 goes on chain.
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    /// The document's SHA-256.
    #[arg(long, value_parser = parse_hash, value_name = "HEX")]
    pub evidence_hash: Option<Hash32>,
}
