use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use utoipa::ToSchema;

use super::page::{Page, PageQuery, Params, plain};
use super::{Api, Problem};

/// The oracles whose threshold speaks for the network.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct OracleSet {
    set_version: i64,
    threshold: i32,
    effective_at: i64,
    oracles: Vec<String>,
}

/// What jobs cost at least, and in what.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct JobsConfig {
    address: String,
    mint: String,
    default_stake: String,
    stake_min: String,
    attest_grace: i64,
    cancel_window: i64,
    sponsor_min: String,
    unbond_delay: i64,
    slash_delay: i64,
}

/// One deployment.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Network {
    address: String,
    genesis_hash: String,
    network_program: String,
    jobs_program: String,
    authority: String,
    guardian: String,
    treasury_owner: String,
    job_mint: String,
    /// Until the epoch before `next_fee_epoch`; each epoch and job names the fee that held.
    fee_bps: i32,
    next_fee_bps: i32,
    next_fee_epoch: i64,
    /// Bits of what the authority has paused.
    paused: i64,
    /// Bits of what the guardian has paused until `guardian_pause_until`.
    guardian_paused: i64,
    guardian_pause_until: i64,
    epoch_len: i64,
    bucket_len: i64,
    grace: i64,
    root_delay: i64,
    hold_limit: i64,
    oracle_set_delay: i64,
    created_at: i64,
    /// Newest first.
    oracle_sets: Vec<OracleSet>,
    jobs: Option<JobsConfig>,
}

/// The network, its oracle sets and the jobs program's config.
#[utoipa::path(get, path = "/api/v1/network", tag = "network",
    responses((status = 200, body = Network), (status = 404, body = Problem)))]
pub async fn network(State(api): State<Api>) -> Result<Json<Network>, Problem> {
    let row: Option<sqlx::types::Json<Network>> = query_scalar(
        "SELECT to_jsonb(r) FROM (
            SELECT n.*, c.genesis_hash, c.network_program, c.jobs_program,
                   (SELECT COALESCE(jsonb_agg(to_jsonb(o) ORDER BY o.set_version DESC), '[]') FROM oracle_set o) AS oracle_sets,
                   (SELECT to_jsonb(j) FROM (SELECT address, mint, default_stake::text AS default_stake,
                    stake_min::text AS stake_min, sponsor_min::text AS sponsor_min, attest_grace, cancel_window,
                    unbond_delay, slash_delay FROM jobs_config) j LIMIT 1) AS jobs
            FROM network n, indexer_cursor c LIMIT 1) r",
    )
    .fetch_optional(api.store.pool())
    .await?;
    let row = row.ok_or_else(|| Problem::not_found("the chain has no network yet, or the indexer has not read it"))?;
    Ok(Json(row.0))
}

/// One payment to the treasury.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct TreasuryEntry {
    /// `epoch`, `job` or `slash`.
    kind: String,
    /// The project, the job, or the slashed bond.
    source: String,
    epoch: Option<i64>,
    mint: Option<String>,
    amount: String,
    timestamp: i64,
    signature: String,
    stream: String,
    seq: i64,
}

/// What the treasury got in one mint.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct TreasuryBalance {
    mint: Option<String>,
    /// The vault that holds it.
    #[serde(default)]
    vault: Option<String>,
    received: String,
    from_epochs: String,
    from_jobs: String,
    from_slashes: String,
    /// What its owner took out.
    withdrawn: String,
}

/// The treasury.
#[derive(Serialize, ToSchema)]
pub struct Treasury {
    balances: Vec<TreasuryBalance>,
    /// Newest first.
    #[serde(flatten)]
    entries: Page<TreasuryEntry>,
}

macro_rules! treasury_mint {
    () => {
        "CASE WHEN t.kind IN ('job', 'slash') THEN (SELECT mint FROM jobs_config LIMIT 1) \
         ELSE (SELECT reward_mint FROM project p WHERE p.address = t.source) END"
    };
}

/// What the treasury received: sums by mint, and each payment, newest first.
#[utoipa::path(get, path = "/api/v1/treasury", tag = "network", params(PageQuery),
    responses((status = 200, body = Treasury), (status = 400, body = Problem)))]
pub async fn treasury(State(api): State<Api>, Params(page): Params<PageQuery>) -> Result<Json<Treasury>, Problem> {
    let limit = page.limit()?;
    let [timestamp, stream, seq] = page.key::<3>()?.unwrap_or(["9223372036854775807", "", "0"]);
    let entries = query_scalar(concat!(
        "SELECT to_jsonb(r) FROM (SELECT t.kind, t.source, t.epoch, ",
        treasury_mint!(),
        " AS mint, t.amount::text AS amount, t.timestamp, t.signature, t.stream, t.seq FROM treasury_entry t \
         WHERE (t.timestamp, t.stream, t.seq) < ($1, $2, $3) ORDER BY t.timestamp DESC, t.stream DESC, t.seq DESC LIMIT $4) r"
    ))
    .bind(page.number(timestamp)?)
    .bind(stream)
    .bind(page.number(seq)?)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    let balances = query_scalar(concat!(
        "SELECT to_jsonb(r) FROM (SELECT mint, sum(amount)::text AS received, \
         COALESCE(sum(amount) FILTER (WHERE kind = 'epoch'), 0)::text AS from_epochs, \
         COALESCE(sum(amount) FILTER (WHERE kind = 'job'), 0)::text AS from_jobs, \
         COALESCE(sum(amount) FILTER (WHERE kind = 'slash'), 0)::text AS from_slashes, \
         COALESCE((SELECT sum(w.amount) FROM treasury_withdrawal w WHERE w.mint = t.mint), 0)::text AS withdrawn \
         FROM (SELECT t.*, ",
        treasury_mint!(),
        " AS mint FROM treasury_entry t) t GROUP BY mint ORDER BY mint) r"
    ))
    .fetch_all(api.store.pool())
    .await?;
    let mut balances: Vec<TreasuryBalance> = plain(balances);
    for balance in &mut balances {
        let mint = balance.mint.as_ref().and_then(|mint| mint.parse().ok());
        balance.vault = mint.map(|mint| muster_client::addresses::treasury(&mint).to_string());
    }
    let key = |entry: &TreasuryEntry| format!("{}.{}.{}", entry.timestamp, entry.stream, entry.seq);
    Ok(Json(Treasury { balances, entries: Page::new(plain(entries), limit, key) }))
}
