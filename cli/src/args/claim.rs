use std::path::PathBuf;

use clap::Args;
use muster_client::Pubkey;

use super::values::{ProjectRef, parse_address};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["tenure", "holder", "all"])))]
pub struct ClaimArgs {
    /// One tenure.
    #[arg(long, value_parser = parse_address)]
    pub tenure: Option<Pubkey>,
    /// Every tenure of a wallet.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub holder: Option<Pubkey>,
    /// Every tenure of the network, or of --project.
    #[arg(long)]
    pub all: bool,
    /// Only tenures of this project: index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<ProjectRef>,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[arg(long)]
    pub epoch: u64,
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Folder with the views, the dataset, the leaf files and the scores, under any names; searched whole.
    #[arg(long, value_name = "DIR")]
    pub evidence: PathBuf,
    /// Ask no RPC node: take the accounts from chain.json and the genesis hash from index.json in the folder.
    #[arg(long)]
    pub offline: bool,
}
