//! Where the log's entries come from, besides batches: this oracle's own views, and the ledger.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use muster_protocol::ledger::{Block, ChainId, Tail};

use super::writer::Sources;
use crate::epochs::store::Store;
use crate::ledger::Books;
use crate::log::storage::Storage;

/// See the module.
pub struct Files {
    store: Store,
    storage: Arc<dyn Storage>,
    views: PathBuf,
    oracle_key: [u8; 32],
    books: Arc<Books>,
}

impl Files {
    /// What is in an oracle's data folder.
    pub fn new(storage: Arc<dyn Storage>, data_dir: &std::path::Path, oracle_key: [u8; 32], books: Arc<Books>) -> Self {
        let store = Store::new(storage.clone(), data_dir);
        Self { store, storage, views: data_dir.join("views"), oracle_key, books }
    }
}

impl Sources for Files {
    fn view_epochs(&self) -> io::Result<Vec<u64>> {
        let names = self.storage.list(&self.views)?;
        let mut epochs: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn own_view(&self, epoch: u64) -> io::Result<Option<Vec<u8>>> {
        self.store.view(epoch, &self.oracle_key)
    }

    fn tails(&self) -> BTreeMap<ChainId, Tail> {
        self.books.tails()
    }

    fn blocks(&self, chain: &ChainId, from: u64, limit: u64) -> io::Result<Vec<Block>> {
        self.books.blocks(chain, from, limit)
    }
}
