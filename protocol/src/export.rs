//! An oracle's word on the final points of a project's epoch, for who pays them elsewhere. It signs the points root, which
//! every row follows into, and the hash of the file that the points were handed out in.

use crate::hash::Hash;
use crate::sig::SIGNATURE_LEN;
use crate::units::EpochIndex;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, kind};

/// Name of the HTTP header that carries the statement, in hex.
pub const HEADER: &str = "muster-points";
/// Bytes of a statement.
pub const LEN: usize = HEADER_LEN + 189 + SIGNATURE_LEN;

/// How far the points have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// This oracle computed them; another score file may still change them.
    Computed = 1,
    /// A settlement on chain names them.
    Settled = 2,
    /// A threshold of oracles approved them on chain. Nothing changes them any more.
    Final = 3,
}

impl Finality {
    /// Its name in APIs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Settled => "settled",
            Self::Final => "final",
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointsStatement {
    /// The oracle, which signs.
    pub oracle_key: [u8; 32],
    /// Address of the project.
    pub project: [u8; 32],
    /// The epoch.
    pub epoch: EpochIndex,
    /// How far the points have come.
    pub finality: Finality,
    /// Hash of the dataset that they are of.
    pub dataset_hash: Hash,
    /// Root of its points tree.
    pub points_root: Hash,
    /// Leaves of that tree.
    pub node_count: u32,
    /// Sum of all points.
    pub total_points: u64,
    /// SHA-256 of the file that this goes with.
    pub file_hash: Hash,
    /// When this was stated, Unix milliseconds.
    pub stated_at_ms: u64,
}

impl Frame for PointsStatement {
    const KIND: u8 = kind::POINTS;
    const MAX_LEN: usize = LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.oracle_key
    }

    fn validate(&self) -> Result<(), WireError> {
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.oracle_key);
        out.extend_from_slice(&self.project);
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.push(self.finality as u8);
        out.extend_from_slice(&self.dataset_hash);
        out.extend_from_slice(&self.points_root);
        out.extend_from_slice(&self.node_count.to_le_bytes());
        out.extend_from_slice(&self.total_points.to_le_bytes());
        out.extend_from_slice(&self.file_hash);
        out.extend_from_slice(&self.stated_at_ms.to_le_bytes());
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (oracle_key, project) = (r.array("oracle key")?, r.array("project")?);
        let epoch = EpochIndex::new(r.u64("epoch")?);
        let finality = match r.u8("finality")? {
            1 => Finality::Computed,
            2 => Finality::Settled,
            3 => Finality::Final,
            code => {
                return Err(WireError::Value { field: "finality", value: code.into(), rule: "1 to 3 are known" });
            }
        };
        Ok(Self {
            oracle_key,
            project,
            epoch,
            finality,
            dataset_hash: r.array("dataset hash")?,
            points_root: r.array("points root")?,
            node_count: r.u32("node count")?,
            total_points: r.u64("total points")?,
            file_hash: r.array("file hash")?,
            stated_at_ms: r.u64("stated_at_ms")?,
        })
    }
}
