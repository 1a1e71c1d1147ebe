//! The leaf file: the cumulative distribution that tenures claim against, and how each settlement moves it on.

use crate::dataset::Dataset;
use crate::hash::Hash;
use crate::merkle::{MAX_LEAVES, Tree, distribution_leaf};
use crate::par;
use crate::split::{SplitError, pool_shares};
use crate::units::{BaseUnits, EpochIndex};
use crate::wire::{Reader, WireError};

/// First bytes of a leaf file.
pub const MAGIC: [u8; 4] = *b"MSLF";
/// Bytes of a row.
pub const ROW_LEN: usize = 40;

/// What a tenure may claim in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Address of the tenure.
    pub tenure: [u8; 32],
    /// Everything that it ever earned; never less than before.
    pub cumulative: BaseUnits,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// Address of the network program.
    pub program: [u8; 32],
    /// Address of the distribution.
    pub distribution: [u8; 32],
    /// The settled epoch.
    pub epoch: EpochIndex,
    /// Which replacement of the settlement, from 0.
    pub revision: u32,
    /// What this epoch added.
    pub node_pool: BaseUnits,
    /// Sum of all cumulative amounts.
    pub total: BaseUnits,
    /// Row `i` is leaf `i`.
    pub rows: Vec<Leaf>,
}

/// Why there is no next distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    /// Nobody can be paid.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The previous file is of another distribution.
    #[error("the previous leaf file is of another program or distribution")]
    OtherDistribution,
    /// The previous file is not of an earlier epoch.
    #[error("the previous leaf file is of epoch {previous}, which is not before {epoch}")]
    Epoch {
        /// Epoch of the previous file.
        previous: u64,
        /// Epoch that is settled.
        epoch: u64,
    },
    /// A leaf changed its tenure or vanished.
    #[error("leaf {0} is not the same tenure as in the previous leaf file")]
    Moved(u32),
    /// The total leaves the range of amounts.
    #[error("the total of {total} and the pool of {pool} are more than an amount can hold")]
    Overflow {
        /// Previous total.
        total: u64,
        /// What is added.
        pool: u64,
    },
}

impl Leaves {
    /// The distribution after `dataset`'s epoch: everybody's previous amount plus their share of `node_pool` by points.
    /// The total grows by exactly `node_pool`. `previous` is the file of the newest active root, none for the first.
    pub fn next(
        previous: Option<&Leaves>,
        dataset: &Dataset,
        node_pool: BaseUnits,
        revision: u32,
    ) -> Result<Self, LeavesError> {
        let header = &dataset.header;
        if let Some(previous) = previous {
            if previous.program != header.program || previous.distribution != header.distribution {
                return Err(LeavesError::OtherDistribution);
            }
            if previous.epoch >= header.epoch {
                let (previous, epoch) = (previous.epoch.get(), header.epoch.get());
                return Err(LeavesError::Epoch { previous, epoch });
            }
        }
        let before = previous.map_or(&[][..], |previous| &previous.rows);
        if before.len() > dataset.rows.len() {
            return Err(LeavesError::Moved(dataset.rows.len() as u32));
        }
        let (old_total, pool) = (previous.map_or(0, |previous| previous.total.get()), node_pool.get());
        let total = old_total.checked_add(pool).ok_or(LeavesError::Overflow { total: old_total, pool })?;
        let points: Vec<u64> = dataset.rows.iter().map(|row| row.points.get()).collect();
        let shares = pool_shares(&points, pool)?;
        let mut rows = Vec::with_capacity(shares.len());
        for (i, (row, share)) in dataset.rows.iter().zip(shares).enumerate() {
            let old = match before.get(i) {
                Some(leaf) if leaf.tenure != row.tenure => {
                    return Err(LeavesError::Moved(row.index));
                }
                Some(leaf) => leaf.cumulative.get(),
                None => 0,
            };
            let overflow = LeavesError::Overflow { total: old_total, pool };
            let cumulative = BaseUnits::new(old.checked_add(share).ok_or(overflow)?);
            rows.push(Leaf { tenure: row.tenure, cumulative });
        }
        Ok(Self {
            program: header.program,
            distribution: header.distribution,
            epoch: header.epoch,
            revision,
            node_pool,
            total: BaseUnits::new(total),
            rows,
        })
    }

    /// The tree that claims are proven against.
    pub fn tree(&self) -> Result<Tree, WireError> {
        let leaf = |index: usize, row: &Leaf| {
            distribution_leaf(&self.program, &self.distribution, &row.tenure, index as u32, row.cumulative.get())
        };
        Tree::build(par::map(&self.rows, leaf)).map_err(|_| too_many(self.rows.len()))
    }

    /// The root.
    pub fn root(&self) -> Result<Hash, WireError> {
        Ok(self.tree()?.root())
    }

    /// The siblings from leaf `index` upward. For many proofs keep [`Leaves::tree`].
    pub fn proof(&self, index: u32) -> Result<Option<Vec<Hash>>, WireError> {
        Ok(self.tree()?.proof(index))
    }

    /// The bytes.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        self.validate()?;
        let mut out = Vec::with_capacity(102 + self.rows.len() * ROW_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&1u16.to_le_bytes());
        out.extend_from_slice(&self.program);
        out.extend_from_slice(&self.distribution);
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.extend_from_slice(&self.revision.to_le_bytes());
        out.extend_from_slice(&self.node_pool.get().to_le_bytes());
        out.extend_from_slice(&self.total.get().to_le_bytes());
        out.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        for row in &self.rows {
            out.extend_from_slice(&row.tenure);
            out.extend_from_slice(&row.cumulative.get().to_le_bytes());
        }
        Ok(out)
    }

    /// Reads a leaf file; refuses a total that is not the sum of its rows.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.file_header(MAGIC)?;
        let program = r.array("program")?;
        let distribution = r.array("distribution")?;
        let epoch = EpochIndex::new(r.u64("epoch")?);
        let revision = r.u32("revision")?;
        let node_pool = BaseUnits::new(r.u64("node pool")?);
        let total = BaseUnits::new(r.u64("total")?);
        let count = r.u32("row count")?;
        let count = r.expect_entries(count, ROW_LEN, "rows")?;
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            rows.push(Leaf { tenure: r.array("tenure")?, cumulative: BaseUnits::new(r.u64("cumulative")?) });
        }
        r.finish()?;
        let leaves = Self { program, distribution, epoch, revision, node_pool, total, rows };
        leaves.validate()?;
        Ok(leaves)
    }

    fn validate(&self) -> Result<(), WireError> {
        if self.rows.len() > MAX_LEAVES as usize {
            return Err(too_many(self.rows.len()));
        }
        let sum: u128 = self.rows.iter().map(|row| u128::from(row.cumulative.get())).sum();
        if sum != u128::from(self.total.get()) || self.node_pool > self.total {
            return Err(WireError::Inconsistent { field: "total", index: 0 });
        }
        Ok(())
    }
}

fn too_many(rows: usize) -> WireError {
    WireError::Value { field: "row count", value: rows as u64, rule: "at most 1048576 are allowed" }
}
