//! The chain, with a note of how it is read, of what was sent and of what was refused for want of money.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::future::BoxFuture;
use muster_network::ApproveRootArgs;
use muster_network::state::{Epoch, ViewSet};

use super::{Ops, Sent};
use crate::context::ClockFn;
use crate::registry::Registry;
use crate::registry::ledger::{Answer, Ledger, LedgerError};

/// See the module.
pub struct Watched {
    inner: Arc<dyn Ledger>,
    ops: Arc<Ops>,
    clock: ClockFn,
}

impl Watched {
    /// Passes everything on to `inner`.
    pub fn new(inner: Arc<dyn Ledger>, ops: Arc<Ops>, clock: ClockFn) -> Self {
        Self { inner, ops, clock }
    }

    fn note<'a>(
        &'a self,
        sending: Answer<'a, String>,
        taken: &'a AtomicU64,
    ) -> BoxFuture<'a, Result<String, LedgerError>> {
        Box::pin(async move {
            let sent = sending.await;
            match &sent {
                Ok(_) => Sent::count(taken),
                Err(error) if error.is_overtaken_vote() => {}
                Err(error) => {
                    Sent::count(&self.ops.sent.failed);
                    if error.is_unfunded() && self.ops.funds.note_refusal() {
                        tracing::error!(%error, "this oracle cannot pay for a transaction; send SOL to its key");
                    }
                }
            }
            sent
        })
    }
}

impl Ledger for Watched {
    fn registry(&self) -> Answer<'_, Registry> {
        Box::pin(async move {
            let picture = self.inner.registry().await;
            match &picture {
                Ok(picture) => self.ops.chain.read(picture.slot, (self.clock)()),
                Err(_) => self.ops.chain.failed(),
            }
            picture
        })
    }

    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>> {
        self.inner.view_set(epoch, min_slot)
    }

    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>> {
        self.inner.settlement(project, epoch, min_slot)
    }

    fn balance(&self) -> Answer<'_, u64> {
        self.inner.balance()
    }

    fn commit_views(&self, epoch: u64, hashes: Vec<[u8; 32]>) -> Answer<'_, String> {
        self.note(self.inner.commit_views(epoch, hashes), &self.ops.sent.views)
    }

    fn approve_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String> {
        self.note(self.inner.approve_root(project, args), &self.ops.sent.votes)
    }

    fn correct_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String> {
        self.note(self.inner.correct_root(project, args), &self.ops.sent.corrections)
    }
}
