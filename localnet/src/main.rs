//! The whole network on one machine: `muster-localnet up | demo | config show`.

mod chain;
mod command;
mod demo;
mod docker;
mod http;
mod keys;
mod localnet;
mod muster;
mod output;
mod paths;
mod preflight;
mod processes;
mod settings;
mod wait;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use muster_client::shell::{log, settings as shell_settings, version};
use tokio::signal::unix::{SignalKind, signal};

use demo::faults::Faults;
use localnet::Localnet;
use settings::{Given, Settings};

/// A mistake or a lack that is known before anything started.
const NOT_STARTED: u8 = 2;
/// What a shell reports for a Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The whole network on one machine.
#[derive(Parser)]
#[command(name = "muster-localnet", version = version::VERSION, propagate_version = true)]
struct Cli {
    /// Configuration file (YAML); environment and flags are stronger.
    #[arg(long, global = true, env = "MUSTER_LOCALNET_CONFIG", value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start every part with a project, four licences and their nodes, and keep them until Ctrl-C.
    Up(Given),
    /// Start every part, run two jobs and one epoch through to the claims, and check every figure.
    Demo {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        faults: Faults,
    },
    /// The settings and where they come from.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

#[derive(Subcommand)]
enum ConfigVerb {
    /// Print them.
    Show {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        given: Given,
    },
}

fn main() -> ExitCode {
    let matches = without_empty_variables(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("muster-localnet: the runtime does not start: {error}");
            return ExitCode::from(NOT_STARTED);
        }
    };
    match runtime.block_on(run(cli, &matches)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("muster-localnet: {error:#}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// `EPOCH_S= make demo` chooses nothing: an empty variable counts as one that is not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(None::<&str>) } else { arg });
    command.mut_subcommands(without_empty_variables)
}

async fn run(cli: Cli, matches: &ArgMatches) -> Result<ExitCode> {
    let (given, faults, demo) = match cli.verb {
        Verb::Up(given) => (given, Faults::default(), false),
        Verb::Demo { given, faults } => (given, faults, true),
        Verb::Config { verb: ConfigVerb::Show { json, given } } => {
            let loaded = shell_settings::load(matches, &given, cli.config.as_deref(), &Given::defaults(), &[])?;
            if json {
                println!("{}", loaded.json())
            } else {
                print!("{}", loaded.text())
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let loaded = shell_settings::load(matches, &given, cli.config.as_deref(), &Given::defaults(), &[])?;
    log::init(&log::LogSettings { log_level: Some("warn".into()), ..loaded.settings.log.clone() })?;
    let settings = loaded.settings.check().map_err(|sentence| anyhow!(sentence))?;
    preflight::check(&settings, demo)?;
    play(settings, faults, demo).await
}

/// Runs until the end of the story or a signal, and stops everything either way.
async fn play(settings: Settings, faults: Faults, demo: bool) -> Result<ExitCode> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()?;
    let mut net = Localnet::new(settings, faults.wrong_bit)?;
    let ended = tokio::select! {
        ended = async { if demo { demo::run(&mut net, &faults).await } else { demo::up(&mut net).await } } => Some(ended),
        () = any(&mut signals) => None,
    };
    net.out.line("");
    net.out.line("stopping everything that was started");
    // a second Ctrl-C must not leave anything behind, so it is not listened to
    tokio::task::block_in_place(|| net.stop());
    Ok(match ended {
        None => ExitCode::from(INTERRUPTED),
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("muster-localnet: {error:#}\nthe logs of all parts are in {}", net.folder.logs().display());
            ExitCode::FAILURE
        }
    })
}

async fn any(signals: &mut [tokio::signal::unix::Signal]) {
    let waits = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures_util::future::select_all(waits).await;
}
