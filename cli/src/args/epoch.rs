use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{Hash32, ProjectRef, parse_hash, parse_view};
use crate::amount::{Amount, parse_amount, parse_duration};

#[derive(Debug, Subcommand)]
pub enum EpochCommand {
    /// Show an epoch of a project as the chain and the oracles have it.
    Show {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Default: the epoch of the chain's clock.
        #[arg(long)]
        epoch: Option<u64>,
    },
    /// Wait until the oracles agree on an epoch, check their dataset and settle it. The project's settler.
    Settle(EpochSettle),
    /// Settle the open epoch anew, by its next revision: the budgets' difference moves. The project's settler.
    Replace(EpochSettle),
    /// Make the approved root claimable and pay the fee. Anyone.
    Activate(EpochActivate),
    /// Return the open settlement's budget; the epoch may be settled again. The project's settler or owner; anyone
    /// after seven epochs without an approval.
    Void {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
    },
    /// Hold the newest root for the network's hold limit: it neither activates nor pays. The network's guardian.
    Hold(EpochHold),
    /// End a hold early. The network's authority.
    EndHold(EpochHold),
    /// Close a final epoch's account, 90 epochs later; its rent goes back. Anyone.
    Close {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        #[arg(long)]
        epoch: u64,
    },
    /// Close an epoch's view set, 90 epochs later; its rent goes back. Anyone.
    CloseViews {
        #[arg(long)]
        epoch: u64,
    },
    /// Name the hash of every oracle's view that this oracle holds. An oracle of the set; its daemon does it by itself.
    CommitViews {
        #[arg(long)]
        epoch: u64,
        /// Oracles and their views' hashes; one that is not named has none.
        #[arg(required = true, value_parser = parse_view, value_name = "ORACLE=HEX")]
        views: Vec<(Pubkey, Hash32)>,
    },
    /// Vote for the open settlement's root. An oracle of the set; its daemon does it by itself.
    Approve(RootVote),
    /// Vote for a root in the place of the held one. An oracle of the set.
    Correct(RootVote),
}

#[derive(Debug, Args)]
pub struct EpochHold {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Refuse a root of another epoch. Default: the epoch of the newest root.
    #[arg(long)]
    pub epoch: Option<u64>,
}

#[derive(Debug, Args)]
pub struct RootVote {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Leaf file of the cumulative distribution that you computed; needed unless the rewards are paid elsewhere.
    #[arg(long, value_name = "FILE")]
    pub leaves: Option<PathBuf>,
    /// The root alone, for who has no leaf file.
    #[arg(long, value_parser = parse_hash, value_name = "HEX", requires = "count", conflicts_with = "leaves")]
    pub root: Option<Hash32>,
    /// Leaves under that root.
    #[arg(long, requires = "root")]
    pub count: Option<u32>,
}

#[derive(Debug, Args)]
pub struct EpochSettle {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    #[arg(long)]
    pub epoch: u64,
    /// Tokens of the reward mint, the network's fee included; 0 ends the epoch without rewards. Of a project whose
    /// rewards are paid elsewhere: none states its points, 0 ends the epoch without any.
    #[arg(long, value_parser = parse_amount)]
    pub budget: Option<Amount>,
    /// JSON file {tenure: score in basis points}; signed with the settler's key and given to the oracles.
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Give up after this long.
    #[arg(long, value_parser = parse_duration, default_value = "15m")]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
pub struct EpochActivate {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Wait for the approval and its delay.
    #[arg(long)]
    pub wait: bool,
    /// Give up waiting after this long.
    #[arg(long, value_parser = parse_duration, default_value = "15m")]
    pub timeout: Duration,
}
