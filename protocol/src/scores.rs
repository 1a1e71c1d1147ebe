//! The project's task scores of an epoch, a file signed by its settler.
//!
//! The settlement names the file's hash; zero means: no file, every score is 0.

use crate::hash::{Hash, hashv};
use crate::merkle::MAX_LEAVES;
use crate::sig::SIGNATURE_LEN;
use crate::split::BPS;
use crate::units::EpochIndex;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, at_most, kind, strictly_ascending};

/// `scores_hash` of a settlement without a score file.
pub const NO_SCORES: Hash = [0; 32];
/// The most bytes of a file.
pub const MAX_LEN: usize = HEADER_LEN + 76 + 6 * MAX_LEAVES as usize + SIGNATURE_LEN;

/// One tenure's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Leaf index of the tenure.
    pub index: u32,
    /// Score in basis points, 0..=10,000.
    pub score_bps: u16,
}

/// See the module. A tenure without an entry has score 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scores {
    /// Address of the project.
    pub project: [u8; 32],
    /// The epoch.
    pub epoch: EpochIndex,
    /// The project's settler, which signs.
    pub settler: [u8; 32],
    /// Strictly ascending by leaf index.
    pub entries: Vec<Score>,
}

impl Scores {
    /// SHA-256 of a whole file, signature included: the settlement's `scores_hash`.
    pub fn hash(file: &[u8]) -> Hash {
        hashv(&[file])
    }

    /// The score of a leaf, 0 if the file has none.
    pub fn score_bps(&self, index: u32) -> u16 {
        self.entries.binary_search_by_key(&index, |entry| entry.index).map_or(0, |at| self.entries[at].score_bps)
    }
}

impl Frame for Scores {
    const KIND: u8 = kind::SCORES;
    const MAX_LEN: usize = MAX_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.settler
    }

    fn validate(&self) -> Result<(), WireError> {
        strictly_ascending("score", self.entries.iter().map(|entry| entry.index))?;
        for entry in &self.entries {
            at_most("leaf index", entry.index.into(), u64::from(MAX_LEAVES) - 1, "at most 1048575 is allowed")?;
            at_most("score_bps", entry.score_bps.into(), BPS.into(), "at most 10000 is allowed")?;
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.project);
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.extend_from_slice(&self.settler);
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            out.extend_from_slice(&entry.index.to_le_bytes());
            out.extend_from_slice(&entry.score_bps.to_le_bytes());
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let project = r.array("project")?;
        let epoch = EpochIndex::new(r.u64("epoch")?);
        let settler = r.array("settler")?;
        let count = r.u32("score count")?;
        let count = r.expect_entries(count, 6, "scores")?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(Score { index: r.u32("leaf index")?, score_bps: r.u16("score_bps")? });
        }
        Ok(Self { project, epoch, settler, entries })
    }
}
