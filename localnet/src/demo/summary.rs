//! `summary.json`: every figure read back from the evidence, which is what chain, database and oracles gave.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use muster_client::addresses;
use muster_jobs::state::{Bond, Job, job_state};
use muster_network::state::{Node, Project, Tenure};
use muster_protocol::{
    dataset::Dataset,
    leaves::Leaves,
    result::{TaskResult, TaskStatus},
    wire::{Domain, Frame},
};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

use super::evidence::Evidence;
use crate::keys::Keys;

/// Where the parts answer.
pub struct Addresses {
    pub rpc_url: String,
    pub database_url: String,
    pub api_url: String,
}

/// The summary's JSON.
pub fn build(evidence: &Evidence, keys: &Keys, at: &Addresses) -> Result<Value> {
    let network = evidence.network()?;
    let set = evidence.oracle_set()?;
    let settled = evidence.settled()?;
    let distribution = evidence.distribution()?;
    let views = evidence.view_set()?;
    let oracles = set.active().iter().zip(views.view_hashes).map(|(oracle, hash)| {
        let hash = if hash == [0; 32] { String::new() } else { hex::encode(hash) };
        json!({"key": oracle.key.to_string(), "view_hash": hash})
    });
    let streams = evidence.after.streams()?;
    let gap: u64 = streams
        .iter()
        .map(|(stream, seq)| seq.saturating_sub(evidence.covered.get(stream).copied().unwrap_or(0)))
        .sum();
    Ok(json!({
        "network": {
            "fee_bps": network.fee_bps,
            "oracles": set.count,
            "threshold": set.threshold,
            "epoch_len": network.epoch_len,
            "bucket_len": network.bucket_len,
            "genesis_hash": bs58::encode(evidence.genesis_hash).into_string(),
            "programs": {"network": muster_network::ID.to_string(), "jobs": muster_jobs::ID.to_string()},
            "mint": evidence.mint.to_string(),
        },
        "oracles": oracles.collect::<Vec<_>>(),
        "nodes": nodes(evidence)?,
        "jobs": jobs(evidence)?,
        "epoch": {
            "epoch": evidence.epoch,
            "budget": settled.budget.to_string(),
            "fee": settled.fee.to_string(),
            "node_pool": settled.node_pool.to_string(),
            "total_points": settled.total_points,
            "root": hex::encode(distribution.roots[0].root),
        },
        "claims": claims(evidence)?,
        "accounts": accounts(evidence, keys)?,
        "signatures": signatures(evidence)?,
        "postgres": {"chain_events": evidence.events.len(), "gap": gap},
        "rpc_url": at.rpc_url,
        "database_url": at.database_url,
        "api_url": at.api_url,
        "conserved": conserved(evidence)?,
    }))
}

fn nodes(evidence: &Evidence) -> Result<Vec<Value>> {
    let dataset = Dataset::decode(&evidence.dataset).context("the dataset cannot be read")?;
    let leaves = Leaves::decode(&evidence.leaves).context("the leaf file cannot be read")?;
    let mut found = Vec::new();
    for (row, leaf) in dataset.rows.iter().zip(&leaves.rows) {
        let address = Pubkey::from(row.tenure);
        let tenure: Tenure = evidence.after.get(&address)?;
        let node: Node = evidence.after.get(&tenure.node)?;
        let proof = evidence.proofs.get(&address).context("a tenure has no proof")?;
        found.push(json!({
            "node": tenure.node.to_string(),
            "tenure": address.to_string(),
            "holder": tenure.holder.to_string(),
            "licence": node.licence.to_string(),
            "buckets": row.counted,
            "points": row.points.get(),
            "index": tenure.leaf_index,
            "cumulative": leaf.cumulative.get().to_string(),
            "claimed": tenure.claimed_total.to_string(),
            "proof": proof["proof"],
        }));
    }
    Ok(found)
}

fn jobs(evidence: &Evidence) -> Result<Vec<Value>> {
    let mut jobs = evidence.after.of::<Job>();
    jobs.sort_by_key(|(_, job)| job.index);
    jobs.iter().map(|(address, job)| one_job(evidence, address, job)).collect()
}

fn one_job(evidence: &Evidence, address: &Pubkey, job: &Job) -> Result<Value> {
    match job.state {
        job_state::COMPLETED => {
            let results = paid_results(evidence, address, job)?;
            let first = results.first().with_context(|| format!("no result of job {address} has the hash on chain"))?;
            let mut nodes = Vec::new();
            for result in &results {
                let tenure: Tenure = evidence.after.get(&Pubkey::from(result.tenure))?;
                nodes.push(tenure.node.to_string());
            }
            Ok(json!({
                "job": address.to_string(),
                "state": "completed",
                "stake": job.stake.to_string(),
                "to_nodes": job.to_nodes.to_string(),
                "to_treasury": job.to_treasury.to_string(),
                "replicas": job.node_count,
                "result_hash": hex::encode(job.result_hash),
                "accuracy": f64::from(first.accuracy_millionths) / 1e6,
                "nodes": nodes,
            }))
        }
        job_state::FAILED => Ok(json!({
            "job": address.to_string(),
            "state": "failed",
            "stake": job.stake.to_string(),
            "refunded": job.refunded.to_string(),
        })),
        other => bail!("job {address} is in state {other}, neither completed nor failed"),
    }
}

/// The results of the bonds that the job paid, by tenure.
fn paid_results(evidence: &Evidence, address: &Pubkey, job: &Job) -> Result<Vec<TaskResult>> {
    let domain = Domain::new(&evidence.genesis_hash, muster_network::ID.to_bytes());
    let kept = evidence.jobs.get(address).context("no oracle kept the job's evidence")?;
    let paid: Vec<Pubkey> = evidence
        .after
        .of::<Bond>()
        .iter()
        .filter(|(_, bond)| bond.earned_total > 0)
        .map(|(_, bond)| bond.tenure)
        .collect();
    let mut results: BTreeMap<[u8; 32], TaskResult> = BTreeMap::new();
    for frame in &kept.results {
        let result = TaskResult::decode_verified(&domain, frame)?;
        let counts = result.status == TaskStatus::Succeeded && result.result_hash == job.result_hash;
        if counts && paid.contains(&Pubkey::from(result.tenure)) {
            results.insert(result.tenure, result);
        }
    }
    Ok(results.into_values().collect())
}

fn claims(evidence: &Evidence) -> Result<Value> {
    let signatures = evidence.signatures_of("Claimed", None);
    let sum: u64 = evidence.after.of::<Tenure>().iter().map(|(_, tenure)| tenure.claimed_total).sum();
    let units = |signature: &String| {
        let meta = evidence.transactions.get(signature)?.get("meta")?;
        meta.get("computeUnitsConsumed")?.as_u64()
    };
    Ok(json!({
        "sum": sum.to_string(),
        "transactions": signatures.len(),
        "cu_max": signatures.iter().filter_map(units).max().unwrap_or(0),
        "bytes_max": evidence.claim_bytes.values().max().copied().unwrap_or(0),
    }))
}

/// Every token account of the mint, those that are gone included, each with a role of its own.
fn accounts(evidence: &Evidence, keys: &Keys) -> Result<Vec<Value>> {
    let mint = &evidence.mint;
    let mut known: BTreeMap<Pubkey, (Pubkey, u64, u64)> = BTreeMap::new();
    for holding in evidence.before.holdings(mint) {
        known.insert(holding.address, (holding.owner, holding.amount, 0));
    }
    for holding in evidence.after.holdings(mint) {
        known.entry(holding.address).or_insert((holding.owner, 0, 0)).2 = holding.amount;
    }
    // escrows that were closed
    for (job, _) in evidence.after.of::<Job>() {
        known.entry(addresses::escrow(&job)).or_insert((job, 0, 0));
    }
    let mut named: Vec<(String, Value)> = Vec::new();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for (address, (owner, before, after)) in known {
        let base = role_of(evidence, keys, &address, &owner);
        let time = times.entry(base.clone()).and_modify(|n| *n += 1).or_insert(1);
        let role = if *time == 1 { base } else { format!("{base}_{time}") };
        let entry = json!({"role": role, "address": address.to_string(), "before": before.to_string(), "after": after.to_string()});
        named.push((role, entry));
    }
    named.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(named.into_iter().map(|(_, entry)| entry).collect())
}

fn role_of(evidence: &Evidence, keys: &Keys, address: &Pubkey, owner: &Pubkey) -> String {
    let distribution = addresses::distribution(&evidence.project);
    let fixed = [
        (addresses::treasury(&evidence.mint), "treasury"),
        (addresses::budget_vault(&evidence.project), "budget_vault"),
        (addresses::vault(&distribution), "distribution_vault"),
        (addresses::bond_vault(), "bond_vault"),
    ];
    if let Some((_, role)) = fixed.iter().find(|(known, _)| known == address) {
        return (*role).into();
    }
    for (job, account) in evidence.after.of::<Job>() {
        if addresses::escrow(&job) == *address {
            return format!("escrow{}", account.index + 1);
        }
    }
    keys.name(owner).unwrap_or("other").into()
}

fn signatures(evidence: &Evidence) -> Result<Value> {
    let epoch = Some(evidence.epoch);
    let one = |name: &str| {
        evidence
            .signatures_of(name, epoch)
            .into_iter()
            .next()
            .with_context(|| format!("the indexer has no {name} of epoch {}", evidence.epoch))
    };
    let mut jobs: Vec<String> = Vec::new();
    for name in ["JobSubmitted", "JobAttested", "JobFinished", "BondWithdrawn"] {
        for signature in evidence.signatures_of(name, None) {
            if !jobs.contains(&signature) {
                jobs.push(signature);
            }
        }
    }
    Ok(json!({
        "settle": one("EpochSettled")?,
        "commit_views": evidence.signatures_of("ViewsCommitted", epoch),
        "approve": evidence.signatures_of("RootVoted", epoch),
        "activate": one("RootActivated")?,
        "claims": evidence.signatures_of("Claimed", None),
        "jobs": jobs,
    }))
}

/// sum(after) == sum(before) == supply, and budgets + stakes + prices paid == treasury + sellers + claimed + withdrawn +
/// refunds + what vaults, escrows and bonds still hold.
fn conserved(evidence: &Evidence) -> Result<bool> {
    let mint = &evidence.mint;
    let sum = |holdings: Vec<super::accounts::Holding>| holdings.iter().map(|h| u128::from(h.amount)).sum::<u128>();
    let supply = u128::from(evidence.after.supply(mint)?);
    let kept = sum(evidence.before.holdings(mint)) == supply && sum(evidence.after.holdings(mint)) == supply;

    let held: BTreeMap<Pubkey, u64> =
        evidence.after.holdings(mint).into_iter().map(|h| (h.address, h.amount)).collect();
    let holds = |address: Pubkey| u128::from(held.get(&address).copied().unwrap_or(0));
    let total = |name: &str, field: &str| -> u128 {
        evidence
            .events
            .iter()
            .filter(|event| event.name == name)
            .filter_map(|event| event.number(field))
            .map(u128::from)
            .sum()
    };
    let jobs = evidence.after.of::<Job>();
    let project: Project = evidence.after.get(&evidence.project)?;
    let stakes: u128 = jobs.iter().map(|(_, job)| u128::from(job.stake) + u128::from(job.tip)).sum();
    let prices = total("LicenceSold", "price");
    let sellers = u128::from(project.licences_sold) * u128::from(project.price);
    let paid_in = total("ProjectFunded", "amount") + stakes + prices;

    let withdrawn: u128 = evidence.after.of::<Bond>().iter().map(|(_, bond)| u128::from(bond.withdrawn_total)).sum();
    let refunds: u128 = jobs.iter().map(|(_, job)| u128::from(job.refunded)).sum();
    let escrows: u128 = jobs.iter().map(|(job, _)| holds(addresses::escrow(job))).sum();
    let paid_out =
        holds(addresses::treasury(mint)) + sellers + u128::from(evidence.distribution()?.claimed) + withdrawn + refunds;
    let distribution = addresses::distribution(&evidence.project);
    let still = holds(addresses::budget_vault(&evidence.project))
        + holds(addresses::vault(&distribution))
        + holds(addresses::bond_vault())
        + escrows;
    Ok(kept && paid_in == paid_out + still)
}
