//! `muster-oracle run`, `muster-oracle accept-root` and `muster-oracle config show`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use muster_client::Pubkey;
use muster_client::chain::Chain;
use muster_client::shell::keys::KeyError;
use muster_client::shell::log::{LogError, LogSettings};
use muster_client::shell::settings::{Loaded, SettingsError, load};
use muster_client::shell::solana_cli::{SolanaCli, normalise_url};
use muster_client::shell::{failure, keys, log, version};
use muster_oracle::context::{Identity, system_clock};
use muster_oracle::epochs::acceptance::AcceptError;
use muster_oracle::epochs::store::Store;
use muster_oracle::jobs::store::StoreError;
use muster_oracle::log::Disk;
use muster_oracle::log::read::check;
use muster_oracle::ops::listener::OpsListenError;
use muster_oracle::registry::ledger::ChainLedger;
use muster_oracle::serve::tls::TlsError;
use muster_oracle::server::{Boot, ListenError, start};
use muster_oracle::settings::{FAKE_WRONG_BIT, SECRETS, Settings, SettingsArgs, is_wrong_bit_faked};
use muster_oracle::signer::socket::SocketSigner;
use muster_oracle::signer::{OracleKey, service};
use muster_oracle::transparency::boot::BadWitness;
use muster_oracle::witness::command::{BadName, WitnessCommand};
use muster_protocol::sig::SignError;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use solana_commitment_config::CommitmentConfig;
use tokio::signal::unix::{SignalKind, signal};

const PROGRAM: &str = "muster-oracle";

/// Heartbeats and results in, points and settlements out.
#[derive(Parser)]
#[command(name = "muster-oracle", version = version::VERSION)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the oracle until SIGINT or SIGTERM.
    Run(Box<CommonArgs>),
    /// Builds on a root on chain although this oracle computed another one. Offline, on the data folder; durable.
    AcceptRoot(Box<AcceptArgs>),
    /// A witness of oracles' transparency logs: another process, with a key and a folder of its own.
    Witness {
        #[command(subcommand)]
        command: WitnessCommand,
    },
    /// Keeps the oracle's key in a process of its own and signs for whoever may open its socket, until it is stopped.
    Signer(SignerArgs),
    /// Checks every byte of the segment log: checksums, numbers, seals and their chain. The oracle may run meanwhile.
    CheckLog(Box<CommonArgs>),
    /// What the settings are.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Args)]
struct AcceptArgs {
    /// The project.
    #[arg(long, value_name = "ADDRESS")]
    project: Pubkey,
    /// The root's epoch.
    #[arg(long, value_name = "EPOCH")]
    epoch: u64,
    /// The disputed root: 64 hex digits.
    #[arg(long, value_name = "HEX")]
    root: String,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints every setting, its value and where it came from: file < environment < flag.
    Show {
        #[command(flatten)]
        common: Box<CommonArgs>,
        /// Prints JSON: [{key, value, origin}].
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct SignerArgs {
    /// The oracle's key file, as solana-keygen writes it.
    #[arg(long, env = "MUSTER_KEY", value_name = "FILE")]
    key: PathBuf,
    /// The Unix socket to open, for this user alone.
    #[arg(long, env = "MUSTER_SIGNER", value_name = "SOCKET")]
    socket: PathBuf,
    #[command(flatten)]
    log: LogSettings,
}

#[derive(Args)]
struct CommonArgs {
    /// A YAML file whose keys are the settings' names, with _ for -.
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl CommonArgs {
    fn load(&self, matches: &ArgMatches) -> anyhow::Result<Loaded<SettingsArgs>> {
        let defaults = SettingsArgs::defaults();
        Ok(load(matches, &self.settings, self.config.as_deref(), &defaults, SECRETS)?)
    }
}

/// The command line, a file or a value is wrong. Exit code 2, as for every other error of input; else 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return failure::from_clap(PROGRAM, &error),
    };
    match dispatch(cli, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (kind, code) = kind(&error);
            failure::print(PROGRAM, failure::wants_json(), kind, &failure::sentence(error.as_ref()));
            ExitCode::from(code)
        }
    }
}

/// Of which kind an error is, and the exit code that says so.
fn kind(error: &anyhow::Error) -> (&'static str, u8) {
    let is_input = error.chain().any(|cause| {
        let of_database = cause.downcast_ref::<StoreError>();
        cause.is::<Usage>()
            || cause.is::<ListenError>()
            || cause.downcast_ref::<AcceptError>().is_some_and(|error| !matches!(error, AcceptError::Disk(_)))
            || cause.is::<OpsListenError>()
            || cause.is::<TlsError>()
            || cause.is::<KeyError>()
            || cause.is::<SignError>()
            || cause.is::<BadWitness>()
            || cause.is::<BadName>()
            || cause.is::<SettingsError>()
            || cause.is::<LogError>()
            || of_database.is_some_and(|error| matches!(error, StoreError::Schema(_) | StoreError::Url(_)))
    });
    if is_input { (failure::USAGE, failure::BAD_INPUT) } else { ("failed", 1) }
}

fn dispatch(cli: Cli, matches: &ArgMatches) -> anyhow::Result<()> {
    match cli.command {
        Command::Signer(args) => serve_signer(&args),
        Command::Config { command: ConfigCommand::Show { common, json } } => {
            let loaded = common.load(matches)?;
            if json {
                println!("{:#}", loaded.json());
            } else {
                print!("{}", loaded.text());
            }
            Ok(())
        }
        Command::AcceptRoot(args) => {
            let loaded = args.common.load(matches)?;
            log::init(&loaded.settings.log)?;
            accept_root(&args, loaded.settings)
        }
        Command::Witness { command } => runtime()?.block_on(async { command.run(pin_stop()?).await }),
        Command::CheckLog(common) => {
            let loaded = common.load(matches)?;
            log::init(&loaded.settings.log)?;
            check_log(&Settings::new(&loaded.settings, String::new()).data_dir.join("log"))
        }
        Command::Run(common) => {
            let loaded = common.load(matches)?;
            log::init(&loaded.settings.log)?;
            runtime()?.block_on(run(loaded.settings))
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot start")
}

fn accept_root(args: &AcceptArgs, settings: SettingsArgs) -> anyhow::Result<()> {
    let mut root = [0; 32];
    hex::decode_to_slice(&args.root, &mut root).map_err(|_| Usage("--root must be 64 hex digits".into()))?;
    let folder = Settings::new(&settings, String::new()).data_dir;
    Store::new(Arc::new(Disk), &folder).accept(&args.project.to_bytes(), args.epoch, &root, system_clock()() / 1000)?;
    let (project, epoch) = (args.project.to_string(), args.epoch);
    tracing::warn!(project, epoch, root = args.root, folder = %folder.display(), "accepted a disputed root");
    println!("accepted the root {} of epoch {epoch} of project {project}", args.root);
    Ok(())
}

fn check_log(folder: &std::path::Path) -> anyhow::Result<()> {
    let checked = check(&Disk, folder)?;
    let (segments, records, first) = (checked.segments, checked.records, checked.first_number);
    println!("{segments} segments are as they were written: {records} records from number {first} on");
    Ok(())
}

async fn run(args: SettingsArgs) -> anyhow::Result<()> {
    let solana = SolanaCli::load();
    let key = oracle_key(&args)?;
    let rpc_url = normalise_url(&args.rpc_url.clone().unwrap_or_else(|| solana.url()));
    let commitment = match args.commitment.as_deref() {
        Some("finalized") | None => CommitmentConfig::finalized(),
        Some("confirmed") => CommitmentConfig::confirmed(),
        Some(other) => return Err(Usage(format!("--commitment is finalized or confirmed, not {other:?}")).into()),
    };
    let settings = Settings { fakes_wrong_bit: is_wrong_bit_faked(), ..Settings::new(&args, rpc_url.clone()) };
    if settings.fakes_wrong_bit {
        tracing::error!(
            "{FAKE_WRONG_BIT}=1: this oracle FAKES a wrong bit in every distribution. It is for tests alone; its votes \
             are wrong on purpose"
        );
    }
    let chain = Chain::with_commitment(&rpc_url, commitment);
    let mut stop = pin_stop()?;
    let network = tokio::select! {
        network = wait_for_network(&chain) => network?,
        () = &mut stop => return Ok(()),
    };
    let genesis_hash = chain.genesis_hash().await?;
    let schedule = Schedule::new(network.epoch_len.into(), network.bucket_len.into())?;
    let boot = Boot {
        domain: Domain::new(&genesis_hash, muster_client::muster_network::ID.to_bytes()),
        genesis_hash,
        schedule,
        ledger: Arc::new(ChainLedger::new(chain.clone(), key.clone())),
        chain,
        identity: Identity::of(key),
        clock: system_clock(),
        storage: Arc::new(Disk),
        settings,
    };
    let running = start(boot, muster_oracle::jobs::routes).await?;
    tokio::select! {
        () = &mut stop => tracing::info!("stopping"),
        why = failed(&running.ingest) => {
            running.stop().await?;
            bail!("the log failed: {why}");
        }
    }
    running.stop().await
}

/// At hand out of a file, or kept by a signer.
fn oracle_key(args: &SettingsArgs) -> anyhow::Result<OracleKey> {
    match (&args.key, &args.signer) {
        (Some(file), None) => Ok(OracleKey::from(&keys::read(file)?)),
        (None, Some(socket)) => Ok(OracleKey::new(SocketSigner::connect(socket)?)),
        (Some(_), Some(_)) => Err(Usage("--key and --signer exclude each other: name one".into()).into()),
        (None, None) => {
            let why = "name the oracle's key file by --key, MUSTER_KEY or key: in the configuration file, or the socket \
                       of its signer by --signer";
            Err(Usage(why.into()).into())
        }
    }
}

/// Keeps a key for an oracle that runs as another user or in another container.
fn serve_signer(args: &SignerArgs) -> anyhow::Result<()> {
    log::init(&args.log)?;
    let key = OracleKey::from(&keys::read(&args.key)?);
    let socket = args.socket.display();
    let listener = service::listen(&args.socket).with_context(|| format!("the socket {socket} cannot be opened"))?;
    tracing::info!(%socket, ?key, "the signer serves");
    service::serve(&listener, Arc::new(key)).with_context(|| format!("the socket {socket} failed"))
}

/// An oracle may be started before its network is there.
async fn wait_for_network(chain: &Chain) -> anyhow::Result<muster_client::muster_network::state::Network> {
    let mut told = false;
    loop {
        let set = chain.oracle_set().await?;
        if let (Some(network), Some(_)) = (chain.network().await?, set) {
            return Ok(network);
        }
        if !told {
            tracing::warn!(rpc_url = chain.url(), "no network with an oracle set is there yet; waiting for it");
            told = true;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn pin_stop() -> anyhow::Result<Stop> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }))
}

/// An oracle that cannot write must not go on: it would acknowledge nothing and sign views all the same.
async fn failed(ingest: &muster_oracle::ingest::Handle) -> String {
    loop {
        if let Some(why) = ingest.failure() {
            return why;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
