//! `muster-indexer run | verify | dump | config show`.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use muster_client::chain::Chain;
use muster_client::shell::log::LogError;
use muster_client::shell::settings::{self, Loaded, SettingsError};
use muster_client::shell::{failure, log, version};
use muster_client::{muster_jobs, muster_network};
use muster_indexer::api::{self, Api};
use muster_indexer::datasets::Datasets;
use muster_indexer::follow::{Follower, Pace};
use muster_indexer::settings::{Commitment, Settings};
use muster_indexer::source::RpcSource;
use muster_indexer::status::Status;
use muster_indexer::store::{ChainIdentity, Store, StoreError};
use muster_indexer::{dump, verify};

const PROGRAM: &str = "muster-indexer";

/// The chain in PostgreSQL, and the API over it.
#[derive(Parser)]
#[command(name = "muster-indexer", version = version::VERSION, propagate_version = true)]
struct Cli {
    /// Configuration file (YAML); environment and flags are stronger.
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Follow the chain and serve the API until told to stop.
    Run,
    /// Rebuild the state from the events, look for gaps, compare with the chain; exit 1 on any difference.
    Verify {
        /// Check the database alone.
        #[arg(long)]
        offline: bool,
        /// Seconds that a running indexer gets to catch up with the chain.
        #[arg(long, default_value_t = 30)]
        wait_s: u64,
        #[arg(long)]
        json: bool,
    },
    /// Print every state table ordered by key.
    Dump,
    /// The settings and where they come from.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

#[derive(Subcommand)]
enum ConfigVerb {
    Show {
        #[arg(long)]
        json: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return failure::from_clap(PROGRAM, &error),
    };
    match start(cli, &matches).await {
        Ok(code) => code,
        Err(error) => {
            failure::print(PROGRAM, failure::wants_json(), kind(&error), &failure::sentence(error.as_ref()));
            // 1 is verify's: it could look, and found differences.
            ExitCode::from(2)
        }
    }
}

/// Whether the settings are at fault, or what they name.
fn kind(error: &anyhow::Error) -> &'static str {
    let is_input = error.chain().any(|cause| {
        let of_store = cause.downcast_ref::<StoreError>();
        cause.is::<NoDatabase>()
            || cause.is::<SettingsError>()
            || cause.is::<LogError>()
            || of_store.is_some_and(|error| matches!(error, StoreError::Schema(_) | StoreError::Url(_)))
    });
    if is_input { failure::USAGE } else { "failed" }
}

/// Nobody named a database.
#[derive(Debug, thiserror::Error)]
#[error("no database is named: set --database-url, DATABASE_URL or database_url in the configuration file")]
struct NoDatabase;

async fn start(cli: Cli, matches: &clap::ArgMatches) -> Result<ExitCode> {
    let loaded =
        settings::load(matches, &cli.settings, cli.config.as_deref(), &Settings::defaults(), &["database_url"])?;
    log::init(&loaded.settings.log)?;
    match cli.verb {
        Verb::Run => run(&loaded.settings).await,
        Verb::Verify { offline, wait_s, json } => {
            check(&loaded.settings, offline, Duration::from_secs(wait_s), json).await
        }
        Verb::Dump => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            dump::dump(&open(&loaded.settings).await?, &mut out).await?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Config { verb: ConfigVerb::Show { json } } => show(&loaded, json),
    }
}

fn show(loaded: &Loaded<Settings>, json: bool) -> Result<ExitCode> {
    let text = if json { format!("{}\n", loaded.json()) } else { loaded.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn open(settings: &Settings) -> Result<Store> {
    let (url, schema) = database(settings)?;
    let store = Store::open(url, schema)?;
    store.reach().await?;
    Ok(store)
}

fn database(settings: &Settings) -> Result<(&str, &str)> {
    let Some(url) = &settings.database_url else {
        return Err(NoDatabase.into());
    };
    Ok((url, settings.schema.as_deref().unwrap_or("indexer")))
}

fn chain(settings: &Settings) -> (Chain, Commitment) {
    let commitment = settings.commitment.unwrap_or(Commitment::Finalized);
    let url = settings.rpc_url.as_deref().unwrap_or("http://127.0.0.1:8899");
    (Chain::with_commitment(url, commitment.config()), commitment)
}

async fn check(settings: &Settings, offline: bool, wait: Duration, json: bool) -> Result<ExitCode> {
    let store = open(settings).await?;
    let (chain, _) = chain(settings);
    let report = verify::verify(&store, (!offline).then_some(&chain), wait).await?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        for difference in &report.differences {
            println!("{difference}");
        }
        println!(
            "{} events in {} streams, {} state rows rebuilt, {} accounts and streams as on the chain: {} differences",
            report.events,
            report.streams,
            report.state_rows,
            report.accounts,
            report.differences.len()
        );
    }
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn run(settings: &Settings) -> Result<ExitCode> {
    let (url, schema) = database(settings)?;
    let (chain, commitment) = chain(settings);
    let listen = settings.listen.unwrap_or_else(|| std::net::SocketAddr::from(([127, 0, 0, 1], 8080)));
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: is it in use? name another with --listen"))?;
    let store = Store::connect(url, schema).await?;
    let identity = ChainIdentity {
        genesis_hash: solana_sdk::hash::Hash::new_from_array(chain.genesis_hash().await?).to_string(),
        network_program: muster_network::ID.to_string(),
        jobs_program: muster_jobs::ID.to_string(),
    };
    store.bind_to(&identity).await?;

    let status = Arc::new(Status::default());
    let pace = Pace {
        poll: Duration::from_millis(settings.poll_ms.unwrap_or(1_000).clamp(50, 60_000)),
        overlap_slots: settings.overlap_slots.unwrap_or(150),
    };
    let source = RpcSource::new(chain.clone(), commitment.config());
    let follower = tokio::spawn(Follower::new(source, store.clone(), status.clone(), pace).run());
    let datasets = Arc::new(Datasets::new(store.clone(), chain.clone())?);
    let fetcher = tokio::spawn(datasets.clone().run());
    let api = Api { store, chain, status, datasets, identity };
    tracing::info!(%listen, schema, commitment = ?commitment, cursor_slot = api.store.cursor().await?, "the indexer is ready");
    let served = axum::serve(listener, api::router(api)).with_graceful_shutdown(stopped()).await;
    // What a round has not committed yet is rolled back and read again at the next start.
    follower.abort();
    fetcher.abort();
    served.context("the API stopped")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or the terminate signal of a supervisor.
async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = interrupted => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}
