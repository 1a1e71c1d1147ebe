//! The key files of a run, in Solana CLI format, one per part that somebody plays.

use anyhow::Result;
use muster_client::shell::keys;
use solana_sdk::{
    pubkey::Pubkey,
    signature::{Keypair, Signer},
};

use crate::paths::RunFolder;

/// Oracles of the network.
pub const ORACLES: usize = 3;
/// Holders, licences, nodes, agents.
pub const NODES: usize = 4;

/// Everybody who signs; node keys are made by the agents themselves.
pub struct Keys {
    folder: RunFolder,
    names: Vec<(String, Pubkey)>,
    /// Upgrades the programs, owns the network, makes the mint.
    pub authority: Keypair,
}

impl Keys {
    /// Writes a fresh set into the run's folder.
    pub fn make(folder: &RunFolder) -> Result<Self> {
        let authority = keys::generate(&folder.key("authority"))?;
        let mut names = vec![("authority".to_owned(), authority.pubkey())];
        let fixed = ["guardian", "treasury", "owner", "settler", "submitter", "witness"].map(String::from);
        let numbered = |name: &'static str, count| (1..=count).map(move |n| format!("{name}{n}"));
        for name in fixed.into_iter().chain(numbered("holder", NODES)).chain(numbered("oracle", ORACLES)) {
            let key = keys::generate(&folder.key(&name))?;
            names.push((name, key.pubkey()));
        }
        Ok(Self { folder: folder.clone(), names, authority })
    }

    /// The address of a name.
    pub fn address(&self, name: &str) -> Pubkey {
        self.names.iter().find(|(known, _)| known == name).map(|(_, key)| *key).unwrap_or_default()
    }

    /// The key file of a name, as an argument.
    pub fn file(&self, name: &str) -> String {
        self.folder.key(name).to_string_lossy().into_owned()
    }

    /// Every address but the authority's: the wallets that start with SOL.
    pub fn wallets(&self) -> Vec<Pubkey> {
        self.names.iter().skip(1).map(|(_, key)| *key).collect()
    }

    /// The name of an address.
    pub fn name(&self, address: &Pubkey) -> Option<&str> {
        self.names.iter().find(|(_, key)| key == address).map(|(name, _)| name.as_str())
    }
}
