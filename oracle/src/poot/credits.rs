//! Work credits: the points that a node's tenures earned, summed over the epochs that are computed.

use std::io;

use muster_protocol::dataset::Row;
use serde_json::{Value, json};

use crate::epochs::store::Store;

/// Epochs that are summed: over ten years of days.
pub const EPOCHS_MAX: usize = 4_096;

/// One epoch of one tenure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earned {
    /// The epoch.
    pub epoch: u64,
    /// Whether a settlement made it final, or passed it over.
    pub is_settled: bool,
    /// Its row.
    pub row: Row,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    /// Newest first.
    pub earned: Vec<Earned>,
    /// Sum of all points.
    pub total_points: u64,
}

/// The rows of these tenures (address and leaf) in all epochs that are computed.
pub fn credits(store: &Store, project: &[u8; 32], next_epoch: u64, tenures: &[([u8; 32], u32)]) -> io::Result<Credits> {
    let epochs = store.dataset_epochs(project)?;
    let mut credits = Credits::default();
    for epoch in epochs.into_iter().rev().take(EPOCHS_MAX) {
        for (tenure, leaf) in tenures {
            let Some(found) = store.dataset_rows(project, epoch, *leaf, 1)? else {
                continue;
            };
            // The tenure was made later where its leaf is not there yet.
            let row = found.rows.into_iter().next().filter(|row| row.tenure == *tenure);
            if let Some(row) = row {
                credits.total_points = credits.total_points.saturating_add(row.points.get());
                credits.earned.push(Earned { epoch, is_settled: epoch < next_epoch, row });
            }
        }
    }
    Ok(credits)
}

/// The points of all epochs of the leaves from `from` on, at most `count` of them.
pub fn sums(store: &Store, project: &[u8; 32], from: u32, count: u32) -> io::Result<Vec<u64>> {
    let mut sums: Vec<u64> = Vec::new();
    for epoch in store.dataset_epochs(project)?.into_iter().rev().take(EPOCHS_MAX) {
        let rows = store.dataset_rows(project, epoch, from, count)?.map(|found| found.rows).unwrap_or_default();
        if rows.len() > sums.len() {
            sums.resize(rows.len(), 0);
        }
        for (sum, row) in sums.iter_mut().zip(&rows) {
            *sum = sum.saturating_add(row.points.get());
        }
    }
    // Leaves that no computed epoch has yet.
    sums.resize(count as usize, 0);
    Ok(sums)
}

impl Credits {
    /// As it is told; of the epochs those below `before`, about `limit`: an epoch is told whole.
    pub fn json(&self, before: u64, limit: usize) -> Value {
        let listed: Vec<&Earned> = self.earned.iter().filter(|earned| earned.epoch < before).collect();
        let enough = |index: usize| index >= limit && listed[index].epoch != listed[index - 1].epoch;
        let count = (1..listed.len()).find(|index| enough(*index)).unwrap_or(listed.len());
        let next = (count < listed.len()).then(|| listed[count - 1].epoch);
        let epochs: Vec<Value> = listed[..count].iter().map(|earned| earned.json()).collect();
        json!({
            "total_points": self.total_points.to_string(),
            "epoch_count": self.earned.len(),
            "epochs": epochs,
            "next_before": next,
        })
    }
}

impl Earned {
    fn json(&self) -> Value {
        let row = &self.row;
        json!({
            "epoch": self.epoch,
            "is_settled": self.is_settled,
            "tenure": bs58::encode(row.tenure).into_string(),
            "counted": row.counted,
            "excused": row.excused,
            "uptime_bps": row.uptime_bps,
            "score_bps": row.score_bps,
            "points": row.points.get().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::storage::Disk;
    use crate::projects::export::tests::dataset;
    use muster_protocol::units::EpochIndex;
    use std::sync::Arc;

    #[test]
    fn credits_are_the_sum_of_a_tenures_rows_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Disk), folder.path());
        let project = [4; 32];
        // Given epochs 7, 8 and 10 of which the last has one tenure more than the first two.
        for epoch in [7, 8, 10] {
            let mut data = dataset();
            data.header.epoch = EpochIndex::new(epoch);
            if epoch != 10 {
                data.rows.truncate(1);
            }
            store.put_dataset(&project, epoch, &data.encode().unwrap()).unwrap();
        }
        assert_eq!(store.dataset_epochs(&project).unwrap(), [7, 8, 10]);
        let of = |tenures: &[_]| credits(&store, &project, 10, tenures).unwrap();
        let first = of(&[([10; 32], 0)]);
        assert_eq!((first.total_points, first.earned.len()), (12_000, 3));
        assert_eq!(
            first.earned.iter().map(|e| (e.epoch, e.is_settled)).collect::<Vec<_>>(),
            [(10, false), (8, true), (7, true)]
        );
        assert_eq!(of(&[([11; 32], 1)]).earned.len(), 1);
        assert_eq!(of(&[([10; 32], 0), ([11; 32], 1)]).earned.len(), 4);
        assert_eq!(of(&[([99; 32], 0)]), Credits::default(), "another tenure's leaf");
        // Pages go on where they ended; the sum is of all.
        let page = first.json(u64::MAX, 2);
        assert_eq!((&page["total_points"], &page["next_before"]), (&"12000".into(), &8.into()));
        let rest = first.json(8, 2);
        assert_eq!((rest["epochs"].as_array().unwrap().len(), &rest["next_before"]), (1, &Value::Null));
        assert_eq!(sums(&store, &project, 0, 3).unwrap(), [12_000, 0, 0]);
        assert!(store.dataset_rows(&project, 9, 0, 1).unwrap().is_none());
        assert_eq!(store.dataset_rows(&project, 10, 1, 50).unwrap().unwrap().rows, dataset().rows[1..]);
    }
}
