//! What an oracle's transparency log says. An entry is `version u8 = 1 | kind u8 | reserved u16 = 0 | body`,
//! little-endian.

use crate::hash::{Hash, hashv};
use crate::ledger::Block;
use crate::merkle::{MAX_LEAVES, Tree};
use crate::receipt::BatchReceipt;
use crate::wire::{Reader, WireError, at_most};

/// The version that is written.
const VERSION: u8 = 1;
/// Batches of one entry at most.
pub const BATCHES_MAX: u32 = 4_096;

/// A second's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Number of the first batch.
    pub first_batch_no: u64,
    /// How many follow on it, itself included.
    pub count: u32,
    /// When the first one was committed, Unix milliseconds.
    pub from_ms: u64,
    /// When the last one was.
    pub to_ms: u64,
    /// Root of the tree over [`batch_root_leaf`] of each, in the order of their numbers.
    pub root: Hash,
}

/// What one oracle saw of one node in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeDay {
    /// The epoch.
    pub epoch: u64,
    /// The node's key.
    pub node_key: [u8; 32],
    /// Digest of the bitmap in this oracle's view.
    pub bitmap_digest: Hash,
    /// Buckets in it.
    pub counted: u32,
    /// Buckets of the epoch.
    pub buckets: u32,
    /// Frame hash of the last accepted heartbeat; zeros if there is none.
    pub last_frame_hash: Hash,
}

/// An oracle's view of an epoch; follows on the entries of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewLogged {
    /// The epoch.
    pub epoch: u64,
    /// Hash of the signed view.
    pub view_hash: Hash,
    /// Nodes in it.
    pub nodes: u32,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Kind 1.
    Batches(Batches),
    /// Kind 2.
    NodeDay(NodeDay),
    /// Kind 3.
    View(ViewLogged),
    /// Kind 4: a block of the ledger, of a settlement or of a job that is over.
    Block(Block),
}

/// Leaf of a batch in the tree of its second: `H(0x00 || batch_no || committed_at_ms || count || root)`.
pub fn batch_root_leaf(receipt: &BatchReceipt) -> Hash {
    hashv(&[
        &[0],
        &receipt.batch_no.to_le_bytes(),
        &receipt.committed_at_ms.to_le_bytes(),
        &receipt.count.to_le_bytes(),
        &receipt.root,
    ])
}

impl Batches {
    /// The entry of consecutive batches, and their tree; none if there is none, or one is missing between them.
    pub fn of(receipts: &[BatchReceipt]) -> Option<(Self, Tree)> {
        let (first, last) = (receipts.first()?, receipts.last()?);
        let consecutive = receipts.iter().zip(first.batch_no..).all(|(receipt, number)| receipt.batch_no == number);
        let count = u32::try_from(receipts.len()).ok().filter(|count| *count <= BATCHES_MAX.min(MAX_LEAVES))?;
        let tree = Tree::build(receipts.iter().map(batch_root_leaf).collect()).ok()?;
        let entry = Self {
            first_batch_no: first.batch_no,
            count,
            from_ms: first.committed_at_ms,
            to_ms: last.committed_at_ms,
            root: tree.root(),
        };
        consecutive.then_some((entry, tree))
    }

    /// The place of a batch among these.
    pub fn position(&self, batch_no: u64) -> Option<u32> {
        let position = u32::try_from(batch_no.checked_sub(self.first_batch_no)?).ok()?;
        (position < self.count).then_some(position)
    }
}

impl Entry {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self {
            Self::Batches(_) => 1,
            Self::NodeDay(_) => 2,
            Self::View(_) => 3,
            Self::Block(_) => 4,
        };
        let mut out = vec![VERSION, kind, 0, 0];
        match self {
            Self::Batches(batches) => {
                out.extend_from_slice(&batches.first_batch_no.to_le_bytes());
                out.extend_from_slice(&batches.count.to_le_bytes());
                out.extend_from_slice(&batches.from_ms.to_le_bytes());
                out.extend_from_slice(&batches.to_ms.to_le_bytes());
                out.extend_from_slice(&batches.root);
            }
            Self::NodeDay(node) => {
                out.extend_from_slice(&node.epoch.to_le_bytes());
                out.extend_from_slice(&node.node_key);
                out.extend_from_slice(&node.bitmap_digest);
                out.extend_from_slice(&node.counted.to_le_bytes());
                out.extend_from_slice(&node.buckets.to_le_bytes());
                out.extend_from_slice(&node.last_frame_hash);
            }
            Self::View(view) => {
                out.extend_from_slice(&view.epoch.to_le_bytes());
                out.extend_from_slice(&view.view_hash);
                out.extend_from_slice(&view.nodes.to_le_bytes());
            }
            Self::Block(block) => block.write(&mut out),
        }
        out
    }

    /// Reads an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let version = r.u8("entry version")?;
        if version != VERSION {
            return Err(WireError::Version(version.into()));
        }
        let kind = r.u8("entry kind")?;
        r.reserved_u16("entry")?;
        let entry = match kind {
            1 => Self::Batches(read_batches(&mut r)?),
            2 => Self::NodeDay(read_node_day(&mut r)?),
            3 => Self::View(ViewLogged {
                epoch: r.u64("epoch")?,
                view_hash: r.array("view hash")?,
                nodes: r.u32("nodes")?,
            }),
            4 => Self::Block(Block::read(&mut r)?),
            other => {
                return Err(WireError::Value { field: "entry kind", value: other.into(), rule: "it is 1 to 4" });
            }
        };
        r.finish()?;
        Ok(entry)
    }
}

fn read_batches(r: &mut Reader<'_>) -> Result<Batches, WireError> {
    let batches = Batches {
        first_batch_no: r.u64("first batch number")?,
        count: r.u32("batch count")?,
        from_ms: r.u64("from_ms")?,
        to_ms: r.u64("to_ms")?,
        root: r.array("root")?,
    };
    let rule = "1 to 4096 batches are one entry";
    at_most("batch count", batches.count.into(), BATCHES_MAX.into(), rule)?;
    if batches.count == 0 {
        return Err(WireError::Value { field: "batch count", value: 0, rule });
    }
    Ok(batches)
}

fn read_node_day(r: &mut Reader<'_>) -> Result<NodeDay, WireError> {
    let node = NodeDay {
        epoch: r.u64("epoch")?,
        node_key: r.array("node key")?,
        bitmap_digest: r.array("bitmap digest")?,
        counted: r.u32("counted buckets")?,
        buckets: r.u32("buckets")?,
        last_frame_hash: r.array("last frame hash")?,
    };
    at_most("counted buckets", node.counted.into(), node.buckets.into(), "no more than the epoch has")?;
    Ok(node)
}
