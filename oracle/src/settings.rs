//! Effective settings: file < environment < flags.

use std::path::PathBuf;

/// What an operator may set; see `muster-oracle run --help`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the HTTP API listens.
    pub listen: std::net::SocketAddr,
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
    /// Seconds between two looks at the chain.
    pub poll_ms: u64,
    /// Seconds between two ticks of an idle oracle.
    pub tick_s: u64,
    /// Seconds after an epoch's end before its view is signed.
    pub settle_slack_ms: u64,
    /// Frames that wait for the committer at most; more are shed.
    pub queue_requests_max: usize,
    /// Bytes of a log segment.
    pub segment_bytes_max: u64,
}
