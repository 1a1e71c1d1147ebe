use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use muster_client::Pubkey;

use super::values::{ProjectRef, parse_address};
use crate::amount::{Amount, parse_amount};

#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Create a project with its licence collection. Anyone; the signer becomes its owner.
    Create(ProjectCreate),
    /// Move reward tokens into a project's budget vault. Anyone.
    Fund(ProjectFund),
    /// Show a project, or all of them.
    Show {
        /// Index or address. Default: all projects.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
    },
    /// Propose the project's next owner; nobody by the zero key. The project's owner.
    ProposeOwner {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        #[arg(value_parser = parse_address)]
        key: Pubkey,
    },
    /// Take a project over. The key that was proposed.
    AcceptOwner {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
    },
    /// Replace the hot key that settles epochs, at once. The project's owner.
    SetSettler {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        #[arg(value_parser = parse_address)]
        settler: Pubkey,
    },
    /// Change the formula of points from the next epoch on. The project's owner.
    SetFormula(SetFormula),
    /// Change the most that one settlement may move, from the next epoch on. The project's owner.
    SetBudget {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Tokens of the reward mint.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
    },
    /// Change price, payment mint and number of licences, at once. The project's owner.
    SetSale(SetSale),
    /// Announce that budget will be withdrawn, an epoch ahead; 0 takes that back. The project's owner.
    AnnounceWithdrawal {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Tokens of the reward mint.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
    },
    /// Move budget out that was announced an epoch ago. The project's owner.
    Withdraw(ProjectWithdraw),
    /// Close a project for ever; what nodes earned stays payable. The project's owner.
    Close {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// It is final: nothing opens a project again.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Make the assets of a Metaplex collection the project's licences, for ever. The project's owner and the
    /// collection's update authority.
    LinkCollection(LinkCollection),
    /// Add money to what the project's nodes may claim, beyond its roots. Anyone.
    TopUp(ProjectFund),
    /// Do a project's whole day, every day: fetch uptime, make and post task scores, wait for the points of a threshold of
    /// oracles, settle, activate. May be stopped and started again at any point. The project's settler.
    Serve(ProjectServe),
    /// Save the final points of an epoch with an oracle's signed word on them, for who pays them elsewhere. Anyone.
    Export(ProjectExport),
}

#[derive(Debug, Args)]
pub struct ProjectServe {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Key file of the project's settler. Default: the signer.
    #[arg(long, value_name = "FILE")]
    pub settler: Option<PathBuf>,
    /// What each epoch pays: tokens of the reward mint, or a share of what the budget vault holds as 5%; never more than
    /// the project's limit. Of a project whose rewards are paid elsewhere: none.
    #[arg(long, value_parser = parse_budget, value_name = "AMOUNT-OR-PERCENT")]
    pub budget: Option<BudgetRule>,
    /// Program that makes task scores: it reads {project, epoch, rows} as JSON and prints {tenure: basis points}. Default:
    /// 10,000 for every node with a counted bucket, none where the formula gives no points for tasks.
    #[arg(long, value_name = "COMMAND", conflicts_with = "scores_dir")]
    pub scores_cmd: Option<String>,
    /// Folder in which EPOCH.json appears, {tenure: basis points}; without it by half of the time the epoch is settled
    /// without scores.
    #[arg(long, value_name = "FOLDER")]
    pub scores_dir: Option<PathBuf>,
    /// The first epoch that is looked after. Default: the first that may still be settled and that oracles still compute.
    #[arg(long, value_name = "EPOCH")]
    pub from: Option<u64>,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// Stop after the first epoch that is settled and active.
    #[arg(long)]
    pub once: bool,
}

/// What an epoch pays.
#[derive(Debug, Clone)]
pub enum BudgetRule {
    /// So many tokens.
    Fixed(Amount),
    /// So many hundredths of the vault.
    Percent(u8),
}

fn parse_budget(text: &str) -> Result<BudgetRule, String> {
    let Some(percent) = text.strip_suffix('%') else {
        return parse_amount(text).map(BudgetRule::Fixed);
    };
    match percent.parse() {
        Ok(percent @ 1..=100) => Ok(BudgetRule::Percent(percent)),
        _ => Err("a share of the vault is 1% to 100%".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct ProjectExport {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    #[arg(long)]
    pub epoch: u64,
    /// How the points are written.
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
    /// Where to; the oracle's signed statement goes beside it, with .statement at the end. Default: project, epoch and
    /// format in the current folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Take points that are not final yet too.
    #[arg(long)]
    pub early: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportFormat {
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct ProjectCreate {
    /// 1 to 32 bytes.
    #[arg(long)]
    pub name: String,
    /// Where the licences' metadata is, up to 128 bytes.
    #[arg(long, default_value = "")]
    pub uri: String,
    /// Price of a licence, tokens of the payment mint.
    #[arg(long, value_parser = parse_amount)]
    pub price: Amount,
    /// Licences that can ever be sold.
    #[arg(long, default_value_t = 10_000)]
    pub licences_max: u32,
    /// Hot key that settles epochs. Default: the signer.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub settler: Option<Pubkey>,
    /// Default: the network's job mint.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub reward_mint: Option<Pubkey>,
    /// Default: the network's job mint.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub payment_mint: Option<Pubkey>,
    /// The most that one epoch's settlement may move, tokens of the reward mint.
    #[arg(long, value_parser = parse_amount)]
    pub max_epoch_budget: Amount,
    /// Points for a whole epoch of uptime.
    #[arg(long, default_value_t = 10_000)]
    pub w_uptime: u32,
    /// Points for a full task score.
    #[arg(long, default_value_t = 0)]
    pub w_task: u32,
    /// The most points of a tenure in an epoch.
    #[arg(long, default_value_t = 1_000_000_000)]
    pub cap: u64,
    /// Uptime below which an epoch gives no points, basis points.
    #[arg(long, default_value_t = 0)]
    pub min_uptime_bps: u16,
    /// Who pays the nodes: this network's claims, or somebody else by exported points.
    #[arg(long, value_enum, default_value_t = RewardMode::Onchain)]
    pub reward_mode: RewardMode,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RewardMode {
    Onchain,
    External,
}

#[derive(Debug, Args)]
pub struct ProjectFund {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Tokens of the reward mint.
    #[arg(value_parser = parse_amount)]
    pub amount: Amount,
    /// Token account that pays. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub source: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct SetFormula {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Points for a whole epoch of uptime. Default: as it is.
    #[arg(long)]
    pub w_uptime: Option<u32>,
    /// Points for a full task score. Default: as it is.
    #[arg(long)]
    pub w_task: Option<u32>,
    /// The most points of a tenure in an epoch. Default: as it is.
    #[arg(long)]
    pub cap: Option<u64>,
    /// Uptime below which an epoch gives no points, basis points. Default: as it is.
    #[arg(long)]
    pub min_uptime_bps: Option<u16>,
}

#[derive(Debug, Args)]
pub struct SetSale {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Price of a licence, tokens of the payment mint. Default: as it is.
    #[arg(long, value_parser = parse_amount)]
    pub price: Option<Amount>,
    /// Licences that can ever be sold, at least those that are. Default: as it is.
    #[arg(long)]
    pub licences_max: Option<u32>,
    /// A mint that the network allows; a new one needs a price. Default: as it is.
    #[arg(long, value_parser = parse_address, value_name = "MINT", requires = "price")]
    pub payment_mint: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct ProjectWithdraw {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// Tokens of the reward mint. Default: what is left of the announced amount, or of the vault.
    #[arg(value_parser = parse_amount)]
    pub amount: Option<Amount>,
    /// Token account to pay. Default: the signer's associated one, created if need be.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub destination: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct LinkCollection {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    /// A Metaplex Core collection, or the mint of a Token Metadata collection; which one it is, is seen from it.
    #[arg(value_parser = parse_address)]
    pub collection: Pubkey,
    /// Key file of the collection's update authority. Default: the signer.
    #[arg(long, value_name = "FILE")]
    pub collection_authority: Option<PathBuf>,
}
