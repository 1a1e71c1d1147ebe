//! `muster-agent run`: the shell around the core. Every part is a task that ends when `stop` turns true; they share
//! [`Shared`] and nothing else.

mod archive;
mod fetch;
mod heartbeats;
mod metrics;
mod offer;
mod outbox;
mod recorder;
mod reports;
mod sequence;
mod shared;
mod state_file;
mod tasks;
mod watcher;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::Context;
use crate::core::backoff::delay_ms;
use crate::failure::Failure;
use crate::network::Network;

pub use shared::Shared;

/// Receipts that wait for the disk at most; a full queue makes the oracles' tasks wait, not lose.
const RECEIPTS_WAITING_MAX: usize = 1024;
/// How long the parts may take to end after a signal: a running container is killed and removed in this time.
const STOP_WITHIN: Duration = Duration::from_secs(75);

/// Runs until SIGINT or SIGTERM.
pub async fn run(context: Context) -> Result<(), Failure> {
    let identity = context.identity()?;
    context.data.create()?;
    let _lock = context.data.lock()?;
    let listener = metrics::bind(context.settings.metrics_listen.as_deref().unwrap_or("")).await?;
    let (stop_sender, stop) = watch::channel(false);
    let signals = tokio::spawn(async move {
        let result = wait_for_signal().await;
        stop_sender.send_replace(true);
        result
    });
    let Some(network) = first_network(&context, stop.clone()).await else {
        return Ok(());
    };
    let (network_sender, network) = watch::channel(Arc::new(network));
    let (receipts, recorded) = mpsc::channel(RECEIPTS_WAITING_MAX);
    let shared = Arc::new(Shared::new(context, identity, network, receipts, stop)?);
    tracing::info!(
        node_key = shared.identity.base58(),
        oracles = shared.network().oracles.len(),
        threshold = shared.network().threshold,
        data_dir = %shared.data.root().display(),
        "the agent runs"
    );

    // The recorder ends when the last sender of receipts is gone: after everybody else.
    let recorder = tokio::spawn(recorder::run(shared.data.receipts(), shared.keep(), recorded));
    let mut parts = JoinSet::new();
    parts.spawn(watcher::network(shared.clone(), network_sender));
    parts.spawn(watcher::load(shared.clone()));
    parts.spawn(heartbeats::run(shared.clone()));
    parts.spawn(state_file::run(shared.clone()));
    if let Some(listener) = listener {
        parts.spawn(metrics::run(shared.clone(), listener));
    }
    if shared.settings.accept_tasks.unwrap_or(true) {
        parts.spawn(tasks::run(shared.clone()));
    }
    let result = join_all(&mut parts, &shared).await;
    drop(shared);
    if tokio::time::timeout(Duration::from_secs(10), recorder).await.is_err() {
        tracing::warn!("the last receipts did not reach the disk in time");
    }
    signals.abort();
    tracing::info!("the agent ended");
    result
}

/// Waits for all parts. A part that ends by a panic ends the agent: half an agent would look alive.
async fn join_all(parts: &mut JoinSet<()>, shared: &Shared) -> Result<(), Failure> {
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            ended = parts.join_next() => match ended {
                None => return Ok(()),
                Some(Ok(())) => continue,
                Some(Err(error)) => {
                    parts.abort_all();
                    return Err(Failure::Local(format!("a part of the agent failed: {error}")));
                }
            },
        }
    }
    tracing::info!("stopping");
    let all = async { while parts.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
        parts.abort_all();
        return Err(Failure::Local(format!("the agent did not stop within {} s", STOP_WITHIN.as_secs())));
    }
    Ok(())
}

/// Asks until somebody tells the oracle set; `None` when stopped before.
async fn first_network(context: &Context, stop: watch::Receiver<bool>) -> Option<Network> {
    let mut failures = 0;
    loop {
        let asked = tokio::select! {
            asked = context.network() => asked,
            () = shared::stopped(stop.clone()) => return None,
        };
        match asked {
            Ok(network) => return Some(network),
            Err(error) => {
                failures += 1;
                let wait_ms = delay_ms(failures, 1_000, 30_000, rand::random());
                tracing::warn!(%error, wait_ms, "the network cannot be read, trying again");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                    () = shared::stopped(stop.clone()) => return None,
                }
            }
        }
    }
}

async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
