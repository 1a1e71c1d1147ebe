//! What one oracle saw in an epoch, signed and published; and what a set of views adds up to.

use crate::bitmap::{Bitmap, MAX_BUCKETS, byte_len};
use crate::counting;
use crate::hash::{Hash, hashv};
use crate::reason::Reason;
use crate::sig::SIGNATURE_LEN;
use crate::units::EpochIndex;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, kind, short_count, strictly_ascending};

/// The most nodes of a view.
pub const MAX_NODES: u32 = 1 << 22;
/// The most bytes of a view.
pub const MAX_LEN: usize = 1 << 31;
/// The most oracles of a set.
pub const MAX_ORACLES: usize = 16;

/// One node as an oracle saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// The node's hot key.
    pub node_key: [u8; 32],
    /// The counted buckets.
    pub bitmap: Bitmap,
    /// Refused messages, by reason, ascending, without zeros and without [`Reason::Accepted`].
    pub refused: Vec<(Reason, u32)>,
    /// The last accepted heartbeat frame, empty if there is none.
    pub last_frame: Vec<u8>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The oracle, which signs.
    pub oracle_key: [u8; 32],
    /// The epoch.
    pub epoch: EpochIndex,
    /// Buckets of the epoch.
    pub buckets: u32,
    /// Strictly ascending by node key.
    pub nodes: Vec<NodeView>,
}

impl View {
    /// SHA-256 of a whole view, signature included: what `commit_views` names.
    pub fn hash(frame: &[u8]) -> Hash {
        hashv(&[frame])
    }

    /// The entry of a node.
    pub fn node(&self, node_key: &[u8; 32]) -> Option<&NodeView> {
        let at = self.nodes.binary_search_by(|node| node.node_key.cmp(node_key)).ok()?;
        Some(&self.nodes[at])
    }
}

impl Frame for View {
    const KIND: u8 = kind::VIEW;
    const MAX_LEN: usize = MAX_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.oracle_key
    }

    fn validate(&self) -> Result<(), WireError> {
        if self.buckets == 0 || self.buckets > MAX_BUCKETS {
            let rule = "1 to 604800 are allowed";
            return Err(WireError::Value { field: "buckets", value: self.buckets.into(), rule });
        }
        if self.nodes.len() > MAX_NODES as usize {
            let rule = "at most 4194304 are allowed";
            return Err(WireError::Value { field: "node count", value: self.nodes.len() as u64, rule });
        }
        strictly_ascending("node", self.nodes.iter().map(|node| &node.node_key))?;
        for (index, node) in self.nodes.iter().enumerate() {
            if node.bitmap.buckets() != self.buckets {
                return Err(WireError::Inconsistent { field: "bitmap", index });
            }
            if node.refused.iter().any(|(reason, count)| *reason == Reason::Accepted || *count == 0) {
                return Err(WireError::Inconsistent { field: "refused count", index });
            }
            strictly_ascending("refused reason", node.refused.iter().map(|(reason, _)| reason.code()))?;
            short_count("last frame", node.last_frame.len(), usize::from(u16::MAX), "at most 65535 are allowed")?;
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.oracle_key);
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.extend_from_slice(&self.buckets.to_le_bytes());
        out.extend_from_slice(&(self.nodes.len() as u32).to_le_bytes());
        for node in &self.nodes {
            out.extend_from_slice(&node.node_key);
            out.extend_from_slice(node.bitmap.as_bytes());
            out.push(node.refused.len() as u8);
            for (reason, count) in &node.refused {
                out.push(reason.code());
                out.extend_from_slice(&count.to_le_bytes());
            }
            out.extend_from_slice(&(node.last_frame.len() as u16).to_le_bytes());
            out.extend_from_slice(&node.last_frame);
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let oracle_key = r.array("oracle key")?;
        let epoch = EpochIndex::new(r.u64("epoch")?);
        let buckets = r.u32("buckets")?;
        if buckets > MAX_BUCKETS {
            let rule = "1 to 604800 are allowed";
            return Err(WireError::Value { field: "buckets", value: buckets.into(), rule });
        }
        let count = r.u32("node count")?;
        let count = r.expect_entries(count, 32 + byte_len(buckets) + 3, "nodes")?;
        let mut nodes = Vec::with_capacity(count);
        for _ in 0..count {
            nodes.push(read_node(r, buckets)?);
        }
        Ok(Self { oracle_key, epoch, buckets, nodes })
    }
}

fn read_node(r: &mut Reader<'_>, buckets: u32) -> Result<NodeView, WireError> {
    let node_key = r.array("node key")?;
    let bitmap = Bitmap::from_bytes(buckets, r.take(byte_len(buckets), "bitmap")?)?;
    let mut refused = Vec::new();
    for _ in 0..r.u8("refused reasons")? {
        let code = r.u8("refused reason")?;
        let rule = "which is no known code";
        let reason =
            Reason::from_code(code).ok_or(WireError::Value { field: "refused reason", value: code.into(), rule })?;
        refused.push((reason, r.u32("refused count")?));
    }
    let frame_len = r.u16("last frame length")?;
    let last_frame = r.take(frame_len.into(), "last frame")?.to_vec();
    Ok(NodeView { node_key, bitmap, refused, last_frame })
}

/// Smallest view: no nodes.
pub const MIN_LEN: usize = HEADER_LEN + 48 + SIGNATURE_LEN;

/// Why views do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// A threshold of nothing would count every bucket.
    #[error("the threshold is 0")]
    NoThreshold,
    /// More views than a set has oracles.
    #[error("{0} views, an oracle set has at most 16")]
    TooMany(usize),
    /// More members than a tree has leaves.
    #[error("{0} members, a project has at most 1048576")]
    TooManyMembers(usize),
    /// Two views differ in epoch or number of buckets.
    #[error("view {0} is of another epoch or schedule than the first")]
    Mixed(usize),
    /// Two views by one oracle.
    #[error("view {0} is the second one by its oracle")]
    Twice(usize),
}

/// What the views that are in say together: a bucket counts when at least `threshold` of them have it. Every node that
/// any view names is there, ascending by key; a missing view counts as zeros.
pub fn combine(views: &[&View], threshold: u8) -> Result<Vec<([u8; 32], Bitmap)>, CombineError> {
    check_views(views, threshold)?;
    let mut cursors = vec![0usize; views.len()];
    let mut combined = Vec::with_capacity(views.iter().map(|view| view.nodes.len()).max().unwrap_or(0));
    loop {
        let heads = || views.iter().zip(&cursors).filter_map(|(view, &at)| view.nodes.get(at));
        let Some(node_key) = heads().map(|node| node.node_key).min() else {
            return Ok(combined);
        };
        let seen = heads().filter(|node| node.node_key == node_key).map(|node| &node.bitmap);
        combined.push((node_key, at_least(seen, views[0].buckets, threshold)));
        for (view, at) in views.iter().zip(&mut cursors) {
            if view.nodes.get(*at).is_some_and(|node| node.node_key == node_key) {
                *at += 1;
            }
        }
    }
}

/// Whether views may be added up.
pub(crate) fn check_views(views: &[&View], threshold: u8) -> Result<(), CombineError> {
    if threshold == 0 {
        return Err(CombineError::NoThreshold);
    }
    if views.len() > MAX_ORACLES {
        return Err(CombineError::TooMany(views.len()));
    }
    for (index, view) in views.iter().enumerate() {
        if view.epoch != views[0].epoch || view.buckets != views[0].buckets {
            return Err(CombineError::Mixed(index));
        }
        if views[..index].iter().any(|other| other.oracle_key == view.oracle_key) {
            return Err(CombineError::Twice(index));
        }
    }
    Ok(())
}

/// The buckets that at least `threshold` of the bitmaps have. Unused bits are zero in all, so they stay zero.
fn at_least<'a>(bitmaps: impl Iterator<Item = &'a Bitmap>, buckets: u32, threshold: u8) -> Bitmap {
    let bitmaps: Vec<&Bitmap> = bitmaps.collect();
    let mut out = Vec::with_capacity(byte_len(buckets) + 8);
    for at in 0..buckets.div_ceil(64) as usize {
        let words: Vec<u64> = bitmaps.iter().map(|bitmap| bitmap.word(at)).collect();
        out.extend_from_slice(&counting::at_least(&words, threshold).to_le_bytes());
    }
    Bitmap::from_bytes(buckets, &out[..byte_len(buckets)]).unwrap_or_else(|_| Bitmap::new(buckets))
}
