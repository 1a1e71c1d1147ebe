//! What the log of transparency says about itself, and what is served of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock};

use muster_protocol::ledger::{ChainId, Tail};
use muster_protocol::tlog::checkpoint::Checkpoint;
use muster_protocol::tlog::note::Note;
use serde_json::{Value, json};

/// A checkpoint and the note that it is read from.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// With the log's signature, and witnesses' where they answered.
    pub note: Note,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Status {
    /// Entries, durable.
    pub size: AtomicU64,
    /// Batches that are committed and in no entry yet.
    pub lag_batches: AtomicU64,
    /// Batches that no entry will ever hold: their segments were gone before they were read.
    pub missed_batches: AtomicU64,
    /// When the newest checkpoint was signed, Unix milliseconds.
    pub signed_at_ms: AtomicU64,
    /// Cosignatures that came.
    pub cosigned: AtomicU64,
    /// Requests to witnesses that gave none.
    pub not_cosigned: AtomicU64,
    served: RwLock<Option<Signed>>,
    heads: RwLock<BTreeMap<ChainId, (Tail, u64)>>,
    failure: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Status {
    /// The checkpoint that is served.
    pub fn served(&self) -> Option<Signed> {
        self.served.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Serves a checkpoint, unless a larger one is served already.
    pub fn serve(&self, signed: Signed) {
        let mut served = self.served.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if served.as_ref().is_none_or(|served| served.checkpoint.size <= signed.checkpoint.size) {
            *served = Some(signed);
        }
    }

    /// The newest block of each chain that is in the log, and its entry.
    pub fn heads(&self) -> BTreeMap<ChainId, (Tail, u64)> {
        self.heads.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// What [`Status::heads`] says from now on.
    pub fn set_heads(&self, heads: BTreeMap<ChainId, (Tail, u64)>) {
        *self.heads.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = heads;
    }

    /// Why the log goes on no more, if it does not.
    pub fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// Remembers the first failure.
    pub fn fail(&self, why: String) {
        lock(&self.failure).get_or_insert(why);
    }

    /// The figures.
    pub fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "size": read(&self.size),
            "checkpoint_size": self.served().map_or(0, |signed| signed.checkpoint.size),
            "signed_at_ms": read(&self.signed_at_ms),
            "lag_batches": read(&self.lag_batches),
            "missed_batches": read(&self.missed_batches),
            "cosigned": read(&self.cosigned),
            "not_cosigned": read(&self.not_cosigned),
            "failure": self.failure(),
        })
    }
}
