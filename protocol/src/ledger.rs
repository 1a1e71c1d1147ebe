//! The hash-chained ledger: what was settled, project by project, and which jobs are over, network-wide. The programs
//! compute the same hashes and keep each chain's head, so that a block that was altered, left out or added does not lead
//! to it.

use crate::hash::Hash;
use crate::votes::{JobEntry, LedgerEntry, job_ledger_head, ledger_head};
use crate::wire::{Reader, WireError};

/// Which chain a block is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainId {
    /// The network's jobs that are over; its head is in the jobs config.
    Jobs,
    /// A project's settlements; its head is in the project's distribution.
    Project([u8; 32]),
}

/// What a block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// A job that is over.
    Job {
        /// Address of the job.
        job: [u8; 32],
        /// How it ended: 2 completed, 3 failed, 4 cancelled, 5 expired.
        state: u8,
        /// What the oracles attested; zeros if it expired.
        outcome_hash: Hash,
        /// Zeros unless completed.
        result_hash: Hash,
        /// To the nodes' bonds, base units.
        to_nodes: u64,
        /// To the treasury, base units.
        to_treasury: u64,
        /// Back to submitter and sponsors, or kept for them, base units.
        returned: u64,
    },
    /// A settlement whose root is active.
    Settlement {
        /// Address of the project.
        project: [u8; 32],
        /// The settled epoch.
        epoch: u64,
        /// Which replacement of the settlement, from 0.
        revision: u32,
        /// Root of the epoch's points.
        points_root: Hash,
        /// Root of the cumulative distribution.
        root: Hash,
        /// Sum of all cumulative amounts, base units.
        total: u64,
        /// SHA-256 of the dataset's bytes.
        dataset_hash: Hash,
    },
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its place in its chain, from 1.
    pub index: u64,
    /// Hash of the block before; zeros for the first.
    pub previous_hash: Hash,
    /// What it says.
    pub data: Data,
    /// Unix seconds: of a job, when it was over by the chain's clock; of a settlement, the end of its epoch.
    pub timestamp: i64,
    /// What the program computed.
    pub hash: Hash,
}

/// Where a chain stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Blocks so far.
    pub index: u64,
    /// Hash of the last one; zeros when there is none.
    pub hash: Hash,
}

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {index}: {what}")]
pub struct Fault {
    /// Which block.
    pub index: u64,
    /// In words.
    pub what: &'static str,
}

impl Data {
    /// The chain that such a block belongs to.
    pub fn chain(&self) -> ChainId {
        match self {
            Self::Job { .. } => ChainId::Jobs,
            Self::Settlement { project, .. } => ChainId::Project(*project),
        }
    }

    /// The hash of the block that says this after `tail`.
    fn hash(&self, tail: &Tail, timestamp: i64) -> Hash {
        match *self {
            Self::Job { job, state, outcome_hash, result_hash, to_nodes, to_treasury, returned } => job_ledger_head(
                &tail.hash,
                &JobEntry {
                    number: tail.index.saturating_add(1),
                    timestamp,
                    job,
                    state,
                    outcome_hash,
                    result_hash,
                    to_nodes,
                    to_treasury,
                    returned,
                },
            ),
            Self::Settlement { project, epoch, revision, points_root, root, total, dataset_hash } => ledger_head(
                &tail.hash,
                &LedgerEntry { project, epoch, revision, points_root, root, total, dataset_hash },
            ),
        }
    }

    /// The end of a settlement's epoch: the timestamp of its block.
    pub fn settled_at(epoch: u64, epoch_len: u64) -> i64 {
        i64::try_from(epoch.saturating_add(1).saturating_mul(epoch_len)).unwrap_or(i64::MAX)
    }
}

impl Tail {
    /// The next block.
    pub fn next(&self, data: Data, timestamp: i64) -> Block {
        let hash = data.hash(self, timestamp);
        Block { index: self.index + 1, previous_hash: self.hash, data, timestamp, hash }
    }

    /// Goes on to a block, if it is the next one of `chain` and all of it is as it must be.
    pub fn follow(&self, chain: ChainId, block: &Block, epoch_len: u64) -> Result<Self, Fault> {
        let fault = |what| Fault { index: block.index, what };
        if block.data.chain() != chain {
            return Err(fault("it is of another chain"));
        }
        if self.index.checked_add(1) != Some(block.index) {
            return Err(fault("its index does not follow on the block before"));
        }
        if block.previous_hash != self.hash {
            return Err(fault("its previous hash is not the block before"));
        }
        if let Data::Settlement { epoch, .. } = block.data
            && block.timestamp != Data::settled_at(epoch, epoch_len)
        {
            return Err(fault("its timestamp is not the end of its epoch"));
        }
        if block.data.hash(self, block.timestamp) != block.hash {
            return Err(fault("its hash is not that of what it says"));
        }
        Ok(Self { index: block.index, hash: block.hash })
    }
}

impl Block {
    /// `index | previous_hash | timestamp | data | hash`, little-endian, the data after a byte that says which it is.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.previous_hash);
        out.extend_from_slice(&self.timestamp.to_le_bytes());
        match self.data {
            Data::Job { job, state, outcome_hash, result_hash, to_nodes, to_treasury, returned } => {
                out.push(1);
                out.extend_from_slice(&job);
                out.push(state);
                out.extend_from_slice(&outcome_hash);
                out.extend_from_slice(&result_hash);
                out.extend_from_slice(&to_nodes.to_le_bytes());
                out.extend_from_slice(&to_treasury.to_le_bytes());
                out.extend_from_slice(&returned.to_le_bytes());
            }
            Data::Settlement { project, epoch, revision, points_root, root, total, dataset_hash } => {
                out.push(2);
                out.extend_from_slice(&project);
                out.extend_from_slice(&epoch.to_le_bytes());
                out.extend_from_slice(&revision.to_le_bytes());
                out.extend_from_slice(&points_root);
                out.extend_from_slice(&root);
                out.extend_from_slice(&total.to_le_bytes());
                out.extend_from_slice(&dataset_hash);
            }
        }
        out.extend_from_slice(&self.hash);
    }

    /// Reads [`Block::write`]. Whether it follows on another is [`Tail::follow`]'s question.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let index = r.u64("block index")?;
        let previous_hash = r.array("previous hash")?;
        let timestamp = r.u64("block timestamp")?.cast_signed();
        let data = match r.u8("block kind")? {
            1 => Data::Job {
                job: r.array("job")?,
                state: r.u8("job state")?,
                outcome_hash: r.array("outcome hash")?,
                result_hash: r.array("result hash")?,
                to_nodes: r.u64("to_nodes")?,
                to_treasury: r.u64("to_treasury")?,
                returned: r.u64("returned")?,
            },
            2 => Data::Settlement {
                project: r.array("project")?,
                epoch: r.u64("epoch")?,
                revision: r.u32("revision")?,
                points_root: r.array("points root")?,
                root: r.array("root")?,
                total: r.u64("total")?,
                dataset_hash: r.array("dataset hash")?,
            },
            other => {
                return Err(WireError::Value {
                    field: "block kind",
                    value: other.into(),
                    rule: "1 is a job, 2 a settlement",
                });
            }
        };
        Ok(Self { index, previous_hash, data, timestamp, hash: r.array("block hash")? })
    }
}
