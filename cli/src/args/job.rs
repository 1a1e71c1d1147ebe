use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{JobRef, parse_address};
use crate::amount::{Amount, parse_amount, parse_duration};

#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Put a job's stake into escrow and hand its descriptor to the oracles. Anyone.
    Submit(JobSubmit),
    /// Show a job as the chain and the oracles have it.
    Show(JobShow),
    /// List jobs.
    List,
    /// Show a job's result and who worked, signatures checked; waits for it with --watch.
    Result(JobResult),
    /// Show what a node's task wrote, checked against the node's signature.
    Log(JobLog),
    /// Add to a job's prize before its deadline; it comes back unless the job is completed. Anyone.
    Sponsor(JobPayment),
    /// Raise a job's tip before its deadline. The job's submitter.
    Tip(JobPayment),
    /// Say that a job is not wanted any more, once and before its deadline; who worked on it is paid for the time until
    /// then, the rest comes back. The job's submitter.
    Cancel {
        /// Index or address.
        job: JobRef,
    },
    /// Give everything back when nobody decided the job in time. Anyone.
    Expire {
        /// Index or address.
        job: JobRef,
    },
    /// Pay sponsors of a job that was not completed back. Anyone.
    RefundSponsor {
        /// Index or address.
        job: JobRef,
        /// Only this one. Default: every sponsor.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        sponsor: Option<Pubkey>,
    },
    /// Pay what a job's end left in the escrow for its submitter. Anyone.
    RefundSubmitter {
        /// Index or address.
        job: JobRef,
    },
    /// Vote for a job's outcome. An oracle of the set; its daemon does it by itself.
    Attest(JobOutcome),
    /// Move the escrow as the attested outcome says. Anyone; an oracle does it by itself.
    Settle(JobOutcome),
    /// Close the account of a job that was over 90 days ago; its rent goes back. Anyone.
    Close {
        /// Index or address.
        job: JobRef,
    },
}

#[derive(Debug, Args)]
pub struct JobPayment {
    /// Index or address.
    pub job: JobRef,
    /// Tokens.
    #[arg(value_parser = parse_amount)]
    pub amount: Amount,
    /// Token account that pays. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub source: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct JobOutcome {
    /// Index or address.
    pub job: JobRef,
    /// JSON file of the outcome: {"kind": "completed", "tenures": [...], "result_hash": HEX}, {"kind": "failed",
    /// "reason": 1 to 5} or {"kind": "cancelled", "started_at": SECONDS, "tenures": [...]}. Default: what the first
    /// oracle that knows it answers.
    #[arg(long, value_name = "FILE")]
    pub outcome: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct JobSubmit {
    /// JSON file of the job; its canonical form is what is hashed.
    #[arg(long, value_name = "FILE")]
    pub descriptor: PathBuf,
    /// Tokens at stake. Default: the network's.
    #[arg(long, value_parser = parse_amount)]
    pub stake: Option<Amount>,
    /// Tokens on top of the stake, for priority.
    #[arg(long, value_parser = parse_amount, default_value = "0")]
    pub tip: Amount,
    /// How long the network has, as 30m, 1h or 2d; 30 days at most.
    #[arg(long, value_parser = parse_duration, default_value = "1h")]
    pub deadline: Duration,
    /// Token account that pays and gets refunds. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub source: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct JobShow {
    /// Index or address.
    pub job: JobRef,
    /// Follow it until it is settled.
    #[arg(long)]
    pub watch: bool,
    /// Give up watching after this long.
    #[arg(long, value_parser = parse_duration, default_value = "1h")]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
pub struct JobResult {
    #[command(flatten)]
    pub show: JobShow,
    /// Write the result's archive (tar) here, its hash checked.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct JobLog {
    /// Index or address.
    pub job: JobRef,
    /// The node whose log it is, by its key. Default: one whose result was paid, else the newest.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub node: Option<Pubkey>,
    /// Write the log's bytes here instead.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
