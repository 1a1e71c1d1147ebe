//! What the agent decides, without sockets, disk or clock: when a heartbeat is due and what follows from its answer,
//! which sequence number is next, which buckets are safe, and which task comes next.

pub mod address;
pub mod backoff;
pub mod link;
pub mod plan;
pub mod safety;
pub mod seq;
pub mod tasks;
