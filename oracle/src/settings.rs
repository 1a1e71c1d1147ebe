//! Effective settings: file < environment < flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use muster_client::shell::log::LogSettings;
use serde::{Deserialize, Serialize};

use crate::context::ClockFn;
use crate::ingest::Snapshots;
use crate::log::retention::Keep;
use crate::log::{Options, Storage};

/// Set to 1, this oracle computes a wrong distribution. A fake for tests alone: it shows that the others pay without it.
pub const FAKE_WRONG_BIT: &str = "MUSTER_FAKE_WRONG_BIT";

/// Whether the environment turns the fake on; nothing else does.
pub fn is_wrong_bit_faked() -> bool {
    std::env::var(FAKE_WRONG_BIT).is_ok_and(|value| value == "1")
}

/// What an operator may set, each by file, environment or flag.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct SettingsArgs {
    /// The oracle's key file, as solana-keygen writes it.
    #[arg(long, env = "MUSTER_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// In the place of a key file: the Unix socket of the process that keeps the key (`muster-oracle signer`).
    #[arg(long, env = "MUSTER_SIGNER", value_name = "SOCKET")]
    pub signer: Option<PathBuf>,
    /// The chain's RPC node.
    #[arg(long, env = "MUSTER_RPC_URL", value_name = "URL")]
    pub rpc_url: Option<String>,
    /// How settled the chain must be to be believed: finalized or confirmed.
    #[arg(long, env = "MUSTER_COMMITMENT", value_name = "LEVEL")]
    pub commitment: Option<String>,
    /// Where the HTTP API listens.
    #[arg(long, env = "MUSTER_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The certificate chain in PEM, the server's own first; with it the API is served by TLS. Read again on SIGHUP and
    /// when it changes.
    #[arg(long, env = "MUSTER_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, env = "MUSTER_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Connections that are open at most; an eighth of them from one address.
    #[arg(long, env = "MUSTER_CONNECTIONS_MAX", value_name = "COUNT")]
    pub connections_max: Option<usize>,
    /// Where /health, /readyz and /metrics are for whoever runs this oracle.
    #[arg(long, env = "MUSTER_OPS_LISTEN", value_name = "ADDRESS:PORT")]
    pub ops_listen: Option<SocketAddr>,
    /// Let other machines read /metrics: --ops-listen may be another than a loopback address.
    #[arg(long, env = "MUSTER_OPS_PUBLIC", num_args = 0..=1, default_missing_value = "true")]
    pub ops_public: Option<bool>,
    /// Lamports of this oracle's key below which it warns: votes and views are paid from them.
    #[arg(long, env = "MUSTER_BALANCE_FLOOR_LAMPORTS", value_name = "LAMPORTS")]
    pub balance_floor_lamports: Option<u64>,
    /// A TLS proxy stands in front: listen on other than loopback addresses too.
    #[arg(long, env = "MUSTER_BEHIND_PROXY", num_args = 0..=1, default_missing_value = "true")]
    pub behind_proxy: Option<bool>,
    /// Everything that this oracle keeps on disk.
    #[arg(long, env = "MUSTER_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL of the job coordinator; without it this oracle takes part in no job.
    #[arg(long, env = "MUSTER_DATABASE_URL", value_name = "URL")]
    pub database_url: Option<String>,
    /// The schema in that database; one per oracle.
    #[arg(long, env = "MUSTER_SCHEMA", value_name = "NAME")]
    pub schema: Option<String>,
    /// Seconds after which the next oracle takes over an unassigned job.
    #[arg(long, env = "MUSTER_JOB_LEASE_S", value_name = "SECONDS")]
    pub job_lease_s: Option<u64>,
    /// Milliseconds between two looks at the chain.
    #[arg(long, env = "MUSTER_POLL_MS", value_name = "MILLISECONDS")]
    pub poll_ms: Option<u64>,
    /// Seconds between two empty batches of an idle oracle.
    #[arg(long, env = "MUSTER_TICK_S", value_name = "SECONDS")]
    pub tick_s: Option<u64>,
    /// Milliseconds after an epoch's end before its view is signed.
    #[arg(long, env = "MUSTER_SETTLE_SLACK_MS", value_name = "MILLISECONDS")]
    pub settle_slack_ms: Option<u64>,
    /// Heartbeat requests that wait for the disk at most; more are shed.
    #[arg(long, env = "MUSTER_QUEUE_REQUESTS_MAX", value_name = "COUNT")]
    pub queue_requests_max: Option<usize>,
    /// Bytes after which a new log segment is begun.
    #[arg(long, env = "MUSTER_SEGMENT_BYTES_MAX", value_name = "BYTES")]
    pub segment_bytes_max: Option<u64>,
    /// Buckets that a node may miss before it counts as offline.
    #[arg(long, env = "MUSTER_OFFLINE_AFTER", value_name = "BUCKETS")]
    pub offline_after: Option<u64>,
    /// A JSON file of webhooks that events are sent to: a list of {url, secret, project?, kinds?}.
    #[arg(long, env = "MUSTER_WEBHOOKS", value_name = "FILE")]
    pub webhooks: Option<PathBuf>,
    /// Witnesses of the transparency log, each KEY@URL, with commas between them.
    #[arg(long, env = "MUSTER_WITNESSES", value_name = "KEY@URL,...")]
    pub witnesses: Option<String>,
    /// Hours for which a single batch's place in the transparency log can be proven.
    #[arg(long, env = "MUSTER_TLOG_KEEP_HOURS", value_name = "HOURS")]
    pub tlog_keep_hours: Option<u64>,
    /// Bytes of the disk that the log leaves free, for snapshots and views; below that heartbeats are refused.
    #[arg(long, env = "MUSTER_LOG_RESERVE_BYTES", value_name = "BYTES")]
    pub log_reserve_bytes: Option<u64>,
    /// Hours for which raw heartbeats are kept after a snapshot holds them.
    #[arg(long, env = "MUSTER_LOG_KEEP_HOURS", value_name = "HOURS")]
    pub log_keep_hours: Option<u64>,
    /// Bytes of log beyond which the oldest heartbeats go earlier.
    #[arg(long, env = "MUSTER_LOG_KEEP_BYTES", value_name = "BYTES")]
    pub log_keep_bytes: Option<u64>,
    /// Bytes of log after which a snapshot is made.
    #[arg(long, env = "MUSTER_SNAPSHOT_EVERY_BYTES", value_name = "BYTES")]
    pub snapshot_every_bytes: Option<u64>,
    /// Seconds after which a snapshot is made.
    #[arg(long, env = "MUSTER_SNAPSHOT_EVERY_S", value_name = "SECONDS")]
    pub snapshot_every_s: Option<u64>,
    /// Level and look of the log.
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogSettings,
}

/// Keys whose values `config show` masks.
pub const SECRETS: &[&str] = &["database_url"];

impl SettingsArgs {
    /// What holds where nobody says otherwise.
    pub fn defaults() -> Self {
        Self {
            commitment: Some("finalized".into()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 9100))),
            connections_max: Some(16_384),
            ops_listen: Some(SocketAddr::from(([127, 0, 0, 1], 9190))),
            ops_public: Some(false),
            balance_floor_lamports: Some(200_000_000),
            behind_proxy: Some(false),
            data_dir: Some("muster-oracle".into()),
            schema: Some("oracle".into()),
            job_lease_s: Some(30),
            poll_ms: Some(2_000),
            tick_s: Some(10),
            settle_slack_ms: Some(2_000),
            queue_requests_max: Some(4_096),
            segment_bytes_max: Some(64 << 20),
            offline_after: Some(3),
            tlog_keep_hours: Some(72),
            log_reserve_bytes: Some(512 << 20),
            log_keep_hours: Some(24),
            log_keep_bytes: Some(20 << 30),
            snapshot_every_bytes: Some(1 << 30),
            snapshot_every_s: Some(3_600),
            log: LogSettings::at("info"),
            ..Self::default()
        }
    }
}

/// Merged settings without their origins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the HTTP API listens.
    pub listen: SocketAddr,
    /// The certificate chain and its key, if TLS is spoken.
    pub tls_cert: Option<PathBuf>,
    /// See `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// Connections that are open at most.
    pub connections_max: usize,
    /// Where whoever runs this oracle reads its health and metrics.
    pub ops_listen: SocketAddr,
    /// Other machines may read them too.
    pub ops_public: bool,
    /// Lamports below which the oracle warns.
    pub balance_floor_lamports: u64,
    /// A TLS proxy stands in front.
    pub behind_proxy: bool,
    /// Everything that this oracle keeps on disk.
    pub data_dir: PathBuf,
    /// The chain's RPC.
    pub rpc_url: String,
    /// PostgreSQL of the job coordinator; without it the oracle takes part in no job.
    pub database_url: Option<String>,
    /// Its schema in that database; one per oracle.
    pub schema: String,
    /// Seconds after which the next oracle takes over an unassigned job.
    pub job_lease_s: u64,
    /// Milliseconds between two looks at the chain.
    pub poll_ms: u64,
    /// Seconds between two ticks of an idle oracle.
    pub tick_s: u64,
    /// Milliseconds after an epoch's end before its view is signed.
    pub settle_slack_ms: u64,
    /// Heartbeat requests that wait for the committer at most; more are shed.
    pub queue_requests_max: usize,
    /// Bytes of a log segment.
    pub segment_bytes_max: u64,
    /// Buckets that a node may miss before it counts as offline; at least 1.
    pub offline_after: u64,
    /// The file of webhooks.
    pub webhooks: Option<PathBuf>,
    /// Witnesses of the transparency log, each KEY@URL.
    pub witnesses: Vec<String>,
    /// Hours for which a single batch's place in the transparency log can be proven.
    pub tlog_keep_hours: u64,
    /// Bytes of the disk that the log leaves free.
    pub log_reserve_bytes: u64,
    /// What of the log is kept though snapshots hold it.
    pub log_keep: Keep,
    /// Bytes of log after which a snapshot is made.
    pub snapshot_every_bytes: u64,
    /// Seconds after which a snapshot is made.
    pub snapshot_every_s: u64,
    /// This oracle flips a bit and votes for a wrong root: [`FAKE_WRONG_BIT`].
    pub fakes_wrong_bit: bool,
}

impl Settings {
    /// Out of merged arguments: what has a default is there. Nothing is faked.
    pub fn new(args: &SettingsArgs, rpc_url: String) -> Self {
        let defaults = SettingsArgs::defaults();
        let or = |value: Option<u64>, default: Option<u64>| value.or(default).unwrap_or_default();
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let witnesses = args.witnesses.as_deref().unwrap_or_default().split(',').map(str::trim);
        Self {
            listen: args.listen.or(defaults.listen).unwrap_or(loopback(9100)),
            tls_cert: args.tls_cert.clone(),
            tls_key: args.tls_key.clone(),
            connections_max: args.connections_max.or(defaults.connections_max).unwrap_or(16_384),
            ops_listen: args.ops_listen.or(defaults.ops_listen).unwrap_or(loopback(9190)),
            ops_public: args.ops_public.unwrap_or(false),
            balance_floor_lamports: or(args.balance_floor_lamports, defaults.balance_floor_lamports),
            behind_proxy: args.behind_proxy.unwrap_or(false),
            data_dir: args.data_dir.clone().or(defaults.data_dir).unwrap_or_default(),
            rpc_url,
            database_url: args.database_url.clone(),
            schema: args.schema.clone().or(defaults.schema).unwrap_or_default(),
            job_lease_s: or(args.job_lease_s, defaults.job_lease_s),
            poll_ms: or(args.poll_ms, defaults.poll_ms),
            tick_s: or(args.tick_s, defaults.tick_s),
            settle_slack_ms: or(args.settle_slack_ms, defaults.settle_slack_ms),
            queue_requests_max: args.queue_requests_max.or(defaults.queue_requests_max).unwrap_or(4_096),
            segment_bytes_max: or(args.segment_bytes_max, defaults.segment_bytes_max),
            offline_after: or(args.offline_after, defaults.offline_after).max(1),
            webhooks: args.webhooks.clone(),
            witnesses: witnesses.filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            tlog_keep_hours: or(args.tlog_keep_hours, defaults.tlog_keep_hours),
            log_reserve_bytes: or(args.log_reserve_bytes, defaults.log_reserve_bytes),
            log_keep: Keep {
                age_ms: or(args.log_keep_hours, defaults.log_keep_hours).saturating_mul(3_600_000),
                bytes: or(args.log_keep_bytes, defaults.log_keep_bytes),
            },
            snapshot_every_bytes: or(args.snapshot_every_bytes, defaults.snapshot_every_bytes),
            snapshot_every_s: or(args.snapshot_every_s, defaults.snapshot_every_s),
            fakes_wrong_bit: false,
        }
    }
}

impl Settings {
    /// How the segment log is kept.
    pub fn log_options(&self, clock: ClockFn) -> Options {
        Options { segment_bytes_max: self.segment_bytes_max, reserve_bytes: self.log_reserve_bytes, clock }
    }

    /// How snapshots of it are made.
    pub fn snapshots(&self, storage: Arc<dyn Storage>, oracle_key: [u8; 32], clock: ClockFn) -> Snapshots {
        Snapshots {
            storage,
            folder: self.data_dir.join("log"),
            oracle_key,
            every_bytes: self.snapshot_every_bytes,
            every_ms: self.snapshot_every_s.saturating_mul(1_000),
            keep: self.log_keep,
            clock,
            figures: Arc::default(),
        }
    }
}
