//! `muster-oracle witness run` and `witness key`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use muster_client::shell::keys;
use muster_client::shell::log::{self, LogSettings};
use muster_protocol::sig::SigningKey;
use muster_protocol::tlog::note::{ED25519, Verifier, is_name};
use tokio::net::TcpListener;

use super::{Witness, router};
use crate::context::system_clock;
use crate::log::storage::Disk;
use crate::server::ListenError;

/// What a witness does.
#[derive(Subcommand)]
pub enum WitnessCommand {
    /// Cosigns the checkpoints of logs that only grow, until SIGINT or SIGTERM.
    Run(RunArgs),
    /// Prints what oracles name this witness by, before @ and its URL.
    Key(KeyArgs),
}

/// Who a witness is.
#[derive(Args)]
pub struct KeyArgs {
    /// The witness's name: a URL without https://, its own for ever.
    #[arg(long, env = "MUSTER_WITNESS_NAME", value_name = "NAME")]
    name: String,
    /// The witness's key file, as solana-keygen writes it; no oracle's.
    #[arg(long, env = "MUSTER_WITNESS_KEY", value_name = "FILE")]
    key: PathBuf,
}

/// What a witness runs with.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    who: KeyArgs,
    /// Where it listens.
    #[arg(long, env = "MUSTER_WITNESS_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9200")]
    listen: SocketAddr,
    /// A TLS proxy stands in front: listen on other than loopback addresses too.
    #[arg(long, env = "MUSTER_BEHIND_PROXY")]
    behind_proxy: bool,
    /// What it remembers. Whoever loses it retires the key.
    #[arg(long, env = "MUSTER_WITNESS_DATA_DIR", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// The keys of the logs that it witnesses, as GET /api/v1/tlog of an oracle gives its own; with commas between them.
    #[arg(long = "logs", env = "MUSTER_WITNESS_LOGS", value_name = "KEY,...", value_delimiter = ',', required = true)]
    logs: Vec<String>,
    #[command(flatten)]
    log: LogSettings,
}

/// A name or key that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadName(String);

impl KeyArgs {
    fn key(&self) -> anyhow::Result<SigningKey> {
        if !is_name(&self.name) {
            return Err(BadName(format!("{:?} is no name: it has spaces, + or nothing in it", self.name)).into());
        }
        Ok(SigningKey::from_bytes(keys::read(&self.key)?.secret_bytes()))
    }
}

impl WitnessCommand {
    /// Does it; `stop` ends a witness that runs.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        match self {
            Self::Key(who) => {
                let key = who.key()?.verifying_key().to_bytes();
                let kind = muster_protocol::tlog::note::COSIGNATURE;
                println!("{}", Verifier { name: who.name, kind, key }.encode());
                Ok(())
            }
            Self::Run(args) => serve(args, stop).await,
        }
    }
}

async fn serve(args: RunArgs, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    log::init(&args.log)?;
    let key = args.who.key()?;
    let logs: Vec<Verifier> = args.logs.iter().map(|text| log_key(text)).collect::<Result<_, _>>()?;
    if !args.listen.ip().is_loopback() && !args.behind_proxy {
        return Err(ListenError(args.listen).into());
    }
    let name = args.who.name;
    let witness = Witness::open(Arc::new(Disk), args.data_dir, name, key, logs, system_clock())?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}; name another --listen", args.listen))?;
    tracing::info!(address = %listener.local_addr()?, key = witness.verifier().encode(), "the witness serves");
    let served = axum::serve(listener, router(Arc::new(witness))).with_graceful_shutdown(stop);
    served.await.context("the server failed")
}

fn log_key(text: &str) -> Result<Verifier, BadName> {
    let wrong = |why: &str| BadName(format!("{text:?} is no log's key: {why}"));
    let verifier = Verifier::decode(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    if verifier.kind == ED25519 { Ok(verifier) } else { Err(wrong("it is a witness's")) }
}
