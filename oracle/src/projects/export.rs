//! The final points of an epoch as a file, for who pays them elsewhere: the same bytes from every oracle that computed the
//! same dataset. Pure.

use std::collections::HashMap;
use std::io::Write;

use muster_protocol::Hash;
use muster_protocol::dataset::{Dataset, Row};
use serde::Serialize;

use crate::registry::TenureInfo;

/// How the file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One object with a list of rows; numbers above 2^53 - 1 are not among those that are not strings.
    #[default]
    Json,
    /// A header line and a line for each row, as RFC 4180 has it.
    Csv,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// The whole file.
#[derive(Serialize)]
pub struct PointsFile {
    version: u8,
    genesis_hash: String,
    program: String,
    project: String,
    epoch: u64,
    epoch_start: u64,
    epoch_end: u64,
    dataset_hash: String,
    points_root: String,
    scores_hash: String,
    total_points: String,
    node_count: usize,
    rows: Vec<PointsRow>,
}

/// One tenure.
#[derive(Serialize)]
struct PointsRow {
    index: u32,
    tenure: String,
    node: String,
    node_key: String,
    holder: String,
    first_bucket: u32,
    counted: u32,
    excused: u32,
    uptime_bps: u16,
    score_bps: u16,
    points: String,
}

fn base58(key: &[u8; 32]) -> String {
    bs58::encode(key).into_string()
}

impl PointsFile {
    /// Every row of a dataset, with the tenure's holder; nobody's where the chain does not know the tenure any more.
    pub fn new(dataset: &Dataset, hash: &Hash, points_root: &Hash, tenures: &HashMap<[u8; 32], TenureInfo>) -> Self {
        let header = &dataset.header;
        let row = |row: &Row| PointsRow {
            index: row.index,
            tenure: base58(&row.tenure),
            node: base58(&row.node),
            node_key: if row.node_key == [0; 32] { String::new() } else { base58(&row.node_key) },
            holder: tenures.get(&row.tenure).map(|tenure| base58(&tenure.holder)).unwrap_or_default(),
            first_bucket: row.first_bucket.get(),
            counted: row.counted,
            excused: row.excused,
            uptime_bps: row.uptime_bps,
            score_bps: row.score_bps,
            points: row.points.get().to_string(),
        };
        Self {
            version: 1,
            genesis_hash: base58(&header.genesis_hash),
            program: base58(&header.program),
            project: base58(&header.project),
            epoch: header.epoch.get(),
            epoch_start: header.schedule.epoch_start(header.epoch),
            epoch_end: header.schedule.epoch_end(header.epoch),
            dataset_hash: hex::encode(hash),
            points_root: hex::encode(points_root),
            scores_hash: hex::encode(header.scores_hash),
            total_points: dataset.total_points().to_string(),
            node_count: dataset.rows.len(),
            rows: dataset.rows.iter().map(row).collect(),
        }
    }

    /// The bytes.
    pub fn encode(&self, format: Format) -> std::io::Result<Vec<u8>> {
        match format {
            Format::Json => Ok(serde_json::to_vec(self)?),
            Format::Csv => self.csv(),
        }
    }

    fn csv(&self) -> std::io::Result<Vec<u8>> {
        // Addresses, hashes and numbers: nothing in them wants quotes.
        let mut out = Vec::with_capacity(256 * (self.rows.len() + 1));
        out.extend_from_slice(b"project,epoch,index,tenure,node,node_key,holder,first_bucket,counted,excused,");
        out.extend_from_slice(b"uptime_bps,score_bps,points\r\n");
        for row in &self.rows {
            let PointsRow { index, tenure, node, node_key, holder, first_bucket, counted, excused, .. } = row;
            let PointsRow { uptime_bps, score_bps, points, .. } = row;
            write!(out, "{},{},{index},{tenure},{node},{node_key},{holder},", self.project, self.epoch)?;
            write!(out, "{first_bucket},{counted},{excused},{uptime_bps},{score_bps},{points}\r\n")?;
        }
        Ok(out)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use muster_protocol::bitmap::Bitmap;
    use muster_protocol::dataset::{Header, Member, OracleView};
    use muster_protocol::points::Formula;
    use muster_protocol::units::{Bucket, EpochIndex, Schedule};

    /// Two tenures, of which one was there for half of the epoch and one never accepted.
    pub fn dataset() -> Dataset {
        let header = Header {
            genesis_hash: [1; 32],
            program: [2; 32],
            network: [3; 32],
            project: [4; 32],
            distribution: [5; 32],
            epoch: EpochIndex::new(7),
            schedule: Schedule::new(120, 10).unwrap(),
            set_version: 1,
            threshold: 1,
            oracles: vec![OracleView { oracle_key: [6; 32], view_hash: [7; 32] }],
            formula: Formula { w_uptime: 8_000, w_task: 2_000, cap: 10_000, min_uptime_bps: 0 },
            scores_hash: [0; 32],
        };
        let member = |index: u32, node_key: [u8; 32], first: u32| Member {
            index,
            tenure: [10 + index as u8; 32],
            node: [20 + index as u8; 32],
            node_key,
            first_bucket: Bucket::new(first),
            excused: 0,
        };
        let mut bits = Bitmap::new(12);
        (6..12).for_each(|bucket| assert!(bits.set(Bucket::new(bucket))));
        let members = [member(0, [30; 32], 0), member(1, [0; 32], 12)];
        Dataset::compute(header, &members, &[([30; 32], bits)], None).unwrap()
    }

    #[test]
    fn both_formats_say_the_same_of_every_tenure() {
        let dataset = dataset();
        let (hash, root) = (dataset.hash().unwrap(), dataset.points_root().unwrap());
        let tenure = TenureInfo {
            tenure: [10; 32],
            node: [20; 32],
            project: [4; 32],
            holder: [40; 32],
            operator: [0; 32],
            leaf_index: 0,
            until_epoch: u64::MAX,
        };
        let file = PointsFile::new(&dataset, &hash, &root, &[([10; 32], tenure)].into());
        let json: serde_json::Value = serde_json::from_slice(&file.encode(Format::Json).unwrap()).unwrap();
        assert_eq!((&json["total_points"], &json["node_count"]), (&"4000".into(), &2.into()));
        assert_eq!(json["dataset_hash"], hex::encode(hash));
        assert_eq!((&json["epoch_start"], &json["epoch_end"]), (&840.into(), &960.into()));
        assert_eq!(json["rows"][0]["holder"], base58(&[40; 32]));

        let csv = String::from_utf8(file.encode(Format::Csv).unwrap()).unwrap();
        let lines: Vec<Vec<&str>> = csv.split("\r\n").map(|line| line.split(',').collect()).collect();
        assert_eq!((lines.len(), lines[3].as_slice()), (4, [""].as_slice()), "a line each, and the last one ends");
        for (line, row) in lines[1..3].iter().zip(json["rows"].as_array().unwrap()) {
            for (name, value) in lines[0].iter().zip(line).skip(2) {
                let expected = row[*name].as_str().map_or_else(|| row[*name].to_string(), str::to_owned);
                assert_eq!(*value, expected, "{name}");
            }
        }
        assert_eq!(lines[2][5..7], ["", ""], "no key and no holder that is known");
    }
}
