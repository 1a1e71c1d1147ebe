//! Seeds and limits, in one place.

/// The jobs config: `[CONFIG_SEED]`. Also the authority of the bond vault.
pub const CONFIG_SEED: &[u8] = b"config";
/// A job: `[JOB_SEED, submitter, nonce u64 LE]`. Also the authority of its escrow.
pub const JOB_SEED: &[u8] = b"job";
/// A job's escrow, a token account: `[ESCROW_SEED, job]`.
pub const ESCROW_SEED: &[u8] = b"escrow";
/// What one sponsor put into a job: `[SPONSOR_SEED, job, sponsor]`.
pub const SPONSOR_SEED: &[u8] = b"sponsor";
/// A tenure's bond: `[BOND_SEED, tenure]`.
pub const BOND_SEED: &[u8] = b"bond";
/// What all bonds hold, a token account: `[BOND_VAULT_SEED]`.
pub const BOND_VAULT_SEED: &[u8] = b"bonds";
/// The votes on a bond's slash, and the one that waits: `[SLASH_SEED, bond]`.
pub const SLASH_SEED: &[u8] = b"slash";

/// Layout version of every account.
pub const ACCOUNT_VERSION: u8 = 1;
/// Nodes that one job pays.
pub const JOB_NODES_MAX: usize = 8;
/// Sponsors of one job.
pub const SPONSORS_MAX: u32 = 32;
/// A job's deadline is at most this far ahead.
pub const DEADLINE_MAX_S: i64 = 30 * 86_400;
/// A job's nonce, Unix milliseconds, is at most this far from the clock. Far less than `RETENTION_S`, so that no nonce
/// comes a second time once a job's account is closed.
pub const NONCE_WINDOW_MS: u64 = 3_600_000;
/// `redundancy` of a job whose replicas the scheduler chooses.
pub const REDUNDANCY_ADAPTIVE: u8 = 0;
/// The longest grace and the longest cancel window that a config may set.
pub const WINDOW_MAX_S: u32 = 7 * 86_400;
/// The longest unbonding that a config may set.
pub const UNBOND_DELAY_MAX_S: u32 = 60 * 86_400;
/// How much later a job expires whose outcome a threshold attested and nobody could settle.
pub const UNSETTLED_S: i64 = 7 * 86_400;
/// How long a job's account stays after it is over.
pub const RETENTION_S: i64 = 90 * 86_400;
/// A slash takes at most this part of what a bond holds when it is decided, basis points.
pub const SLASH_MAX_BPS: u16 = 5_000;
/// How long a decided slash may be executed once its delay and its hold are over; then it lapses.
pub const SLASH_LAPSE_S: i64 = 7 * 86_400;
