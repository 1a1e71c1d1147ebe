//! The oracle's transparency log: what it acknowledged, saw and took from the chain, in a tree that only grows, signed
//! every second and cosigned by witnesses. Anybody checks a receipt against it, and it against itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster_protocol::tlog::check::BatchProof;
use muster_protocol::tlog::note::Verifier;
use tokio::sync::watch;

use crate::context::ClockFn;
use sides::{NoProof, SideIndex, prove};
use status::{Signed, Status};
use tree::LogTree;
use witnesses::Witness;
use writer::Writer;

pub mod boot;
pub mod catch_up;
pub mod cursors;
pub mod journal;
pub mod sides;
pub mod sources;
pub mod status;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod witnesses;
pub mod writer;

/// Between two turns of the writer.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// How often the writer looks whether it has to stop.
const STOP_LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the API serves of the log.
pub struct Transparency {
    /// The tree; none if the log cannot be used: then the status says why.
    pub tree: Option<Arc<LogTree>>,
    /// Figures, the failure, the checkpoint.
    pub status: Arc<Status>,
    /// By which checkpoints are verified.
    pub verifier: Verifier,
    /// Whose cosignatures are asked for.
    pub witnesses: Vec<Witness>,
    sides: Arc<Mutex<SideIndex>>,
}

/// Stops the writer's thread when it is dropped.
pub struct Stop {
    flag: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Transparency {
    /// A log that cannot be opened; the oracle serves without it, and says so.
    pub fn unusable(verifier: Verifier, witnesses: Vec<Witness>, why: String) -> Self {
        tracing::error!(why, "there is no transparency log");
        let status = Arc::new(Status::default());
        status.fail(why);
        Self { tree: None, status, verifier, witnesses, sides: Arc::default() }
    }

    /// What is served of a writer's log.
    pub fn of(writer: &Writer, verifier: Verifier, witnesses: Vec<Witness>) -> Self {
        Self { tree: Some(writer.tree()), status: writer.status(), verifier, witnesses, sides: writer.sides() }
    }

    /// The proof that a batch is in the log that is served, and the checkpoint that it is of. Reads the disk.
    pub fn prove(&self, batch_no: u64) -> Result<(BatchProof, Signed), NoProof> {
        let not_yet = || NoProof::NotYet(batch_no);
        let (Some(tree), Some(signed)) = (&self.tree, self.status.served()) else {
            return Err(not_yet());
        };
        let bundle = self.sides.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).bundle_of(batch_no)?;
        let proof = prove(tree, self.verifier.key, bundle, batch_no, signed.checkpoint.size)?;
        Ok((proof, signed))
    }
}

/// Gives the writer its turns on a thread of its own, until it is stopped or fails.
pub fn spawn(mut writer: Writer, clock: ClockFn) -> std::io::Result<Stop> {
    let (flag, stopped) = watch::channel(false);
    let status = writer.status();
    let thread = std::thread::Builder::new().name("transparency".into()).spawn(move || {
        loop {
            if status.failure().is_some() {
                return;
            }
            if let Err(error) = writer.turn(clock()) {
                let is_full = matches!(&error, writer::TlogError::Disk(error)
                    if error.kind() == std::io::ErrorKind::StorageFull);
                tracing::error!(%error, is_full, "the transparency log stands still");
                // A full disk gets room again; after any other error nobody knows what the disk holds.
                if !is_full {
                    status.fail(error.to_string());
                    return;
                }
            }
            let mut waited = Duration::ZERO;
            while waited < TURN_EVERY {
                if *stopped.borrow() {
                    return;
                }
                std::thread::sleep(STOP_LOOK_EVERY);
                waited += STOP_LOOK_EVERY;
            }
        }
    })?;
    Ok(Stop { flag, thread: Some(thread) })
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.flag.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked said so in the log.
            let _ = thread.join();
        }
    }
}
