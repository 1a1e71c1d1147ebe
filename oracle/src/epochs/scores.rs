//! Task scores: a file that the project's settler signs and posts to one oracle; the others get it from there.

use muster_protocol::Hash;
use muster_protocol::scores::{MAX_LEN, Scores};
use muster_protocol::wire::{Frame, WireError};

use super::driver::is_before;
use super::report::State;
use super::{Epochs, Problem, peers};
use crate::registry::ProjectInfo;

/// How often peers are asked for a score file that nobody may have posted.
const PULL_EVERY_MS: u64 = 5_000;

/// Why a score file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ScoresError {
    /// There is no such project.
    #[error("this oracle knows no such project")]
    UnknownProject,
    /// The bytes are no score file of this epoch by the settler.
    #[error("the score file is refused: {0}")]
    Wire(#[from] WireError),
    /// For another project or epoch than its address says.
    #[error("the score file is of another project or epoch than its address says")]
    Misplaced,
    /// Not by the settler.
    #[error("the score file is signed by {found}, the project's settler is {settler}")]
    NotSettler {
        /// Who signed.
        found: String,
        /// Who should.
        settler: String,
    },
    /// Too late.
    #[error("the epoch is settled, its scores stand")]
    Settled,
    /// The disk failed.
    #[error("the data folder: {0}")]
    Disk(#[from] std::io::Error),
}

impl Epochs {
    /// Takes a score file; gives its hash and whether it is new here.
    pub fn put_scores(&self, project: &[u8; 32], epoch: u64, bytes: &[u8]) -> Result<(Hash, bool), ScoresError> {
        let registry = self.ctx.registry();
        let info = registry.projects.get(project).ok_or(ScoresError::UnknownProject)?;
        self.read_scores(info, epoch, bytes)?;
        let hash = Scores::hash(bytes);
        let current = self.store.current_scores(project, epoch)?;
        if current.is_some_and(|(current, _)| current == hash) {
            return Ok((hash, false));
        }
        let settled = self.report(project, epoch).is_some_and(|report| report.state >= State::Settled);
        if settled || epoch < info.next_epoch {
            return Err(ScoresError::Settled);
        }
        self.store.put_scores(project, epoch, &hash, bytes, true)?;
        tracing::info!(epoch, scores = hex::encode(hash), "took a score file");
        Ok((hash, true))
    }

    /// Reads a score file and checks whose and of what it is.
    pub(super) fn read_scores(&self, project: &ProjectInfo, epoch: u64, bytes: &[u8]) -> Result<Scores, ScoresError> {
        let scores = Scores::decode_verified(&self.ctx.domain, bytes)?;
        if scores.project != project.project || scores.epoch.get() != epoch {
            return Err(ScoresError::Misplaced);
        }
        if scores.settler != project.settler {
            return Err(ScoresError::NotSettler {
                found: bs58::encode(scores.settler).into_string(),
                settler: bs58::encode(project.settler).into_string(),
            });
        }
        Ok(scores)
    }

    /// The score file that a settlement names, from the disk or a peer.
    pub(super) async fn scores_by_hash(
        &self,
        project: &ProjectInfo,
        epoch: u64,
        hash: &Hash,
    ) -> Result<Vec<u8>, Problem> {
        if let Some(bytes) = self.store.scores(&project.project, epoch, hash)? {
            return Ok(bytes);
        }
        let (key, wanted) = (bs58::encode(project.project).into_string(), hex::encode(hash));
        let path = format!("/api/v1/projects/{key}/epochs/{epoch}/scores?hash={wanted}");
        let good = |bytes: &[u8]| (Scores::hash(bytes) == *hash).then_some(());
        let Some((bytes, ())) = peers::first(&self.ctx, &path, MAX_LEN, good).await else {
            return Err(Problem::Refused(format!(
                "the settlement names the score file {wanted}, which no oracle gives"
            )));
        };
        self.store.put_scores(&project.project, epoch, hash, &bytes, false)?;
        Ok(bytes)
    }

    /// Asks the peers for a score file where none is here; a peer may have been posted it while this oracle was away.
    pub(super) async fn pull_scores(&self, project: &ProjectInfo, epoch: u64) -> Result<(), Problem> {
        let now_ms = self.ctx.now_ms();
        {
            let key = format!("scores {} {epoch}", bs58::encode(project.project).into_string());
            let mut backoff = self.backoff();
            let (_, until_ms) = backoff.entry(key).or_default();
            if is_before(now_ms, *until_ms, PULL_EVERY_MS) {
                return Ok(());
            }
            *until_ms = now_ms + PULL_EVERY_MS;
        }
        let key = bs58::encode(project.project).into_string();
        let path = format!("/api/v1/projects/{key}/epochs/{epoch}/scores");
        let good = |bytes: &[u8]| self.read_scores(project, epoch, bytes).ok();
        if let Some((bytes, _)) = peers::first(&self.ctx, &path, MAX_LEN, good).await {
            self.store.put_scores(&project.project, epoch, &Scores::hash(&bytes), &bytes, true)?;
        }
        Ok(())
    }

    /// Sends a new score file on to the peers, once; those that are away fetch it by its hash.
    pub async fn spread_scores(&self, project: &[u8; 32], epoch: u64, bytes: &[u8]) {
        let key = bs58::encode(project).into_string();
        let path = format!("/api/v1/projects/{key}/epochs/{epoch}/scores?spread=false");
        for peer in self.ctx.peers() {
            // One that is away fetches it by its hash.
            self.ctx.to_peers.put(&peer, &path, bytes).await;
        }
    }
}
