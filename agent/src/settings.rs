//! Effective settings: defaults < configuration file < environment < flags.

use std::path::PathBuf;

use clap::Args;
use muster_client::shell::log::LogSettings;
use muster_client::shell::solana_cli::SolanaCli;
use serde::{Deserialize, Serialize};

/// Everything that may be set. The configuration file has these names as keys.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct Settings {
    /// Folder of the node's key, configuration, receipts and results.
    #[arg(long, global = true, env = "MUSTER_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The node key, as the Solana CLI keeps keys [default: node-key.json in the data folder].
    #[arg(long, global = true, env = "MUSTER_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// RPC node of the chain; empty to do without and to trust the first oracles for the oracle set.
    #[arg(long, global = true, env = "MUSTER_RPC_URL", value_name = "URL")]
    pub rpc_url: Option<String>,
    /// An oracle to start from; needed without RPC only. May be given several times.
    #[arg(long, global = true, env = "MUSTER_ORACLE", value_name = "URL", value_delimiter = ',')]
    pub oracle: Option<Vec<String>>,
    /// Name of the node in its metadata [default: the host's name].
    #[arg(long, global = true, env = "MUSTER_NAME", value_name = "NAME")]
    pub name: Option<String>,
    /// Where Prometheus metrics are served; empty: nowhere.
    #[arg(long, global = true, env = "MUSTER_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub metrics_listen: Option<String>,
    /// Whether the node takes tasks; without it sends heartbeats only.
    #[arg(long, global = true, env = "MUSTER_ACCEPT_TASKS", value_name = "BOOL")]
    pub accept_tasks: Option<bool>,
    /// Whether tasks that ask for a network are run.
    #[arg(long, global = true, env = "MUSTER_ALLOW_NETWORK", value_name = "BOOL")]
    pub allow_network: Option<bool>,
    /// Milliseconds between two questions for tasks.
    #[arg(long, global = true, env = "MUSTER_TASK_POLL_MS", value_name = "MS")]
    pub task_poll_ms: Option<u64>,
    /// The most MiB of a task's inputs.
    #[arg(long, global = true, env = "MUSTER_INPUT_MB_MAX", value_name = "MIB")]
    pub input_mb_max: Option<u64>,
    /// Days that receipts and results are kept.
    #[arg(long, global = true, env = "MUSTER_KEEP_DAYS", value_name = "DAYS")]
    pub keep_days: Option<u64>,
    /// Address of the node account; written by join.
    #[arg(long, global = true, env = "MUSTER_NODE_ID", value_name = "ADDRESS", hide = true)]
    pub node_id: Option<String>,
    /// Address of the node's tenure; written by join.
    #[arg(long, global = true, env = "MUSTER_TENURE", value_name = "ADDRESS", hide = true)]
    pub tenure: Option<String>,
    /// Address of the node's project; written by join.
    #[arg(long, global = true, env = "MUSTER_PROJECT", value_name = "ADDRESS", hide = true)]
    pub project: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogSettings,
}

impl Settings {
    /// What holds when nobody says otherwise.
    pub fn defaults() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        Self {
            data_dir: Some(home.join(".muster/agent")),
            rpc_url: Some(SolanaCli::load().url()),
            oracle: Some(Vec::new()),
            metrics_listen: Some("127.0.0.1:9000".into()),
            accept_tasks: Some(true),
            allow_network: Some(false),
            task_poll_ms: Some(2_000),
            input_mb_max: Some(256),
            keep_days: Some(30),
            log: LogSettings::at("info"),
            ..Self::default()
        }
    }
}
