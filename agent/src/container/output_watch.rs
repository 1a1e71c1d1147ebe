//! Watches the size of the output while the task runs, so that it cannot fill the disk before it is collected.
//!
//! A volume has no quota on most file systems. Where the engine's folder can be read (a local engine, an agent that
//! may look there) it is walked every second; elsewhere the limit on one file's size and the check at collection hold.

use std::{os::unix::fs::MetadataExt, path::Path};

use super::Limits;

/// Bytes of a disk block as `st_blocks` counts them.
const BLOCK_BYTES: u64 = 512;

/// What is over its limit, as a part of a sentence; `None` also when the folder cannot be read.
pub(super) fn over_limit(folder: &Path, limits: &Limits) -> Option<String> {
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        // Entries may vanish under us: what cannot be read now is counted the next time.
        let Ok(listing) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in listing.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            }; // does not follow links
            entries += 1;
            bytes += metadata.blocks() * BLOCK_BYTES;
            if metadata.is_dir() {
                open.push(entry.path());
            }
            if entries > limits.output_files {
                return Some(format!("more than {} files and folders", limits.output_files));
            }
        }
    }
    // Each file and folder may take a block of 4 KiB more than its bytes.
    let room = limits.output_bytes.saturating_add(4096 * (entries + 1));
    (bytes > room).then(|| format!("more than {} bytes", limits.output_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_entries_are_counted_without_following_links() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("root")).unwrap();
        let limits = Limits { output_bytes: 100_000, output_files: 3, ..Limits::default() };
        assert_eq!(over_limit(folder.path(), &limits), None);
        let smaller = Limits { output_bytes: 50_000, ..limits.clone() };
        assert_eq!(over_limit(folder.path(), &smaller).unwrap(), "more than 50000 bytes");
        let fewer = Limits { output_files: 2, ..limits };
        assert_eq!(over_limit(folder.path(), &fewer).unwrap(), "more than 2 files and folders");
        assert_eq!(over_limit(Path::new("/nonexistent"), &fewer), None);
    }
}
