//! PostgreSQL: the events, the state folded from them, the cursor.

mod copy;
mod write;

use std::time::Duration;

use muster_client::shell::database::{Place, unreachable};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, SqlSafeStr};

pub use write::Batch;
pub(crate) use write::{FOLD_TABLES_EMPTY, STAGING, fold};

const CONNECTIONS_MAX: u32 = 10;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
const SCHEMA_LEN_MAX: usize = 40;

/// Forward-only, in order: (number, name, SQL).
pub(crate) const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "events", include_str!("../../../migrations/indexer/0001_events.sql")),
    (2, "state", include_str!("../../../migrations/indexer/0002_state.sql")),
    (3, "documents", include_str!("../../../migrations/indexer/0003_documents.sql")),
    (4, "programs", include_str!("../../../migrations/indexer/0004_programs.sql")),
];

/// State tables and the columns of their keys, alphabetical: what `dump` prints and `verify` rebuilds.
pub const STATE_TABLES: [(&str, &str); 35] = [
    ("allowed_mint", "network COLLATE \"C\", mint COLLATE \"C\""),
    ("bond", "address COLLATE \"C\""),
    ("bond_entry", "bond COLLATE \"C\", seq"),
    ("claim", "distribution COLLATE \"C\", seq"),
    ("distribution", "address COLLATE \"C\""),
    ("epoch", "project COLLATE \"C\", epoch"),
    ("job", "address COLLATE \"C\""),
    ("job_node", "job COLLATE \"C\", tenure COLLATE \"C\""),
    ("job_vote", "job COLLATE \"C\", seq"),
    ("jobs_config", "address COLLATE \"C\""),
    ("licence", "address COLLATE \"C\""),
    ("network", "address COLLATE \"C\""),
    ("node", "address COLLATE \"C\""),
    ("oracle_set", "set_version"),
    ("oracle_url", "oracle COLLATE \"C\""),
    ("pool", "address COLLATE \"C\""),
    ("project", "address COLLATE \"C\""),
    ("project_budget_limit", "project COLLATE \"C\", from_epoch"),
    ("project_formula", "project COLLATE \"C\", from_epoch"),
    ("root", "distribution COLLATE \"C\", seq"),
    ("root_hold", "distribution COLLATE \"C\", seq"),
    ("root_vote", "distribution COLLATE \"C\", seq"),
    ("split", "address COLLATE \"C\""),
    ("split_release", "split COLLATE \"C\", seq"),
    ("sponsorship", "job COLLATE \"C\", sponsor COLLATE \"C\""),
    ("stream", "stream COLLATE \"C\""),
    ("stream_entry", "stream COLLATE \"C\", seq"),
    ("suspension_entry", "project COLLATE \"C\", seq"),
    ("tenure", "address COLLATE \"C\""),
    ("tenure_claim", "tenure COLLATE \"C\""),
    ("treasury_entry", "stream COLLATE \"C\", seq"),
    ("treasury_withdrawal", "stream COLLATE \"C\", seq"),
    ("view_commit", "view_set COLLATE \"C\", seq"),
    ("view_set", "address COLLATE \"C\""),
    ("waiting", "stream COLLATE \"C\", seq"),
];

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Unreachable(String),
    #[error("the database URL cannot be read: {0}")]
    Url(#[source] sqlx::Error),
    #[error("the database failed or refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("{0:?} is no schema name: lower-case letters, digits and underscores, a letter first, at most 40")]
    Schema(String),
    #[error("the schema holds the chain {held}, the RPC node serves {served}: use another schema or another node")]
    OtherChain { held: String, served: String },
    #[error(
        "two different events claim the same number of a stream: the RPC node contradicts itself or rolled back, \
         rebuild into an empty schema from a finalised node ({0})"
    )]
    Contradiction(String),
    #[error("event {0} holds a number that is out of the range of the database's column")]
    Range(String),
}

/// Which chain a schema belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    /// Base58.
    pub genesis_hash: String,
    pub network_program: String,
    pub jobs_program: String,
}

/// A stream that misses an event.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Gap {
    pub stream: String,
    /// The last number that is folded.
    pub last_seq: i64,
    /// The lowest number that waits behind the gap.
    pub waiting_from: i64,
    /// How many wait.
    pub waiting: i64,
}

/// One schema of a database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    schema: String,
}

impl Store {
    /// Connects, creates the schema if needed and applies the migrations.
    pub async fn connect(url: &str, schema: &str) -> Result<Self, StoreError> {
        let store = Self::open(url, schema)?;
        store.reach().await?;
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        // The name has been checked: no quoting is needed.
        sqlx::query(AssertSqlSafe(create)).execute(&store.pool).await?;
        let migrations = MIGRATIONS.map(|(number, name, sql)| {
            Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        });
        Migrator::with_migrations(migrations.to_vec()).run(&store.pool).await?;
        Ok(store)
    }

    /// Connects lazily to a schema that is there already.
    pub fn open(url: &str, schema: &str) -> Result<Self, StoreError> {
        let first = schema.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        let rest = schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !first || !rest || schema.len() > SCHEMA_LEN_MAX {
            return Err(StoreError::Schema(schema.to_owned()));
        }
        let options: PgConnectOptions = url.parse().map_err(StoreError::Url)?;
        let options = options
            .options([("search_path", schema), ("client_min_messages", "warning")])
            .application_name("muster-indexer");
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self { pool, schema: schema.to_owned() })
    }

    /// Whether the database answers; if not, which one does not, why, and what to do.
    pub async fn reach(&self) -> Result<(), StoreError> {
        self.reach_within(ACQUIRE_TIMEOUT).await
    }

    async fn reach_within(&self, limit: Duration) -> Result<(), StoreError> {
        let error = match tokio::time::timeout(limit, self.pool.acquire()).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::PoolTimedOut,
        };
        let options = self.pool.connect_options();
        // A pool that timed out does not know why; one more try does.
        let why = match error {
            sqlx::Error::PoolTimedOut => match tokio::time::timeout(PROBE_TIMEOUT, options.connect()).await {
                Ok(Err(cause)) => cause.to_string(),
                Ok(Ok(_)) | Err(_) => "no answer in time".to_owned(),
            },
            other => other.to_string(),
        };
        let place = Place {
            host: options.get_host(),
            port: options.get_port(),
            socket: options.get_socket().map(|socket| socket.as_path()),
            database: options.get_database(),
        };
        Err(StoreError::Unreachable(unreachable(&place, &why)))
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Ties an empty schema to a chain, refuses another chain than the one that it holds.
    pub async fn bind_to(&self, chain: &ChainIdentity) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO indexer_cursor (slot, genesis_hash, network_program, jobs_program) VALUES (0, $1, $2, $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&chain.genesis_hash)
        .bind(&chain.network_program)
        .bind(&chain.jobs_program)
        .execute(&self.pool)
        .await?;
        match self.identity().await? {
            Some(held) if held == *chain => Ok(()),
            held => {
                let text = |chain: &ChainIdentity| {
                    format!("{} with programs {}, {}", chain.genesis_hash, chain.network_program, chain.jobs_program)
                };
                let held = held.as_ref().map(text).unwrap_or_default();
                Err(StoreError::OtherChain { held, served: text(chain) })
            }
        }
    }

    /// The chain that the schema holds.
    pub async fn identity(&self) -> Result<Option<ChainIdentity>, StoreError> {
        let row: Option<(String, String, String)> =
            sqlx::query_as("SELECT genesis_hash, network_program, jobs_program FROM indexer_cursor")
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(genesis_hash, network_program, jobs_program)| ChainIdentity {
            genesis_hash,
            network_program,
            jobs_program,
        }))
    }

    /// The last slot of which everything is held; 0 before the first.
    pub async fn cursor(&self) -> Result<u64, StoreError> {
        let slot: Option<i64> =
            sqlx::query_scalar("SELECT slot FROM indexer_cursor").fetch_optional(&self.pool).await?;
        Ok(slot.unwrap_or(0).max(0) as u64)
    }

    /// Streams that miss an event, at most 100 of them.
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT w.stream, COALESCE(min(s.last_seq), 0), min(w.seq), count(*) FROM waiting w \
             LEFT JOIN stream s USING (stream) GROUP BY w.stream ORDER BY w.stream LIMIT 100",
        )
        .fetch_all(&self.pool)
        .await?;
        let gap = |(stream, last_seq, waiting_from, waiting)| Gap { stream, last_seq, waiting_from, waiting };
        Ok(rows.into_iter().map(gap).collect())
    }

    /// The slot from which what is missing may lie: the earliest last folded event of the streams with a gap. `None`
    /// without a gap.
    pub async fn gap_slot(&self) -> Result<Option<u64>, StoreError> {
        let slot: Option<i64> = sqlx::query_scalar(
            "SELECT min(COALESCE(s.last_slot, 0)) FROM (SELECT DISTINCT stream FROM waiting) w LEFT JOIN stream s USING (stream)",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(slot.map(|slot| slot.max(0) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_named_once_with_a_remedy_and_without_its_password() {
        // Bound and closed again: nothing listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("postgres://muster:hunter2@127.0.0.1:{port}/chain");
        let store = Store::open(&url, "indexer").unwrap();
        let error = store.reach_within(Duration::from_millis(200)).await.unwrap_err();
        let said = muster_client::shell::failure::sentence(&error);
        assert!(said.contains(&format!("the database \"chain\" at 127.0.0.1:{port} cannot be reached")), "{said}");
        assert!(said.contains("refused") && said.contains("--database-url"), "{said}");
        assert!(!said.contains("hunter2") && said.matches("cannot be reached").count() == 1, "{said}");
        let error = Store::open("postgres://muster:hunter2@[/chain", "indexer").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
