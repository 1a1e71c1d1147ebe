use clap::Subcommand;
use muster_client::Pubkey;

use super::values::{ProjectRef, parse_address};

#[derive(Debug, Subcommand)]
pub enum PoolCommand {
    /// Make a pool for a project's nodes. The project's owner.
    Create {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// 1 to 32 bytes.
        #[arg(long)]
        name: String,
        /// Nodes that it holds at most.
        #[arg(long, default_value_t = 100)]
        capacity: u16,
    },
    /// Close an empty pool; its rent goes back. The project's owner.
    Close {
        #[arg(value_parser = parse_address)]
        pool: Pubkey,
    },
    /// Change how many nodes a pool holds. The project's owner.
    SetCapacity {
        #[arg(value_parser = parse_address)]
        pool: Pubkey,
        capacity: u16,
    },
    /// Put a bound node into a pool. The tenure's holder.
    Join {
        #[arg(value_parser = parse_address)]
        pool: Pubkey,
        /// Address of the node, its licence or its node key.
        #[arg(long, value_parser = parse_address)]
        node: Pubkey,
    },
    /// Take a node out of its pool. The tenure's holder or operator, the project's owner; anyone once it is unbound.
    Leave {
        /// Address of the node, its licence or its node key.
        #[arg(value_parser = parse_address)]
        node: Pubkey,
    },
    /// List pools.
    List {
        /// Only those of this project: index or address.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
    },
    /// Show a pool and the nodes in it.
    Show {
        #[arg(value_parser = parse_address)]
        pool: Pubkey,
    },
}
