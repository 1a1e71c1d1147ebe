//! The evidence folder: every file by its hash, leaf files by their epoch. Names mean nothing.

use std::{collections::HashMap, fs, path::Path};

use muster_protocol::{Hash, hashv, leaves::Leaves};

use crate::error::{CliError, usage};

/// Files of a folder, those of its subfolders included.
const FILES_MAX: usize = 10_000;
/// The most bytes of one file.
const FILE_LEN_MAX: u64 = 1 << 30;
const DEPTH_MAX: u32 = 8;

/// See the module.
pub struct Evidence {
    files: HashMap<Hash, Vec<u8>>,
    leaves: Vec<Leaves>,
}

impl Evidence {
    /// Reads the whole folder.
    pub fn read(folder: &Path) -> Result<Self, CliError> {
        let mut found = Self { files: HashMap::new(), leaves: Vec::new() };
        found.add(folder, DEPTH_MAX)?;
        if found.files.is_empty() {
            return Err(usage(format!("there is no evidence in {}", folder.display())));
        }
        Ok(found)
    }

    fn add(&mut self, folder: &Path, depth: u32) -> Result<(), CliError> {
        let wrong = |error: std::io::Error| usage(format!("{} cannot be read: {error}", folder.display()));
        for entry in fs::read_dir(folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.is_dir() {
                if depth > 0 {
                    self.add(&path, depth - 1)?;
                }
                continue;
            }
            if self.files.len() >= FILES_MAX {
                return Err(usage(format!("{} has more than {FILES_MAX} files", folder.display())));
            }
            let bytes = crate::files::read_file(&path, FILE_LEN_MAX)?;
            if let Ok(leaves) = Leaves::decode(&bytes) {
                self.leaves.push(leaves);
            }
            self.files.insert(hashv(&[&bytes]), bytes);
        }
        Ok(())
    }

    /// The file with this SHA-256.
    pub fn by_hash(&self, hash: &Hash) -> Option<&[u8]> {
        self.files.get(hash).map(Vec::as_slice)
    }

    /// The newest leaf file of the distribution before an epoch.
    pub fn previous_leaves(&self, distribution: &Hash, epoch: u64) -> Option<&Leaves> {
        self.leaves
            .iter()
            .filter(|leaves| leaves.distribution == *distribution && leaves.epoch.get() < epoch)
            .max_by_key(|leaves| leaves.epoch.get())
    }
}
