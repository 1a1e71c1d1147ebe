use anchor_lang::prelude::*;

use super::OracleSet;
use crate::constants::ORACLES_MAX;

/// A SHA-256 hash; all zeros means none.
pub type Hash32 = [u8; 32];

/// Which views of an epoch the oracles hold. Row i is what oracle i names: column j is the hash of oracle j's view.
#[account(zero_copy)]
#[derive(Debug)]
pub struct ViewSet {
    pub epoch: u64,
    /// Zero until the set closed by a commit after the grace; see `is_closed`.
    pub closed_at: i64,
    /// Last event of this account's stream.
    pub seq: u64,
    pub rent_payer: Pubkey,
    /// Hash of each view that is in: a threshold named it. Zero when it is not in.
    pub view_hashes: [Hash32; ORACLES_MAX],
    pub rows: [[Hash32; ORACLES_MAX]; ORACLES_MAX],
    pub set_version: u32,
    /// Views that are in.
    pub in_count: u8,
    pub threshold: u8,
    pub bump: u8,
    pub version: u8,
    /// The oracles whose views the columns are, in the order of the set that committed them: the set may change later.
    pub oracle_keys: [Pubkey; ORACLES_MAX],
    pub oracle_count: u8,
    pub _reserved: [u8; 63],
}

impl ViewSet {
    /// Takes over a set's version: rows and views of another set mean nothing to it.
    pub fn enter_set(&mut self, set: &OracleSet) {
        if self.set_version == set.set_version {
            return;
        }
        self.rows = [[Hash32::default(); ORACLES_MAX]; ORACLES_MAX];
        self.view_hashes = [Hash32::default(); ORACLES_MAX];
        self.in_count = 0;
        self.oracle_keys = set.oracles.map(|oracle| oracle.key);
        self.oracle_count = set.count;
        self.set_version = set.set_version;
        self.threshold = set.threshold;
    }

    /// Replaces one oracle's row and recounts. A threshold is more than half: after the change of one row only the hash
    /// that the row names now, or the one that was in before, can be in, so that two counts a column are enough.
    pub fn put_row(&mut self, position: usize, hashes: &[Hash32]) {
        self.rows[position][..hashes.len()].copy_from_slice(hashes);
        self.in_count = 0;
        for (column, named) in hashes.iter().enumerate() {
            let before = self.view_hashes[column];
            let agreed = [*named, before].into_iter().find(|hash| self.is_named(column, hash, hashes.len()));
            self.view_hashes[column] = agreed.unwrap_or_default();
            self.in_count += u8::from(agreed.is_some());
        }
    }

    /// Whether a threshold of rows names this hash for one oracle's view.
    fn is_named(&self, column: usize, hash: &Hash32, oracles: usize) -> bool {
        *hash != Hash32::default()
            && self.rows[..oracles].iter().filter(|row| is_same(&row[column], hash)).count()
                >= usize::from(self.threshold)
    }

    /// Whose views the columns are.
    pub fn oracles(&self) -> &[Pubkey] {
        &self.oracle_keys[..usize::from(self.oracle_count).min(ORACLES_MAX)]
    }

    /// Closed at the end of the grace, or later as soon as a threshold of views is in.
    pub fn is_closed(&self, now: i64, grace_end: i64) -> bool {
        self.closed_at != 0 || (now >= grace_end && self.in_count >= self.threshold)
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

/// Word by word: a call that compares bytes costs more than the words, and a commit has hundreds.
fn is_same(a: &Hash32, b: &Hash32) -> bool {
    let (a, b): ([u64; 4], [u64; 4]) = (bytemuck::cast(*a), bytemuck::cast(*b));
    a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3]
}
