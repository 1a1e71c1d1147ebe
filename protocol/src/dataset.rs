//! The dataset of a project's epoch: every input and every row that the points follow from, byte-identical on every
//! oracle. Its hash is on chain; whoever has the views and the score file recomputes it.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::bitmap::Bitmap;
use crate::hash::{Hash, hashv};
use crate::merkle::{MAX_LEAVES, Tree, points_leaf};
use crate::par;
use crate::points::{Formula, points, uptime_bps};
use crate::scores::Scores;
use crate::split::BPS;
use crate::units::{Bucket, EpochIndex, Points, Schedule};
use crate::view::MAX_ORACLES;
use crate::wire::{Reader, WireError, at_most, short_count};

/// First bytes of a dataset.
pub const MAGIC: [u8; 4] = *b"MSDS";
/// Bytes of a row.
pub const ROW_LEN: usize = 124;
/// The most bytes before the first row.
pub const HEAD_LEN_MAX: usize = 1_266;

/// One oracle of the set, in the set's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OracleView {
    /// The oracle's key.
    pub oracle_key: [u8; 32],
    /// Hash of its view, zero if it is not in.
    pub view_hash: Hash,
}

/// What a dataset is about and computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Genesis hash of the cluster.
    pub genesis_hash: Hash,
    /// Address of the network program.
    pub program: [u8; 32],
    /// Address of the network account.
    pub network: [u8; 32],
    /// Address of the project.
    pub project: [u8; 32],
    /// Address of its distribution.
    pub distribution: [u8; 32],
    /// The epoch.
    pub epoch: EpochIndex,
    /// The network's calendar.
    pub schedule: Schedule,
    /// Version of the oracle set.
    pub set_version: u32,
    /// How many views must have a bucket.
    pub threshold: u8,
    /// The oracle set, in its order.
    pub oracles: Vec<OracleView>,
    /// The project's formula in this epoch.
    pub formula: Formula,
    /// Hash of the score file, zero if there is none.
    pub scores_hash: Hash,
}

/// A tenure of the project as the chain has it at the epoch's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its leaf index.
    pub index: u32,
    /// Address of the tenure.
    pub tenure: [u8; 32],
    /// Address of the node.
    pub node: [u8; 32],
    /// The node's hot key, zero if it has none.
    pub node_key: [u8; 32],
    /// The first bucket that counts; the number of buckets if none does (ended before, or accepted too late).
    pub first_bucket: Bucket,
    /// Buckets of announced maintenance.
    pub excused: u32,
}

/// A tenure's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The leaf index; also the row's position.
    pub index: u32,
    /// Address of the tenure.
    pub tenure: [u8; 32],
    /// Address of the node.
    pub node: [u8; 32],
    /// The node's hot key, zero if it has none.
    pub node_key: [u8; 32],
    /// The first bucket that counts.
    pub first_bucket: Bucket,
    /// Counted buckets from the first one on.
    pub counted: u32,
    /// Buckets of announced maintenance.
    pub excused: u32,
    /// Uptime in basis points.
    pub uptime_bps: u16,
    /// Task score in basis points.
    pub score_bps: u16,
    /// Points.
    pub points: Points,
}

/// What stands before the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the dataset is about.
    pub header: Header,
    /// How many rows follow.
    pub row_count: u32,
    /// Where the first one begins.
    pub rows_at: usize,
}

impl Head {
    /// Reads the first bytes of a dataset, [`HEAD_LEN_MAX`] or all of them, for who wants some rows of a large one. What
    /// stands there was checked when the whole was decoded.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.file_header(MAGIC)?;
        let header = read_header(&mut r)?;
        let row_count = r.u32("row count")?;
        Ok(Self { header, row_count, rows_at: bytes.len() - r.remaining() })
    }

    /// Reads rows that were cut out of a dataset whole.
    pub fn rows(bytes: &[u8]) -> Result<Vec<Row>, WireError> {
        bytes.chunks(ROW_LEN).map(|bytes| read_row(&mut Reader::new(bytes))).collect()
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What it is about.
    pub header: Header,
    /// Row `i` is leaf `i`.
    pub rows: Vec<Row>,
}

impl Dataset {
    /// Computes the rows. `members` are all tenures that have a leaf, in order (`members[i].index == i`); `combined` is
    /// what [`crate::view::combine`] gave, ascending by node key; without `scores` every score is 0.
    pub fn compute(
        header: Header,
        members: &[Member],
        combined: &[([u8; 32], Bitmap)],
        scores: Option<&Scores>,
    ) -> Result<Self, WireError> {
        let counted = |_, member: &Member| {
            let at = combined.binary_search_by(|(key, _)| key.cmp(&member.node_key)).ok();
            at.map_or(0, |at| combined[at].1.count_from(member.first_bucket))
        };
        let counted = par::map(members, counted);
        Self::of_counted(header, members, &counted, scores)
    }

    /// Computes the rows out of what [`crate::counting::counted`] gave for the members.
    pub fn of_counted(
        header: Header,
        members: &[Member],
        counted: &[u32],
        scores: Option<&Scores>,
    ) -> Result<Self, WireError> {
        if counted.len() != members.len() {
            return Err(WireError::Inconsistent { field: "counted", index: counted.len() });
        }
        let buckets = header.schedule.buckets();
        let all_right = AtomicBool::new(true);
        let rows = par::map(members, |i, member| {
            let uptime_bps = uptime_bps(counted[i], buckets, member.excused);
            let score_bps = scores.map_or(0, |scores| scores.score_bps(member.index));
            let row = Row {
                index: member.index,
                tenure: member.tenure,
                node: member.node,
                node_key: member.node_key,
                first_bucket: member.first_bucket,
                counted: counted[i],
                excused: member.excused,
                uptime_bps,
                score_bps,
                points: Points::new(points(&header.formula, uptime_bps, score_bps)),
            };
            if check_row(&header, i, &row).is_err() {
                all_right.store(false, Ordering::Relaxed);
            }
            row
        });
        let dataset = Self { header, rows };
        dataset.validate_header()?;
        // Rows are as large as caches: they are gone through again only to name the wrong one.
        if !all_right.into_inner() {
            dataset.validate()?;
        }
        Ok(dataset)
    }

    /// Sum of all points.
    pub fn total_points(&self) -> u64 {
        // at most 2^20 rows of at most u32::MAX x 2 points each
        self.rows.iter().map(|row| row.points.get()).sum()
    }

    /// Root of the points tree over all rows.
    pub fn points_root(&self) -> Result<Hash, WireError> {
        Ok(self.points_tree()?.root())
    }

    /// The points tree over all rows.
    pub fn points_tree(&self) -> Result<Tree, WireError> {
        let leaves = par::map(&self.rows, |_, row| points_leaf(row.index, &row.tenure, row.points.get()));
        Tree::build(leaves).map_err(|_| too_many(self.rows.len()))
    }

    /// SHA-256 of the bytes.
    pub fn hash(&self) -> Result<Hash, WireError> {
        Ok(hashv(&[&self.encode()?]))
    }

    /// The bytes.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        self.validate()?;
        let header = &self.header;
        let mut out = Vec::with_capacity(512 + self.rows.len() * ROW_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&1u16.to_le_bytes());
        for address in [&header.genesis_hash, &header.program, &header.network, &header.project, &header.distribution] {
            out.extend_from_slice(address);
        }
        out.extend_from_slice(&header.epoch.get().to_le_bytes());
        out.extend_from_slice(&(header.schedule.epoch_len() as u32).to_le_bytes());
        out.extend_from_slice(&(header.schedule.bucket_len() as u32).to_le_bytes());
        out.extend_from_slice(&header.set_version.to_le_bytes());
        out.extend_from_slice(&[header.threshold, header.oracles.len() as u8]);
        for oracle in &header.oracles {
            out.extend_from_slice(&oracle.oracle_key);
            out.extend_from_slice(&oracle.view_hash);
        }
        out.extend_from_slice(&header.formula.w_uptime.to_le_bytes());
        out.extend_from_slice(&header.formula.w_task.to_le_bytes());
        out.extend_from_slice(&header.formula.cap.to_le_bytes());
        out.extend_from_slice(&header.formula.min_uptime_bps.to_le_bytes());
        out.extend_from_slice(&header.scores_hash);
        out.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        for row in &self.rows {
            write_row(&mut out, row);
        }
        out.extend_from_slice(&self.total_points().to_le_bytes());
        Ok(out)
    }

    /// Reads a dataset; refuses any row or total that does not follow from the other fields.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.file_header(MAGIC)?;
        let header = read_header(&mut r)?;
        let count = r.u32("row count")?;
        let count = r.expect_entries(count, ROW_LEN, "rows")?;
        if count > MAX_LEAVES as usize {
            return Err(too_many(count));
        }
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            rows.push(read_row(&mut r)?);
        }
        let total = r.u64("total points")?;
        r.finish()?;
        let dataset = Self { header, rows };
        dataset.validate()?;
        if total != dataset.total_points() {
            return Err(WireError::Inconsistent { field: "total points", index: 0 });
        }
        Ok(dataset)
    }

    fn validate(&self) -> Result<(), WireError> {
        self.validate_header()?;
        par::check(&self.rows, |index, row| check_row(&self.header, index, row))
    }

    fn validate_header(&self) -> Result<(), WireError> {
        let header = &self.header;
        short_count("oracle count", header.oracles.len(), MAX_ORACLES, "at most 16 are allowed")?;
        at_most("min_uptime_bps", header.formula.min_uptime_bps.into(), BPS.into(), "at most 10000 is allowed")?;
        if self.rows.len() > MAX_LEAVES as usize {
            return Err(too_many(self.rows.len()));
        }
        Ok(())
    }
}

/// Whether a row follows from its own fields.
fn check_row(header: &Header, index: usize, row: &Row) -> Result<(), WireError> {
    let buckets = header.schedule.buckets();
    let wrong = |field| Err(WireError::Inconsistent { field, index });
    if row.index as usize != index {
        return wrong("leaf index");
    }
    if row.first_bucket.get() > buckets {
        return wrong("first bucket");
    }
    if row.counted > buckets - row.first_bucket.get() {
        return wrong("counted");
    }
    if row.excused > buckets {
        return wrong("excused");
    }
    if row.uptime_bps != uptime_bps(row.counted, buckets, row.excused) {
        return wrong("uptime_bps");
    }
    if row.score_bps > BPS || (header.scores_hash == crate::scores::NO_SCORES && row.score_bps != 0) {
        return wrong("score_bps");
    }
    if row.points.get() != points(&header.formula, row.uptime_bps, row.score_bps) {
        return wrong("points");
    }
    Ok(())
}

fn too_many(rows: usize) -> WireError {
    WireError::Value { field: "row count", value: rows as u64, rule: "at most 1048576 are allowed" }
}

fn write_row(out: &mut Vec<u8>, row: &Row) {
    out.extend_from_slice(&row.index.to_le_bytes());
    out.extend_from_slice(&row.tenure);
    out.extend_from_slice(&row.node);
    out.extend_from_slice(&row.node_key);
    out.extend_from_slice(&row.first_bucket.get().to_le_bytes());
    out.extend_from_slice(&row.counted.to_le_bytes());
    out.extend_from_slice(&row.excused.to_le_bytes());
    out.extend_from_slice(&row.uptime_bps.to_le_bytes());
    out.extend_from_slice(&row.score_bps.to_le_bytes());
    out.extend_from_slice(&row.points.get().to_le_bytes());
}

fn read_row(r: &mut Reader<'_>) -> Result<Row, WireError> {
    Ok(Row {
        index: r.u32("leaf index")?,
        tenure: r.array("tenure")?,
        node: r.array("node")?,
        node_key: r.array("node key")?,
        first_bucket: Bucket::new(r.u32("first bucket")?),
        counted: r.u32("counted")?,
        excused: r.u32("excused")?,
        uptime_bps: r.u16("uptime_bps")?,
        score_bps: r.u16("score_bps")?,
        points: Points::new(r.u64("points")?),
    })
}

fn read_header(r: &mut Reader<'_>) -> Result<Header, WireError> {
    let genesis_hash = r.array("genesis hash")?;
    let program = r.array("program")?;
    let network = r.array("network")?;
    let project = r.array("project")?;
    let distribution = r.array("distribution")?;
    let epoch = EpochIndex::new(r.u64("epoch")?);
    let (epoch_len, bucket_len) = (r.u32("epoch_len")?, r.u32("bucket_len")?);
    let rule = "which with its epoch_len is no schedule";
    let schedule = Schedule::new(epoch_len.into(), bucket_len.into()).map_err(|_| WireError::Value {
        field: "bucket_len",
        value: bucket_len.into(),
        rule,
    })?;
    let set_version = r.u32("set version")?;
    let threshold = r.u8("threshold")?;
    let mut oracles = Vec::new();
    for _ in 0..r.u8("oracle count")? {
        oracles.push(OracleView { oracle_key: r.array("oracle key")?, view_hash: r.array("view hash")? });
    }
    let formula = Formula {
        w_uptime: r.u32("w_uptime")?,
        w_task: r.u32("w_task")?,
        cap: r.u64("cap")?,
        min_uptime_bps: r.u16("min_uptime_bps")?,
    };
    let scores_hash = r.array("scores hash")?;
    Ok(Header {
        genesis_hash,
        program,
        network,
        project,
        distribution,
        epoch,
        schedule,
        set_version,
        threshold,
        oracles,
        formula,
        scores_hash,
    })
}
