//! The hash-chained ledger of settlements and of jobs that are over, as this oracle took it from the chain and checked
//! it. A file for each chain, of blocks of one length; what is damaged is cut off and taken from the chain again.
//!
//! ```text
//! ledger/jobs        the network's jobs that are over
//! ledger/PROJECT     a project's settlements
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use muster_protocol::ledger::{Block, ChainId, Tail};
use muster_protocol::wire::Reader;

use crate::log::storage::{Storage, StoredFile, is_there};

pub mod follow;
#[cfg(test)]
mod tests;

/// Blocks that are read at once while a file is checked.
const CHECKED_AT_ONCE: u64 = 4_096;

/// See the module.
pub struct Books {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    epoch_len: u64,
    chains: Mutex<BTreeMap<ChainId, Book>>,
}

struct Book {
    file: Box<dyn StoredFile>,
    tail: Tail,
    block_len: u64,
}

fn name(chain: &ChainId) -> String {
    match chain {
        ChainId::Jobs => "jobs".to_owned(),
        ChainId::Project(project) => bs58::encode(project).into_string(),
    }
}

/// The chain of a name in a path: `jobs`, or a project's address.
pub fn chain_of(name: &str) -> Option<ChainId> {
    if name == "jobs" {
        return Some(ChainId::Jobs);
    }
    let mut project = [0; 32];
    let len = bs58::decode(name).onto(&mut project).ok()?;
    (len == 32).then_some(ChainId::Project(project))
}

fn encode(block: &Block) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    block.write(&mut bytes);
    bytes
}

impl Book {
    fn read(&self, from: u64, count: u64) -> io::Result<Vec<Block>> {
        let mut bytes = vec![0; usize::try_from(self.block_len * count).map_err(io::Error::other)?];
        let offset = self.block_len * (from - 1);
        let filled = self.file.read_at(&mut bytes, offset)?;
        let whole = bytes[..filled].chunks_exact(self.block_len as usize);
        whole.map(|block| Block::read(&mut Reader::new(block)).map_err(io::Error::other)).collect()
    }
}

impl Books {
    /// Opens what is in `folder`, and checks every chain.
    pub fn open(storage: Arc<dyn Storage>, folder: PathBuf, epoch_len: u64) -> io::Result<Self> {
        storage.create_folder(&folder)?;
        let books = Self { storage, folder, epoch_len, chains: Mutex::default() };
        for name in books.storage.list(&books.folder)? {
            if let Some(chain) = chain_of(&name) {
                books.open_chain(chain)?;
            }
        }
        Ok(books)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChainId, Book>> {
        self.chains.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn open_chain(&self, chain: ChainId) -> io::Result<()> {
        let path = self.folder.join(name(&chain));
        let mut file = if is_there(&*self.storage, &path)? {
            self.storage.open(&path)?
        } else {
            let file = self.storage.create(&path)?;
            self.storage.sync_folder(&self.folder)?;
            file
        };
        let len = file.byte_len()?;
        let block_len = match chain {
            ChainId::Jobs => JOB_LEN,
            ChainId::Project(_) => SETTLEMENT_LEN,
        };
        let mut book = Book { file, tail: Tail::default(), block_len };
        'reading: loop {
            let left = (len / block_len).saturating_sub(book.tail.index).min(CHECKED_AT_ONCE);
            let blocks = book.read(book.tail.index + 1, left).unwrap_or_default();
            if blocks.is_empty() {
                break;
            }
            for block in blocks {
                match book.tail.follow(chain, &block, self.epoch_len) {
                    Ok(tail) => book.tail = tail,
                    Err(fault) => {
                        tracing::warn!(chain = name(&chain), %fault, "cut off damaged blocks; they are read again");
                        break 'reading;
                    }
                }
            }
        }
        if len != book.tail.index * block_len {
            file = book.file;
            file.cut(book.tail.index * block_len)?;
            file.sync()?;
            book.file = file;
        }
        self.lock().insert(chain, book);
        Ok(())
    }

    /// Appends blocks to a chain, durably. One that does not follow is refused, with all after it.
    pub fn append(&self, chain: ChainId, blocks: &[Block]) -> io::Result<()> {
        if !self.lock().contains_key(&chain) {
            self.open_chain(chain)?;
        }
        let mut chains = self.lock();
        let Some(book) = chains.get_mut(&chain) else {
            return Ok(());
        };
        let mut tail = book.tail;
        let mut bytes = Vec::new();
        for block in blocks {
            tail = tail.follow(chain, block, self.epoch_len).map_err(io::Error::other)?;
            bytes.extend(encode(block));
        }
        book.file.write_at(&bytes, book.tail.index * book.block_len)?;
        book.file.sync()?;
        book.tail = tail;
        Ok(())
    }

    /// Where each chain stands.
    pub fn tails(&self) -> BTreeMap<ChainId, Tail> {
        self.lock().iter().map(|(chain, book)| (*chain, book.tail)).collect()
    }

    /// Where a chain stands; at nothing, before its first block.
    pub fn tail(&self, chain: &ChainId) -> Tail {
        self.lock().get(chain).map(|book| book.tail).unwrap_or_default()
    }

    /// Blocks from an index on, at most `limit`.
    pub fn blocks(&self, chain: &ChainId, from: u64, limit: u64) -> io::Result<Vec<Block>> {
        let chains = self.lock();
        let Some(book) = chains.get(chain).filter(|book| (1..=book.tail.index).contains(&from)) else {
            return Ok(Vec::new());
        };
        book.read(from, limit.min(book.tail.index - from + 1))
    }
}

/// Bytes of a block of a job.
const JOB_LEN: u64 = 202;
/// Bytes of a block of a settlement.
const SETTLEMENT_LEN: u64 = 229;
