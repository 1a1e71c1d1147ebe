//! Uptime per node and epoch: the chain names each epoch's dataset by hash alone, the oracles serve its bytes. Fetched
//! in the background from whichever oracle has them, believed only by the hash; the cursor never waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster_client::chain::Chain;
use muster_client::{Pubkey, events::hex};
use muster_protocol::dataset::{Dataset, ROW_LEN};
use muster_protocol::hashv;
use muster_protocol::merkle::MAX_LEAVES;

use crate::store::{Store, StoreError};

const ROUND: Duration = Duration::from_secs(2);
const ROUND_MAX: Duration = Duration::from_secs(60);
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);
const LIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Datasets of one round.
const ROUND_DATASETS: i64 = 16;
/// Header, rows and total of the largest dataset.
const DATASET_BYTES_MAX: usize = 4_096 + MAX_LEAVES as usize * ROW_LEN;
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why an oracle's answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("{url} did not answer: {why}")]
    Oracle { url: String, why: String },
    #[error("{url} answered with more than {max} bytes")]
    TooLarge { url: String, max: usize },
    #[error("{url} served bytes with another hash than the chain has")]
    WrongHash { url: String },
    #[error("the dataset cannot be read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for DatasetError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The background task, and the oracles' addresses as the chain has them.
pub struct Datasets {
    store: Store,
    chain: Chain,
    http: reqwest::Client,
    oracles: Mutex<Vec<String>>,
}

/// An epoch whose dataset is on the chain by hash and not here.
struct Missing {
    project: String,
    epoch: i64,
    dataset_hash: String,
}

impl Datasets {
    pub fn new(store: Store, chain: Chain) -> Result<Self, reqwest::Error> {
        let http =
            reqwest::Client::builder().timeout(FETCH_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { store, chain, http, oracles: Mutex::new(Vec::new()) })
    }

    /// Rounds for ever; slower while nothing can be had.
    pub async fn run(self: Arc<Self>) {
        let mut pause = ROUND;
        loop {
            tokio::time::sleep(pause).await;
            pause = match self.round().await {
                Ok(()) => ROUND,
                Err(error) => {
                    tracing::debug!(%error, "an epoch's dataset is not to be had yet");
                    (pause * 2).min(ROUND_MAX)
                }
            };
        }
    }

    /// The oracles' base URLs, in the set's order.
    pub fn oracles(&self) -> Vec<String> {
        self.oracles.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// One pass over what is missing. The first error is given after everything was tried.
    pub async fn round(&self) -> Result<(), DatasetError> {
        if let Ok(Some(set)) = self.chain.oracle_set().await {
            let urls = set.active().iter().map(|oracle| oracle.url().trim_end_matches('/').to_owned());
            let urls = urls.filter(|url| !url.is_empty()).collect();
            *self.oracles.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = urls;
        }
        let mut failed = Ok(());
        for missing in self.missing().await? {
            if let Err(error) = self.fetch(&missing).await {
                failed = failed.and(Err(error));
            }
        }
        failed
    }

    /// Newest first: they are what people look at. An epoch without a dataset (hash of zeros) has nothing to fetch.
    async fn missing(&self) -> Result<Vec<Missing>, DatasetError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT e.project, e.epoch, e.dataset_hash FROM epoch e \
             LEFT JOIN epoch_dataset d USING (project, epoch) \
             WHERE e.dataset_hash <> repeat('0', 64) AND e.dataset_hash IS DISTINCT FROM d.dataset_hash \
             ORDER BY e.epoch DESC, e.project LIMIT $1",
        )
        .bind(ROUND_DATASETS)
        .fetch_all(self.store.pool())
        .await?;
        Ok(rows.into_iter().map(|(project, epoch, dataset_hash)| Missing { project, epoch, dataset_hash }).collect())
    }

    async fn fetch(&self, missing: &Missing) -> Result<(), DatasetError> {
        let mut failed = DatasetError::Oracle { url: "no oracle".to_owned(), why: "the chain names none".to_owned() };
        for url in self.oracles() {
            let url = format!("{url}/api/v1/projects/{}/epochs/{}/dataset", missing.project, missing.epoch);
            let fetched = match self.get(&url, DATASET_BYTES_MAX).await {
                Ok(bytes) if hex(&hashv(&[&bytes])) == missing.dataset_hash => Ok(bytes),
                Ok(_) => Err(DatasetError::WrongHash { url }),
                Err(error) => Err(error),
            };
            match fetched {
                Ok(bytes) => return self.keep(missing, &bytes).await,
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// An oracle's live answer about a node key, from the first that gives one.
    pub async fn live_uptime(
        &self,
        node_key: &str,
        epoch: Option<u64>,
    ) -> Result<(String, serde_json::Value), DatasetError> {
        let mut failed = DatasetError::Oracle { url: "no oracle".to_owned(), why: "the chain names none".to_owned() };
        for oracle in self.oracles() {
            let query = epoch.map(|epoch| format!("?epoch={epoch}")).unwrap_or_default();
            let url = format!("{oracle}/api/v1/nodes/{node_key}/uptime{query}");
            match self.get(&url, ANSWER_BYTES_MAX).await {
                Ok(bytes) => {
                    let answer = serde_json::from_slice(&bytes).map_err(|e| DatasetError::Unreadable(e.to_string()))?;
                    return Ok((oracle, answer));
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// What the first oracle that answers knows of a job's work. Short-lived: a page must not wait for a dead oracle.
    pub async fn live_job(&self, job: &str) -> Option<serde_json::Value> {
        let ask = async {
            for oracle in self.oracles() {
                if let Ok(bytes) = self.get(&format!("{oracle}/api/v1/jobs/{job}"), ANSWER_BYTES_MAX).await {
                    return serde_json::from_slice(&bytes).ok();
                }
            }
            None
        };
        tokio::time::timeout(LIVE_TIMEOUT, ask).await.ok().flatten()
    }

    async fn get(&self, url: &str, bytes_max: usize) -> Result<Vec<u8>, DatasetError> {
        let broken =
            |why: reqwest::Error| DatasetError::Oracle { url: url.to_owned(), why: why.without_url().to_string() };
        let mut answer =
            self.http.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(broken)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > bytes_max {
                return Err(DatasetError::TooLarge { url: url.to_owned(), max: bytes_max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn keep(&self, missing: &Missing, bytes: &[u8]) -> Result<(), DatasetError> {
        let dataset = Dataset::decode(bytes).map_err(|e| DatasetError::Unreadable(e.to_string()))?;
        let header = &dataset.header;
        if key(&header.project) != missing.project || header.epoch.get() != missing.epoch as u64 {
            return Err(DatasetError::Unreadable("it is of another project or epoch".to_owned()));
        }
        let buckets = i64::from(header.schedule.buckets());
        let rows = Columns::of(&dataset);
        let mut transaction = self.store.pool().begin().await?;
        sqlx::query("DELETE FROM node_epoch WHERE project = $1 AND epoch = $2")
            .bind(&missing.project)
            .bind(missing.epoch)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO node_epoch SELECT $1, $2, r.leaf_index, r.tenure, r.node, r.node_key, r.first_bucket, r.counted, \
             r.excused, $3, r.uptime_bps, r.score_bps, r.points::numeric \
             FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], \
             $11::int[], $12::int[], $13::text[]) \
             AS r (leaf_index, tenure, node, node_key, first_bucket, counted, excused, uptime_bps, score_bps, points)",
        )
        .bind(&missing.project)
        .bind(missing.epoch)
        .bind(buckets)
        .bind(rows.leaf_index)
        .bind(rows.tenure)
        .bind(rows.node)
        .bind(rows.node_key)
        .bind(rows.first_bucket)
        .bind(rows.counted)
        .bind(rows.excused)
        .bind(rows.uptime_bps)
        .bind(rows.score_bps)
        .bind(rows.points)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO epoch_dataset VALUES ($1, $2, $3, $4) ON CONFLICT (project, epoch) \
             DO UPDATE SET dataset_hash = EXCLUDED.dataset_hash, buckets = EXCLUDED.buckets",
        )
        .bind(&missing.project)
        .bind(missing.epoch)
        .bind(&missing.dataset_hash)
        .bind(buckets)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        tracing::info!(project = %missing.project, epoch = missing.epoch, rows = dataset.rows.len(), "uptime of an epoch is in");
        Ok(())
    }
}

/// A dataset's rows, column by column.
#[derive(Default)]
struct Columns {
    leaf_index: Vec<i64>,
    tenure: Vec<String>,
    node: Vec<String>,
    node_key: Vec<String>,
    first_bucket: Vec<i64>,
    counted: Vec<i64>,
    excused: Vec<i64>,
    uptime_bps: Vec<i32>,
    score_bps: Vec<i32>,
    points: Vec<String>,
}

impl Columns {
    fn of(dataset: &Dataset) -> Self {
        let mut columns = Self::default();
        for row in &dataset.rows {
            columns.leaf_index.push(row.index.into());
            columns.tenure.push(key(&row.tenure));
            columns.node.push(key(&row.node));
            columns.node_key.push(key(&row.node_key));
            columns.first_bucket.push(row.first_bucket.get().into());
            columns.counted.push(row.counted.into());
            columns.excused.push(row.excused.into());
            columns.uptime_bps.push(row.uptime_bps.into());
            columns.score_bps.push(row.score_bps.into());
            columns.points.push(row.points.get().to_string());
        }
        columns
    }
}

fn key(bytes: &[u8; 32]) -> String {
    Pubkey::new_from_array(*bytes).to_string()
}
