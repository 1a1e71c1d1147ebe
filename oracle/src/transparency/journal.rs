//! Entries that are in no full bundle yet, as the disk has them: appended and synced before any checkpoint counts them.
//!
//! Record: `CRC32C u32 | index u64 | entry length u16 | side length u32 | entry | side`, little-endian; the checksum is
//! over all that follows it. The side of an entry of batches are the batches themselves, of which proofs are made.

use std::io;
use std::path::Path;

use crate::log::storage::{Storage, StoredFile, is_there};

const HEADER_LEN: usize = 18;

/// An entry of the log and what is kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The entry's bytes: what the log commits to.
    pub entry: Vec<u8>,
    /// What is not in the log itself.
    pub side: Vec<u8>,
}

/// The open journal.
pub struct Journal {
    file: Box<dyn StoredFile>,
    len: u64,
}

fn push(out: &mut Vec<u8>, index: u64, pending: &Pending) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(&(pending.entry.len() as u16).to_le_bytes());
    out.extend_from_slice(&(pending.side.len() as u32).to_le_bytes());
    out.extend_from_slice(&pending.entry);
    out.extend_from_slice(&pending.side);
    let crc = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The record at the start of `bytes` if it is whole and good: its index, content and length.
fn read(bytes: &[u8]) -> Option<(u64, Pending, usize)> {
    let header = bytes.first_chunk::<HEADER_LEN>()?;
    let (crc, rest) = header.split_first_chunk::<4>()?;
    let (index, rest) = rest.split_first_chunk::<8>()?;
    let (entry_len, side_len) = rest.split_first_chunk::<2>()?;
    let entry_len = usize::from(u16::from_le_bytes(*entry_len));
    let side_len = u32::from_le_bytes(side_len.try_into().ok()?) as usize;
    let len = HEADER_LEN.checked_add(entry_len)?.checked_add(side_len)?;
    let checked = bytes.get(4..len)?;
    if crc32c::crc32c(checked) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (entry, side) = bytes[HEADER_LEN..len].split_at(entry_len);
    Some((u64::from_le_bytes(*index), Pending { entry: entry.to_vec(), side: side.to_vec() }, len))
}

impl Journal {
    /// Opens the journal, and gives its entries from `first` on: those before it are in full bundles. What a crash tore
    /// is cut off; no checkpoint counted it.
    pub fn open(storage: &dyn Storage, path: &Path, first: u64) -> io::Result<(Self, Vec<Pending>)> {
        let file = if is_there(storage, path)? {
            storage.open(path)?
        } else {
            let file = storage.create(path)?;
            storage.sync_folder(path.parent().unwrap_or(Path::new(".")))?;
            file
        };
        let mut bytes = vec![0; usize::try_from(file.byte_len()?).map_err(io::Error::other)?];
        let filled = file.read_at(&mut bytes, 0)?;
        bytes.truncate(filled);
        let (mut at, mut entries, mut next) = (0, Vec::new(), None);
        while let Some((index, pending, len)) = read(&bytes[at..]) {
            if next.is_some_and(|next| next != index) {
                break;
            }
            next = Some(index + 1);
            if index >= first {
                if index != first + entries.len() as u64 {
                    return Err(io::Error::other(format!("entry {first} is missing before entry {index}")));
                }
                entries.push(pending);
            }
            at += len;
        }
        let mut journal = Self { file, len: at as u64 };
        if at < bytes.len() {
            tracing::warn!(kept_bytes = at, cut_bytes = bytes.len() - at, "cut off entries that no checkpoint counted");
            journal.file.cut(journal.len)?;
            journal.file.sync()?;
        }
        Ok((journal, entries))
    }

    /// Makes entries durable, the first of which has this index.
    pub fn append(&mut self, first: u64, entries: &[Pending]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (index, pending) in (first..).zip(entries) {
            push(&mut bytes, index, pending);
        }
        self.file.write_at(&bytes, self.len)?;
        self.file.sync()?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Empties the journal: all its entries are in a full bundle, which is durable.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.cut(0)?;
        self.len = 0;
        Ok(())
    }
}
