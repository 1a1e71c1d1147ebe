use clap::Subcommand;
use muster_client::Pubkey;

use super::values::{ProjectRef, parse_address};

#[derive(Debug, Subcommand)]
pub enum PootCommand {
    /// Show the proof of a node's operational time as every oracle gives it, each statement's signature checked. Anyone.
    Show {
        /// Address of the node, or its key.
        #[arg(value_parser = parse_address)]
        node: Pubkey,
        /// Default: the running epoch.
        #[arg(long)]
        epoch: Option<u64>,
    },
    /// Have an oracle calculate the figures of all of a project's nodes: of a closed epoch anew from its views. The
    /// project's owner or settler, who runs one of its nodes, or an oracle.
    Calculate {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Default: the running epoch.
        #[arg(long)]
        epoch: Option<u64>,
    },
    /// Show what a node earned in points, over all epochs and in each. Anyone.
    Credits {
        /// Address of the node, or its key.
        #[arg(value_parser = parse_address)]
        node: Pubkey,
    },
}
