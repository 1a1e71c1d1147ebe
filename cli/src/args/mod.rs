//! The command line. Every verb says who may call it; amounts are tokens unless `--base-units`.

mod bond;
mod claim;
mod epoch;
mod job;
mod jobs;
mod ledger;
mod licence;
mod mint;
mod network;
mod node;
mod pool;
mod poot;
mod project;
mod split;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::context::Settings;

pub use bond::*;
pub use claim::*;
pub use epoch::*;
pub use job::*;
pub use jobs::*;
pub use ledger::*;
pub use licence::*;
pub use mint::*;
pub use network::*;
pub use node::*;
pub use pool::*;
pub use poot::*;
pub use project::*;
pub use split::*;
pub use values::{EvidenceArgs, Hash32, JobRef, ProjectRef, parse_hash};

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
    /// Splits: payouts divided between wallets by fixed shares.
    #[command(subcommand)]
    Split(SplitCommand),
    /// Pools: groups of a project's nodes.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Proofs of operational time and credits, from the oracles.
    #[command(subcommand)]
    Poot(PootCommand),
    /// The jobs program.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Bonds: what tenures earn by jobs, and stake.
    #[command(subcommand)]
    Bond(BondCommand),
    /// Jobs: paid work in containers.
    #[command(subcommand)]
    Job(JobCommand),
    /// Epochs: settle, approve, activate, hold.
    #[command(subcommand)]
    Epoch(EpochCommand),
    /// The hash-chained ledger of settlements and of jobs that are over.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Pay tenures what the active root owes them. Anyone may; the money goes to each tenure's payout account.
    Claim(ClaimArgs),
    /// Recompute an epoch from evidence files and compare with the chain. Anyone; signs nothing.
    Audit(AuditArgs),
    /// This tool's settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print docs/cli.md.
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// List every setting, its value and where it came from.
    Show,
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
    /// Of two arguments by the same name, the options of every command would lose theirs.
    #[test]
    fn no_argument_hides_an_option_of_every_command() {
        fn check(command: &clap::Command, path: &str, shared: &[&clap::Id]) {
            for argument in command.get_arguments().filter(|argument| !argument.is_global_set()) {
                assert!(!shared.contains(&argument.get_id()), "{path}: {}", argument.get_id());
            }
            for below in command.get_subcommands() {
                check(below, &format!("{path} {}", below.get_name()), shared);
            }
        }
        let root = Cli::command();
        let shared: Vec<&clap::Id> =
            root.get_arguments().filter(|argument| argument.is_global_set()).map(clap::Arg::get_id).collect();
        assert!(shared.iter().any(|id| id.as_str() == "url"));
        check(&root, "muster", &shared);
    }

    #[test]
    fn what_is_final_needs_a_yes() {
        let system = "11111111111111111111111111111111";
        for command in [["project", "close", "--project", "0"].as_slice(), &["licence", "burn", system]] {
            let without = [&["muster"], command].concat();
            assert!(Cli::try_parse_from(&without).is_err(), "{command:?}");
            assert!(Cli::try_parse_from([without.as_slice(), &["--yes"]].concat()).is_ok(), "{command:?}");
        }
    }

    #[test]
    fn maintenance_is_announced_or_cancelled() {
        let parsed = |options: &[&str]| {
            let system = "11111111111111111111111111111111";
            Cli::try_parse_from([&["muster", "node", "maintenance", system], options].concat()).is_ok()
        };
        assert!(parsed(&["--for", "2h"]) && parsed(&["--for", "2h", "--in", "1d"]) && parsed(&["--cancel"]));
        assert!(!parsed(&[]) && !parsed(&["--in", "1d"]) && !parsed(&["--for", "2h", "--cancel"]));
    }
}
