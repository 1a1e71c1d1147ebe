//! The batches behind the log's entries, of which a single batch's proof is made. They are kept for a while only: an
//! agent asks soon, and the log commits to them for ever.
//!
//! A batch's record: `batch_no u64 | committed_at_ms u64 | count u32 | root[32]`, little-endian.

use std::collections::BTreeMap;
use std::io;

use muster_protocol::merkle::Tree;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::tlog::check::{BatchProof, Inclusion};
use muster_protocol::tlog::entry::{Batches, Entry};
use muster_protocol::tlog::tile::{Tile, WIDTH, entries_of};
use muster_protocol::tlog::tree::inclusion_proof;

use super::tree::LogTree;

const RECORD_LEN: usize = 52;

/// The records of an entry's batches.
pub fn encode(receipts: &[BatchReceipt]) -> Vec<u8> {
    let mut out = Vec::with_capacity(receipts.len() * RECORD_LEN);
    for receipt in receipts {
        out.extend_from_slice(&receipt.batch_no.to_le_bytes());
        out.extend_from_slice(&receipt.committed_at_ms.to_le_bytes());
        out.extend_from_slice(&receipt.count.to_le_bytes());
        out.extend_from_slice(&receipt.root);
    }
    out
}

fn decode(record: &[u8; RECORD_LEN], oracle_key: [u8; 32]) -> BatchReceipt {
    let (mut no, mut at_ms, mut count, mut root) = ([0; 8], [0; 8], [0; 4], [0; 32]);
    no.copy_from_slice(&record[..8]);
    at_ms.copy_from_slice(&record[8..16]);
    count.copy_from_slice(&record[16..20]);
    root.copy_from_slice(&record[20..]);
    BatchReceipt {
        oracle_key,
        batch_no: u64::from_le_bytes(no),
        committed_at_ms: u64::from_le_bytes(at_ms),
        count: u32::from_le_bytes(count),
        root,
    }
}

/// Which bundle a batch is in.
#[derive(Debug, Default)]
pub struct SideIndex {
    /// First batch of a bundle -> the bundle.
    firsts: BTreeMap<u64, u64>,
}

/// Why there is no proof of a batch.
#[derive(Debug, thiserror::Error)]
pub enum NoProof {
    /// It was never committed, or is not in the log yet.
    #[error("batch {0} is not in the log yet; if this oracle acknowledged it, try again in a second")]
    NotYet(u64),
    /// Its records are removed.
    #[error("batch {0} is too old: the log still commits to it, what its proof is made of was removed")]
    TooOld(u64),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl SideIndex {
    /// Reads which batches each bundle begins with.
    pub fn open(tree: &LogTree) -> io::Result<Self> {
        let mut index = Self::default();
        for bundle in tree.bundles_with_sides()? {
            index.note(bundle, &tree.sides(bundle)?);
        }
        let open = tree.size() / WIDTH;
        index.note(open, &tree.sides(open)?);
        Ok(index)
    }

    /// Notes a bundle's first batch.
    pub fn note(&mut self, bundle: u64, sides: &[u8]) {
        if let Some(first) = sides.first_chunk::<8>()
            && self.firsts.last_key_value().is_none_or(|(_, newest)| *newest != bundle)
        {
            self.firsts.insert(u64::from_le_bytes(*first), bundle);
        }
    }

    /// Removes the records of bundles whose last batch is older, but of the newest bundle.
    pub fn prune(&mut self, tree: &LogTree, before_ms: u64) -> io::Result<()> {
        while self.firsts.len() > 1 {
            let Some((&first, &bundle)) = self.firsts.first_key_value() else {
                break;
            };
            let sides = tree.sides(bundle)?;
            let newest = sides.last_chunk::<RECORD_LEN>().map(|record| decode(record, [0; 32]));
            if bundle == tree.size() / WIDTH || newest.is_some_and(|newest| newest.committed_at_ms >= before_ms) {
                break;
            }
            tree.remove_sides(bundle)?;
            self.firsts.remove(&first);
        }
        Ok(())
    }

    /// The bundle that a batch would be in.
    pub fn bundle_of(&self, batch_no: u64) -> Result<u64, NoProof> {
        let found = self.firsts.range(..=batch_no).next_back();
        found.map(|(_, bundle)| *bundle).ok_or(match self.firsts.is_empty() {
            true => NoProof::NotYet(batch_no),
            false => NoProof::TooOld(batch_no),
        })
    }
}

/// The proof that a batch is in the log of `size` entries.
pub fn prove(
    tree: &LogTree,
    oracle_key: [u8; 32],
    bundle: u64,
    batch_no: u64,
    size: u64,
) -> Result<BatchProof, NoProof> {
    let not_yet = || NoProof::NotYet(batch_no);
    // Sides before entries: whatever an entry is about has its records, also while a bundle becomes full.
    let sides = tree.sides(bundle)?;
    let tile = Tile::entries(bundle, size).ok_or_else(not_yet)?;
    let bytes = tree.tile(&tile)?.ok_or_else(not_yet)?;
    let entries = entries_of(&bytes).unwrap_or_default();
    let holds = |entry: &&[u8]| match Entry::decode(entry) {
        Ok(Entry::Batches(batches)) => batches.position(batch_no).map(|position| (batches, position)),
        _ => None,
    };
    let (at, (batches, position)) =
        entries.iter().enumerate().find_map(|(at, entry)| Some((at, holds(entry)?))).ok_or_else(not_yet)?;
    let receipts = receipts_of(&sides, oracle_key, &batches);
    let batch_path = Batches::of(&receipts)
        .filter(|(made, _)| *made == batches)
        .and_then(|(_, tree): (_, Tree)| tree.proof(position))
        .ok_or(NoProof::TooOld(batch_no))?;
    let index = bundle * WIDTH + at as u64;
    let path = inclusion_proof(index, size, &mut |node| tree.hash(node))?;
    Ok(BatchProof { batch_path, inclusion: Inclusion { entry: entries[at].to_vec(), index, size, path } })
}

fn receipts_of(sides: &[u8], oracle_key: [u8; 32], batches: &Batches) -> Vec<BatchReceipt> {
    let (records, _) = sides.as_chunks::<RECORD_LEN>();
    let receipts = records.iter().map(|record| decode(record, oracle_key));
    receipts.filter(|receipt| batches.position(receipt.batch_no).is_some()).collect()
}
