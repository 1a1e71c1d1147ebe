//! Jobs back out of the tables. Frames were verified before they were kept; they are decoded, not verified again.

use muster_protocol::Hash;
use muster_protocol::assignment::Assignment;
use muster_protocol::result::{Progress, TaskResult};
use muster_protocol::wire::Frame;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::super::core::{ChainJob, Descriptor, JobState, Key, OPEN_JOBS_MAX, Signed};
use super::{Store, StoreError, big, key};

impl Store {
    /// Every open job with all its evidence, oldest first.
    pub async fn open_jobs(&self) -> Result<Vec<JobState>, StoreError> {
        let rows = sqlx::query("SELECT * FROM job WHERE state = 1 ORDER BY index LIMIT $1")
            .bind(OPEN_JOBS_MAX as i64)
            .fetch_all(&self.pool)
            .await?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in rows {
            jobs.push(self.with_evidence(chain_job(&row)?).await?);
        }
        Ok(jobs)
    }

    /// One job, open or not, with all its evidence.
    pub async fn job(&self, job: &Key) -> Result<Option<JobState>, StoreError> {
        let row = sqlx::query("SELECT * FROM job WHERE job = $1").bind(&job[..]).fetch_optional(&self.pool).await?;
        match row {
            None => Ok(None),
            Some(row) => Ok(Some(self.with_evidence(chain_job(&row)?).await?)),
        }
    }

    /// Jobs below an index, newest first.
    pub async fn jobs_before(&self, before: u64, limit: u32) -> Result<Vec<JobState>, StoreError> {
        let rows = sqlx::query("SELECT * FROM job WHERE index < $1 ORDER BY index DESC LIMIT $2")
            .bind(big(before))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in rows {
            jobs.push(self.with_evidence(chain_job(&row)?).await?);
        }
        Ok(jobs)
    }

    async fn with_evidence(&self, chain: ChainJob) -> Result<JobState, StoreError> {
        let job = chain.job;
        let mut state = JobState::new(chain);
        let descriptor = sqlx::query_scalar("SELECT bytes FROM descriptor WHERE job = $1");
        let descriptor: Option<Vec<u8>> = descriptor.bind(&job[..]).fetch_optional(&self.pool).await?;
        state.descriptor = descriptor.map(Descriptor::new);
        let frames = sqlx::query_scalar("SELECT frame FROM assignment WHERE job = $1");
        for frame in self.frames(frames, &job).await? {
            let hash = Assignment::hash(&frame);
            state.add_assignment(hash, self.signed(frame)?);
        }
        let frames = sqlx::query_scalar("SELECT frame FROM result WHERE job = $1 ORDER BY received_at_ms, hash");
        for frame in self.frames(frames, &job).await? {
            state.add_result(self.signed::<TaskResult>(frame)?);
        }
        let frames = "SELECT first_frame FROM progress WHERE job = $1 UNION SELECT frame FROM progress WHERE job = $1";
        let frames = sqlx::query_scalar(frames);
        for frame in self.frames(frames, &job).await? {
            state.add_progress(self.signed::<Progress>(frame)?);
        }
        Ok(state)
    }

    async fn frames(
        &self,
        query: sqlx::query::QueryScalar<'_, sqlx::Postgres, Vec<u8>, sqlx::postgres::PgArguments>,
        job: &Key,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(query.bind(job.to_vec()).fetch_all(&self.pool).await?)
    }

    fn signed<T: Frame>(&self, frame: Vec<u8>) -> Result<Signed<T>, StoreError> {
        let (body, _) =
            T::decode(&self.domain, &frame).map_err(|error| StoreError::Corrupt(format!("a frame: {error}")))?;
        Ok(Signed { frame, body })
    }
}

fn chain_job(row: &PgRow) -> Result<ChainJob, StoreError> {
    let hash = |column: &str| -> Result<Hash, StoreError> { key(row.try_get(column)?) };
    let number = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get(column)?) };
    let small = |column: &str| -> Result<u8, StoreError> {
        let value: i16 = row.try_get(column)?;
        u8::try_from(value).map_err(|_| StoreError::Corrupt(format!("{column} {value}")))
    };
    Ok(ChainJob {
        job: hash("job")?,
        index: number("index")?.unsigned_abs(),
        descriptor_hash: hash("descriptor_hash")?,
        refund_account: hash("refund_account")?,
        rent_payer: hash("rent_payer")?,
        created_at: number("created_at")?,
        deadline: number("deadline")?,
        cancel_at: number("cancel_at")?,
        settled_at: number("settled_at")?,
        redundancy: small("redundancy")?,
        state: small("state")?,
        seq: number("seq")?.unsigned_abs(),
        result_hash: hash("result_hash")?,
        // Votes are the chain's; the next look at it brings them.
        votes: Vec::new(),
        votes_version: 0,
    })
}
