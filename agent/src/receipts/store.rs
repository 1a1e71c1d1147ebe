use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use muster_protocol::heartbeat::{self, Heartbeat};
use muster_protocol::merkle::MAX_DEPTH;
use muster_protocol::receipt::{self, BatchReceipt};
use muster_protocol::wire::{Domain, Frame, Reader, WireError};
use muster_protocol::{Hash, hashv};

/// Bytes of the largest payload.
const PAYLOAD_MAX: usize = 13 + MAX_DEPTH as usize * 32 + receipt::LEN + heartbeat::MAX_LEN;
/// Bytes before a payload.
const PREFIX_LEN: usize = 8;
/// The most bytes of one file that is read: a year of epochs of a second's buckets stays below.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// One acknowledged heartbeat with everything that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The oracle's clock when the heartbeat arrived, Unix milliseconds.
    pub received_at_ms: u64,
    /// Number of the frame in the batch.
    pub index: u32,
    /// Siblings from the leaf upward.
    pub path: Vec<Hash>,
    /// The signed batch receipt.
    pub receipt: Vec<u8>,
    /// The heartbeat's frame.
    pub frame: Vec<u8>,
}

impl Kept {
    /// Checks everything anew: the receipt's signature by `oracle_key`, the path, and the heartbeat itself.
    pub fn verify(&self, domain: &Domain, oracle_key: &[u8; 32]) -> Result<Heartbeat, WireError> {
        let receipt = BatchReceipt::decode_verified(domain, &self.receipt)?;
        let heartbeat = Heartbeat::decode_verified(domain, &self.frame)?;
        let proves = receipt.proves(&self.frame, self.received_at_ms, self.index, &self.path);
        if receipt.oracle_key != *oracle_key || heartbeat.oracle_key != *oracle_key || !proves {
            return Err(WireError::Inconsistent { field: "kept receipt", index: self.index as usize });
        }
        Ok(heartbeat)
    }

    fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(PAYLOAD_MAX);
        payload.extend_from_slice(&self.received_at_ms.to_le_bytes());
        payload.extend_from_slice(&self.index.to_le_bytes());
        payload.push(self.path.len() as u8);
        payload.extend_from_slice(self.path.as_flattened());
        payload.extend_from_slice(&self.receipt);
        payload.extend_from_slice(&self.frame);
        let mut record = Vec::with_capacity(PREFIX_LEN + payload.len());
        record.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        record.extend_from_slice(&hashv(&[&payload])[..4]);
        record.extend_from_slice(&payload);
        record
    }

    fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let received_at_ms = reader.u64("received_at_ms")?;
        let index = reader.u32("index")?;
        let mut path = Vec::new();
        for _ in 0..reader.u8("path length")? {
            path.push(reader.array("path")?);
        }
        let receipt = reader.take(receipt::LEN, "receipt")?.to_vec();
        let frame = reader.take(reader.remaining(), "frame")?.to_vec();
        Ok(Self { received_at_ms, index, path, receipt, frame })
    }
}

/// The records of a file as far as they are whole, and the length of that part.
fn records(bytes: &[u8]) -> (Vec<Kept>, usize) {
    let (mut kept, mut good) = (Vec::new(), 0);
    while let Some((prefix, rest)) = bytes[good..].split_first_chunk::<PREFIX_LEN>() {
        let len = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        let Some(payload) = rest.get(..len).filter(|_| len <= PAYLOAD_MAX) else {
            break;
        };
        if hashv(&[payload])[..4] != prefix[4..] {
            break;
        }
        let Ok(record) = Kept::decode(payload) else {
            break;
        };
        kept.push(record);
        good += PREFIX_LEN + len;
    }
    (kept, good)
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let len = fs::metadata(path)?.len();
    if len > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("{} has {len} bytes, more than any epoch's receipts", path.display())));
    }
    fs::read(path)
}

fn file_of(root: &Path, oracle_key: &[u8; 32], epoch: u64) -> PathBuf {
    root.join(bs58::encode(oracle_key).into_string()).join(format!("{epoch}.log"))
}

/// What is kept of an oracle's receipts of an epoch; empty if there is nothing.
pub fn read_epoch(root: &Path, oracle_key: &[u8; 32], epoch: u64) -> io::Result<Vec<Kept>> {
    match read_bounded(&file_of(root, oracle_key, epoch)) {
        Ok(bytes) => Ok(records(&bytes).0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The oracles of which receipts are kept.
pub fn oracle_folders(root: &Path) -> io::Result<Vec<[u8; 32]>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        keys.extend(crate::network::key_bytes(&name.to_string_lossy()));
    }
    keys.sort_unstable();
    Ok(keys)
}

/// Appends receipts. Nothing is durable before [`Store::sync`].
pub struct Store {
    root: PathBuf,
    open: BTreeMap<([u8; 32], u64), File>,
    dirty: bool,
}

impl Store {
    /// The store in a folder that need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), open: BTreeMap::new(), dirty: false }
    }

    /// Appends one receipt to its oracle's file of the epoch.
    pub fn append(&mut self, oracle_key: &[u8; 32], epoch: u64, kept: &Kept) -> io::Result<()> {
        // Epochs end: only the newest two of each oracle stay open.
        self.open.retain(|(_, open), _| *open + 1 >= epoch);
        let at = (*oracle_key, epoch);
        if !self.open.contains_key(&at) {
            self.open.insert(at, open_for_append(&file_of(&self.root, oracle_key, epoch))?);
        }
        if let Some(file) = self.open.get_mut(&at) {
            file.write_all(&kept.encode())?;
            self.dirty = true;
        }
        Ok(())
    }

    /// Makes everything appended durable.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dirty) {
            for file in self.open.values() {
                file.sync_data()?;
            }
        }
        Ok(())
    }

    /// Removes files that nothing was appended to for `keep`; gives how many.
    pub fn prune(&self, keep: Duration) -> io::Result<usize> {
        let mut removed = 0;
        for oracle_key in oracle_folders(&self.root)? {
            for entry in fs::read_dir(self.root.join(bs58::encode(oracle_key).into_string()))? {
                let entry = entry?;
                let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
                if age.is_ok_and(|age| age > keep) {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// Opens behind the last whole record.
fn open_for_append(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let good = match read_bounded(path) {
        Ok(bytes) => records(&bytes).1 as u64,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.set_len(good)?;
    file.seek(io::SeekFrom::End(0))?;
    crate::data_dir::sync_parent(path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORACLE: [u8; 32] = [7; 32];

    fn kept(index: u32) -> Kept {
        Kept {
            received_at_ms: 1_000,
            index,
            path: vec![[1; 32], [2; 32]],
            receipt: vec![3; receipt::LEN],
            frame: vec![4; 300],
        }
    }

    #[test]
    fn what_was_appended_is_read_again_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..3 {
            let mut store = Store::new(folder.path());
            store.append(&ORACLE, 5, &kept(index)).unwrap();
            store.sync().unwrap();
        }
        assert_eq!(read_epoch(folder.path(), &ORACLE, 5).unwrap(), [kept(0), kept(1), kept(2)]);
        assert_eq!(read_epoch(folder.path(), &ORACLE, 6).unwrap(), []);
        assert_eq!(oracle_folders(folder.path()).unwrap(), [ORACLE]);
    }

    #[test]
    fn a_record_that_a_crash_cut_short_is_dropped_and_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of(folder.path(), &ORACLE, 5);
        let mut store = Store::new(folder.path());
        store.append(&ORACLE, 5, &kept(0)).unwrap();
        store.append(&ORACLE, 5, &kept(1)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [whole.len() - 1, whole.len() / 2 + 3, 5] {
            fs::write(&path, &whole[..cut]).unwrap();
            let before = read_epoch(folder.path(), &ORACLE, 5).unwrap();
            assert_eq!(before.len(), usize::from(cut > whole.len() / 2));
            let mut store = Store::new(folder.path());
            store.append(&ORACLE, 5, &kept(9)).unwrap();
            assert_eq!(read_epoch(folder.path(), &ORACLE, 5).unwrap().last(), Some(&kept(9)));
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new(folder.path());
        store.append(&ORACLE, 5, &kept(0)).unwrap();
        store.append(&ORACLE, 5, &kept(1)).unwrap();
        let path = file_of(folder.path(), &ORACLE, 5);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(read_epoch(folder.path(), &ORACLE, 5).unwrap(), [kept(0)]);
    }
}
