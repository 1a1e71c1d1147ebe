use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{parse_address, parse_recipient};

#[derive(Debug, Subcommand)]
pub enum SplitCommand {
    /// Create an immutable split of payouts between up to 8 wallets. Anyone; the signer pays the rent.
    Create(SplitCreate),
    /// Pay recipients what is due to them. Anyone; the money goes to each one's associated token account.
    Release {
        #[arg(value_parser = parse_address)]
        split: Pubkey,
        /// Only this one. Default: everybody to whom something is due.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        recipient: Option<Pubkey>,
    },
    /// Show a split and what is due to whom.
    Show {
        #[arg(value_parser = parse_address)]
        split: Pubkey,
    },
}

#[derive(Debug, Args)]
pub struct SplitCreate {
    /// Wallets and their shares in basis points, 10,000 together.
    #[arg(required = true, value_parser = parse_recipient, value_name = "WALLET=BPS")]
    pub recipients: Vec<(Pubkey, u16)>,
    /// Mint that it divides. Default: the network's job mint.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub mint: Option<Pubkey>,
    /// The signer's number for it. Default: the first that is free.
    #[arg(long)]
    pub id: Option<u32>,
}
