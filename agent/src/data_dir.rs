//! The node's folder: where everything lies, written so that a crash leaves the old or the new content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// See the module.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// Held while an agent runs on a folder; a second agent would use the same sequence numbers.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code)] File);

impl DataDir {
    /// A folder that need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder, readable by its owner alone.
    pub fn create(&self) -> Result<(), Failure> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let doing = format!("making the data folder {}", self.root.display());
        builder.create(&self.root).map_err(|error| Failure::disk(doing, error))
    }

    /// The node key's usual place.
    pub fn key(&self) -> PathBuf {
        self.root.join("node-key.json")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.yaml")
    }

    /// What the node says about its machine.
    pub fn metadata(&self) -> PathBuf {
        self.root.join("metadata.json")
    }

    /// The running agent's own view.
    pub fn state(&self) -> PathBuf {
        self.root.join("state.json")
    }

    /// The highest sequence number that may have been used.
    pub fn sequence(&self) -> PathBuf {
        self.root.join("sequence")
    }

    /// Kept receipts, a folder per oracle.
    pub fn receipts(&self) -> PathBuf {
        self.root.join("receipts")
    }

    /// Assignments and their results.
    pub fn tasks(&self) -> PathBuf {
        self.root.join("tasks")
    }

    /// Result archives.
    pub fn archives(&self) -> PathBuf {
        self.root.join("archives")
    }

    /// The container runner's folder.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// Refuses when another agent runs on this folder.
    pub fn lock(&self) -> Result<Lock, Failure> {
        let path = self.root.join("lock");
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| Failure::disk(format!("opening {}", path.display()), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(_) => Err(Failure::Local(format!(
                "another agent runs on the data folder {}; stop it first or give this one --data-dir",
                self.root.display()
            ))),
        }
    }

    /// Whether an agent runs on this folder.
    pub fn is_locked(&self) -> bool {
        let file = OpenOptions::new().write(true).open(self.root.join("lock"));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
    }
}

/// Replaces a file as a whole and durably.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_parent(path)
}

/// Makes a new name in a folder durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Sets top-level keys of a YAML file and leaves every other line as it is.
pub fn set_config(path: &Path, entries: &[(&str, String)]) -> Result<(), Failure> {
    let failed = |error| Failure::disk(format!("writing {}", path.display()), error);
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::disk(format!("reading {}", path.display()), error)),
    };
    write_whole(path, with_entries(&old, entries).as_bytes()).map_err(failed)
}

fn with_entries(old: &str, entries: &[(&str, String)]) -> String {
    let is_set = |line: &&str| {
        let key = line.split_once(':').map(|(key, _)| key.trim_end());
        !entries.iter().any(|(name, _)| key == Some(name))
    };
    let mut lines: Vec<String> = old.lines().filter(is_set).map(str::to_owned).collect();
    // A JSON string is a YAML string.
    lines.extend(entries.iter().map(|(name, value)| format!("{name}: {}", serde_json::json!(value))));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_keys_keeps_the_other_lines() {
        let old = "# mine\nrpc_url: http://a\nnode_id: old\noracle:\n  - http://b\n";
        let new = with_entries(old, &[("node_id", "new".into()), ("tenure", "t".into())]);
        assert_eq!(new, "# mine\nrpc_url: http://a\noracle:\n  - http://b\nnode_id: \"new\"\ntenure: \"t\"\n");
        assert_eq!(with_entries(&new, &[("node_id", "new".into()), ("tenure", "t".into())]), new);
    }

    #[test]
    fn a_folder_serves_one_agent() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        assert!(!data.is_locked());
        let lock = data.lock().unwrap();
        assert!(data.is_locked());
        assert!(matches!(data.lock(), Err(Failure::Local(_))));
        drop(lock);
        assert!(!data.is_locked());
    }
}
