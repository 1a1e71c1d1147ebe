//! How far the log has come: what comes next follows from the entries themselves.

use std::collections::BTreeMap;

use muster_protocol::ledger::{ChainId, Tail};
use muster_protocol::tlog::entry::Entry;
use muster_protocol::wire::WireError;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursors {
    /// The first batch that is in no entry; 0 before the first.
    pub next_batch: u64,
    /// The first epoch whose view is not in the log.
    pub next_view: u64,
    /// The epoch whose nodes are being logged, and the last one of them.
    pub within: Option<(u64, [u8; 32])>,
    /// The last block of each chain, and the entry that it is in.
    pub tails: BTreeMap<ChainId, (Tail, u64)>,
}

impl Cursors {
    /// Goes on past entry `index`.
    pub fn pass(&mut self, index: u64, entry: &[u8]) -> Result<(), WireError> {
        match Entry::decode(entry)? {
            Entry::Batches(batches) => self.next_batch = batches.first_batch_no + u64::from(batches.count),
            Entry::NodeDay(node) => self.within = Some((node.epoch, node.node_key)),
            Entry::View(view) => {
                self.next_view = view.epoch + 1;
                self.within = None;
            }
            Entry::Block(block) => {
                let tail = Tail { index: block.index, hash: block.hash };
                self.tails.insert(block.data.chain(), (tail, index));
            }
        }
        Ok(())
    }

    /// What the file holds, as of a size.
    pub fn to_file(&self, size: u64) -> CursorFile {
        let chain = |id: &ChainId| match id {
            ChainId::Jobs => None,
            ChainId::Project(project) => Some(*project),
        };
        CursorFile {
            size,
            next_batch: self.next_batch,
            next_view: self.next_view,
            within: self.within,
            tails: self.tails.iter().map(|(id, (tail, entry))| (chain(id), tail.index, tail.hash, *entry)).collect(),
        }
    }
}

/// Cursors on disk, so that a start does not read all entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CursorFile {
    /// Entries of the log that are passed.
    pub size: u64,
    next_batch: u64,
    next_view: u64,
    within: Option<(u64, [u8; 32])>,
    tails: Vec<KeptTail>,
}

/// Whose chain (none: the jobs'), its newest block's index and hash, and the entry that holds it.
type KeptTail = (Option<[u8; 32]>, u64, [u8; 32], u64);

impl From<CursorFile> for Cursors {
    fn from(file: CursorFile) -> Self {
        let chain = |id: Option<[u8; 32]>| id.map_or(ChainId::Jobs, ChainId::Project);
        Self {
            next_batch: file.next_batch,
            next_view: file.next_view,
            within: file.within,
            tails: file
                .tails
                .into_iter()
                .map(|(id, index, hash, entry)| (chain(id), (Tail { index, hash }, entry)))
                .collect(),
        }
    }
}
