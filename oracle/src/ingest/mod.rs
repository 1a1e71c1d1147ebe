//! The shell around the core: one thread owns it, writes its records and wakes who waits for an answer.

pub mod committer;

pub use committer::{Handle, Reply, Start, StartError};
