//! The scheduler's memory on disk: PostgreSQL, in this oracle's own schema. What is acknowledged was committed here.

mod load;
mod work;

use std::time::Duration;

use muster_client::muster_jobs::state::job_state;
use muster_client::shell::database::{Place, unreachable};
use muster_protocol::Hash;
use muster_protocol::wire::Domain;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, SqlSafeStr};

use super::core::{Accepted, ChainJob, Key};

pub use work::{Work, WorkKind};

/// Connections to the database: two workers, the ticks, the API.
const CONNECTIONS_MAX: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the schema {0:?} must be 1 to 63 of a-z, 0-9 and _, no digit first")]
    Schema(String),
    #[error("the database URL cannot be read: {0}")]
    Url(#[source] sqlx::Error),
    #[error("{0}")]
    Unreachable(String),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database's schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database holds something that no oracle writes: {0}")]
    Corrupt(String),
}

/// Opens the database, makes the schema if it is not there, and brings its tables up to date.
pub async fn connect(url: &str, schema: &str) -> Result<PgPool, StoreError> {
    connect_within(url, schema, ACQUIRE_TIMEOUT).await
}

async fn connect_within(url: &str, schema: &str, limit: Duration) -> Result<PgPool, StoreError> {
    let plain = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    let first = schema.chars().next().unwrap_or('0');
    if schema.len() > 63 || first.is_ascii_digit() || !schema.chars().all(plain) {
        return Err(StoreError::Schema(schema.to_owned()));
    }
    let options: PgConnectOptions = url.parse().map_err(StoreError::Url)?;
    let options = options.application_name("muster-oracle").options([("search_path", schema)]);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(limit);
    let pool = match pool.connect_with(options.clone()).await {
        Ok(pool) => pool,
        Err(error) => return Err(StoreError::Unreachable(unreachable_sentence(&options, &error).await)),
    };
    // The name was checked above; an identifier cannot be a parameter.
    let create = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
    sqlx::query(AssertSqlSafe(create)).execute(&pool).await?;
    migrations().run(&pool).await?;
    Ok(pool)
}

/// Says which database does not answer and why; a pool that timed out does not know why, one more try does.
async fn unreachable_sentence(options: &PgConnectOptions, error: &sqlx::Error) -> String {
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
    unreachable(&place, &why)
}

/// Built into the program, so that no file has to lie beside it.
fn migrations() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "jobs", include_str!("../../../migrations/oracle/0001_jobs.sql")),
        migration(2, "cancelled jobs and logs", include_str!("../../../migrations/oracle/0002_cancel_and_logs.sql")),
    ])
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    domain: Domain,
}

/// An address or hash of this database.
fn key(bytes: Vec<u8>) -> Result<Key, StoreError> {
    let len = bytes.len();
    bytes.try_into().map_err(|_| StoreError::Corrupt(format!("a key of {len} bytes")))
}

/// `u64` as the database's `bigint`; nothing here comes near 2^63.
fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Store {
    pub fn new(pool: PgPool, domain: Domain) -> Self {
        Self { pool, domain }
    }

    /// Keeps a job's newest account.
    pub async fn save_job(&self, job: &ChainJob) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO job (job, index, descriptor_hash, refund_account, rent_payer, created_at, deadline, settled_at,
                redundancy, state, seq, result_hash, cancel_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (job) DO UPDATE SET settled_at = excluded.settled_at, cancel_at = excluded.cancel_at, state = excluded.state,
                seq = excluded.seq, result_hash = excluded.result_hash
             WHERE job.seq < excluded.seq",
        )
        .bind(&job.job[..])
        .bind(big(job.index))
        .bind(&job.descriptor_hash[..])
        .bind(&job.refund_account[..])
        .bind(&job.rent_payer[..])
        .bind(job.created_at)
        .bind(job.deadline)
        .bind(job.settled_at)
        .bind(i16::from(job.redundancy))
        .bind(i16::from(job.state))
        .bind(big(job.seq))
        .bind(&job.result_hash[..])
        .bind(job.cancel_at)
        .execute(&self.pool)
        .await?;
        if job.state != job_state::OPEN {
            self.drop_work(&job.job).await?;
        }
        Ok(())
    }

    /// Whether this oracle knows the job and that it is over.
    pub async fn is_settled(&self, job: &Key) -> Result<bool, StoreError> {
        let settled = sqlx::query_scalar("SELECT EXISTS (SELECT FROM job WHERE job = $1 AND state <> 1)");
        Ok(settled.bind(&job[..]).fetch_one(&self.pool).await?)
    }

    /// Keeps checked evidence; again is harmless.
    pub async fn save(&self, accepted: &Accepted, now_ms: u64) -> Result<(), StoreError> {
        let query = match accepted {
            Accepted::Known => return Ok(()),
            Accepted::Descriptor(job, descriptor) => sqlx::query(
                "INSERT INTO descriptor (job, bytes, received_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(&job[..])
            .bind(&descriptor.bytes),
            Accepted::Assignment(hash, signed) => sqlx::query(
                "INSERT INTO assignment (job, hash, attempt, oracle_key, frame, received_at_ms)
                 VALUES ($1, $2, $4, $5, $6, $3) ON CONFLICT DO NOTHING",
            )
            .bind(&signed.body.job[..])
            .bind(&hash[..]),
            Accepted::Result(signed, _) => sqlx::query(
                "INSERT INTO result (job, hash, assignment, node_key, archive_hash, log_hash, contradicts, frame,
                    received_at_ms)
                 VALUES ($1, $2, $4, $5, $6, $7, $8, $9, $3) ON CONFLICT DO NOTHING",
            )
            .bind(&signed.body.job[..])
            .bind(muster_protocol::result::frame_hash(&signed.frame).to_vec()),
            Accepted::Progress { signed, .. } => sqlx::query(
                "INSERT INTO progress (job, assignment, node_key, frame, first_frame, received_at_ms)
                 VALUES ($1, $2, $4, $5, $5, $3)
                 ON CONFLICT (assignment, node_key) DO UPDATE SET received_at_ms = excluded.received_at_ms,
                    frame = CASE WHEN $6 THEN excluded.frame ELSE progress.frame END,
                    first_frame = CASE WHEN $7 THEN excluded.first_frame ELSE progress.first_frame END",
            )
            .bind(&signed.body.job[..])
            .bind(&signed.body.assignment_hash[..]),
        };
        let query = query.bind(big(now_ms));
        let query = match accepted {
            Accepted::Assignment(_, signed) => {
                query.bind(signed.body.attempt as i32).bind(&signed.body.oracle_key[..]).bind(&signed.frame)
            }
            Accepted::Result(signed, contradicts) => query
                .bind(&signed.body.assignment_hash[..])
                .bind(&signed.body.node_key[..])
                .bind(&signed.body.archive_hash[..])
                .bind(&signed.body.log_hash[..])
                .bind(contradicts)
                .bind(&signed.frame),
            Accepted::Progress { signed, is_newest, is_first } => {
                query.bind(&signed.body.node_key[..]).bind(&signed.frame).bind(is_newest).bind(is_first)
            }
            Accepted::Known | Accepted::Descriptor(..) => query,
        };
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Whether an accepted result names this archive or log.
    pub async fn archive_is_wanted(&self, hash: &Hash) -> Result<bool, StoreError> {
        let wanted = sqlx::query_scalar("SELECT EXISTS (SELECT FROM result WHERE archive_hash = $1 OR log_hash = $1)");
        Ok(wanted.bind(&hash[..]).fetch_one(&self.pool).await?)
    }

    /// Whether this archive or log lies here.
    pub async fn archive_is_here(&self, hash: &Hash) -> Result<bool, StoreError> {
        let here = sqlx::query_scalar("SELECT EXISTS (SELECT FROM archive WHERE hash = $1)");
        Ok(here.bind(&hash[..]).fetch_one(&self.pool).await?)
    }

    /// Bytes of all archives and logs together.
    pub async fn archives_bytes(&self) -> Result<u64, StoreError> {
        let sum = sqlx::query_scalar("SELECT coalesce(sum(bytes), 0)::bigint FROM archive");
        let bytes: i64 = sum.fetch_one(&self.pool).await?;
        Ok(bytes.unsigned_abs())
    }

    /// Notes an archive or a log whose file is on disk.
    pub async fn archive_saved(&self, hash: &Hash, bytes: u64, now_ms: u64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO archive (hash, bytes, stored_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(&hash[..])
            .bind(big(bytes))
            .bind(big(now_ms))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_named_once_with_a_remedy_and_without_its_password() {
        // Bound and closed again: nothing listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("postgres://muster:hunter2@127.0.0.1:{port}/jobs");
        let error = connect_within(&url, "oracle", Duration::from_millis(200)).await.unwrap_err();
        let said = muster_client::shell::failure::sentence(&error);
        assert!(said.contains(&format!("the database \"jobs\" at 127.0.0.1:{port} cannot be reached")), "{said}");
        assert!(said.contains("refused") && said.contains("--database-url"), "{said}");
        assert!(!said.contains("hunter2") && said.matches("cannot be reached").count() == 1, "{said}");
        let error = connect("postgres://muster:hunter2@[/jobs", "oracle").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
