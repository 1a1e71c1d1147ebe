//! One project's epoch, from the closed view set to the vote.

use std::sync::Arc;

use muster_network::state::{Epoch, ViewSet, epoch_status};
use muster_protocol::Hash;
use muster_protocol::dataset::Dataset;
use muster_protocol::hash::hashv;
use muster_protocol::scores::{NO_SCORES, Scores};
use muster_protocol::units::EpochIndex;

use super::compute::{Inputs, members, members_of};
use super::report::{Report, State};
use super::{Computed, Epochs, Problem};
use crate::registry::{ProjectInfo, Registry};

impl Epochs {
    /// Takes a project's epoch as far as it goes now, and keeps what the API says about it.
    pub(super) async fn settle(&self, registry: &Registry, project: &ProjectInfo, epoch: u64) -> Result<(), Problem> {
        let before = self.report(&project.project, epoch);
        if before.as_ref().is_some_and(|report| report.done) {
            return Ok(());
        }
        let mut report = Report::new(State::Grace);
        let outcome = self.walk(registry, project, epoch, &mut report).await;
        if let Err(problem) = &outcome {
            report.why = problem.to_string();
            if matches!(problem, Problem::Refused(_)) {
                let named = bs58::encode(project.project).into_string();
                tracing::warn!(project = named, epoch, why = report.why, "refused to approve");
            }
            // An answer that did not come does not undo what was known.
            if let (Problem::Ledger(_), Some(before)) = (problem, before) {
                report.state = report.state.max(before.state);
                report.computed = report.computed.or(before.computed);
                if report.views.is_empty() {
                    report.views = before.views;
                }
            }
        }
        self.set_report(&project.project, epoch, report);
        outcome
    }

    async fn walk(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        epoch: u64,
        report: &mut Report,
    ) -> Result<(), Problem> {
        let end_s = self.ctx.schedule.epoch_end(EpochIndex::new(epoch)) as i64;
        if registry.clock_s >= end_s.saturating_add(registry.grace_s.into()) {
            report.state = State::Views;
        }
        let (view_set, closed) = self.view_set(registry, epoch).await?;
        let oracles = &registry.oracle_set.oracles;
        let hashes = view_set.as_ref().map(|view_set| view_set.view_hashes).unwrap_or_default();
        let named = oracles.iter().zip(hashes);
        report.views = named.map(|(o, hash)| (o.key, hash, hash != [0; 32])).collect();
        let Some(view_set) = view_set.filter(|_| closed) else {
            report.why = "the view set is not closed yet".into();
            return Ok(());
        };
        report.state = State::Views;
        let settlement = self.ledger.settlement(project.project, epoch, registry.slot).await?;
        let (scores_hash, scores) = self.scores_for(project, epoch, settlement.as_ref()).await?;
        report.scores_hash = scores_hash;
        let computed = self.compute(registry, project, epoch, &view_set, scores_hash, scores.as_ref()).await?;
        report.computed = Some(computed.clone());
        report.state = State::Ready;
        let Some(settlement) = settlement else {
            if project.next_epoch > epoch {
                report.state = State::Skipped;
                report.why = "a later epoch was settled, this one never can be".into();
                report.done = true;
            }
            return Ok(());
        };
        report.state = match settlement.status {
            epoch_status::FINAL => State::Final,
            epoch_status::APPROVED => State::Approved,
            _ => State::Settled,
        };
        report.settled_at = settlement.settled_at;
        if settlement.status == epoch_status::FINAL {
            report.done = true;
            return Ok(());
        }
        self.approve(registry, project, &settlement, &computed.dataset).await
    }

    /// A settlement and what this oracle computes of its epoch; none while either is not to be had.
    pub(super) async fn settled(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        epoch: u64,
    ) -> Result<Option<(Epoch, Arc<Computed>)>, Problem> {
        let (view_set, closed) = self.view_set(registry, epoch).await?;
        let settlement = self.ledger.settlement(project.project, epoch, registry.slot).await?;
        let (Some(view_set), true, Some(settlement)) = (view_set, closed, settlement) else {
            return Ok(None);
        };
        let (scores_hash, scores) = self.scores_for(project, epoch, Some(&settlement)).await?;
        let computed = self.compute(registry, project, epoch, &view_set, scores_hash, scores.as_ref()).await?;
        Ok(Some((settlement, computed)))
    }

    /// The score file that counts: the one that the settlement names; before it the newest one here.
    async fn scores_for(
        &self,
        project: &ProjectInfo,
        epoch: u64,
        settlement: Option<&Epoch>,
    ) -> Result<(Hash, Option<Scores>), Problem> {
        let bytes = match settlement {
            Some(settlement) if settlement.scores_hash == NO_SCORES => None,
            Some(settlement) => {
                let hash = settlement.scores_hash;
                Some((hash, self.scores_by_hash(project, epoch, &hash).await?))
            }
            None => {
                if self.store.current_scores(&project.project, epoch)?.is_none() {
                    self.pull_scores(project, epoch).await?;
                }
                self.store.current_scores(&project.project, epoch)?
            }
        };
        let Some((hash, bytes)) = bytes else {
            return Ok((NO_SCORES, None));
        };
        let scores = self.read_scores(project, epoch, &bytes);
        let scores = scores.map_err(|error| Problem::Refused(error.to_string()))?;
        Ok((hash, Some(scores)))
    }

    /// The dataset; from memory or disk if it was computed from the same inputs before.
    async fn compute(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        epoch: u64,
        view_set: &ViewSet,
        scores_hash: Hash,
        scores: Option<&Scores>,
    ) -> Result<Arc<Computed>, Problem> {
        // Those whose views these are, who need not be in the set any more.
        let oracles: Vec<[u8; 32]> = view_set.oracles().iter().map(|key| key.to_bytes()).collect();
        let inputs = Inputs {
            genesis_hash: self.ctx.genesis_hash,
            program: self.ctx.domain.program,
            network: muster_client::addresses::network().to_bytes(),
            schedule: self.ctx.schedule,
            project,
            epoch,
            oracles: &oracles,
            view_set,
            scores_hash,
        };
        let header = inputs.header();
        let key = (project.project, epoch);
        if let Some(computed) = self.in_memory(&key)
            && computed.dataset.header == header
        {
            return Ok(computed);
        }
        let before = self.dataset_on_disk(&project.project, epoch)?;
        let computed = match before {
            Some(before) if before.dataset.header == header => before,
            before => {
                let members = match before {
                    Some(before) => members_of(&before.dataset),
                    None => members(registry, &self.ctx.schedule, &project.project, epoch)?,
                };
                let mut views = Vec::new();
                for (oracle, hash) in oracles.iter().zip(&view_set.view_hashes) {
                    if *hash != [0; 32] {
                        views.push(self.view_by_hash(registry, epoch, oracle, hash).await?);
                    }
                }
                let views: Vec<_> = views.iter().collect();
                let dataset = inputs.dataset(&members, &views, scores)?;
                self.keep(project, epoch, dataset)?
            }
        };
        let computed = Arc::new(computed);
        let mut all = self.computed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.insert(key, computed.clone());
        Ok(computed)
    }

    fn keep(&self, project: &ProjectInfo, epoch: u64, dataset: Dataset) -> Result<Computed, Problem> {
        let bytes = dataset.encode()?;
        self.store.put_dataset(&project.project, epoch, &bytes)?;
        let hash = hashv(&[&bytes]);
        tracing::info!(
            project = bs58::encode(project.project).into_string(),
            epoch,
            nodes = dataset.rows.len(),
            points = dataset.total_points(),
            dataset = hex::encode(hash),
            "computed the points of an epoch"
        );
        Ok(Computed { dataset, hash })
    }

    fn in_memory(&self, key: &([u8; 32], u64)) -> Option<Arc<Computed>> {
        let all = self.computed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.get(key).cloned()
    }

    pub(super) fn dataset_on_disk(&self, project: &[u8; 32], epoch: u64) -> Result<Option<Computed>, std::io::Error> {
        let Some(bytes) = self.store.dataset(project, epoch)? else {
            return Ok(None);
        };
        match Dataset::decode(&bytes) {
            Ok(dataset) => Ok(Some(Computed { dataset, hash: hashv(&[&bytes]) })),
            Err(error) => {
                tracing::warn!(epoch, %error, "a dataset on disk is damaged and computed anew");
                Ok(None)
            }
        }
    }
}
