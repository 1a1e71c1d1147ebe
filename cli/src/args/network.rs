use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use muster_client::Pubkey;

use super::values::{parse_address, parse_oracle, parse_url};
use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Create the network. The network program's upgrade authority signs; the default key pays.
    Init(NetworkInit),
    /// Show the network's rules, authorities and oracles.
    Show,
    /// Name the oracles: at once the first time, after the network's delay ever after. The network's authority.
    SetOracles(SetOracles),
    /// Say where this oracle's API is reached. An oracle of the set.
    SetOracleUrl {
        /// Base URL, up to 96 bytes.
        #[arg(value_parser = parse_url, value_name = "URL")]
        api: String,
    },
    /// Propose who takes a role over; nobody by the zero key. The network's authority; for the treasury, its owner.
    ProposeAuthority {
        #[arg(value_enum)]
        role: Role,
        #[arg(value_parser = parse_address)]
        key: Pubkey,
    },
    /// Take a role over. The key that was proposed.
    AcceptAuthority {
        #[arg(value_enum)]
        role: Role,
    },
    /// Announce the fee of an epoch to come and of all after it. The network's authority.
    SetFee {
        /// Basis points, 3,000 at most.
        fee_bps: u16,
        /// Default: the next epoch.
        #[arg(long, value_name = "EPOCH")]
        from_epoch: Option<u64>,
    },
    /// Let projects pay and sell in a mint, and make its treasury. The network's authority.
    AllowMint {
        #[arg(value_parser = parse_address)]
        mint: Pubkey,
    },
    /// Take a mint off the list; projects that use it go on. The network's authority.
    ForbidMint {
        #[arg(value_parser = parse_address)]
        mint: Pubkey,
    },
    /// Pause what is named and nothing else; ends a guardian's pause. The network's authority.
    Pause(Pause),
    /// Pause what is named for the network's hold limit; none ends it early. The network's guardian.
    GuardianPause(Pause),
    /// Move tokens out of a treasury. The treasury's owner.
    WithdrawTreasury(WithdrawTreasury),
}

/// A cold key's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Authority,
    Guardian,
    TreasuryOwner,
}

/// What can be paused; claims, releases, refunds and every way out never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pausable {
    None,
    All,
    Buy,
    Bind,
    Stake,
    Submit,
    Settle,
    Approve,
    Activate,
}

#[derive(Debug, Args)]
pub struct Pause {
    #[arg(value_enum, required = true)]
    pub what: Vec<Pausable>,
}

#[derive(Debug, Args)]
pub struct WithdrawTreasury {
    /// Tokens. Default: all that is there.
    #[arg(value_parser = parse_amount)]
    pub amount: Option<Amount>,
    /// Whose treasury. Default: the network's job mint.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub mint: Option<Pubkey>,
    /// Token account to pay. Default: the signer's associated one, created if need be.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub destination: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct NetworkInit {
    /// Mint of job stakes, bonds and job rewards; for ever.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub mint: Pubkey,
    /// Key file of the program's upgrade authority. Default: the signer.
    #[arg(long, value_name = "FILE")]
    pub upgrade_authority: Option<PathBuf>,
    /// Who changes the network's rules. Default: the signer.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub authority: Option<Pubkey>,
    /// Who may hold roots and pause for a time; another key than the authority's.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub guardian: Pubkey,
    /// Who owns the treasury. Default: the authority.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub treasury_owner: Option<Pubkey>,
    /// Share of every budget and job for the treasury, basis points.
    #[arg(long, default_value_t = 2000)]
    pub fee_bps: u16,
    /// Seconds of an epoch; for ever.
    #[arg(long, default_value_t = 86_400)]
    pub epoch_len: u32,
    /// Seconds of a bucket, which divides the epoch; for ever.
    #[arg(long, default_value_t = 300)]
    pub bucket_len: u32,
    /// Seconds after an epoch's end in which oracles commit views.
    #[arg(long, default_value_t = 3_600)]
    pub grace: u32,
    /// Seconds between a root's approval and its activation.
    #[arg(long, default_value_t = 3_600)]
    pub root_delay: u32,
    /// Seconds that a hold or a guardian's pause may last.
    #[arg(long, default_value_t = 604_800)]
    pub hold_limit: u32,
    /// Seconds before a change of the oracle set takes effect; shorter than the hold limit.
    #[arg(long, default_value_t = 259_200)]
    pub oracle_set_delay: u32,
}

#[derive(Debug, Args)]
pub struct SetOracles {
    /// The whole new set: each oracle's key and the base URL of its API. Without a URL, an oracle of the set in force
    /// keeps its own and a new one sets it by set-oracle-url.
    #[arg(required = true, value_parser = parse_oracle, value_name = "KEY[=URL]")]
    pub oracles: Vec<(Pubkey, String)>,
}
