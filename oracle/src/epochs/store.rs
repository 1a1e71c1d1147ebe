//! Files of epochs under the data folder. Each is written whole or not at all, and durable before anybody is told.
//!
//! ```text
//! views/EPOCH/ORACLE.view            the first view of that oracle that this one held; its own: the only one it signed
//! views/EPOCH/ORACLE.in.view         the view that is in, where that is another one
//! datasets/PROJECT/EPOCH.dataset
//! leaves/PROJECT/EPOCH-REVISION.leaves        what this oracle computed
//! leaves/PROJECT/EPOCH-REVISION.taken.leaves  an active root's, from a peer
//! leaves/PROJECT/dispute.json                 the root on chain that this oracle does not agree with
//! accepted/PROJECT/EPOCH-ROOT                 a root that the operator accepted, and when (Unix seconds)
//! scores/PROJECT/EPOCH/HASH.scores   and `current`, the hash of the newest one
//! ```

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_protocol::Hash;
use muster_protocol::dataset::{HEAD_LEN_MAX, Head, ROW_LEN, Row};

use crate::log::storage::{Storage, is_there, read_whole, write_whole};

/// Some rows of a dataset.
pub struct Rows {
    /// Those that were asked for and are there.
    pub rows: Vec<Row>,
    /// How many there are in all.
    pub row_count: u32,
}

/// See the module.
pub struct Store {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) root: PathBuf,
    /// Two writers of one file never share a temporary one.
    temporary: AtomicU64,
}

pub(super) fn base58(key: &[u8; 32]) -> String {
    bs58::encode(key).into_string()
}

impl Store {
    /// Files under `root`, the data folder.
    pub fn new(storage: Arc<dyn Storage>, root: &Path) -> Self {
        Self { storage, root: root.into(), temporary: AtomicU64::new(0) }
    }

    fn view_path(&self, epoch: u64, oracle: &[u8; 32], suffix: &str) -> PathBuf {
        let name = format!("{}{suffix}", base58(oracle));
        self.root.join("views").join(epoch.to_string()).join(name)
    }

    fn dataset_path(&self, project: &[u8; 32], epoch: u64) -> PathBuf {
        let name = format!("{epoch}.dataset");
        self.root.join("datasets").join(base58(project)).join(name)
    }

    pub(super) fn leaves_folder(&self, project: &[u8; 32]) -> PathBuf {
        self.root.join("leaves").join(base58(project))
    }

    fn scores_folder(&self, project: &[u8; 32], epoch: u64) -> PathBuf {
        self.root.join("scores").join(base58(project)).join(epoch.to_string())
    }

    /// Writes a file whole: temporary name, sync, rename, sync of the folder.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".{number}.tmp"));
        write_whole(&*self.storage, path, &temporary, bytes)
    }

    pub(super) fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        read_whole(&*self.storage, path)
    }

    /// The first view of an oracle that was held.
    pub fn view(&self, epoch: u64, oracle: &[u8; 32]) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.view_path(epoch, oracle, ".view"))
    }

    /// Whether a view of an oracle is held.
    pub fn holds_view(&self, epoch: u64, oracle: &[u8; 32]) -> io::Result<bool> {
        is_there(&*self.storage, &self.view_path(epoch, oracle, ".view"))
    }

    /// The view that is in, where it is not the first one held.
    pub fn view_in(&self, epoch: u64, oracle: &[u8; 32]) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.view_path(epoch, oracle, ".in.view"))
    }

    /// Keeps the first view of an oracle; a second one never takes its place.
    pub fn put_view(&self, epoch: u64, oracle: &[u8; 32], bytes: &[u8]) -> io::Result<()> {
        let path = self.view_path(epoch, oracle, ".view");
        if is_there(&*self.storage, &path)? { Ok(()) } else { self.write(&path, bytes) }
    }

    /// Keeps the view that is in.
    pub fn put_view_in(&self, epoch: u64, oracle: &[u8; 32], bytes: &[u8]) -> io::Result<()> {
        self.write(&self.view_path(epoch, oracle, ".in.view"), bytes)
    }

    /// The first epoch after all those of which `oracle`'s view is here; 0 if there is none.
    pub fn frozen_before(&self, oracle: &[u8; 32]) -> io::Result<u64> {
        let names = self.storage.list(&self.root.join("views"))?;
        let mut epochs: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        epochs.sort_unstable();
        for epoch in epochs.into_iter().rev() {
            if is_there(&*self.storage, &self.view_path(epoch, oracle, ".view"))? {
                return Ok(epoch + 1);
            }
        }
        Ok(0)
    }

    /// The dataset of a project's epoch.
    pub fn dataset(&self, project: &[u8; 32], epoch: u64) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.dataset_path(project, epoch))
    }

    /// The epochs of which a project's dataset is here, ascending.
    pub fn dataset_epochs(&self, project: &[u8; 32]) -> io::Result<Vec<u64>> {
        let names = self.storage.list(&self.root.join("datasets").join(base58(project)))?;
        let number = |name: &String| name.strip_suffix(".dataset")?.parse::<u64>().ok();
        let mut epochs: Vec<u64> = names.iter().filter_map(number).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// At most `count` rows of a dataset from leaf `from` on, without reading all of it.
    pub fn dataset_rows(&self, project: &[u8; 32], epoch: u64, from: u32, count: u32) -> io::Result<Option<Rows>> {
        let file = match self.storage.open(&self.dataset_path(project, epoch)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut bytes = vec![0; HEAD_LEN_MAX];
        let filled = file.read_at(&mut bytes, 0)?;
        let head = Head::read(&bytes[..filled]).map_err(damaged)?;
        let (from, to) = (from.min(head.row_count), from.saturating_add(count).min(head.row_count));
        let mut bytes = vec![0; (to - from) as usize * ROW_LEN];
        let filled = file.read_at(&mut bytes, head.rows_at as u64 + u64::from(from) * ROW_LEN as u64)?;
        if filled < bytes.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the dataset ends before its last row"));
        }
        Ok(Some(Rows { rows: Head::rows(&bytes).map_err(damaged)?, row_count: head.row_count }))
    }

    /// Keeps a dataset.
    pub fn put_dataset(&self, project: &[u8; 32], epoch: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(&self.dataset_path(project, epoch), bytes)
    }

    /// A leaf file that this oracle computed.
    pub fn leaves(&self, project: &[u8; 32], epoch: u64, revision: u32) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.leaves_folder(project).join(format!("{epoch}-{revision}.leaves")))
    }

    /// The leaf file of an epoch's newest revision that is here.
    pub fn newest_leaves(&self, project: &[u8; 32], epoch: u64) -> io::Result<Option<Vec<u8>>> {
        let taken = self.revisions(project, epoch, ".taken.leaves")?.into_iter().max();
        let own = self.leaf_revisions(project, epoch)?.into_iter().max();
        match (taken, own) {
            // The chain has it, whatever this oracle computed.
            (Some(taken), own) if own.is_none_or(|own| own <= taken) => self.taken_leaves(project, epoch, taken),
            (_, Some(own)) => self.leaves(project, epoch, own),
            _ => Ok(None),
        }
    }

    /// Revisions of an epoch whose leaves this oracle computed.
    pub fn leaf_revisions(&self, project: &[u8; 32], epoch: u64) -> io::Result<Vec<u32>> {
        self.revisions(project, epoch, ".leaves")
    }

    fn revisions(&self, project: &[u8; 32], epoch: u64, suffix: &str) -> io::Result<Vec<u32>> {
        let prefix = format!("{epoch}-");
        let revision = |name: &String| name.strip_prefix(&prefix)?.strip_suffix(suffix)?.parse().ok();
        Ok(self.storage.list(&self.leaves_folder(project))?.iter().filter_map(revision).collect())
    }

    /// The leaf file of an active root that came from a peer.
    pub fn taken_leaves(&self, project: &[u8; 32], epoch: u64, revision: u32) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.leaves_folder(project).join(format!("{epoch}-{revision}.taken.leaves")))
    }

    /// Keeps the leaf file of an active root that came from a peer.
    pub fn put_taken_leaves(&self, project: &[u8; 32], epoch: u64, revision: u32, bytes: &[u8]) -> io::Result<()> {
        self.write(&self.leaves_folder(project).join(format!("{epoch}-{revision}.taken.leaves")), bytes)
    }

    /// Keeps a leaf file that this oracle computed.
    pub fn put_leaves(&self, project: &[u8; 32], epoch: u64, revision: u32, bytes: &[u8]) -> io::Result<()> {
        let name = format!("{epoch}-{revision}.leaves");
        self.write(&self.leaves_folder(project).join(name), bytes)
    }

    /// A score file by its hash.
    pub fn scores(&self, project: &[u8; 32], epoch: u64, hash: &Hash) -> io::Result<Option<Vec<u8>>> {
        let name = format!("{}.scores", hex::encode(hash));
        self.read(&self.scores_folder(project, epoch).join(name))
    }

    /// The newest score file and its hash.
    pub fn current_scores(&self, project: &[u8; 32], epoch: u64) -> io::Result<Option<(Hash, Vec<u8>)>> {
        let Some(text) = self.read(&self.scores_folder(project, epoch).join("current"))? else {
            return Ok(None);
        };
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(self.scores(project, epoch, &hash)?.map(|bytes| (hash, bytes)))
    }

    /// Keeps a score file, as the newest one if `current`.
    pub fn put_scores(
        &self,
        project: &[u8; 32],
        epoch: u64,
        hash: &Hash,
        bytes: &[u8],
        current: bool,
    ) -> io::Result<()> {
        let folder = self.scores_folder(project, epoch);
        let hash = hex::encode(hash);
        self.write(&folder.join(format!("{hash}.scores")), bytes)?;
        if current {
            self.write(&folder.join("current"), hash.as_bytes())?;
        }
        Ok(())
    }
}
