//! The Solana CLI's own configuration, which gives the defaults for the RPC node and the key file.

use std::{env, path::PathBuf};

use serde::Deserialize;

/// The mainnet's name is never a default here: without any configuration the local validator is used.
const DEFAULT_URL: &str = "http://127.0.0.1:8899";

/// What `solana config get` shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SolanaCli {
    pub json_rpc_url: Option<String>,
    pub keypair_path: Option<PathBuf>,
}

impl SolanaCli {
    /// Reads `~/.config/solana/cli/config.yml`; empty if it is not there or not readable.
    pub fn load() -> Self {
        let Some(path) = home().map(|home| home.join(".config/solana/cli/config.yml")) else {
            return Self::default();
        };
        if !path.exists() {
            return Self::default();
        }
        let read = config::Config::builder()
            .add_source(config::File::from(path.clone()).format(config::FileFormat::Yaml))
            .build()
            .and_then(|found| found.try_deserialize::<Self>());
        match read {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the Solana CLI's configuration is not readable");
                Self::default()
            }
        }
    }

    /// The RPC node: the configured one, else the local validator.
    pub fn url(&self) -> String {
        self.json_rpc_url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned())
    }

    /// The key file: the configured one, else `~/.config/solana/id.json`.
    pub fn keypair(&self) -> PathBuf {
        self.keypair_path.clone().unwrap_or_else(|| home().unwrap_or_default().join(".config/solana/id.json"))
    }
}

/// Reads the monikers that the Solana CLI knows as well.
pub fn normalise_url(url: &str) -> String {
    match url {
        "l" | "localhost" => DEFAULT_URL.to_owned(),
        "d" | "devnet" => "https://api.devnet.solana.com".to_owned(),
        "t" | "testnet" => "https://api.testnet.solana.com".to_owned(),
        "m" | "mainnet-beta" => "https://api.mainnet-beta.solana.com".to_owned(),
        other => other.to_owned(),
    }
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from)
}
