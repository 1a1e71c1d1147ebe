//! Seeds and limits, in one place.

/// The jobs config: `[CONFIG_SEED]`. Also the authority of the bond vault.
pub const CONFIG_SEED: &[u8] = b"config";
/// A job: `[JOB_SEED, index u64 LE]`. Also the authority of its escrow.
pub const JOB_SEED: &[u8] = b"job";
/// A job's escrow, a token account: `[ESCROW_SEED, job]`.
pub const ESCROW_SEED: &[u8] = b"escrow";
/// A tenure's bond: `[BOND_SEED, tenure]`.
pub const BOND_SEED: &[u8] = b"bond";
/// What all bonds hold, a token account: `[BOND_VAULT_SEED]`.
pub const BOND_VAULT_SEED: &[u8] = b"bonds";

/// Layout version of every account.
pub const ACCOUNT_VERSION: u8 = 1;
/// Nodes that one job pays.
pub const JOB_NODES_MAX: usize = 8;
/// A job's deadline is at most this far ahead.
pub const DEADLINE_MAX_S: i64 = 30 * 86_400;
/// `redundancy` of a job whose replicas the scheduler chooses.
pub const REDUNDANCY_ADAPTIVE: u8 = 0;
