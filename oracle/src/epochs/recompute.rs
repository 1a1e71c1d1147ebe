//! A closed epoch computed once more from what it was computed from: views, score file, history.

use std::sync::Arc;

use muster_protocol::dataset::Dataset;
use muster_protocol::scores::{NO_SCORES, Scores};
use muster_protocol::units::EpochIndex;
use muster_protocol::view::combine;
use muster_protocol::wire::Frame;

use super::compute::NotYet;
use super::{Computed, Epochs, Problem};

impl Epochs {
    /// The dataset as it is kept, and as it is computed anew. They are the same, or something is damaged.
    pub(crate) async fn recompute(&self, project: &[u8; 32], epoch: u64) -> Result<(Arc<Computed>, Dataset), Problem> {
        let report = self.known(project, epoch)?;
        let kept = report.and_then(|report| report.computed);
        let kept = kept.ok_or_else(|| Problem::Waiting("the epoch's points are not computed yet".into()))?;
        let registry = self.ctx.registry();
        let header = kept.dataset.header.clone();
        let history = registry.histories.get(project);
        let history = history.ok_or_else(|| Problem::Waiting("the project's history is not read yet".into()))?;
        let members = history.history().members(&header.schedule, EpochIndex::new(epoch));
        let members = members.map_err(|error| NotYet(error.to_string()))?;
        let mut views = Vec::new();
        for oracle in header.oracles.iter().filter(|oracle| oracle.view_hash != [0; 32]) {
            views.push(self.view_by_hash(&registry, epoch, &oracle.oracle_key, &oracle.view_hash).await?);
        }
        let scores = match header.scores_hash {
            NO_SCORES => None,
            hash => {
                let bytes = self.store.scores(project, epoch, &hash)?;
                let bytes = bytes.ok_or_else(|| Problem::Waiting("the score file is not here any more".into()))?;
                Some(Scores::decode_verified(&self.ctx.domain, &bytes)?)
            }
        };
        let compute = move || {
            let views: Vec<_> = views.iter().collect();
            let combined = combine(&views, header.threshold).map_err(|error| NotYet(error.to_string()))?;
            Dataset::compute(header, &members, &combined, scores.as_ref()).map_err(Problem::from)
        };
        let computed = tokio::task::spawn_blocking(compute).await;
        let computed = computed.map_err(|error| Problem::Waiting(error.to_string()))??;
        Ok((kept, computed))
    }
}
