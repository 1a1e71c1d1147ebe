//! Seeds and limits, in one place.

/// The network: `[NETWORK_SEED]`.
pub const NETWORK_SEED: &[u8] = b"network";
/// The oracle set: `[ORACLE_SET_SEED]`.
pub const ORACLE_SET_SEED: &[u8] = b"oracles";
/// A project: `[PROJECT_SEED, index u64 LE]`. Also the authority of its licence mints and of its budget vault.
pub const PROJECT_SEED: &[u8] = b"project";
/// A project's own licence collection, a Token-2022 group mint: `[GROUP_SEED, project]`.
pub const GROUP_SEED: &[u8] = b"group";
/// One project per collection: `[COLLECTION_SEED, collection mint]`.
pub const COLLECTION_SEED: &[u8] = b"collection";
/// A licence mint: `[LICENCE_SEED, project, serial u32 LE]`.
pub const LICENCE_SEED: &[u8] = b"licence";
/// A project's budget vault, a token account: `[BUDGET_SEED, project]`.
pub const BUDGET_SEED: &[u8] = b"budget";
/// A project's distribution: `[DISTRIBUTION_SEED, project]`. Also the authority of its vault.
pub const DISTRIBUTION_SEED: &[u8] = b"distribution";
/// A distribution's vault, a token account: `[VAULT_SEED, distribution]`.
pub const VAULT_SEED: &[u8] = b"vault";
/// The network's treasury vault of a mint, a token account: `[TREASURY_SEED, mint]`.
pub const TREASURY_SEED: &[u8] = b"treasury";
/// A node: `[NODE_SEED, licence mint]`.
pub const NODE_SEED: &[u8] = b"node";
/// One node per node key: `[KEY_SEED, node key]`.
pub const KEY_SEED: &[u8] = b"key";
/// A tenure: `[TENURE_SEED, node, number u32 LE]`.
pub const TENURE_SEED: &[u8] = b"tenure";
/// The oracles' views of an epoch: `[VIEWS_SEED, epoch u64 LE]`.
pub const VIEWS_SEED: &[u8] = b"views";
/// A project's settlement of an epoch: `[EPOCH_SEED, project, epoch u64 LE]`.
pub const EPOCH_SEED: &[u8] = b"epoch";
/// A pool: `[POOL_SEED, project, index u32 LE]`.
pub const POOL_SEED: &[u8] = b"pool";
/// A split of a payout: `[SPLIT_SEED, creator, id u32 LE]`. Also the authority of its token account.
pub const SPLIT_SEED: &[u8] = b"split";
/// The oracles' votes on a node's suspension: `[BALLOT_SEED, node]`.
pub const BALLOT_SEED: &[u8] = b"ballot";

/// Layout version of every account.
pub const ACCOUNT_VERSION: u8 = 1;
/// Oracles in a set.
pub const ORACLES_MAX: usize = 16;
/// Bytes of an oracle's URL.
pub const URL_LEN_MAX: usize = 96;
/// Mints in which projects may pay and sell.
pub const MINTS_MAX: usize = 8;
/// Active roots that claims may prove against.
pub const ROOTS_MAX: usize = 4;
/// Basis points of a whole.
pub const BPS: u16 = 10_000;
/// The network's fee can never be above this.
pub const FEE_BPS_MAX: u16 = 3_000;
/// Epochs after a fee change began in which the fee before it is kept for late settlements.
pub const FEE_CHANGE_EPOCHS: u64 = 7;
/// An epoch is at most a week, which bounds how long an unbound licence stays frozen.
pub const EPOCH_LEN_MAX_S: u32 = 7 * 86_400;
/// A hold or a guardian's pause lasts at most a week.
pub const HOLD_LIMIT_MAX_S: u32 = 7 * 86_400;
/// Share of what is outstanding that the breaker always lets through in an epoch.
pub const BREAKER_BPS: u16 = 2_500;
/// Leaves of a distribution: a deeper proof would not fit a claim's transaction.
pub const LEAVES_MAX: u32 = 1 << 20;
/// Bytes of a project's name.
pub const NAME_LEN_MAX: usize = 32;
/// Bytes of a collection's metadata URI.
pub const URI_LEN_MAX: usize = 128;
/// Nodes of a pool that names no capacity.
pub const POOL_CAPACITY: u16 = 100;
/// Recipients of a split.
pub const RECIPIENTS_MAX: usize = 8;
/// Seconds in any of which maintenance is bounded, and how far ahead it may be announced.
pub const MAINTENANCE_WINDOW_S: i64 = 30 * 86_400;
/// Seconds of maintenance in any `MAINTENANCE_WINDOW_S`.
pub const MAINTENANCE_MAX_S: u64 = 8 * 3_600;
/// Maintenance in any `MAINTENANCE_WINDOW_S`, the one announced included.
pub const MAINTENANCE_COUNT_MAX: usize = 8;
/// Epochs that a suspension may reach ahead.
pub const SUSPENSION_EPOCHS_MAX: u8 = 10;
/// Epochs after which anyone voids a settlement that no threshold of oracles approved.
pub const VOID_AFTER_EPOCHS: u32 = 7;
/// Epochs for which an epoch's statement and views stay on-chain.
pub const RETENTION_EPOCHS: u64 = 90;
