//! The shell around the core: one thread owns it, writes its records and wakes who waits for an answer.

pub mod committer;
pub mod snapshots;
#[cfg(test)]
mod tests;

pub use committer::{Committer, Handle, Marked, Reply, Start, StartError, Turn};
pub use snapshots::Snapshots;
