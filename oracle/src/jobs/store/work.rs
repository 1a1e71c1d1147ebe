//! The queue of transactions that this oracle owes the chain. A row is one vote or one settlement; it stays until the
//! chain has it, so a restart forgets nothing.

use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use muster_client::muster_jobs::state::Outcome;
use sqlx::{Postgres, Row, Transaction};

use super::super::core::Key;
use super::{Store, StoreError, big, key};

/// Tries of one transaction; a new outcome or oracle set begins anew.
const TRIES_MAX: i32 = 60;
const BACKOFF_FIRST_MS: u64 = 500;
const BACKOFF_MAX_MS: u64 = 30_000;
/// PostgreSQL's code of a lock that was not to be had in time.
const LOCKED: &str = "55P03";
/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 300;

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    Attest = 1,
    Settle = 2,
}

/// A row of the queue, locked until [`Work::done`] or [`Work::failed`].
#[derive(Debug)]
pub struct Work {
    transaction: Transaction<'static, Postgres>,
    pub job: Key,
    pub kind: WorkKind,
    pub set_version: u32,
    pub outcome: Outcome,
    tries: i32,
}

impl Store {
    /// Queues a transaction; the same one again changes nothing, another outcome or set version takes its place.
    pub async fn put_work(
        &self,
        job: &Key,
        kind: WorkKind,
        set_version: u32,
        outcome: &Outcome,
        due_at_ms: u64,
    ) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        outcome.serialize(&mut bytes).map_err(|error| StoreError::Corrupt(format!("an outcome: {error}")))?;
        // A worker holds the row for as long as its transaction travels: look without a lock, then wait only briefly; the
        // next tick comes again.
        let queued = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM chain_work WHERE job = $1 AND kind = $2 AND set_version = $3 AND outcome = $4)",
        );
        let queued: bool = queued
            .bind(&job[..])
            .bind(kind as i16)
            .bind(i64::from(set_version))
            .bind(&bytes)
            .fetch_one(&self.pool)
            .await?;
        if queued {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SET LOCAL lock_timeout = '200ms'").execute(&mut *transaction).await?;
        let put = sqlx::query(
            "INSERT INTO chain_work (job, kind, set_version, outcome, due_at_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (job, kind) DO UPDATE SET set_version = excluded.set_version, outcome = excluded.outcome,
                due_at_ms = excluded.due_at_ms, tries = 0, last_error = NULL",
        )
        .bind(&job[..])
        .bind(kind as i16)
        .bind(i64::from(set_version))
        .bind(bytes)
        .bind(big(due_at_ms))
        .execute(&mut *transaction)
        .await;
        match put {
            Ok(_) => Ok(transaction.commit().await?),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCKED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next due transaction that nobody else holds.
    pub async fn take_work(&self, now_ms: u64) -> Result<Option<Work>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query(
            "SELECT job, kind, set_version, outcome, tries FROM chain_work WHERE due_at_ms <= $1 AND tries < $2
             ORDER BY due_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(big(now_ms))
        .bind(TRIES_MAX)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let bytes: Vec<u8> = row.try_get("outcome")?;
        let outcome =
            Outcome::try_from_slice(&bytes).map_err(|error| StoreError::Corrupt(format!("an outcome: {error}")))?;
        let set_version: i64 = row.try_get("set_version")?;
        Ok(Some(Work {
            transaction,
            job: key(row.try_get("job")?)?,
            kind: match row.try_get::<i16, _>("kind")? {
                1 => WorkKind::Attest,
                _ => WorkKind::Settle,
            },
            set_version: u32::try_from(set_version)
                .map_err(|_| StoreError::Corrupt(format!("set version {set_version}")))?,
            outcome,
            tries: row.try_get("tries")?,
        }))
    }

    /// Forgets what a job would still have needed.
    pub(super) async fn drop_work(&self, job: &Key) -> Result<(), StoreError> {
        // A worker that holds the row finds out by itself.
        sqlx::query(
            "DELETE FROM chain_work WHERE (job, kind) IN
                (SELECT job, kind FROM chain_work WHERE job = $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind(&job[..])
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Work {
    /// The chain has it, or needs it no longer.
    pub async fn done(mut self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM chain_work WHERE job = $1 AND kind = $2")
            .bind(&self.job[..])
            .bind(self.kind as i16)
            .execute(&mut *self.transaction)
            .await?;
        Ok(self.transaction.commit().await?)
    }

    /// To be tried again later. True when this was the last try.
    pub async fn failed(mut self, error: &str, now_ms: u64) -> Result<bool, StoreError> {
        let doublings = self.tries.clamp(0, 16) as u32;
        let wait_ms = (BACKOFF_FIRST_MS << doublings).min(BACKOFF_MAX_MS);
        let error: String = error.chars().take(ERROR_CHARS_MAX).collect();
        sqlx::query(
            "UPDATE chain_work SET tries = tries + 1, due_at_ms = $3, last_error = $4 WHERE job = $1 AND kind = $2",
        )
        .bind(&self.job[..])
        .bind(self.kind as i16)
        .bind(big(now_ms.saturating_add(wait_ms)))
        .bind(error)
        .execute(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        Ok(self.tries + 1 >= TRIES_MAX)
    }
}
