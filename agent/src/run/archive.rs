//! What a finished task leaves: its archive and its log, each kept under its hash. The archive is asked for what the task
//! says about its result.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use muster_protocol::{Hash, hashv};
use reqwest::Method;
use serde_json::Value;

use super::{Shared, outbox};
use crate::container::ResultArchive;
use crate::data_dir::write_whole;
use crate::network::Oracle;
use crate::oracle_api::ApiError;

/// An oracle takes no larger archive.
pub const ARCHIVE_BYTES_MAX: u64 = 16 << 20;
/// A larger `result.json` is not read.
const REPORT_BYTES_MAX: u64 = 1 << 20;

/// Where an archive is kept.
pub fn path(folder: &Path, hash: &Hash) -> PathBuf {
    folder.join(format!("{}.tar", hex::encode(hash)))
}

/// Moves the runner's file to where archives are kept.
pub fn keep(folder: &Path, archive: &ResultArchive) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let kept = path(folder, &archive.sha256);
    fs::rename(&archive.path, &kept)?;
    File::open(&kept)?.sync_all()?;
    crate::data_dir::sync_parent(&kept)?;
    if let Some(run) = archive.path.parent() {
        // The runner's next cleanup would remove it too.
        let _ = fs::remove_dir_all(run);
    }
    Ok(kept)
}

/// Where a log is kept.
pub fn log_path(folder: &Path, hash: &Hash) -> PathBuf {
    folder.join(format!("{}.log", hex::encode(hash)))
}

/// Keeps what a task wrote, and gives its hash; none if it wrote nothing.
pub fn keep_log(folder: &Path, log: &[u8]) -> std::io::Result<Option<Hash>> {
    if log.is_empty() {
        return Ok(None);
    }
    fs::create_dir_all(folder)?;
    let hash = hashv(&[log]);
    write_whole(&log_path(folder, &hash), log)?;
    Ok(Some(hash))
}

/// Sends one file of a result. What cannot be read or is refused for good is let go: the result stands without it.
pub async fn upload(shared: &Shared, oracle: &Oracle, file: &Path, hash: &Hash, what: &str) -> Result<(), ApiError> {
    let bytes = match tokio::fs::read(file).await {
        Ok(bytes) if bytes.len() as u64 <= ARCHIVE_BYTES_MAX => bytes,
        Ok(bytes) => {
            tracing::warn!(bytes = bytes.len(), what, "a result's file is too large for the oracles");
            return Ok(());
        }
        Err(error) => {
            tracing::warn!(%error, path = %file.display(), "a result's file cannot be read");
            return Ok(());
        }
    };
    let path = format!("/api/v1/results/{}/{what}", hex::encode(hash));
    match outbox::call(shared, oracle, Method::PUT, &path, bytes).await {
        Err(error) if matches!(error.status(), Some(400 | 413 | 415)) => {
            tracing::warn!(oracle = oracle.url, %error, what, "an oracle refused a result's file");
            Ok(())
        }
        other => other,
    }
}

/// What the task says about its result, each only if it said it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Usually 0 to 1.
    pub accuracy: Option<f64>,
    /// In the task's own unit.
    pub loss: Option<f64>,
    /// Training epochs.
    pub epochs: Option<u64>,
}

/// Reads `result.json` at the archive's top. Whatever cannot be read says nothing.
pub fn report(path: &Path) -> Report {
    let Some(value) = result_json(path) else {
        return Report::default();
    };
    let number = |name: &str| value.get(name).and_then(Value::as_f64);
    let epochs = value.get("epochs").or_else(|| value.get("epoch")).and_then(Value::as_u64);
    Report { accuracy: number("accuracy"), loss: number("loss"), epochs }
}

fn result_json(path: &Path) -> Option<Value> {
    let mut archive = tar::Archive::new(File::open(path).ok()?);
    for entry in archive.entries().ok()? {
        let entry = entry.ok()?;
        if entry.path().ok()?.as_ref() == Path::new("result.json") {
            let mut text = Vec::new();
            entry.take(REPORT_BYTES_MAX).read_to_end(&mut text).ok()?;
            return serde_json::from_slice(&text).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_with(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn the_report_is_read_and_nonsense_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.tar");
        fs::write(&file, tar_with("result.json", b"{\"accuracy\": 0.975, \"loss\": 0.1, \"epochs\": 30}")).unwrap();
        assert_eq!(report(&file), Report { accuracy: Some(0.975), loss: Some(0.1), epochs: Some(30) });
        for bytes in [tar_with("other.json", b"{}"), tar_with("result.json", b"[1"), b"no archive".to_vec()] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(report(&file), Report::default());
        }
    }

    #[test]
    fn a_log_is_kept_under_the_hash_of_its_bytes_whatever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let archives = folder.path().join("archives");
        let log = b"line\n\xFF\0";
        let hash = keep_log(&archives, log).unwrap().unwrap();
        assert_eq!(hash, hashv(&[log]));
        assert_eq!(fs::read(log_path(&archives, &hash)).unwrap(), log);
        assert_eq!(keep_log(&archives, b"").unwrap(), None);
    }

    #[test]
    fn the_runners_file_is_moved_and_its_folder_removed() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("scratch/run-1");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("result.tar"), b"tar").unwrap();
        let archive = ResultArchive { path: run.join("result.tar"), sha256: [1; 32], bytes: 3, files: 0, left_out: 0 };
        let kept = keep(&folder.path().join("archives"), &archive).unwrap();
        assert_eq!(fs::read(kept).unwrap(), b"tar");
        assert!(!run.exists());
    }
}
