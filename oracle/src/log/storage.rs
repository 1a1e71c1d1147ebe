//! What the oracle does with files, so that a simulated disk can stand in for the real one.
//!
//! What a power cut leaves, and what the log counts on: bytes that were synced; of bytes that were not, each sector of
//! 512 bytes as it was before or as it was written, where a sector beyond the file's old end reads as zeros or is not
//! there at all; of names that were made, renamed or removed and whose folder was not synced since, the old or the new.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes that a disk writes whole or not at all.
pub const SECTOR_LEN: u64 = 512;

/// Folders and names.
pub trait Storage: Send + Sync {
    /// Makes a folder and those above it, durably; one that is there stays.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// The names in a folder, ascending; none for a folder that is not there.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Opens a file that is there, to read and write.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;
    /// Makes a file, or empties the one that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;
    /// Gives a file another name; whatever had it is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes durable what was made, renamed and removed in a folder.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Bytes that may still be written on the disk of a folder.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
    /// Takes a file for this process alone, until the answer is dropped; none if another has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// An open file. Nothing is durable before [`StoredFile::sync`].
pub trait StoredFile: Send {
    /// Bytes of the file.
    fn byte_len(&self) -> io::Result<u64>;
    /// Fills `into` from `offset` on; less than all of it only at the file's end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at `offset`; after an error any part of them may stand there.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file off at this length.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Makes the file's bytes and length durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Held while this process has a file for itself.
pub trait Lock: Send + Sync {}

/// The machine's own files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

struct DiskFile(File);

struct DiskLock {
    _file: File,
}

impl Lock for DiskLock {}

impl Storage for Disk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above {
            self.create_folder(above)?;
        }
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.sync_folder(above.unwrap_or(Path::new(".")))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // Every name that the oracle gives is text.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let figures = nix::sys::statvfs::statvfs(folder)?;
        Ok(figures.blocks_available().saturating_mul(figures.fragment_size()))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(DiskLock { _file: file }))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl StoredFile for DiskFile {
    fn byte_len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.0.read_at(&mut into[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// All bytes of a file; none if it is not there.
pub fn read_whole(storage: &dyn Storage, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let len = usize::try_from(file.byte_len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    let filled = file.read_at(&mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(Some(bytes))
}

/// Writes a file whole or not at all, durably: under another name of the same folder first. The folder is made if it is
/// not there.
pub fn write_whole(storage: &dyn Storage, path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    storage.create_folder(folder)?;
    let mut file = storage.create(temporary)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    storage.rename(temporary, path)?;
    storage.sync_folder(folder)
}

/// Whether a file is there.
pub fn is_there(storage: &dyn Storage, path: &Path) -> io::Result<bool> {
    match storage.open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
