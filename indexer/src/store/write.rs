//! One database transaction per contiguous slot range: events, state and cursor move together or not at all.

use serde_json::Value;
use sqlx::{PgConnection, raw_sql};

use super::copy::CopyBuffer;
use super::{Store, StoreError};
use crate::decode::ChainEvent;

/// Temporary tables of the connection that writes.
pub(crate) const STAGING: &str = include_str!("../../sql/staging.sql");
/// What a commit does to them; for a transaction that folds more than once.
pub(crate) const FOLD_TABLES_EMPTY: &str = "TRUNCATE staging, fresh, entries, ready";
/// From the staging table to state.
const FOLD: &str = include_str!("../../sql/fold.sql");
const COLUMNS: i16 = 11;
const UNIQUE_VIOLATION: &str = "23505";

/// All events of a range of slots that ends at `upto`.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub events: Vec<ChainEvent>,
    /// Everything up to and including this slot is held once the batch is written.
    pub upto: u64,
}

impl Store {
    /// Writes a batch. Events that are held already change nothing; the cursor never goes back.
    pub async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let upto = i64::try_from(batch.upto).map_err(|_| StoreError::Range(format!("slot {}", batch.upto)))?;
        let mut transaction = self.pool.begin().await?;
        if !batch.events.is_empty() {
            raw_sql(STAGING).execute(&mut *transaction).await?;
            stage(&mut transaction, &batch.events).await?;
            fold(&mut transaction).await?;
        }
        sqlx::query("UPDATE indexer_cursor SET slot = GREATEST(slot, $1)")
            .bind(upto)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Folds what is staged on this connection.
pub(crate) async fn fold(connection: &mut PgConnection) -> Result<(), StoreError> {
    match raw_sql(FOLD).execute(connection).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNIQUE_VIOLATION) => {
            Err(StoreError::Contradiction(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

async fn stage(connection: &mut PgConnection, events: &[ChainEvent]) -> Result<(), StoreError> {
    let rows = encode(events)?;
    let mut copy = connection.copy_in_raw("COPY staging FROM STDIN (FORMAT binary)").await?;
    copy.send(rows).await?;
    copy.finish().await?;
    Ok(())
}

fn encode(events: &[ChainEvent]) -> Result<Vec<u8>, StoreError> {
    let mut rows = CopyBuffer::new();
    for found in events {
        let place = || StoreError::Range(format!("{} {}.{}", found.signature, found.ix, found.inner));
        let event = &found.event;
        rows.row(COLUMNS);
        rows.text(&found.signature);
        rows.int(i32::try_from(found.ix).map_err(|_| place())?);
        rows.int(i32::try_from(found.inner).map_err(|_| place())?);
        rows.bigint(i64::try_from(found.slot).map_err(|_| place())?);
        rows.text(&event.program().to_string());
        rows.text(event.name());
        rows.text(&event.stream().to_string());
        rows.bigint(i64::try_from(event.seq()).map_err(|_| place())?);
        rows.bigint(event.timestamp());
        let mut data = Value::Object(event.fields());
        drop_nul(&mut data);
        rows.jsonb(&data.to_string());
        rows.bytes(&found.raw);
    }
    Ok(rows.finish())
}

/// PostgreSQL holds no NUL in text; a project's name may have some, and must not stop the indexer.
fn drop_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(drop_nul),
        Value::Object(fields) => fields.values_mut().for_each(drop_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
