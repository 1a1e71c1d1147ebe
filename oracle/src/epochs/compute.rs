//! From the closed view set to the dataset. Nothing here asks anybody: the same inputs give the same bytes.

use muster_network::state::ViewSet;
use muster_protocol::Hash;
use muster_protocol::counting::counted;
use muster_protocol::dataset::{Dataset, Header, Member, OracleView};
use muster_protocol::scores::Scores;
use muster_protocol::units::{EpochIndex, Schedule};
use muster_protocol::view::View;

use crate::registry::{ProjectInfo, Registry};

/// Why there is no dataset yet, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotYet(pub String);

/// The tenures that have a leaf in `epoch`, as the chain had them at its end: those made before it, in leaf order.
pub fn members(
    registry: &Registry,
    schedule: &Schedule,
    project: &[u8; 32],
    epoch: u64,
) -> Result<Vec<Member>, NotYet> {
    let end_s = i64::try_from(schedule.epoch_end(EpochIndex::new(epoch))).unwrap_or(i64::MAX);
    if registry.clock_s < end_s {
        let clock_s = registry.clock_s;
        return Err(NotYet(format!("the chain as this oracle knows it is of {clock_s}, the epoch ends at {end_s}")));
    }
    let seq = registry.projects.get(project).map(|project| project.seq);
    let (Some(seq), Some(followed)) = (seq, registry.histories.get(project)) else {
        return Err(NotYet("the project is not on the chain as this oracle knows it".to_owned()));
    };
    let history = followed.history();
    if history.last_seq() < seq {
        return Err(NotYet(format!("of {seq} events of the project {} are read", history.last_seq())));
    }
    history.members(schedule, EpochIndex::new(epoch)).map_err(|error| NotYet(error.to_string()))
}

/// What a dataset is of.
pub struct Inputs<'a> {
    /// Genesis hash of the cluster.
    pub genesis_hash: Hash,
    /// Address of the network program.
    pub program: [u8; 32],
    /// Address of the network account.
    pub network: [u8; 32],
    /// The network's calendar.
    pub schedule: Schedule,
    /// The project.
    pub project: &'a ProjectInfo,
    /// The epoch.
    pub epoch: u64,
    /// Keys of the set that the view set was closed by, in its order.
    pub oracles: &'a [[u8; 32]],
    /// The closed view set.
    pub view_set: &'a ViewSet,
    /// Hash of the score file, zero if there is none.
    pub scores_hash: Hash,
}

impl Inputs<'_> {
    /// The dataset's header.
    pub fn header(&self) -> Header {
        let oracles = self.oracles.iter().zip(&self.view_set.view_hashes);
        Header {
            genesis_hash: self.genesis_hash,
            program: self.program,
            network: self.network,
            project: self.project.project,
            distribution: self.project.distribution,
            epoch: EpochIndex::new(self.epoch),
            schedule: self.schedule,
            set_version: self.view_set.set_version,
            threshold: self.view_set.threshold,
            oracles: oracles
                .map(|(oracle_key, view_hash)| OracleView { oracle_key: *oracle_key, view_hash: *view_hash })
                .collect(),
            formula: self.project.formula_at(self.epoch),
            scores_hash: self.scores_hash,
        }
    }

    /// The dataset, out of the views that are in.
    pub fn dataset(&self, members: &[Member], views: &[&View], scores: Option<&Scores>) -> Result<Dataset, NotYet> {
        let counted = counted(views, self.view_set.threshold, members);
        let counted = counted.map_err(|error| NotYet(error.to_string()))?;
        Dataset::of_counted(self.header(), members, &counted, scores).map_err(|error| NotYet(error.to_string()))
    }
}

/// The members that a dataset was computed for: nodes move on, a computed epoch does not.
pub fn members_of(dataset: &Dataset) -> Vec<Member> {
    let member = |row: &muster_protocol::dataset::Row| Member {
        index: row.index,
        tenure: row.tenure,
        node: row.node,
        node_key: row.node_key,
        first_bucket: row.first_bucket,
        excused: row.excused,
    };
    dataset.rows.iter().map(member).collect()
}
