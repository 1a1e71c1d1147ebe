//! The node agent: heartbeats, work and what a holder sees of the node.

pub mod container;
