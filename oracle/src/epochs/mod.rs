//! From the end of an epoch to the vote on its rewards. Every step is idempotent and starts from what is on disk and on
//! chain, so that the oracle may be stopped at any point.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use muster_network::state::ViewSet;
use muster_protocol::Hash;
use muster_protocol::dataset::Dataset;
use muster_protocol::wire::WireError;

use crate::context::OracleContext;
use crate::ingest::Handle;
use crate::registry::ledger::{Ledger, LedgerError};
use approve::Held;
use disputes::Disputes;
use report::Report;
use store::Store;

pub mod acceptance;
pub mod approve;
mod base;
pub mod compute;
mod correct;
mod disputes;
mod driver;
mod figures;
pub mod peers;
mod recompute;
pub mod report;
pub mod scores;
mod sent;
mod settle;
pub mod store;
pub mod views;

/// Ended epochs that are still looked after; an open settlement is, whatever its epoch.
pub const WINDOW: u64 = 8;

/// Why a step did not go on.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Something has to happen elsewhere first.
    #[error("{0}")]
    Waiting(String),
    /// This oracle does not agree.
    #[error("{0}")]
    Refused(String),
    /// This oracle computed another root than the chain has.
    #[error("{0}")]
    Disputed(String),
    /// The chain gave no answer, or refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The disk failed.
    #[error("the data folder: {0}")]
    Disk(#[from] std::io::Error),
    /// Bytes that cannot be made or read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// No dataset yet.
    #[error(transparent)]
    NotYet(#[from] compute::NotYet),
}

/// A project's address and an epoch.
type ProjectEpoch = ([u8; 32], u64);

/// A computed dataset and its hash.
pub(crate) struct Computed {
    pub dataset: Dataset,
    pub hash: Hash,
}

/// See the module.
pub struct Epochs {
    ctx: Arc<OracleContext>,
    ledger: Arc<dyn Ledger>,
    ingest: Handle,
    store: Store,
    /// Signed views that the disk has not taken yet: an epoch is never signed twice.
    unpublished: tokio::sync::Mutex<HashMap<u64, Vec<u8>>>,
    /// Closed view sets, which do not change any more.
    closed: tokio::sync::Mutex<BTreeMap<u64, Box<ViewSet>>>,
    computed: Mutex<HashMap<ProjectEpoch, Arc<Computed>>>,
    trees: Mutex<HashMap<Hash, Arc<Held>>>,
    reports: Mutex<BTreeMap<ProjectEpoch, Report>>,
    disputes: Mutex<Disputes>,
    /// Failed attempts to compute a root again.
    recompute_tries: Mutex<HashMap<Hash, u32>>,
    backoff: Mutex<HashMap<String, (u32, u64)>>,
    sent: sent::Sent,
}

impl Epochs {
    /// Looks after `ctx`'s epochs; [`Epochs::run`] does the work.
    pub fn new(ctx: Arc<OracleContext>, ledger: Arc<dyn Ledger>, ingest: Handle) -> Self {
        let store = Store::new(ctx.storage.clone(), &ctx.settings.data_dir);
        Self {
            ctx,
            ledger,
            ingest,
            store,
            unpublished: Default::default(),
            closed: Default::default(),
            computed: Default::default(),
            trees: Default::default(),
            reports: Default::default(),
            disputes: Default::default(),
            recompute_tries: Default::default(),
            backoff: Default::default(),
            sent: Default::default(),
        }
    }

    /// The files of epochs.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
