//! Configuration file < environment < flags.

use std::net::SocketAddr;

use muster_client::shell::log::LogSettings;
use serde::{Deserialize, Serialize};

/// At which commitment the chain is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commitment {
    /// What cannot be rolled back. The only right choice on a public chain.
    Finalized,
    /// Sooner, for a local chain that does not fork.
    Confirmed,
}

impl Commitment {
    pub fn config(self) -> solana_commitment_config::CommitmentConfig {
        match self {
            Self::Finalized => solana_commitment_config::CommitmentConfig::finalized(),
            Self::Confirmed => solana_commitment_config::CommitmentConfig::confirmed(),
        }
    }
}

/// Every setting of the indexer. Keys of the file are the fields' names.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
pub struct Settings {
    /// PostgreSQL, as postgres://user@host/database; ?host=/folder for a Unix socket.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Schema of the database that holds the indexer's tables; created if it is not there.
    #[arg(long, global = true, env = "MUSTER_INDEXER_SCHEMA", value_name = "NAME")]
    pub schema: Option<String>,
    /// RPC node of the chain.
    #[arg(long, global = true, env = "MUSTER_RPC_URL", value_name = "URL")]
    pub rpc_url: Option<String>,
    /// Commitment at which the chain is read.
    #[arg(long, global = true, env = "MUSTER_INDEXER_COMMITMENT", value_name = "LEVEL")]
    pub commitment: Option<Commitment>,
    /// Address of the API and its page.
    #[arg(long, global = true, env = "MUSTER_INDEXER_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Milliseconds between two looks at the chain.
    #[arg(long, global = true, env = "MUSTER_INDEXER_POLL_MS", value_name = "MS")]
    pub poll_ms: Option<u64>,
    /// Slots before the cursor that every look lists again.
    #[arg(long, global = true, env = "MUSTER_INDEXER_OVERLAP_SLOTS", value_name = "SLOTS")]
    pub overlap_slots: Option<u64>,
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogSettings,
}

impl Settings {
    /// What holds when nobody says otherwise. There is no default database.
    pub fn defaults() -> Self {
        Self {
            database_url: None,
            schema: Some("indexer".to_owned()),
            rpc_url: Some("http://127.0.0.1:8899".to_owned()),
            commitment: Some(Commitment::Finalized),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            poll_ms: Some(1_000),
            overlap_slots: Some(150),
            log: LogSettings::at("info"),
        }
    }
}
