//! A task at work, and its progress on the way to the oracles.

use std::sync::Arc;
use std::time::Duration;

use muster_protocol::Hash;
use muster_protocol::result::Progress;
use muster_protocol::wire::Frame;
use reqwest::Method;
use tokio::sync::{mpsc, watch};

use super::Shared;
use super::outbox;
use super::shared::Running;
use super::work::{self, Ended, Task};
use crate::container::ContainerRunner;
use crate::oracle_api::now_ms;

/// Between two progress frames of a task.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Runs a task while its progress goes to the oracles.
pub async fn perform(
    shared: Arc<Shared>,
    runner: Arc<ContainerRunner>,
    task: Task,
    stopped: watch::Receiver<bool>,
) -> Ended {
    shared.set_running(Some(Running { job: task.offer.job, percent: 0, started_at_ms: now_ms() }));
    let (percent, seen) = watch::channel(0);
    let (done, ended) = mpsc::channel::<()>(1);
    let reports = tokio::spawn(report(shared.clone(), task.offer.job, task.offer.assignment_hash, seen, ended));
    let result = work::perform(&shared, &runner, &task, &percent, stopped).await;
    drop(done);
    drop(percent);
    // A report on its way may take its time-out; the result need not wait for it.
    reports.abort();
    result
}

/// Sends progress to every oracle, at most once a second; lost frames are replaced by the next.
async fn report(
    shared: Arc<Shared>,
    job: [u8; 32],
    assignment_hash: Hash,
    mut seen: watch::Receiver<u8>,
    mut ended: mpsc::Receiver<()>,
) {
    loop {
        let percent = *seen.borrow_and_update();
        match progress_frame(&shared, job, assignment_hash, percent) {
            Ok(frame) => {
                let network = shared.network();
                let calls = network
                    .oracles
                    .iter()
                    .map(|oracle| outbox::call(&shared, oracle, Method::POST, "/api/v1/progress", frame.clone()));
                for (oracle, result) in network.oracles.iter().zip(futures_util::future::join_all(calls).await) {
                    if let Err(error) = result {
                        tracing::debug!(oracle = oracle.url, %error, "a progress report was not taken");
                    }
                }
            }
            Err(error) => tracing::warn!(error, "progress cannot be signed"),
        }
        tokio::select! {
            _ = ended.recv() => return,
            () = tokio::time::sleep(PROGRESS_EVERY) => {}
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

fn progress_frame(shared: &Shared, job: [u8; 32], assignment_hash: Hash, percent: u8) -> Result<Vec<u8>, String> {
    let seq = shared.next_seq().map_err(|error| error.to_string())?;
    let node_key = shared.identity.key;
    let progress = Progress { job, node_key, assignment_hash, percent: percent.min(100), seq, at_ms: now_ms() };
    progress.encode_signed(&shared.domain(), &shared.identity.signing_key).map_err(|error| error.to_string())
}
