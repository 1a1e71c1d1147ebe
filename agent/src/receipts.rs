//! Kept receipts: the proof that an oracle had a heartbeat on its disk. One append-only file per oracle and epoch;
//! `muster-agent receipts check` compares them with what the oracle published.
//!
//! A record: `length u32 | first 4 bytes of SHA-256(payload) | payload`, integers little-endian. The payload:
//! `received_at_ms u64 | index u32 | path count u8 | path hashes | receipt[196] | heartbeat frame`. A record that a crash cut short
//! ends the file and is overwritten by the next.

mod check;
mod store;

pub use check::check;
pub use store::{Kept, Store, oracle_folders, read_epoch};
