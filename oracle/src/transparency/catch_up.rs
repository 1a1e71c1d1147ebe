//! The batches that the segment log holds: what the log of transparency missed while it lagged or was down.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use muster_protocol::receipt::{BatchReceipt, tick_root};

use crate::core::batch::Record;
use crate::log::read::records_from;
use crate::log::storage::Storage;

/// Batches of one reading at most.
const BATCHES_MAX: usize = 1 << 16;

fn receipt(payload: &[u8], oracle_key: [u8; 32]) -> Option<BatchReceipt> {
    // Records of other kinds stand between batches.
    let Record { batch_no, committed_at_ms, count, root, .. } = Record::decode(payload).ok()?;
    let root = if count == 0 { tick_root(&oracle_key, batch_no, committed_at_ms) } else { root };
    Some(BatchReceipt { oracle_key, batch_no, committed_at_ms, count, root })
}

/// The batches from `from` on, in the order of the log, as many as one reading takes. A batch has its record's number.
pub fn batches_from(
    storage: &dyn Storage,
    folder: &Path,
    oracle_key: [u8; 32],
    from: u64,
) -> io::Result<Vec<BatchReceipt>> {
    let mut found = Vec::new();
    records_from(storage, folder, from, &mut |_, payload| {
        found.extend(receipt(payload, oracle_key).filter(|receipt| receipt.batch_no >= from));
        if found.len() >= BATCHES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(io::Error::other)?;
    Ok(found)
}
