//! The benches, one file each.

mod ack;
mod epoch_close;
mod ingest;
mod memory;
mod pipeline;
mod proofs;
mod replay;
mod verify;

use crate::report::Line;

/// What `ONLY` names to have all of them.
pub const ORACLE: &str = "oracle";

/// One entry of the list.
pub struct Bench {
    /// The lines that it gives; `ONLY` may name any of them.
    pub names: &'static [&'static str],
    /// What is measured, and against what.
    pub about: &'static str,
    /// Takes the figures.
    pub run: fn() -> Vec<Line>,
}

/// In the order in which they run; memory first, before others have left any behind.
pub const ALL: &[Bench] = &[
    memory::BENCH,
    verify::BENCH,
    pipeline::BENCH,
    ingest::BATCHED,
    ingest::SINGLE,
    ack::BENCH,
    epoch_close::CLOSE,
    epoch_close::DISTRIBUTION,
    proofs::BENCH,
    replay::BENCH,
];
