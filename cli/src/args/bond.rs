use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{EvidenceArgs, parse_address};
use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum BondCommand {
    /// Open a tenure's bond, without which no job can pay it. Anyone; the signer pays the rent.
    Open {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
    },
    /// Pay out what a bond has earned. The tenure's holder.
    Withdraw(BondWithdraw),
    /// Show a bond, or all of them.
    Show {
        #[arg(long, value_parser = parse_address)]
        tenure: Option<Pubkey>,
    },
    /// Put tokens into a tenure's bond; they are its holder's from then on. Anyone.
    Stake {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
        /// Tokens.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
        /// Token account that pays. Default: the signer's associated one.
        #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
        source: Option<Pubkey>,
    },
    /// Begin to take stake out of a bond; what is unbonding already waits anew. The tenure's holder.
    Unbond {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
        /// Tokens. Default: all that is staked.
        #[arg(value_parser = parse_amount)]
        amount: Option<Amount>,
    },
    /// Pay out what was unbonding for long enough. The tenure's holder.
    WithdrawUnbonded {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
        /// Token account to pay. Default: the signer's associated one, created if need be.
        #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
        destination: Option<Pubkey>,
    },
    /// Vote to take from a bond; the threshold decides, a delay follows. An oracle of the set.
    SlashVote {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
        /// Tokens; at most half of what the bond holds is taken.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
        /// Code that the evidence explains.
        #[arg(long)]
        reason: u16,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Hold a pending slash, once and for the network's hold limit. The network's guardian.
    SlashHold {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
    },
    /// Void a pending slash. The network's authority.
    SlashVoid {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
    },
    /// Carry a slash out when its delay and its hold have passed. Anyone.
    SlashExecute {
        #[arg(long, value_parser = parse_address)]
        tenure: Pubkey,
    },
}

#[derive(Debug, Args)]
pub struct BondWithdraw {
    #[arg(long, value_parser = parse_address)]
    pub tenure: Pubkey,
    /// Tokens. Default: all that is earned.
    #[arg(value_parser = parse_amount)]
    pub amount: Option<Amount>,
    /// Token account to pay. Default: the signer's associated one, created if need be.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub destination: Option<Pubkey>,
}
