//! A job's outcome: voted for, and carried out.

use std::path::Path;

use muster_client::{Pubkey, instructions, muster_jobs::state::Outcome};
use serde::Deserialize;
use serde_json::Value;
use solana_sdk::signature::Signer;

use super::{asked, find, money};
use crate::{
    args::{Hash32, JobOutcome, parse_hash},
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    files::read_file,
    output::Answer,
};

/// The most bytes of an outcome's file.
const OUTCOME_LEN_MAX: u64 = 64 * 1024;

/// An outcome as oracles tell it.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Told {
    Completed { tenures: Vec<String>, result_hash: String },
    Failed { reason: u16 },
    Cancelled { started_at: i64, tenures: Vec<String> },
}

impl TryFrom<Told> for Outcome {
    type Error = String;

    fn try_from(told: Told) -> Result<Self, String> {
        Ok(match told {
            Told::Completed { tenures, result_hash } => {
                let Hash32(result_hash) = parse_hash(&result_hash)?;
                Self::Completed { tenures: keys(tenures)?, result_hash }
            }
            Told::Failed { reason } => Self::Failed { reason },
            Told::Cancelled { started_at, tenures } => Self::Cancelled { started_at, tenures: keys(tenures)? },
        })
    }
}

/// Tenures in the order that the program asks for.
fn keys(named: Vec<String>) -> Result<Vec<Pubkey>, String> {
    let mut keys = named
        .iter()
        .map(|name| name.parse().map_err(|_| format!("{name:?} is no tenure's address")))
        .collect::<Result<Vec<Pubkey>, String>>()?;
    keys.sort_unstable();
    Ok(keys)
}

fn read(value: Value) -> Result<Outcome, String> {
    serde_json::from_value::<Told>(value).map_err(|error| error.to_string())?.try_into()
}

async fn outcome(context: &Context, job: &Pubkey, args: &JobOutcome) -> Result<Outcome, CliError> {
    if let Some(path) = &args.outcome {
        return from_file(path);
    }
    let view = asked(&context.oracles().await?, job).await.unwrap_or_default();
    if view["outcome"].is_null() {
        return Err(failed("no oracle knows an outcome of this job yet: name one by --outcome FILE"));
    }
    read(view["outcome"].clone()).map_err(|why| failed(format!("the oracles' outcome cannot be read: {why}")))
}

fn from_file(path: &Path) -> Result<Outcome, CliError> {
    let wrong = |why: String| usage(format!("{} is no outcome: {why}", path.display()));
    let value = serde_json::from_slice(&read_file(path, OUTCOME_LEN_MAX)?).map_err(|error| wrong(error.to_string()))?;
    read(value).map_err(wrong)
}

/// The outcome's kind, and its hash under a set.
fn stated(job: &Pubkey, outcome: &Outcome, set_version: u32) -> Result<([u8; 32], Facts), CliError> {
    let hash = outcome.hash(job, set_version).map_err(|error| failed(format!("the outcome has no hash: {error}")))?;
    let kind = match outcome {
        Outcome::Completed { .. } => "completed",
        Outcome::Failed { .. } => "failed",
        Outcome::Cancelled { .. } => "cancelled",
    };
    let facts = Facts::new().say("job", job).say("outcome", kind).say("outcome hash", hex::encode(hash));
    Ok((hash, facts))
}

pub async fn attest(context: &Context, args: JobOutcome) -> Result<Answer, CliError> {
    let (oracle, set) = context.signer_as_oracle().await?;
    let job = find(context, &args.job).await?;
    money::fetch(context, &job).await?;
    let outcome = outcome(context, &job, &args).await?;
    let (hash, facts) = stated(&job, &outcome, set.set_version)?;
    let instruction = instructions::attest_job(&oracle.pubkey(), &job, hash, set.set_version);
    context.done(&[instruction], &[&oracle], facts.number("set version", set.set_version)).await
}

pub async fn settle(context: &Context, args: JobOutcome) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let set = context.oracle_set().await?;
    let job = find(context, &args.job).await?;
    let found = money::fetch(context, &job).await?;
    let outcome = outcome(context, &job, &args).await?;
    let (hash, facts) = stated(&job, &outcome, set.set_version)?;
    let votes = found.votes_for(&hash, &set);
    if votes < usize::from(set.threshold) {
        return Err(failed(format!("{votes} oracles attested this outcome, {} are needed", set.threshold)));
    }
    let (_, currency) = context.jobs_currency().await?;
    let settlement = money::settlement(context, &job, &found, &currency).await?;
    context.done(&[instructions::settle_job(&settlement, outcome)], &[&payer], facts).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_outcome_reads_as_oracles_tell_it() {
        let (low, high) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let told = json!({
            "kind": "completed",
            "tenures": [high.to_string(), low.to_string()],
            "result_hash": "ab".repeat(32),
        });
        let completed = Outcome::Completed { tenures: vec![low, high], result_hash: [0xab; 32] };
        assert_eq!(read(told), Ok(completed));
        let told = json!({"kind": "failed", "reason": 2, "why": "timeout"});
        assert_eq!(read(told), Ok(Outcome::Failed { reason: 2 }));
        let told = json!({"kind": "cancelled", "started_at": 7, "tenures": []});
        assert_eq!(read(told), Ok(Outcome::Cancelled { started_at: 7, tenures: Vec::new() }));
        assert!(read(json!({"kind": "won"})).is_err());
        assert!(read(json!({"kind": "cancelled", "started_at": 7, "tenures": ["x"]})).is_err());
    }
}
