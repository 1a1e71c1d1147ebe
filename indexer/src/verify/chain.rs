//! The state tables against the chain's accounts: each account's `seq` and its main fields.

use std::collections::{BTreeMap, BTreeSet};

use muster_client::Pubkey;
use muster_client::accounts::ChainAccount;
use muster_client::addresses;
use muster_client::chain::Chain;
use muster_client::events::hex;
use muster_client::muster_jobs::state::{Bond, Job, job_state};
use muster_client::muster_network::state::{
    Distribution, Epoch, Node, Pool, Project, Split, Tenure, ViewSet, epoch_status, node_status,
};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, query_scalar};

use super::{Report, VerifyError};
use crate::store::Store;

/// Tables whose rows outlive their accounts.
const CLOSABLE: [&str; 4] = ["pool", "view_set", "epoch", "job"];

type Fields = BTreeMap<&'static str, Value>;

/// Compares every account of both programs that the tables know by events.
/// `equal` holds what was equal before and is not looked at again.
pub async fn check(
    store: &Store,
    chain: &Chain,
    report: &mut Report,
    equal: &mut BTreeSet<String>,
) -> Result<(), VerifyError> {
    let mut compare = Compare { store, report, equal };
    if let Some(network) = chain.network().await? {
        let address = addresses::network();
        compare.stream(&address, network.seq).await?;
        let fields = fields([
            ("authority", text(&network.authority)),
            ("guardian", text(&network.guardian)),
            ("treasury_owner", text(&network.treasury_owner)),
            ("job_mint", text(&network.job_mint)),
            ("fee_bps", json!(network.fee_bps)),
            ("next_fee_bps", json!(network.next_fee_bps)),
            ("next_fee_epoch", json!(network.next_fee_epoch)),
            ("paused", json!(network.paused)),
            ("guardian_paused", json!(network.guardian_paused)),
            ("guardian_pause_until", json!(network.guardian_pause_until)),
            ("epoch_len", json!(network.epoch_len)),
            ("bucket_len", json!(network.bucket_len)),
        ]);
        compare.rows("network", "address", vec![(address.to_string(), fields)]).await?;
    }
    if let Some(config) = chain.jobs_config().await? {
        let address = addresses::jobs_config();
        compare.stream(&address, config.seq).await?;
        let fields = fields([
            ("mint", text(&config.mint)),
            ("default_stake", json!(config.default_stake)),
            ("stake_min", json!(config.stake_min)),
            ("sponsor_min", json!(config.sponsor_min)),
            ("attest_grace", json!(config.attest_grace)),
            ("cancel_window", json!(config.cancel_window)),
            ("unbond_delay", json!(config.unbond_delay)),
            ("slash_delay", json!(config.slash_delay)),
        ]);
        compare.rows("jobs_config", "address", vec![(address.to_string(), fields)]).await?;
    }
    compare
        .all::<Project>(chain, "project", "address", |_, project| (Some(project.seq), project_fields(project)))
        .await?;
    compare.all::<Pool>(chain, "pool", "address", |_, pool| (None, pool_fields(pool))).await?;
    compare.all::<Split>(chain, "split", "address", |_, split| (Some(split.seq), split_fields(split))).await?;
    compare.all::<Node>(chain, "node", "address", |_, node| (None, node_fields(node))).await?;
    compare.all::<Tenure>(chain, "tenure", "address", |_, tenure| (None, tenure_fields(tenure))).await?;
    compare.claims(chain).await?;
    compare.all::<ViewSet>(chain, "view_set", "address", |_, views| (Some(views.seq), view_fields(views))).await?;
    compare
        .all::<Distribution>(chain, "distribution", "address", |_, distribution| {
            (Some(distribution.seq), distribution_fields(distribution))
        })
        .await?;
    compare.all::<Epoch>(chain, "epoch", "project || '/' || epoch", |_, epoch| (None, epoch_fields(epoch))).await?;
    compare.all::<Job>(chain, "job", "address", |_, job| (Some(job.seq), job_fields(job))).await?;
    compare.all::<Bond>(chain, "bond", "address", |_, bond| (Some(bond.seq), bond_fields(bond))).await?;
    Ok(())
}

struct Compare<'a> {
    store: &'a Store,
    report: &'a mut Report,
    equal: &'a mut BTreeSet<String>,
}

impl Compare<'_> {
    /// All accounts of a type against a table. A row whose account is gone is a difference too.
    async fn all<T: ChainAccount>(
        &mut self,
        chain: &Chain,
        table: &'static str,
        key: &'static str,
        describe: impl Fn(&Pubkey, &T) -> (Option<u64>, Fields),
    ) -> Result<(), VerifyError> {
        let mut rows = Vec::new();
        for (address, account) in chain.all::<T>().await? {
            let (seq, mut fields) = describe(&address, &account);
            if let Some(seq) = seq {
                self.stream(&address, seq).await?;
                if seq == 0 {
                    // Made by another account's event; nothing of its own has happened.
                    continue;
                }
            }
            let name = match fields.remove("key") {
                Some(Value::String(name)) => name,
                _ => address.to_string(),
            };
            rows.push((name, fields));
        }
        self.rows(table, key, rows).await
    }

    /// The number of the last folded event of an account.
    async fn stream(&mut self, address: &Pubkey, seq: u64) -> Result<(), VerifyError> {
        let what = format!("stream {address}");
        if self.equal.contains(&what) {
            return Ok(());
        }
        let held: Option<i64> = query_scalar("SELECT last_seq FROM stream WHERE stream = $1")
            .bind(address.to_string())
            .fetch_optional(self.store.pool())
            .await?;
        let held = held.unwrap_or(0).max(0) as u64;
        if held == seq {
            self.equal.insert(what);
        } else {
            self.report.differ(format!("{what}: the chain is at event {seq}, the indexer at {held}"));
        }
        Ok(())
    }

    /// A tenure's claimed total is written by the distribution's events, so it has a table of its own.
    async fn claims(&mut self, chain: &Chain) -> Result<(), VerifyError> {
        let mut rows = Vec::new();
        for (address, tenure) in chain.tenures().await? {
            if tenure.claimed_total > 0 {
                rows.push((address.to_string(), fields([("claimed_total", json!(tenure.claimed_total))])));
            }
        }
        self.rows("tenure_claim", "tenure", rows).await
    }

    async fn rows(&mut self, table: &str, key: &str, expected: Vec<(String, Fields)>) -> Result<(), VerifyError> {
        let left = if CLOSABLE.contains(&table) { "WHERE account_closed_at IS NULL" } else { "" };
        let sql = format!("SELECT jsonb_build_array({key}, to_jsonb(t)) FROM {table} t {left}");
        let held: Vec<Value> = query_scalar(AssertSqlSafe(sql)).fetch_all(self.store.pool()).await?;
        let mut held: BTreeMap<String, Map<String, Value>> = held.into_iter().filter_map(keyed).collect();
        for (name, fields) in expected {
            let row = held.remove(&name);
            let what = format!("{table} {name}");
            if self.equal.contains(&what) {
                continue;
            }
            let Some(row) = row else {
                self.report.differ(format!("{what} is on the chain and not in the table"));
                continue;
            };
            let mut is_equal = true;
            for (field, on_chain) in fields {
                let in_table = row.get(field).unwrap_or(&Value::Null);
                if plain(in_table) != plain(&on_chain) {
                    is_equal = false;
                    self.report.differ(format!("{what}: {field} is {on_chain} on the chain, {in_table} in the table"));
                }
            }
            if is_equal {
                self.equal.insert(what);
            }
        }
        for name in held.into_keys() {
            self.report.differ(format!("{table} {name} is in the table and not on the chain"));
        }
        Ok(())
    }
}

fn keyed(pair: Value) -> Option<(String, Map<String, Value>)> {
    let Value::Array(pair) = pair else { return None };
    match <[Value; 2]>::try_from(pair) {
        Ok([Value::String(key), Value::Object(row)]) => Some((key, row)),
        _ => None,
    }
}

/// Numbers and texts of the same digits are equal.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn fields<const N: usize>(pairs: [(&'static str, Value); N]) -> Fields {
    pairs.into_iter().collect()
}

fn text(key: &Pubkey) -> Value {
    Value::String(key.to_string())
}

fn time(at: i64) -> Value {
    if at == 0 { Value::Null } else { json!(at) }
}

/// An address, null for none.
fn some(key: &Pubkey) -> Value {
    if *key == Pubkey::default() { Value::Null } else { text(key) }
}

fn pool_fields(pool: &Pool) -> Fields {
    fields([
        ("project", text(&pool.project)),
        ("idx", json!(pool.index)),
        ("capacity", json!(pool.capacity)),
        ("count", json!(pool.count)),
    ])
}

fn split_fields(split: &Split) -> Fields {
    fields([
        ("creator", text(&split.creator)),
        ("mint", text(&split.mint)),
        ("released_total", json!(split.released_total)),
    ])
}

fn project_fields(project: &Project) -> Fields {
    fields([
        ("idx", json!(project.index)),
        ("owner", text(&project.owner)),
        ("settler", text(&project.settler)),
        ("collection", text(&project.collection)),
        ("reward_mint", text(&project.reward_mint)),
        ("price", json!(project.price)),
        ("licences_max", json!(project.licences_max)),
        ("licences_sold", json!(project.licences_sold)),
        ("payment_mint", text(&project.payment_mint)),
        ("standard", json!(project.standard)),
        ("max_epoch_budget", json!(project.max_epoch_budget)),
        ("next_max_epoch_budget", json!(project.next_max_epoch_budget)),
        ("next_budget_epoch", json!(project.next_budget_epoch)),
        ("next_formula_epoch", json!(project.next_formula_epoch)),
    ])
}

fn node_fields(node: &Node) -> Fields {
    let status = match node.status {
        node_status::BOUND => "bound",
        node_status::ACTIVE => "active",
        node_status::UNBINDING => "unbinding",
        _ => "free",
    };
    fields([
        ("project", text(&node.project)),
        ("licence", text(&node.licence)),
        ("serial", json!(node.serial)),
        ("node_key", text(&node.node_key)),
        ("tenure", text(&node.tenure)),
        ("tenure_number", json!(node.tenure_number)),
        ("status", json!(status)),
        ("metadata_hash", json!(hex(&node.metadata_hash))),
        ("bound_at", json!(node.bound_at)),
        ("accepted_at", time(node.accepted_at)),
        ("pool", some(&node.pool)),
        ("maintenance_start", json!(node.maintenance_start)),
        ("maintenance_end", json!(node.maintenance_end)),
        ("suspended_from_epoch", json!(node.suspended_from_epoch)),
        ("suspended_until_epoch", json!(node.suspended_until_epoch)),
    ])
}

fn tenure_fields(tenure: &Tenure) -> Fields {
    fields([
        ("node", text(&tenure.node)),
        ("project", text(&tenure.project)),
        ("number", json!(tenure.number)),
        ("holder", text(&tenure.holder)),
        ("payout", text(&tenure.payout)),
        ("payout_owner", text(&tenure.payout_owner)),
        ("leaf_index", json!(tenure.leaf_index)),
        ("from_epoch", json!(tenure.from_epoch)),
        ("until_epoch", json!(tenure.until_epoch)),
        ("operator", some(&tenure.operator)),
        ("operator_bps", json!(tenure.operator_bps)),
        ("created_at", json!(tenure.created_at)),
    ])
}

fn view_fields(views: &ViewSet) -> Fields {
    fields([
        ("epoch", json!(views.epoch)),
        ("set_version", json!(views.set_version)),
        ("in_count", json!(views.in_count)),
        ("closed_at", time(views.closed_at)),
    ])
}

fn distribution_fields(distribution: &Distribution) -> Fields {
    fields([
        ("project", text(&distribution.project)),
        ("allocated", json!(distribution.allocated)),
        ("claimed", json!(distribution.claimed)),
        ("topped_up", json!(distribution.topped_up)),
    ])
}

fn epoch_fields(epoch: &Epoch) -> Fields {
    let status = match epoch.status {
        epoch_status::SETTLED => "settled",
        epoch_status::APPROVED => "approved",
        _ => "final",
    };
    fields([
        ("key", json!(format!("{}/{}", epoch.project, epoch.epoch))),
        ("status", json!(status)),
        ("revision", json!(epoch.revision)),
        ("points_root", json!(hex(&epoch.points_root))),
        ("total_points", json!(epoch.total_points)),
        ("node_count", json!(epoch.node_count)),
        ("budget", json!(epoch.budget)),
        ("fee_bps", json!(epoch.fee_bps)),
        ("fee", json!(epoch.fee)),
        ("node_pool", json!(epoch.node_pool)),
        ("dataset_hash", json!(hex(&epoch.dataset_hash))),
        ("scores_hash", json!(hex(&epoch.scores_hash))),
        ("settled_at", json!(epoch.settled_at)),
        ("final_at", time(epoch.final_at)),
    ])
}

fn job_fields(job: &Job) -> Fields {
    let state = match job.state {
        job_state::OPEN => "open",
        job_state::COMPLETED => "completed",
        job_state::FAILED => "failed",
        job_state::CANCELLED => "cancelled",
        _ => "expired",
    };
    fields([
        ("idx", json!(job.index)),
        ("submitter", text(&job.submitter)),
        ("refund_account", text(&job.refund_account)),
        ("stake", json!(job.stake)),
        ("tip", json!(job.tip)),
        ("fee_bps", json!(job.fee_bps)),
        ("redundancy", json!(job.redundancy)),
        ("deadline", json!(job.deadline)),
        ("descriptor_hash", json!(hex(&job.descriptor_hash))),
        ("state", json!(state)),
        ("created_at", json!(job.created_at)),
        ("to_nodes", json!(job.to_nodes)),
        ("to_treasury", json!(job.to_treasury)),
        ("refunded", json!(job.refunded)),
        ("settled_at", time(job.settled_at)),
        ("sponsored", json!(job.sponsored)),
        ("cancel_at", time(job.cancel_at)),
        ("owed", json!(job.owed)),
    ])
}

fn bond_fields(bond: &Bond) -> Fields {
    fields([
        ("tenure", text(&bond.tenure)),
        ("holder", text(&bond.holder)),
        ("earned", json!(bond.earned)),
        ("earned_total", json!(bond.earned_total)),
        ("withdrawn_total", json!(bond.withdrawn_total)),
        ("staked", json!(bond.staked)),
        ("unbonding", json!(bond.unbonding)),
        ("slashed_total", json!(bond.slashed_total)),
    ])
}
