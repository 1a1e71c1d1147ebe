//! What the indexer has: its events, and how far each stream goes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

/// One event of `chain_event`.
#[derive(Clone, Debug)]
pub struct Event {
    pub signature: String,
    pub instruction_index: i32,
    pub program: String,
    pub name: String,
    pub stream: String,
    pub seq: i64,
    pub data: Value,
}

impl Event {
    /// A field of the event that is a `u64`.
    pub fn number(&self, field: &str) -> Option<u64> {
        let found = self.data.get(field).or_else(|| self.data.pointer(&format!("/fields/{field}")))?;
        found.as_u64().or_else(|| found.as_str()?.parse().ok())
    }

    pub fn to_json(&self) -> Value {
        json!({
            "signature": self.signature,
            "instruction_index": self.instruction_index,
            "program": self.program,
            "name": self.name,
            "stream": self.stream,
            "seq": self.seq,
        })
    }
}

/// The indexer's schema of a database.
pub struct IndexerTables {
    connection: PgConnection,
    schema: String,
}

impl IndexerTables {
    pub async fn open(database_url: &str, schema: &str) -> Result<Self> {
        let connection = PgConnection::connect(database_url).await.context("the database does not answer")?;
        Ok(Self { connection, schema: schema.into() })
    }

    /// Every event, in the chain's order.
    pub async fn events(&mut self) -> Result<Vec<Event>> {
        let query = format!(
            "SELECT signature, ix, program, name, stream, seq, data::text FROM {}.chain_event ORDER BY slot, signature, ix, inner_ix",
            self.schema
        );
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut self.connection).await?;
        let event = |row: sqlx::postgres::PgRow| -> Result<Event> {
            Ok(Event {
                signature: row.try_get(0)?,
                instruction_index: row.try_get(1)?,
                program: row.try_get(2)?,
                name: row.try_get(3)?,
                stream: row.try_get(4)?,
                seq: row.try_get(5)?,
                data: serde_json::from_str(&row.try_get::<String, _>(6)?)?,
            })
        };
        rows.into_iter().map(event).collect()
    }

    /// How many numbers of each stream are there.
    pub async fn streams(&mut self) -> Result<BTreeMap<String, u64>> {
        let query = format!("SELECT stream, count(*) FROM {}.stream_entry GROUP BY stream", self.schema);
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)? as u64))).collect()
    }
}

/// Removes the schemas that an earlier run left in somebody's own database.
pub async fn drop_schemas(database_url: &str, schemas: &[String]) -> Result<()> {
    let mut connection = PgConnection::connect(database_url).await.context("the database does not answer")?;
    for schema in schemas {
        sqlx::query(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))).execute(&mut connection).await?;
    }
    Ok(())
}
