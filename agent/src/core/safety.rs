//! Which buckets each oracle acknowledged, and which are safe: acknowledged by a threshold.

use std::collections::BTreeMap;

use muster_protocol::Hash;
use muster_protocol::bitmap::Bitmap;
use muster_protocol::units::{Bucket, EpochIndex};

/// Epochs that are kept; older ones cannot change any more.
const EPOCHS_KEPT: usize = 4;

/// One epoch as the node knows it.
#[derive(Clone, Debug)]
struct EpochBook {
    /// Buckets that the node lived through: it made a heartbeat for them.
    own: Bitmap,
    acknowledged: BTreeMap<[u8; 32], Bitmap>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Book {
    buckets: u32,
    epochs: BTreeMap<EpochIndex, EpochBook>,
}

impl Book {
    /// Empty; `buckets` is the number of an epoch's buckets.
    pub fn new(buckets: u32) -> Self {
        Self { buckets, epochs: BTreeMap::new() }
    }

    /// The node made a heartbeat for this bucket.
    pub fn lived(&mut self, epoch: EpochIndex, bucket: Bucket) {
        if let Some(book) = self.open(epoch) {
            book.own.set(bucket);
        }
    }

    /// An oracle acknowledged this bucket; says whether that was new.
    pub fn acknowledged(&mut self, oracle: &[u8; 32], epoch: EpochIndex, bucket: Bucket) -> bool {
        let buckets = self.buckets;
        let Some(book) = self.open(epoch) else {
            return false;
        };
        book.own.set(bucket);
        let bitmap = book.acknowledged.entry(*oracle);
        bitmap.or_insert_with(|| Bitmap::new(buckets)).set(bucket)
    }

    /// Whether an oracle acknowledged a bucket.
    pub fn has(&self, oracle: &[u8; 32], epoch: EpochIndex, bucket: Bucket) -> bool {
        let book = self.epochs.get(&epoch);
        book.and_then(|book| book.acknowledged.get(oracle)).is_some_and(|bitmap| bitmap.get(bucket))
    }

    /// How many buckets an oracle acknowledged.
    pub fn count(&self, oracle: &[u8; 32], epoch: EpochIndex) -> u32 {
        let book = self.epochs.get(&epoch);
        book.and_then(|book| book.acknowledged.get(oracle)).map_or(0, Bitmap::count)
    }

    /// Digest of the node's own bitmap of an epoch, for the heartbeat.
    pub fn digest(&self, epoch: EpochIndex) -> Hash {
        match self.epochs.get(&epoch) {
            Some(book) => book.own.digest(epoch),
            None => Bitmap::new(self.buckets).digest(epoch),
        }
    }

    /// How many buckets the node lived through.
    pub fn lived_count(&self, epoch: EpochIndex) -> u32 {
        self.epochs.get(&epoch).map_or(0, |book| book.own.count())
    }

    /// The buckets that at least `threshold` of `oracles` acknowledged.
    pub fn safe(&self, oracles: &[[u8; 32]], threshold: u8, epoch: EpochIndex) -> Bitmap {
        let mut safe = Bitmap::new(self.buckets);
        for bucket in (0..self.buckets).map(Bucket::new) {
            let count = oracles.iter().filter(|oracle| self.has(oracle, epoch, bucket)).count();
            if threshold > 0 && count >= usize::from(threshold) {
                safe.set(bucket);
            }
        }
        safe
    }

    fn open(&mut self, epoch: EpochIndex) -> Option<&mut EpochBook> {
        let buckets = self.buckets;
        self.epochs
            .entry(epoch)
            .or_insert_with(|| EpochBook { own: Bitmap::new(buckets), acknowledged: BTreeMap::new() });
        while self.epochs.len() > EPOCHS_KEPT {
            self.epochs.pop_first();
        }
        self.epochs.get_mut(&epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 32] = [1; 32];
    const B: [u8; 32] = [2; 32];
    const C: [u8; 32] = [3; 32];

    #[test]
    fn a_bucket_is_safe_when_a_threshold_of_the_set_acknowledged_it() {
        let mut book = Book::new(12);
        let (epoch, bucket) = (EpochIndex::new(7), Bucket::new(3));
        assert!(book.acknowledged(&A, epoch, bucket));
        assert!(!book.acknowledged(&A, epoch, bucket), "the second time is not new");
        assert_eq!(book.safe(&[A, B, C], 2, epoch).count(), 0);
        // an oracle that left the set does not count
        book.acknowledged(&[9; 32], epoch, bucket);
        assert_eq!(book.safe(&[A, B, C], 2, epoch).count(), 0);
        book.acknowledged(&C, epoch, bucket);
        let safe = book.safe(&[A, B, C], 2, epoch);
        assert!(safe.get(bucket) && safe.count() == 1);
        assert_eq!((book.count(&A, epoch), book.count(&B, epoch)), (1, 0));
    }

    #[test]
    fn old_epochs_are_forgotten_and_do_not_come_back() {
        let mut book = Book::new(12);
        for epoch in 0..10 {
            book.acknowledged(&A, EpochIndex::new(epoch), Bucket::new(0));
        }
        assert_eq!(book.count(&A, EpochIndex::new(9)), 1);
        assert_eq!(book.count(&A, EpochIndex::new(5)), 0);
        assert!(!book.acknowledged(&A, EpochIndex::new(1), Bucket::new(0)));
        assert_eq!(book.epochs.len(), EPOCHS_KEPT);
    }

    #[test]
    fn the_digest_is_that_of_the_buckets_lived_through() {
        let mut book = Book::new(12);
        let epoch = EpochIndex::new(7);
        let mut expected = Bitmap::new(12);
        assert_eq!(book.digest(epoch), expected.digest(epoch));
        book.lived(epoch, Bucket::new(2));
        expected.set(Bucket::new(2));
        assert_eq!(book.digest(epoch), expected.digest(epoch));
    }
}
