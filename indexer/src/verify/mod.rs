//! Whether what the tables say is true: rebuilt from the events, without gaps, and equal to the chain.

mod chain;
mod rebuild;

use std::collections::BTreeSet;
use std::time::Duration;

use muster_client::chain::{Chain, ChainError};

use crate::store::{Store, StoreError};

/// Differences that are printed of one kind.
const SHOWN_MAX: usize = 20;
const RETRY: Duration = Duration::from_secs(1);

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What was compared and what differs.
#[derive(Debug, Default, serde::Serialize)]
pub struct Report {
    pub events: i64,
    pub streams: i64,
    /// Rows of the rebuilt state tables.
    pub state_rows: u64,
    /// Accounts and streams of the chain that are equal.
    pub accounts: u64,
    pub differences: Vec<String>,
}

/// Rebuilds and compares. Without a chain only the database is checked. What the indexer has not read yet counts as a
/// difference after `wait`, which a running indexer needs to catch up.
pub async fn verify(store: &Store, chain: Option<&Chain>, wait: Duration) -> Result<Report, VerifyError> {
    let deadline = tokio::time::Instant::now() + wait;
    let mut report = Report::default();
    rebuild::check(store, &mut report).await?;
    let Some(chain) = chain else { return Ok(report) };
    let database = std::mem::take(&mut report.differences);
    // An account that was equal at one moment is settled: on a busy chain there is no moment at which all are.
    let mut equal = BTreeSet::new();
    loop {
        chain::check(store, chain, &mut report, &mut equal).await?;
        report.accounts = equal.len() as u64;
        if report.differences.is_empty() || tokio::time::Instant::now() >= deadline {
            break;
        }
        report.differences.clear();
        tokio::time::sleep(RETRY).await;
    }
    report.differences.splice(0..0, database);
    Ok(report)
}

impl Report {
    fn differ(&mut self, what: String) {
        if self.differences.len() < SHOWN_MAX * 5 {
            self.differences.push(what);
        }
    }
}
