//! What this oracle saw in one epoch: a bitmap, refusals and the last frame per node.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_protocol::bitmap::Bitmap;
use muster_protocol::reason::Reason;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::view::{NodeView, View};

/// One node in one epoch.
#[derive(Clone, Debug)]
pub struct NodeEpoch {
    /// The counted buckets.
    pub bitmap: Bitmap,
    /// By reason, ascending.
    pub refused: BTreeMap<Reason, u32>,
    /// The last accepted frame, empty if there is none.
    pub last_frame: Arc<[u8]>,
}

/// See the module. Ordered by node key, as a view is.
#[derive(Clone, Debug)]
pub struct EpochState {
    buckets: u32,
    nodes: BTreeMap<[u8; 32], NodeEpoch>,
}

impl EpochState {
    /// Nothing seen yet.
    pub fn new(buckets: u32) -> Self {
        Self { buckets, nodes: BTreeMap::new() }
    }

    /// One node as it was seen.
    pub fn node(&self, key: &[u8; 32]) -> Option<&NodeEpoch> {
        self.nodes.get(key)
    }

    fn entry(&mut self, key: &[u8; 32]) -> &mut NodeEpoch {
        self.nodes.entry(*key).or_insert_with(|| NodeEpoch {
            bitmap: Bitmap::new(self.buckets),
            refused: BTreeMap::new(),
            last_frame: Arc::from([]),
        })
    }

    /// Counts a bucket.
    pub fn count(&mut self, key: &[u8; 32], bucket: Bucket, frame: &Arc<[u8]>) {
        let entry = self.entry(key);
        entry.bitmap.set(bucket);
        entry.last_frame = frame.clone();
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, key: &[u8; 32], reason: Reason) {
        let count = self.entry(key).refused.entry(reason).or_default();
        *count = count.saturating_add(1);
    }

    /// The view, unsigned.
    pub fn view(&self, oracle_key: [u8; 32], epoch: u64) -> View {
        let node_view = |(node_key, node): (&[u8; 32], &NodeEpoch)| NodeView {
            node_key: *node_key,
            bitmap: node.bitmap.clone(),
            refused: node.refused.iter().map(|(r, n)| (*r, *n)).collect(),
            last_frame: node.last_frame.to_vec(),
        };
        View {
            oracle_key,
            epoch: EpochIndex::new(epoch),
            buckets: self.buckets,
            nodes: self.nodes.iter().map(node_view).collect(),
        }
    }
}
