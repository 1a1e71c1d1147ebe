use clap::{Args, Subcommand};

use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Create the jobs config and the bond vault. The network's authority.
    Init(JobsInit),
    /// Show the jobs config.
    Show,
    /// Change the limits, for what comes. The network's authority.
    SetConfig(JobsSetConfig),
}

#[derive(Debug, Args)]
pub struct JobsInit {
    /// Stake of a job that names none, tokens.
    #[arg(long, value_parser = parse_amount, default_value = "100")]
    pub default_stake: Amount,
    /// The least stake, tokens.
    #[arg(long, value_parser = parse_amount, default_value = "1")]
    pub stake_min: Amount,
    /// The least that one sponsorship brings, tokens.
    #[arg(long, value_parser = parse_amount, default_value = "1")]
    pub sponsor_min: Amount,
    /// Seconds after a job's deadline in which oracles may still attest.
    #[arg(long, default_value_t = 3_600)]
    pub attest_grace: u32,
    /// Seconds after a requested cancellation in which oracles may still attest.
    #[arg(long, default_value_t = 3_600)]
    pub cancel_window: u32,
    /// Seconds between unbonding and withdrawal.
    #[arg(long, default_value_t = 604_800)]
    pub unbond_delay: u32,
    /// Seconds between a slash's approval and its execution; shorter than unbonding.
    #[arg(long, default_value_t = 172_800)]
    pub slash_delay: u32,
}

/// What is not named stays as it is.
#[derive(Debug, Args)]
pub struct JobsSetConfig {
    /// Stake of a job that names none, tokens.
    #[arg(long, value_parser = parse_amount)]
    pub default_stake: Option<Amount>,
    /// The least stake, tokens.
    #[arg(long, value_parser = parse_amount)]
    pub stake_min: Option<Amount>,
    /// The least that one sponsorship brings, tokens.
    #[arg(long, value_parser = parse_amount)]
    pub sponsor_min: Option<Amount>,
    /// Seconds after a job's deadline in which oracles may still attest.
    #[arg(long)]
    pub attest_grace: Option<u32>,
    /// Seconds after a requested cancellation in which oracles may still attest.
    #[arg(long)]
    pub cancel_window: Option<u32>,
    /// Seconds between unbonding and withdrawal.
    #[arg(long)]
    pub unbond_delay: Option<u32>,
    /// Seconds between a slash's approval and its execution; shorter than unbonding.
    #[arg(long)]
    pub slash_delay: Option<u32>,
}
