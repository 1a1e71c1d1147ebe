//! Starts the ledger's follower, the log's writer and those who ask witnesses.

use std::sync::Arc;

use anyhow::Context;
use muster_protocol::tlog::checkpoint::log_verifier;
use tokio::task::JoinHandle;

use super::sources::Files;
use super::witnesses::{self, Witness};
use super::writer::{Writer, WriterStart};
use super::{Stop, Transparency, spawn};
use crate::context::OracleContext;
use crate::ingest::Handle;
use crate::ledger::{Books, follow};

const HOUR_MS: u64 = 3_600_000;

/// What runs.
pub struct Booted {
    /// The ledger.
    pub books: Arc<Books>,
    /// The log, to serve.
    pub transparency: Arc<Transparency>,
    /// The writer's thread.
    pub writer: Option<Stop>,
    /// Followers of the chain and of the log.
    pub tasks: Vec<JoinHandle<()>>,
}

/// Starts all of it. A log that cannot be used stops nobody: heartbeats count without it, and it says why.
pub async fn boot(ctx: &Arc<OracleContext>, ingest: &Handle) -> anyhow::Result<Booted> {
    let named = ctx.settings.witnesses.iter();
    let witnesses: Vec<Witness> =
        named.map(|text| Witness::parse(text)).collect::<Result<_, _>>().map_err(BadWitness)?;
    let verifier = log_verifier(&ctx.domain, &ctx.identity.key);
    let (storage, data_dir) = (ctx.storage.clone(), ctx.settings.data_dir.clone());
    let epoch_len = ctx.schedule.epoch_len();
    let books = Books::open(storage.clone(), data_dir.join("ledger"), epoch_len);
    let books = Arc::new(books.context("the ledger's files cannot be read")?);
    let mut tasks = vec![tokio::spawn(follow::run(ctx.clone(), books.clone()))];
    let Some(committed) = ingest.take_committed() else {
        anyhow::bail!("the committer's batches are followed already");
    };
    let start = WriterStart {
        domain: ctx.domain,
        signing_key: ctx.identity.signing_key.clone(),
        sources: Box::new(Files::new(storage.clone(), &data_dir, ctx.identity.key, books.clone())),
        storage,
        data_dir,
        committed,
        sides_keep_ms: ctx.settings.tlog_keep_hours.saturating_mul(HOUR_MS),
    };
    let opened = tokio::task::spawn_blocking(|| Writer::open(start)).await?;
    let (transparency, writer) = match opened {
        Ok(writer) => {
            let transparency = Transparency::of(&writer, verifier, witnesses.clone());
            let (tree, status) = (writer.tree(), writer.status());
            let asking = witnesses::run(writer.signed(), tree, status, ctx.http.clone(), witnesses);
            tasks.push(tokio::spawn(asking));
            (transparency, Some(spawn(writer, ctx.clock.clone())?))
        }
        Err(error) => (Transparency::unusable(verifier, witnesses, error.to_string()), None),
    };
    Ok(Booted { books, transparency: Arc::new(transparency), writer, tasks })
}

/// A witness that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadWitness(String);
