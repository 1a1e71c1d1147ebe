//! The state tables again, from chain_event alone, in a scratch schema that a rollback removes.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, query_scalar, raw_sql};

use super::{Report, SHOWN_MAX, VerifyError};
use crate::dump::{rows_sql, snapshot};
use crate::store::{FOLD_TABLES_EMPTY, MIGRATIONS, STAGING, STATE_TABLES, Store, fold};

/// Events that are folded at once.
const CHUNK: i64 = 50_000;

/// Rebuilds, compares byte by byte, and looks for gaps.
pub async fn check(store: &Store, report: &mut Report) -> Result<(), VerifyError> {
    let mut transaction = store.pool().begin().await?;
    snapshot(&mut transaction).await?;
    let schema = store.schema();
    report.events = query_scalar("SELECT count(*) FROM chain_event").fetch_one(&mut *transaction).await?;
    report.streams = query_scalar("SELECT count(*) FROM stream").fetch_one(&mut *transaction).await?;
    gaps(&mut transaction, report).await?;

    let scratch = format!("{schema}_verify");
    rebuild(&mut transaction, schema, &scratch).await?;
    for (table, _) in STATE_TABLES {
        compare(&mut transaction, schema, &scratch, table, report).await?;
    }
    transaction.rollback().await?;
    Ok(())
}

/// Every stream holds exactly 1..=last_seq, and nothing waits.
async fn gaps(connection: &mut PgConnection, report: &mut Report) -> Result<(), VerifyError> {
    let rows: Vec<(String, Option<i64>, i64, i64)> = sqlx::query_as(
        "SELECT stream, s.last_seq, e.entries, e.newest FROM stream s FULL JOIN \
         (SELECT stream, count(*) AS entries, max(seq) AS newest FROM stream_entry GROUP BY stream) e USING (stream) \
         WHERE s.last_seq IS NULL OR e.entries IS NULL OR s.last_seq <> e.entries OR s.last_seq <> e.newest \
         ORDER BY stream LIMIT 20",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (stream, folded, entries, newest) in rows {
        let folded = folded.unwrap_or(0);
        report.differ(format!(
            "stream {stream} has a gap: folded up to {folded}, {entries} events are held, the newest is {newest}"
        ));
    }
    Ok(())
}

async fn rebuild(connection: &mut PgConnection, schema: &str, scratch: &str) -> Result<(), VerifyError> {
    // The schema's name has been checked when the store was opened.
    let start = format!("CREATE SCHEMA {scratch}; SET LOCAL search_path TO {scratch}");
    raw_sql(AssertSqlSafe(start)).execute(&mut *connection).await?;
    for (_, _, sql) in MIGRATIONS {
        raw_sql(sql).execute(&mut *connection).await?;
    }
    raw_sql(STAGING).execute(&mut *connection).await?;
    let mut after = (-1i64, String::new(), 0i32, 0i32);
    loop {
        raw_sql(FOLD_TABLES_EMPTY).execute(&mut *connection).await?;
        let insert = format!(
            "INSERT INTO staging SELECT signature, ix, inner_ix, slot, program, name, stream, seq, timestamp, data, raw \
             FROM {schema}.chain_event WHERE (slot, signature, ix, inner_ix) > ($1, $2, $3, $4) \
             ORDER BY slot, signature, ix, inner_ix LIMIT {CHUNK}"
        );
        let staged = sqlx::query(AssertSqlSafe(insert))
            .bind(after.0)
            .bind(&after.1)
            .bind(after.2)
            .bind(after.3)
            .execute(&mut *connection)
            .await?;
        if staged.rows_affected() == 0 {
            return Ok(());
        }
        after = sqlx::query_as(
            "SELECT slot, signature, ix, inner_ix FROM staging ORDER BY slot DESC, signature DESC, ix DESC, inner_ix DESC LIMIT 1",
        )
        .fetch_one(&mut *connection)
        .await?;
        fold(connection).await?;
    }
}

/// Both tables as `dump` prints them, hashed by the server first; the rows only where the hashes differ.
async fn compare(
    connection: &mut PgConnection,
    schema: &str,
    scratch: &str,
    table: &str,
    report: &mut Report,
) -> Result<(), VerifyError> {
    let (held, held_rows) = read(connection, schema, table).await?;
    let (rebuilt, _) = read(connection, scratch, table).await?;
    report.state_rows += held_rows;
    if held == rebuilt {
        return Ok(());
    }
    let mut shown = 0;
    for (mark, left, right) in [("only held", schema, scratch), ("only rebuilt", scratch, schema)] {
        let sql = format!(
            "SELECT to_jsonb(t)::text FROM (SELECT * FROM {left}.{table} EXCEPT SELECT * FROM {right}.{table}) t LIMIT {SHOWN_MAX}"
        );
        let rows: Vec<String> = query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
        shown += rows.len();
        for row in rows {
            report.differ(format!("{table}, {mark}: {row}"));
        }
    }
    if shown == 0 {
        report.differ(format!("{table}: the rows are equal, their order or repetition is not"));
    }
    Ok(())
}

/// A hash over the rows in order, and how many there are.
async fn read(connection: &mut PgConnection, schema: &str, table: &str) -> Result<([u8; 32], u64), VerifyError> {
    let mut rows = query_scalar::<_, String>(AssertSqlSafe(rows_sql(schema, table))).fetch(connection);
    let (mut hash, mut count) = ([0; 32], 0);
    while let Some(row) = rows.try_next().await? {
        hash = muster_protocol::hashv(&[&hash, row.as_bytes()]);
        count += 1;
    }
    Ok((hash, count))
}
