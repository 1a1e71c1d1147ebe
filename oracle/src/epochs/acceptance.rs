//! A disputed root on disk, and its acceptance by the operator: `muster-oracle accept-root` writes it, a running oracle
//! reads it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use muster_protocol::Hash;
use serde::{Deserialize, Serialize};

use super::store::{Store, base58};

/// A root on chain that this oracle does not agree with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The root's epoch.
    pub epoch: u64,
    /// And revision.
    pub revision: u32,
    /// Hex.
    pub root: String,
    /// One sentence.
    pub why: String,
}

impl Dispute {
    /// The root's bytes.
    pub fn root(&self) -> Option<Hash> {
        let mut root = [0; 32];
        hex::decode_to_slice(&self.root, &mut root).ok().map(|()| root)
    }
}

/// A root that the operator accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Base58.
    pub project: String,
    /// The root's epoch.
    pub epoch: u64,
    /// Hex.
    pub root: String,
    /// Unix seconds.
    pub at_s: u64,
}

/// Why a root is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Nothing to accept.
    #[error("the data folder {0} has no disputed root of this project: nothing needs to be accepted")]
    NoDispute(PathBuf),
    /// A slip of the pen must not become a decision.
    #[error("the disputed root is {root} of epoch {epoch}; name that one")]
    Another {
        /// Hex.
        root: String,
        /// Its epoch.
        epoch: u64,
    },
    /// The data folder.
    #[error("the data folder: {0}")]
    Disk(#[from] io::Error),
}

impl Store {
    fn dispute_path(&self, project: &[u8; 32]) -> PathBuf {
        self.leaves_folder(project).join("dispute.json")
    }

    fn accepted_folder(&self) -> PathBuf {
        self.root.join("accepted")
    }

    fn accepted_path(&self, project: &[u8; 32], epoch: u64, root: &Hash) -> PathBuf {
        self.accepted_folder().join(base58(project)).join(format!("{epoch}-{}", hex::encode(root)))
    }

    /// The root of a project that this oracle does not agree with.
    pub fn dispute(&self, project: &[u8; 32]) -> io::Result<Option<Dispute>> {
        let bytes = self.read(&self.dispute_path(project))?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    pub(super) fn put_dispute(&self, project: &[u8; 32], dispute: &Dispute) -> io::Result<()> {
        self.write(&self.dispute_path(project), &serde_json::to_vec(dispute)?)
    }

    /// Whether there was one.
    pub(super) fn end_dispute(&self, project: &[u8; 32]) -> io::Result<bool> {
        match self.storage.remove(&self.dispute_path(project)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// When the operator accepted a root, Unix seconds.
    pub fn accepted(&self, project: &[u8; 32], epoch: u64, root: &Hash) -> io::Result<Option<u64>> {
        let text = self.read(&self.accepted_path(project, epoch, root))?;
        Ok(text.map(|text| seconds(&text)))
    }

    /// Every accepted root, by project and epoch.
    pub fn all_accepted(&self) -> io::Result<Vec<Accepted>> {
        let mut all = Vec::new();
        for project in self.storage.list(&self.accepted_folder())? {
            for name in self.storage.list(&self.accepted_folder().join(&project))? {
                // A file that is being written has a name of another form.
                let Some((epoch, root)) = name.split_once('-') else { continue };
                let Ok(epoch) = epoch.parse() else { continue };
                let text = self.read(&self.accepted_folder().join(&project).join(&name))?.unwrap_or_default();
                let at_s = seconds(&text);
                all.push(Accepted { project: project.clone(), epoch, root: root.to_owned(), at_s });
            }
        }
        all.sort_by(|a, b| (&a.project, a.epoch, &a.root).cmp(&(&b.project, b.epoch, &b.root)));
        Ok(all)
    }

    /// Accepts the disputed root of a project, durably. A running oracle builds on it within seconds.
    pub fn accept(&self, project: &[u8; 32], epoch: u64, root: &Hash, now_s: u64) -> Result<(), AcceptError> {
        let Some(dispute) = self.dispute(project)? else {
            return Err(AcceptError::NoDispute(self.root.clone()));
        };
        if (dispute.epoch, dispute.root()) != (epoch, Some(*root)) {
            return Err(AcceptError::Another { root: dispute.root, epoch: dispute.epoch });
        }
        Ok(self.write(&self.accepted_path(project, epoch, root), now_s.to_string().as_bytes())?)
    }
}

/// Whoever wrote the file by hand meant it, whatever it says of the time.
fn seconds(text: &[u8]) -> u64 {
    String::from_utf8_lossy(text).trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::log::Disk;

    fn open(folder: &Path) -> Store {
        Store::new(Arc::new(Disk), folder)
    }

    #[test]
    fn only_the_disputed_root_is_accepted_and_the_acceptance_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let (store, project, root) = (open(folder.path()), [1; 32], [2; 32]);
        assert!(matches!(store.accept(&project, 5, &root, 9), Err(AcceptError::NoDispute(_))));
        let dispute = Dispute { epoch: 5, revision: 0, root: hex::encode(root), why: "another".into() };
        store.put_dispute(&project, &dispute).unwrap();
        for (epoch, other) in [(6, root), (5, [3; 32])] {
            let refused = store.accept(&project, epoch, &other, 9).unwrap_err();
            assert!(refused.to_string().contains(&hex::encode(root)), "{refused}");
        }
        assert_eq!(store.accepted(&project, 5, &root).unwrap(), None);
        store.accept(&project, 5, &root, 9).unwrap();
        let again = open(folder.path());
        assert_eq!(again.accepted(&project, 5, &root).unwrap(), Some(9));
        let all = again.all_accepted().unwrap();
        assert_eq!(all, [Accepted { project: base58(&project), epoch: 5, root: hex::encode(root), at_s: 9 }]);
        assert_eq!(again.dispute(&project).unwrap(), Some(dispute));
        assert!(again.end_dispute(&project).unwrap() && !again.end_dispute(&project).unwrap());
    }

    #[test]
    fn leaves_from_a_peer_never_take_the_place_of_those_that_were_computed() {
        let folder = tempfile::tempdir().unwrap();
        let (store, project) = (open(folder.path()), [1; 32]);
        store.put_leaves(&project, 5, 0, b"own").unwrap();
        store.put_taken_leaves(&project, 5, 0, b"taken").unwrap();
        assert_eq!(store.leaves(&project, 5, 0).unwrap().unwrap(), b"own");
        assert_eq!(store.leaf_revisions(&project, 5).unwrap(), [0]);
        // What is served is what the chain has, until a newer revision is computed.
        assert_eq!(store.newest_leaves(&project, 5).unwrap().unwrap(), b"taken");
        store.put_leaves(&project, 5, 1, b"corrected").unwrap();
        assert_eq!(store.newest_leaves(&project, 5).unwrap().unwrap(), b"corrected");
    }
}
