use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{ProjectRef, parse_address};
use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum LicenceCommand {
    /// Buy the project's next licence. Anyone; the signer becomes its holder.
    Buy(LicenceBuy),
    /// Give the next licence away; the signer pays its rent. The project's owner.
    Gift {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Wallet that gets it.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        to: Pubkey,
    },
    /// Send a licence to another wallet; a bound one is unbound and thawed first. The licence's holder.
    Transfer {
        #[command(flatten)]
        token: LicenceToken,
        /// Wallet that gets it.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        to: Pubkey,
    },
    /// Burn a licence: its node can never be bound again. The licence's holder.
    Burn {
        #[command(flatten)]
        token: LicenceToken,
        /// It is final.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// List licences with their nodes: of a project, of a wallet, or of both.
    #[command(group(clap::ArgGroup::new("whose").required(true).multiple(true).args(["project", "holder"])))]
    List {
        /// Index or address. Default: every project.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
        /// Only those that this wallet holds now, of whatever standard.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        holder: Option<Pubkey>,
    },
}

#[derive(Debug, Args)]
pub struct LicenceBuy {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Refuse a higher price, tokens of the payment mint. Default: the price now.
    #[arg(long, value_parser = parse_amount)]
    pub max_price: Option<Amount>,
}

#[derive(Debug, Args)]
pub struct LicenceToken {
    /// Mint of the licence.
    #[arg(value_parser = parse_address)]
    pub licence: Pubkey,
    /// Token account that holds the licence. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub licence_account: Option<Pubkey>,
}
