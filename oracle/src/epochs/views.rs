//! Views: sign and publish the own one, collect the others', say on chain which ones are held.

use muster_network::state::ViewSet;
use muster_protocol::Hash;
use muster_protocol::hash::hashv;
use muster_protocol::units::EpochIndex;
use muster_protocol::view::View;
use muster_protocol::wire::Frame;

use super::{Epochs, Problem, peers};
use crate::registry::Registry;

const ABSENT: Hash = [0; 32];

impl Epochs {
    /// When the epoch's view may be signed: nothing of it can arrive any more. Unix milliseconds.
    fn closes_at_ms(&self, epoch: u64) -> u64 {
        let schedule = &self.ctx.schedule;
        let end_ms = schedule.epoch_end(EpochIndex::new(epoch)).saturating_mul(1000);
        let slack_ms = self.ctx.settings.settle_slack_ms.max(schedule.bucket_slack_ms() + 500);
        end_ms.saturating_add(slack_ms)
    }

    /// Signs, keeps and so publishes the view of an epoch that is over. Once: what is on disk stands.
    pub(super) async fn publish(&self, registry: &Registry, epoch: u64) -> Result<(), Problem> {
        let own = self.ctx.identity.key;
        if self.store.view(epoch, &own)?.is_some() {
            return Ok(());
        }
        let end_s = self.ctx.schedule.epoch_end(EpochIndex::new(epoch));
        if self.ctx.now_ms() < self.closes_at_ms(epoch) || registry.clock_s < end_s as i64 {
            return Err(Problem::Waiting("the epoch is not over on both clocks".into()));
        }
        let kept = self.unpublished.lock().await.get(&epoch).cloned();
        let signed = match kept {
            Some(signed) => signed,
            // A clock that was set back makes it look as if the oracle had been awake in epochs before its first view.
            None if epoch < self.ingest.core().frozen_before() => return Ok(()),
            None => {
                let Some(view) = self.ingest.freeze(epoch).await else {
                    return Err(Problem::Waiting("the epoch's view cannot be frozen".into()));
                };
                let signed = view.encode_signed(&self.ctx.domain, &self.ctx.identity.signing_key)?;
                self.unpublished.lock().await.insert(epoch, signed.clone());
                signed
            }
        };
        self.store.put_view(epoch, &own, &signed)?;
        self.unpublished.lock().await.remove(&epoch);
        let hash = hex::encode(View::hash(&signed));
        tracing::info!(epoch, bytes = signed.len(), hash, "published the view of an epoch");
        Ok(())
    }

    /// The most bytes of a peer's view: all nodes that are known, with their frames, and some more.
    fn view_bytes_max(&self, registry: &Registry) -> usize {
        let bitmap = self.ctx.schedule.buckets().div_ceil(8) as usize;
        (registry.nodes.len() + 4096).saturating_mul(bitmap + 1024)
    }

    /// Whether bytes are that oracle's view of the epoch.
    fn checked_view(&self, bytes: &[u8], oracle: &[u8; 32], epoch: u64) -> Option<View> {
        match View::decode_verified(&self.ctx.domain, bytes) {
            Ok(view)
                if view.oracle_key == *oracle
                    && view.epoch.get() == epoch
                    && view.buckets == self.ctx.schedule.buckets() =>
            {
                Some(view)
            }
            Ok(_) => {
                tracing::warn!(epoch, "a peer gave the view of another oracle, epoch or schedule");
                None
            }
            Err(error) => {
                tracing::warn!(epoch, %error, "a peer's view is refused");
                None
            }
        }
    }

    /// The hash of each oracle's view that is held, after asking for those that are not.
    async fn row(&self, registry: &Registry, epoch: u64) -> Result<Vec<Hash>, Problem> {
        let limit = self.view_bytes_max(registry);
        let held = registry.oracle_set.oracles.iter().map(|oracle| async move {
            if let Some(bytes) = self.store.view(epoch, &oracle.key)? {
                return Ok(View::hash(&bytes));
            }
            if oracle.key == self.ctx.identity.key {
                return Ok(ABSENT);
            }
            let path = format!("/api/v1/views/{epoch}");
            let Some(bytes) = peers::get(&self.ctx, oracle, &path, limit).await else {
                return Ok(ABSENT);
            };
            if self.checked_view(&bytes, &oracle.key, epoch).is_none() {
                return Ok(ABSENT);
            }
            self.store.put_view(epoch, &oracle.key, &bytes)?;
            Ok(View::hash(&bytes))
        });
        futures_util::future::join_all(held).await.into_iter().collect()
    }

    /// The view set of an epoch; `Some` is final once closed.
    pub(super) async fn view_set(&self, registry: &Registry, epoch: u64) -> Result<(Option<ViewSet>, bool), Problem> {
        if let Some(closed) = self.closed.lock().await.get(&epoch) {
            return Ok((Some(**closed), true));
        }
        let Some(view_set) = self.ledger.view_set(epoch, registry.slot).await? else {
            return Ok((None, false));
        };
        let end_s = self.ctx.schedule.epoch_end(EpochIndex::new(epoch)) as i64;
        let grace_end_s = end_s.saturating_add(registry.grace_s.into());
        let closed = view_set.is_closed(registry.clock_s, grace_end_s);
        if closed {
            self.closed.lock().await.insert(epoch, Box::new(view_set));
        }
        Ok((Some(view_set), closed))
    }

    /// Names on chain what is held, first when all is held or a third of the grace is over, again when there is more.
    pub(super) async fn commit(&self, registry: &Registry, epoch: u64) -> Result<(), Problem> {
        let set = &registry.oracle_set;
        let Some(position) = set.position(&self.ctx.identity.key) else {
            return Err(Problem::Waiting("this oracle is not in the set".into()));
        };
        let (view_set, closed) = self.view_set(registry, epoch).await?;
        if closed {
            return Ok(());
        }
        let row = self.row(registry, epoch).await?;
        if row[position] == ABSENT {
            return Ok(());
        }
        let on_chain = view_set.filter(|view_set| view_set.set_version == set.version);
        let better = match &on_chain {
            Some(view_set) => {
                let named = &view_set.rows[position];
                row.iter().zip(named).any(|(held, named)| *held != ABSENT && *named == ABSENT)
            }
            None => true,
        };
        let complete = row.iter().all(|hash| *hash != ABSENT);
        let patience_ms = u64::from(registry.grace_s) * 1000 / 3;
        let waited = self.ctx.now_ms() >= self.closes_at_ms(epoch).saturating_add(patience_ms);
        if !better || !(complete || waited) {
            return Ok(());
        }
        let held = row.iter().filter(|hash| **hash != ABSENT).count();
        let (what, content) = (format!("views {epoch}"), hashv(&[&set.version.to_le_bytes(), row.as_flattened()]));
        if self.sent.is_on_its_way(&what, &content, self.ctx.now_ms()) {
            return Ok(());
        }
        let signature = self.ledger.commit_views(epoch, row).await?;
        self.sent.note(what, content, self.ctx.now_ms());
        tracing::info!(epoch, held, of = set.oracles.len(), signature, "committed the views");
        Ok(())
    }

    /// The view with this hash, from the disk or from any peer that holds it.
    pub(super) async fn view_by_hash(
        &self,
        registry: &Registry,
        epoch: u64,
        oracle: &[u8; 32],
        hash: &Hash,
    ) -> Result<View, Problem> {
        for held in [self.store.view(epoch, oracle)?, self.store.view_in(epoch, oracle)?] {
            let held = held.filter(|bytes| View::hash(bytes) == *hash);
            if let Some(view) = held.and_then(|bytes| self.checked_view(&bytes, oracle, epoch)) {
                return Ok(view);
            }
        }
        let key = bs58::encode(oracle).into_string();
        let path = format!("/api/v1/views/{epoch}?oracle={key}");
        let good = |bytes: &[u8]| {
            if View::hash(bytes) != *hash {
                return None;
            }
            self.checked_view(bytes, oracle, epoch)
        };
        let found = peers::first(&self.ctx, &path, self.view_bytes_max(registry), good).await;
        let Some((bytes, view)) = found else {
            let hash = hex::encode(hash);
            return Err(Problem::Waiting(format!("the view {hash} of oracle {key} is in, but no oracle gives it")));
        };
        if self.store.view(epoch, oracle)?.is_none() {
            self.store.put_view(epoch, oracle, &bytes)?;
        } else {
            self.store.put_view_in(epoch, oracle, &bytes)?;
        }
        Ok(view)
    }
}
