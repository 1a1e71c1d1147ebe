//! The command line: settings, verbs, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use muster_client::chain::Chain;
use muster_client::shell::settings::{Loaded, Origin};
use muster_client::shell::{failure, keys, log, settings as merge, solana_cli, version};
use muster_protocol::sig::SigningKey;
use solana_sdk::signature::Keypair;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::network::{Network, base_url};
use crate::oracle_api::OracleApi;
use crate::settings::Settings;
use crate::{init, join, receipts, run, status};

const PROGRAM: &str = "muster-agent";
/// One call of an oracle by a verb that a person waits for.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The node agent of a Muster network: heartbeats, tasks, and what the network says of the node.
#[derive(Parser)]
#[command(name = "muster-agent", version = version::VERSION, disable_help_subcommand = true)]
struct Cli {
    /// Configuration file [default: config.yaml in the data folder].
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON value instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make the node key and profile the machine; says what to do next.
    Init,
    /// Wait for the holder to bind this node's key, and accept.
    Join(JoinArgs),
    /// Send heartbeats and work, until stopped.
    Run,
    /// Show the node's own view and the network's beside it.
    Status(StatusArgs),
    /// Kept receipts.
    Receipts {
        #[command(subcommand)]
        verb: ReceiptsVerb,
    },
    /// Settings.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Print the version.
    Version,
}

/// Arguments of `join`.
#[derive(Args)]
pub struct JoinArgs {
    /// Seconds to wait for the bind.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub timeout: u64,
    /// Accept for this node account only.
    #[arg(long, value_name = "ADDRESS")]
    pub node: Option<String>,
    /// Accept for this licence only.
    #[arg(long, value_name = "ADDRESS")]
    pub licence: Option<String>,
    /// Key file of who pays the fee [default: the node key].
    #[arg(long, value_name = "FILE")]
    pub fee_payer: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Args)]
pub struct StatusArgs {
    /// The epoch that is shown [default: the present one].
    #[arg(long)]
    pub epoch: Option<u64>,
}

#[derive(Subcommand)]
enum ReceiptsVerb {
    /// Whether every kept receipt has its bit in the oracle's published view; exit code 1 if one has not. `--oracle`
    /// names one oracle of the set by URL or key, without it all are checked.
    Check {
        /// The epoch [default: the last one that ended].
        #[arg(long)]
        epoch: Option<u64>,
    },
}

#[derive(Subcommand)]
enum ConfigVerb {
    /// Every setting with its value and where that came from.
    Show,
}

/// The node's key in the two forms that its uses want.
pub struct Identity {
    /// Signs frames and requests.
    pub signing_key: SigningKey,
    /// The public key.
    pub key: [u8; 32],
}

impl Identity {
    /// The key as people read it.
    pub fn base58(&self) -> String {
        bs58::encode(self.key).into_string()
    }
}

/// What every verb starts from.
pub struct Context {
    /// Effective settings.
    pub settings: Settings,
    /// The configuration file that `--config` named.
    pub config_path: Option<PathBuf>,
    /// Whether to print JSON.
    pub json: bool,
    /// The node's folder.
    pub data: DataDir,
    /// The oracles.
    pub api: OracleApi,
    loaded: Loaded<Settings>,
}

impl Context {
    fn new(cli: &Cli, matches: &ArgMatches) -> Result<Self, Failure> {
        let defaults = Settings::defaults();
        let data_dir = cli.settings.data_dir.clone().or_else(|| defaults.data_dir.clone());
        let usual = DataDir::new(data_dir.unwrap_or_default()).config();
        let file = match &cli.config {
            Some(path) => Some(path.clone()),
            None => usual.exists().then_some(usual),
        };
        let loaded = merge::load(matches, &cli.settings, file.as_deref(), &defaults, &[])?;
        let settings = loaded.settings.clone();
        log::init(&settings.log)?;
        let data = DataDir::new(settings.data_dir.clone().unwrap_or_default());
        let api = OracleApi::new(CALL_TIMEOUT)?;
        Ok(Self { settings, config_path: cli.config.clone(), json: cli.json, data, api, loaded })
    }

    /// As the command line makes it, for tests of what works with it.
    #[cfg(test)]
    pub(crate) fn for_tests(arguments: &[&str]) -> Self {
        let matches = Cli::command().get_matches_from([&["muster-agent"], arguments].concat());
        let cli = Cli::from_arg_matches(&matches).expect("the arguments are good");
        Self::new(&cli, &matches).expect("the settings are good")
    }

    /// Whether a setting was set by anybody, which defaults are not.
    pub fn is_given(&self, key: &str) -> bool {
        self.origin(key).is_some_and(|origin| ![Origin::Unset, Origin::Default].contains(&origin))
    }

    fn origin(&self, key: &str) -> Option<Origin> {
        let found = self.loaded.table().iter().find(|setting| setting.key == key);
        found.map(|setting| setting.origin)
    }

    /// Where the node key lies.
    pub fn key_path(&self) -> PathBuf {
        self.settings.key.clone().unwrap_or_else(|| self.data.key())
    }

    /// The node key, to sign transactions.
    pub fn keypair(&self) -> Result<Keypair, Failure> {
        let path = self.key_path();
        if !path.exists() {
            return Err(Failure::Use(format!(
                "there is no node key at {}; run muster-agent init first",
                path.display()
            )));
        }
        Ok(keys::read(&path)?)
    }

    /// The node key, to sign frames.
    pub fn identity(&self) -> Result<Identity, Failure> {
        let bytes = self.keypair()?.to_bytes();
        let mut secret = [0; 32];
        secret.copy_from_slice(&bytes[..32]);
        let signing_key = SigningKey::from_bytes(&secret);
        let key = signing_key.verifying_key().to_bytes();
        Ok(Identity { signing_key, key })
    }

    /// The chain, unless the agent is to do without.
    pub fn chain(&self) -> Option<Chain> {
        let url = self.settings.rpc_url.as_deref().unwrap_or("");
        (!url.is_empty()).then(|| Chain::new(&solana_cli::normalise_url(url)))
    }

    /// The oracles to start from.
    pub fn bootstrap(&self) -> Vec<String> {
        let urls = self.settings.oracle.iter().flatten();
        urls.filter(|url| !url.is_empty()).map(|url| base_url(url)).collect()
    }

    /// The network, from the chain or the oracles.
    pub async fn network(&self) -> Result<Network, Failure> {
        Network::load(self.chain().as_ref(), &self.api, &self.bootstrap()).await
    }
}

/// Runs the command line; prints a failure as one sentence, or one line of JSON.
pub fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return failure::from_clap(PROGRAM, &error),
    };
    match dispatch(&cli, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(PROGRAM, cli.json, error.kind(), &error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(cli: &Cli, matches: &ArgMatches) -> Result<(), Failure> {
    if matches!(cli.verb, Verb::Version) {
        println!("muster-agent {}", version::VERSION);
        return Ok(());
    }
    let context = Context::new(cli, matches)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::disk("starting the runtime", error))?;
    match &cli.verb {
        Verb::Init => init::init(&context),
        Verb::Join(arguments) => runtime.block_on(join::join(&context, arguments)),
        Verb::Run => runtime.block_on(run::run(context)),
        Verb::Status(arguments) => runtime.block_on(status::status(&context, arguments.epoch)),
        Verb::Receipts { verb: ReceiptsVerb::Check { epoch } } => {
            let given = cli.settings.oracle.iter().flatten().next();
            let named = given.filter(|_| context.origin("oracle") == Some(Origin::Flag));
            runtime.block_on(receipts::check(&context, named.map(String::as_str), *epoch))
        }
        Verb::Config { verb: ConfigVerb::Show } => {
            if context.json {
                println!("{}", context.loaded.json());
            } else {
                print!("{}", context.loaded.text());
            }
            Ok(())
        }
        Verb::Version => Ok(()),
    }
}
