//! Who works on a job: the coordinator's signed choice of nodes for one attempt.

use crate::hash::{Hash, hashv};
use crate::sig::SIGNATURE_LEN;
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, kind};

/// The most nodes of an attempt.
pub const MAX_NODES: usize = 8;
/// Bytes of the largest assignment.
pub const MAX_LEN: usize = HEADER_LEN + 117 + MAX_NODES * 64 + SIGNATURE_LEN;

/// A node that is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignee {
    /// Address of the tenure that is to be paid.
    pub tenure: [u8; 32],
    /// The node's hot key.
    pub node_key: [u8; 32],
}

/// One attempt at a job, signed by the coordinating oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Address of the job.
    pub job: [u8; 32],
    /// Which attempt, from 0.
    pub attempt: u32,
    /// The coordinator, which signs.
    pub oracle_key: [u8; 32],
    /// When it was assigned, Unix milliseconds.
    pub assigned_at_ms: u64,
    /// When a result is late, Unix milliseconds; after `assigned_at_ms`.
    pub lease_until_ms: u64,
    /// SHA-256 of the job's descriptor, as on chain.
    pub descriptor_hash: Hash,
    /// 1 to [`MAX_NODES`], no tenure and no node key twice; in the coordinator's order.
    pub nodes: Vec<Assignee>,
}

impl Assignment {
    /// SHA-256 of a whole assignment frame, signature included: what results refer to.
    pub fn hash(frame: &[u8]) -> Hash {
        hashv(&[frame])
    }

    /// The entry of a node, if it is assigned.
    pub fn assignee(&self, node_key: &[u8; 32]) -> Option<&Assignee> {
        self.nodes.iter().find(|node| node.node_key == *node_key)
    }
}

impl Frame for Assignment {
    const KIND: u8 = kind::ASSIGNMENT;
    const MAX_LEN: usize = MAX_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.oracle_key
    }

    fn validate(&self) -> Result<(), WireError> {
        if self.nodes.is_empty() || self.nodes.len() > MAX_NODES {
            let rule = "1 to 8 are allowed";
            return Err(WireError::Value { field: "assigned nodes", value: self.nodes.len() as u64, rule });
        }
        if self.lease_until_ms <= self.assigned_at_ms {
            let rule = "which is not after assigned_at_ms";
            return Err(WireError::Value { field: "lease_until_ms", value: self.lease_until_ms, rule });
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let twice = |other: &Assignee| other.tenure == node.tenure || other.node_key == node.node_key;
            if self.nodes[..index].iter().any(twice) {
                return Err(WireError::Inconsistent { field: "node, which is assigned twice,", index });
            }
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.job);
        out.extend_from_slice(&self.attempt.to_le_bytes());
        out.extend_from_slice(&self.oracle_key);
        out.extend_from_slice(&self.assigned_at_ms.to_le_bytes());
        out.extend_from_slice(&self.lease_until_ms.to_le_bytes());
        out.extend_from_slice(&self.descriptor_hash);
        out.push(self.nodes.len() as u8);
        for node in &self.nodes {
            out.extend_from_slice(&node.tenure);
            out.extend_from_slice(&node.node_key);
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut assignment = Self {
            job: r.array("job")?,
            attempt: r.u32("attempt")?,
            oracle_key: r.array("oracle key")?,
            assigned_at_ms: r.u64("assigned_at_ms")?,
            lease_until_ms: r.u64("lease_until_ms")?,
            descriptor_hash: r.array("descriptor hash")?,
            nodes: Vec::new(),
        };
        for _ in 0..r.u8("node count")? {
            assignment.nodes.push(Assignee { tenure: r.array("tenure")?, node_key: r.array("node key")? });
        }
        Ok(assignment)
    }
}
