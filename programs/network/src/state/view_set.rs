use anchor_lang::prelude::*;

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
    pub _reserved: [u8; 64],
}

impl ViewSet {
    /// Recomputes which views are in, from the rows.
    pub fn tally(&mut self, oracles: usize) {
        self.in_count = 0;
        for column in 0..oracles.min(ORACLES_MAX) {
            self.view_hashes[column] = self.agreed(column, oracles);
            if self.view_hashes[column] != Hash32::default() {
                self.in_count += 1;
            }
        }
    }

    /// The hash that a threshold names for one oracle's view, or zeros.
    fn agreed(&self, column: usize, oracles: usize) -> Hash32 {
        let rows = &self.rows[..oracles.min(ORACLES_MAX)];
        for row in rows {
            let hash = &row[column];
            if *hash == Hash32::default() {
                continue;
            }
            let named = rows.iter().filter(|other| other[column] == *hash).count();
            if named >= usize::from(self.threshold) {
                return *hash;
            }
        }
        Hash32::default()
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
