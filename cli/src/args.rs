//! The command line. Every verb says who may call it; amounts are tokens unless `--base-units`.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use muster_client::{Pubkey, addresses, shell::keys};
use solana_sdk::signature::Signer;

use crate::{
    amount::{Amount, parse_amount, parse_duration},
    context::Settings,
};

/// Licences, nodes, epochs, jobs and rewards of a Muster network.
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version,
    subcommand_precedence_over_arg = true,
    after_help = "Exit codes: 0 done, 1 the chain, \
an oracle or the connection refused, 2 wrong usage or input. Settings: file (--config) < environment < flags."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    #[command(flatten)]
    pub settings: Settings,
    /// YAML file of settings: url, keypair, oracle, log_level, log_format.
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer with one JSON object on stdout; amounts are strings of base units.
    #[arg(long, global = true)]
    pub json: bool,
    /// Read amounts as base units instead of tokens.
    #[arg(long, global = true)]
    pub base_units: bool,
    /// Send nothing: ask the node what the transaction would do, its compute units and its fee. Of a command that sends
    /// several, the first.
    #[arg(long, global = true)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The network: its rules, its oracles.
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Token mints for devnets and local networks.
    #[command(subcommand)]
    Mint(MintCommand),
    /// Projects: who sells licences, funds rewards and settles epochs.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Licences: NFTs, each good for one node.
    #[command(subcommand)]
    Licence(LicenceCommand),
    /// Nodes: bind a licence to a machine's key.
    #[command(subcommand)]
    Node(NodeCommand),
    /// The jobs program.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Bonds: what tenures earn by jobs.
    #[command(subcommand)]
    Bond(BondCommand),
    /// Jobs: paid work in containers.
    #[command(subcommand)]
    Job(JobCommand),
    /// Epochs: state, settle, activate.
    #[command(subcommand)]
    Epoch(EpochCommand),
    /// Pay tenures what the active root owes them. Anyone may; the money goes to each tenure's payout account.
    Claim(ClaimArgs),
    /// Recompute an epoch from evidence files and compare with the chain. Anyone; signs nothing.
    Audit(AuditArgs),
    /// This tool's settings.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// List every setting, its value and where it came from.
    Show,
}

#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Create the network. The network program's upgrade authority signs; the default key pays.
    Init(NetworkInit),
    /// Show the network's rules, authorities and oracles.
    Show,
    /// Name the oracles: at once the first time, after the network's delay ever after. The network's authority.
    SetOracles(SetOracles),
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
    /// The whole new set: each oracle's key and the base URL of its API.
    #[arg(required = true, value_parser = parse_oracle, value_name = "KEY=URL")]
    pub oracles: Vec<(Pubkey, String)>,
}

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

#[derive(Debug, Subcommand)]
pub enum LicenceCommand {
    /// Buy the project's next licence. Anyone; the signer becomes its holder.
    Buy(LicenceBuy),
    /// List the licences of a project with their nodes.
    List {
        /// Index or address.
        #[arg(long, value_name = "PROJECT")]
        project: ProjectRef,
        /// Only those of this wallet.
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

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Bind a licence to a node key; the licence freezes. The licence's holder.
    Bind(NodeBind),
    /// Accept a bind; the node earns from the next bucket. The node key signs; the default key pays.
    Accept(NodeAccept),
    /// Show a node.
    Show {
        /// Address of the node, its licence or its node key.
        #[arg(value_parser = parse_address)]
        node: Pubkey,
    },
    /// List nodes.
    List {
        /// Only those of this project: index or address.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
    },
}

#[derive(Debug, Args)]
pub struct NodeBind {
    /// Mint of the licence.
    #[arg(long, value_parser = parse_address, value_name = "MINT")]
    pub licence: Pubkey,
    /// The machine's hot key.
    #[arg(long, value_parser = parse_address, value_name = "KEY", required_unless_present = "accept_with")]
    pub node_key: Option<Pubkey>,
    /// Key file of the machine: accepts in the same transaction.
    #[arg(long, value_name = "NODE_KEYFILE")]
    pub accept_with: Option<PathBuf>,
    /// Wallet whose token account claims pay. Default: the signer.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub payout_owner: Option<Pubkey>,
    /// JSON document about the machine; the hash of its canonical form goes on chain.
    #[arg(long, value_name = "FILE", conflicts_with = "metadata_hash")]
    pub metadata: Option<PathBuf>,
    /// SHA-256 of the metadata, as an indexer answered it.
    #[arg(long, value_parser = parse_hash, value_name = "HEX")]
    pub metadata_hash: Option<Hash32>,
    /// Token account that holds the licence. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub licence_account: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct NodeAccept {
    /// Key file of the machine. Default: the signer.
    #[arg(long, value_name = "NODE_KEYFILE")]
    pub node_keypair: Option<PathBuf>,
    /// Address of the node or its licence. Default: the one that names the key.
    #[arg(long, value_parser = parse_address, value_name = "NODE")]
    pub node: Option<Pubkey>,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Create the jobs config and the bond vault. The network's authority.
    Init(JobsInit),
    /// Show the jobs config.
    Show,
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

#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Put a job's stake into escrow and hand its descriptor to the oracles. Anyone.
    Submit(JobSubmit),
    /// Show a job as the chain and the oracles have it.
    Show(JobShow),
    /// List jobs.
    List,
    /// Show a job's result and who worked; waits for it with --watch.
    Result(JobResult),
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
    /// Make the approved root claimable and pay the fee. Anyone.
    Activate(EpochActivate),
}

#[derive(Debug, Args)]
pub struct EpochSettle {
    /// Index or address.
    #[arg(long, value_name = "PROJECT")]
    pub project: ProjectRef,
    #[arg(long)]
    pub epoch: u64,
    /// Tokens of the reward mint, the network's fee included; 0 ends the epoch without rewards.
    #[arg(long, value_parser = parse_amount)]
    pub budget: Amount,
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

/// A project by index or address.
#[derive(Debug, Clone, Copy)]
pub enum ProjectRef {
    Index(u64),
    Address(Pubkey),
}

impl ProjectRef {
    /// Where it lives.
    pub fn address(&self) -> Pubkey {
        match self {
            Self::Index(index) => addresses::project(*index),
            Self::Address(address) => *address,
        }
    }
}

impl FromStr for ProjectRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        index_or_address(text, Self::Index, Self::Address)
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// A job by index or address.
#[derive(Debug, Clone, Copy)]
pub struct JobRef(pub Pubkey);

impl FromStr for JobRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        index_or_address(text, |index| Self(addresses::job(index)), Self)
    }
}

fn index_or_address<T>(text: &str, index: impl Fn(u64) -> T, address: impl Fn(Pubkey) -> T) -> Result<T, String> {
    if let Ok(number) = text.parse() {
        return Ok(index(number));
    }
    text.parse().map(address).map_err(|_| "an index or a base58 address is needed".to_owned())
}

/// 32 bytes in hex.
#[derive(Debug, Clone, Copy)]
pub struct Hash32(pub [u8; 32]);

fn parse_hash(text: &str) -> Result<Hash32, String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map(|()| Hash32(bytes)).map_err(|_| "64 hex digits are needed".to_owned())
}

/// An address in base58, or the public key of a key file.
fn parse_address(text: &str) -> Result<Pubkey, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let path = PathBuf::from(text);
    if !path.exists() {
        return Err("neither a base58 address nor a key file".to_owned());
    }
    keys::read(&path).map(|key| key.pubkey()).map_err(|error| error.to_string())
}

fn parse_oracle(text: &str) -> Result<(Pubkey, String), String> {
    let (key, url) = text.split_once('=').ok_or("KEY=URL is needed")?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(format!("{url:?} is neither http:// nor https://"));
    }
    Ok((parse_address(key)?, url.to_owned()))
}

fn parse_share(text: &str) -> Result<(Pubkey, Option<Amount>), String> {
    match text.split_once('=') {
        None => Ok((parse_address(text)?, None)),
        Some((owner, amount)) => Ok((parse_address(owner)?, Some(parse_amount(amount)?))),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn oracles_may_stand_before_and_after_the_verb() {
        let one = Cli::parse_from(["muster", "--oracle", "http://a", "http://b", "epoch", "show", "--project", "0"]);
        assert_eq!(one.global.settings.oracle.map(|urls| urls.len()), Some(2));
        let other = Cli::parse_from(["muster", "job", "list", "--oracle", "http://a,http://b", "--oracle", "http://c"]);
        assert_eq!(other.global.settings.oracle.map(|urls| urls.len()), Some(3));
    }

    #[test]
    fn claim_needs_to_know_whose() {
        assert!(Cli::try_parse_from(["muster", "claim"]).is_err());
        assert!(Cli::try_parse_from(["muster", "claim", "--all", "--project", "0"]).is_ok());
        let system = "11111111111111111111111111111111";
        assert!(Cli::try_parse_from(["muster", "claim", "--tenure", system, "--project", "0"]).is_ok());
        assert!(
            Cli::try_parse_from(["muster", "claim", "--all", "--holder", "11111111111111111111111111111111"]).is_err()
        );
    }
}
