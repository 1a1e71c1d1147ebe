use std::path::PathBuf;

use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::parse_share;
use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum MintCommand {
    /// Create an SPL Token mint, mint its whole supply and give its authority up. Anyone; the signer pays.
    Create(MintCreate),
}

#[derive(Debug, Args)]
pub struct MintCreate {
    #[arg(long, default_value_t = 6)]
    pub decimals: u8,
    /// The whole supply, tokens.
    #[arg(long, value_parser = parse_amount)]
    pub supply: Amount,
    /// Who gets how many tokens; what is left goes to the owner without an amount, else to the signer.
    #[arg(long, num_args = 1.., value_parser = parse_share, value_name = "OWNER[=AMOUNT]")]
    pub to: Vec<(Pubkey, Option<Amount>)>,
    /// Key file of the mint's address. Default: a new key that is thrown away.
    #[arg(long, value_name = "FILE")]
    pub mint_keypair: Option<PathBuf>,
}
