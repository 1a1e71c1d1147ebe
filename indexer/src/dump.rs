//! Every state table as text, ordered by key: equal state gives equal bytes.

use std::io::Write;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, query_scalar};

use crate::store::{STATE_TABLES, Store};

/// Why there is no dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the dump cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Writes all state tables of one moment: `# table`, then a JSON object a line. Documents that were fetched in the
/// background and the cursor are no state: they depend on when, not on what.
pub async fn dump(store: &Store, out: &mut impl Write) -> Result<(), DumpError> {
    let mut transaction = store.pool().begin().await?;
    snapshot(&mut transaction).await?;
    for (table, _) in STATE_TABLES {
        writeln!(out, "# {table}")?;
        let sql = rows_sql(store.schema(), table);
        let mut rows = query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            writeln!(out, "{row}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// All that this connection's transaction reads is of one moment.
pub(crate) async fn snapshot(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(connection).await?;
    Ok(())
}

/// The rows of a state table in the order of its key. Both names are ours or checked.
pub(crate) fn rows_sql(schema: &str, table: &str) -> String {
    let key = STATE_TABLES.iter().find(|(name, _)| *name == table).map_or("1", |(_, key)| key);
    format!("SELECT to_jsonb(t)::text FROM {schema}.{table} t ORDER BY {key}")
}
