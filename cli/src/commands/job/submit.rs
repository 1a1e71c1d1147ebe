//! A submission: stake and tip go into escrow, the descriptor to the oracles.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_client::{Pubkey, addresses, instructions, muster_jobs::SubmitArgs};
use muster_protocol::{hashv, job::JobDescriptor};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use super::POLL_EVERY;
use crate::{
    amount::tokens,
    args::JobSubmit,
    context::Context,
    error::{CliError, failed, usage},
    files::read_file,
    oracles::{Oracle, OracleError},
    output::Answer,
};

/// How long an oracle may take to see a job on chain before it takes the descriptor.
const DESCRIPTOR_TIMEOUT: Duration = Duration::from_secs(30);

pub async fn submit(context: &Context, args: JobSubmit) -> Result<Answer, CliError> {
    let submitter = context.signer()?;
    let text = read_file(&args.descriptor, muster_protocol::job::MAX_LEN as u64)?;
    let descriptor =
        JobDescriptor::from_json(&text).map_err(|error| usage(format!("{}: {error}", args.descriptor.display())))?;
    let bytes = descriptor.encode().map_err(|error| usage(format!("{}: {error}", args.descriptor.display())))?;
    let hash = hashv(&[&bytes]);
    let (config, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    let stake = match &args.stake {
        Some(stake) => context.to_base_units(stake, decimals)?,
        None => config.default_stake,
    };
    let tip = context.to_base_units(&args.tip, decimals)?;
    let paid = stake.checked_add(tip).ok_or_else(|| usage("stake and tip are more than an amount can be"))?;
    let source = context.source(&submitter.pubkey(), args.source, &currency, paid).await?;
    let oracles = context.oracles().await?;
    let seconds = i64::try_from(args.deadline.as_secs()).map_err(|_| usage("the deadline is too far away"))?;
    let deadline = context.chain.clock().await?.saturating_add(seconds);
    let arguments = SubmitArgs {
        nonce: nonce()?,
        stake: Some(stake),
        tip,
        deadline,
        redundancy: descriptor.redundancy,
        descriptor_hash: hash,
    };
    let nonce = arguments.nonce;
    let job = addresses::job(&submitter.pubkey(), nonce);
    let instruction = instructions::submit(&submitter.pubkey(), &source, &currency.mint, &currency.program, arguments);
    let signature = context.send(&[instruction], &[&submitter]).await?.to_string();
    let handed = hand_out(&oracles, &job, &bytes).await;
    let taken = handed.iter().filter(|(_, error)| error.is_none()).count();
    let json = json!({
        "signature": signature,
        "job": job.to_string(),
        "nonce": nonce.to_string(),
        "descriptor_hash": hex::encode(hash),
        "stake": stake.to_string(),
        "tip": tip.to_string(),
        "deadline": deadline,
        "escrow": addresses::escrow(&job).to_string(),
        "oracles": handed
            .iter()
            .map(|(url, error)| json!({"url": url, "taken": error.is_none(), "error": error}))
            .collect::<Value>(),
    });
    let lines = [
        ("job", job.to_string()),
        ("stake", tokens(stake, decimals)),
        ("deadline", format!("{deadline} (Unix seconds)")),
        ("descriptor", hex::encode(hash)),
        ("oracles", format!("{taken} of {} have the descriptor", handed.len())),
        ("signature", signature),
    ];
    if taken == 0 {
        // The job is paid: say how to go on rather than that nothing happened.
        context.print(&Answer::new(&lines, json));
        let why = handed.into_iter().find_map(|(_, error)| error).unwrap_or_default();
        return Err(failed(format!("job {job} is on chain, but no oracle took its descriptor: {why}")));
    }
    Ok(Answer::new(&lines, json))
}

/// By which the job is known among the submitter's own: the Unix milliseconds of now.
fn nonce() -> Result<u64, CliError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    now.and_then(|now| u64::try_from(now.as_millis()).ok()).ok_or_else(|| usage("this machine's clock is before 1970"))
}

/// Gives every oracle the descriptor; one that has not seen the job on chain yet is asked again.
async fn hand_out(oracles: &[Oracle], job: &Pubkey, bytes: &[u8]) -> Vec<(String, Option<String>)> {
    let path = format!("/api/v1/jobs/{job}/descriptor");
    let one = |oracle: Oracle| {
        let (path, bytes) = (path.clone(), bytes.to_vec());
        tokio::spawn(async move {
            let started = tokio::time::Instant::now();
            loop {
                match oracle.put(&path, "application/json", bytes.clone()).await {
                    Ok(()) => return (oracle.url, None),
                    Err(error) if may_come(&error) && started.elapsed() < DESCRIPTOR_TIMEOUT => {
                        tokio::time::sleep(POLL_EVERY).await;
                    }
                    Err(error) => return (oracle.url, Some(error.to_string())),
                }
            }
        })
    };
    let tasks: Vec<_> = oracles.iter().cloned().map(one).collect();
    let mut handed = Vec::with_capacity(tasks.len());
    for task in tasks {
        if let Ok(outcome) = task.await {
            handed.push(outcome);
        }
    }
    for (_, error) in &handed {
        if let Some(error) = error {
            tracing::warn!("{error}");
        }
    }
    handed
}

/// An oracle that is away is not waited for: the others spread the descriptor.
fn may_come(error: &OracleError) -> bool {
    error.is_momentary() && !matches!(error, OracleError::Unreachable { .. })
}
