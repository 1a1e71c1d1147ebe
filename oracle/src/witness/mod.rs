//! A witness: another process, with another key, that remembers how far each log has come and cosigns what goes on from
//! there. It never signs a smaller log after a larger one, nor two logs of one size, over any restart: what it signs is
//! on disk before the signature leaves.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use muster_protocol::hash::hashv;
use muster_protocol::sig::SigningKey;
use muster_protocol::tlog::checkpoint::{Checkpoint, cosign};
use muster_protocol::tlog::note::{COSIGNATURE, NOTE_LEN_MAX, Verifier};
use muster_protocol::tlog::witness::{AddCheckpoint, Known, Refusal, judge};

use crate::context::ClockFn;
use crate::log::storage::{Lock, Storage, read_whole, write_whole};

pub mod command;
#[cfg(test)]
mod tests;

/// A witness's memory, and its key.
pub struct Witness {
    name: String,
    key: SigningKey,
    /// By origin.
    logs: HashMap<String, Verifier>,
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    clock: ClockFn,
    /// Judging and remembering are one step.
    deciding: Mutex<()>,
    _lock: Box<dyn Lock>,
}

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Two witnesses of one memory would contradict one another.
    #[error("the folder {} is in use by another process; stop it or name another --data-dir", .0.display())]
    InUse(PathBuf),
    /// The disk failed.
    #[error("the witness's folder: {0}")]
    Disk(#[from] io::Error),
    /// Whoever forgot what it signed may sign a rollback.
    #[error("the file {} is damaged; put it back as it was, or retire this witness's key", .0.display())]
    Damaged(PathBuf),
}

/// What a request comes to.
#[derive(Debug)]
pub enum Decision {
    /// The cosignature's line.
    Cosigned(String),
    /// The origin is nobody's.
    UnknownLog,
    /// Not cosigned, and why.
    Refused(Refusal),
}

impl Witness {
    /// Takes a folder for itself.
    pub fn open(
        storage: Arc<dyn Storage>,
        folder: PathBuf,
        name: String,
        key: SigningKey,
        logs: Vec<Verifier>,
        clock: ClockFn,
    ) -> Result<Self, WitnessError> {
        storage.create_folder(&folder)?;
        let lock = storage.lock(&folder.join("lock"))?.ok_or_else(|| WitnessError::InUse(folder.clone()))?;
        let logs = logs.into_iter().map(|log| (log.name.clone(), log)).collect();
        Ok(Self { name, key, logs, storage, folder, clock, deciding: Mutex::default(), _lock: lock })
    }

    /// What its cosignatures are verified by.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), kind: COSIGNATURE, key: self.key.verifying_key().to_bytes() }
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(hex::encode(hashv(&[origin.as_bytes()])))
    }

    /// The newest checkpoint of a log that was cosigned.
    pub fn known(&self, origin: &str) -> Result<Known, WitnessError> {
        let path = self.path(origin);
        let Some(bytes) = read_whole(&*self.storage, &path)? else {
            return Ok(Known::default());
        };
        let read = String::from_utf8(bytes).ok().and_then(|text| Checkpoint::parse(&text).ok());
        match read.filter(|checkpoint| checkpoint.origin == origin) {
            Some(Checkpoint { size, root, .. }) => Ok(Known { size, root }),
            None => Err(WitnessError::Damaged(path)),
        }
    }

    /// Decides on a request, and remembers before it answers. Blocks on the disk.
    pub fn decide(&self, request: &AddCheckpoint) -> Result<Decision, WitnessError> {
        let origin = request.note.text.lines().next().unwrap_or_default();
        let Some(log) = self.logs.get(origin) else {
            return Ok(Decision::UnknownLog);
        };
        let _deciding = self.deciding.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = self.known(origin)?;
        let checkpoint = match judge(known, request, log) {
            Ok(checkpoint) => checkpoint,
            Err(refusal) => {
                if matches!(refusal, Refusal::Forked(_) | Refusal::BadProof { .. }) {
                    // Signed by the log: evidence.
                    tracing::error!(origin, %refusal, note = request.note.encode(), "refused to cosign");
                }
                return Ok(Decision::Refused(refusal));
            }
        };
        if (Known { size: checkpoint.size, root: checkpoint.root }) != known {
            let temporary = self.folder.join("temporary");
            write_whole(&*self.storage, &self.path(origin), &temporary, checkpoint.text().as_bytes())?;
        }
        let line = cosign(&request.note.text, &self.name, &self.key, (self.clock)() / 1_000).line();
        Ok(Decision::Cosigned(line))
    }
}

/// The witness's API: `POST /add-checkpoint` as C2SP's `tlog-witness` has it, and `GET /health`.
pub fn router(witness: Arc<Witness>) -> Router {
    // A note, and the proof before it.
    let limit = DefaultBodyLimit::max(NOTE_LEN_MAX + (8 << 10));
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint).layer(limit))
        .route("/health", get(health))
        .with_state(witness)
}

async fn health(State(witness): State<Arc<Witness>>) -> String {
    format!("{}\n", witness.verifier().encode())
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let request = match AddCheckpoint::parse(&body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let decided = tokio::task::spawn_blocking(move || witness.decide(&request)).await;
    let failed = |why: String| {
        tracing::error!(why, "a checkpoint could not be decided on");
        (StatusCode::INTERNAL_SERVER_ERROR, "the witness's folder cannot be read or written\n").into_response()
    };
    match decided {
        Ok(Ok(Decision::Cosigned(line))) => line.into_response(),
        Ok(Ok(Decision::UnknownLog)) => (StatusCode::NOT_FOUND, "this witness does not know the log\n").into_response(),
        Ok(Ok(Decision::Refused(refusal))) => refused(&refusal),
        Ok(Err(error)) => failed(error.to_string()),
        Err(error) => failed(error.to_string()),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let code = match refusal {
        Refusal::Malformed(_) | Refusal::Backwards { .. } => StatusCode::BAD_REQUEST,
        Refusal::NotSigned(_) => StatusCode::FORBIDDEN,
        Refusal::OtherSize { known, .. } | Refusal::Forked(known) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            return (StatusCode::CONFLICT, kind, format!("{known}\n")).into_response();
        }
        Refusal::BadProof { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (code, format!("{refusal}\n")).into_response()
}
