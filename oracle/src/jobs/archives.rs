//! What results leave behind: archives (tar) and logs, files under the data folder, each named by its SHA-256 and wanted by
//! an accepted result.

use std::path::PathBuf;

use anyhow::Context;
use axum::http::StatusCode;
use muster_protocol::reason::Reason;
use muster_protocol::{Hash, hashv};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::Jobs;
use super::problem::Problem;

/// Bytes of one archive.
pub const ARCHIVE_BYTES_MAX: usize = 16 << 20;
/// Bytes of all these files of this oracle.
const TOTAL_BYTES_MAX: u64 = 20 << 30;
/// Files that are received at a time: each is held in memory.
pub const WRITES_MAX: usize = 4;

fn folder(jobs: &Jobs) -> PathBuf {
    jobs.ctx.folder("archives")
}

fn file(jobs: &Jobs, hash: &Hash) -> PathBuf {
    folder(jobs).join(hex::encode(hash))
}

/// Makes the folder and clears away what a crash left half-written.
pub async fn prepare(jobs: &Jobs) -> anyhow::Result<()> {
    let folder = folder(jobs);
    fs::create_dir_all(&folder)
        .await
        .with_context(|| format!("cannot make the archive folder {}", folder.display()))?;
    let mut entries = fs::read_dir(&folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        if entry.path().extension().is_some_and(|ext| ext == "part") {
            fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}

/// Keeps a file; again is harmless.
pub async fn put(jobs: &Jobs, hash: &Hash, bytes: &[u8]) -> Result<(), Problem> {
    if hashv(&[bytes]) != *hash {
        let detail = "the body's SHA-256 is not the hash in the path";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, Reason::Malformed, detail));
    }
    if jobs.store.archive_is_here(hash).await? {
        return Ok(());
    }
    if *hash == [0; 32] || !jobs.store.archive_is_wanted(hash).await? {
        let detail = "no accepted result names this file; send the result first";
        return Err(Problem::not_found(detail));
    }
    let held = jobs.store.archives_bytes().await?;
    if held.saturating_add(bytes.len() as u64) > TOTAL_BYTES_MAX {
        let detail = format!("the oracle holds {held} bytes of archives and logs and has no room for more");
        return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, Reason::Overloaded, detail));
    }
    write(jobs, hash, bytes).await.map_err(|error| {
        tracing::error!(%error, hash = hex::encode(hash), "a result's file could not be written");
        Problem::busy("the oracle could not write the file, try again")
    })?;
    jobs.store.archive_saved(hash, bytes.len() as u64, jobs.ctx.now_ms()).await?;
    Ok(())
}

/// Under another name first: a file of the final name is whole.
async fn write(jobs: &Jobs, hash: &Hash, bytes: &[u8]) -> std::io::Result<()> {
    let suffix: u64 = rand::random();
    let part = folder(jobs).join(format!("{}-{suffix:016x}.part", hex::encode(hash)));
    let mut file_ = fs::File::create(&part).await?;
    file_.write_all(bytes).await?;
    file_.sync_all().await?;
    fs::rename(&part, file(jobs, hash)).await?;
    fs::File::open(folder(jobs)).await?.sync_all().await
}

/// A file's bytes.
pub async fn get(jobs: &Jobs, hash: &Hash) -> Result<Vec<u8>, Problem> {
    if !jobs.store.archive_is_here(hash).await? {
        return Err(Problem::not_found("this oracle does not have the file; ask another one"));
    }
    fs::read(file(jobs, hash)).await.map_err(|error| {
        tracing::error!(%error, hash = hex::encode(hash), "a result's file could not be read");
        Problem::not_found("the file is lost on this oracle; ask another one")
    })
}
