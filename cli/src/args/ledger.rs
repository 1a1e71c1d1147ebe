use clap::Subcommand;

use super::values::ProjectRef;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List blocks of the ledger: of the jobs that are over, or of a project's settlements. Anyone.
    Show {
        /// A project's settlements instead of the jobs; index or address.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
        /// The first block to list.
        #[arg(long, default_value_t = 1, value_name = "INDEX")]
        from: u64,
        /// How many blocks to list at most.
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: u64,
    },
    /// Recompute every block's hash, compare each chain's head with the one on chain, and find it in the oracle's
    /// transparency log. Anyone; believes no oracle.
    Verify {
        /// The first block to recompute; what is before it is taken from that block's previous hash.
        #[arg(long, default_value_t = 1, value_name = "INDEX")]
        from: u64,
    },
}
