mod log;
mod money;
mod outcome;
mod submit;

use std::{fs, mem::offset_of, path::Path, time::Duration};

use muster_client::{
    Pubkey,
    accounts::DISCRIMINATOR_LEN,
    muster_jobs::state::{Job, job_state},
};
use muster_protocol::hashv;
use serde_json::{Value, json};

use crate::{
    amount::tokens,
    args::{JobCommand, JobRef, JobResult, JobShow},
    context::{Context, wait_for},
    error::{CliError, failed, usage},
    oracles::Oracle,
    output::{Answer, Progress},
};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// What may have become of a job that is not there.
const MISSING: &str = "`muster job list` lists the jobs; one that was closed is gone";
/// The most bytes of a result's archive.
const ARCHIVE_LEN_MAX: usize = 16 * 1024 * 1024;

pub async fn run(context: &Context, command: JobCommand) -> Result<Answer, CliError> {
    match command {
        JobCommand::Submit(args) => submit::submit(context, args).await,
        JobCommand::Show(args) => show(context, args).await,
        JobCommand::List => list(context).await,
        JobCommand::Result(args) => result(context, args).await,
        JobCommand::Log(args) => log::log(context, find(context, &args.job).await?, args).await,
        JobCommand::Sponsor(args) => money::sponsor(context, args).await,
        JobCommand::Tip(args) => money::tip(context, args).await,
        JobCommand::Cancel { job } => money::cancel(context, &find(context, &job).await?).await,
        JobCommand::Expire { job } => money::expire(context, &find(context, &job).await?).await,
        JobCommand::RefundSponsor { job, sponsor } => {
            money::refund_sponsor(context, &find(context, &job).await?, sponsor).await
        }
        JobCommand::RefundSubmitter { job } => money::refund_submitter(context, &find(context, &job).await?).await,
        JobCommand::Attest(args) => outcome::attest(context, args).await,
        JobCommand::Settle(args) => outcome::settle(context, args).await,
        JobCommand::Close { job } => money::close(context, &find(context, &job).await?).await,
    }
}

/// Where a job is. An index is looked up among the accounts that are there.
async fn find(context: &Context, job: &JobRef) -> Result<Pubkey, CliError> {
    let index = match job {
        JobRef::Address(address) => return Ok(*address),
        JobRef::Index(index) => index,
    };
    let filter = (DISCRIMINATOR_LEN + offset_of!(Job, index), &index.to_le_bytes()[..]);
    let found = context.chain.all_where::<Job>(&[filter]).await?;
    found.first().map(|(address, _)| *address).ok_or_else(|| failed(format!("there is no job {index}: {MISSING}")))
}

/// A job's state on chain in a word.
fn state_name(state: u8) -> &'static str {
    match state {
        job_state::OPEN => "open",
        job_state::COMPLETED => "completed",
        job_state::FAILED => "failed",
        job_state::CANCELLED => "cancelled",
        job_state::EXPIRED => "expired",
        _ => "unknown",
    }
}

/// What the first oracle that knows the job says about it.
async fn asked(oracles: &[Oracle], job: &Pubkey) -> Option<Value> {
    for oracle in oracles {
        match oracle.get::<Value>(&format!("/api/v1/jobs/{job}")).await {
            Ok(Some(value)) => return Some(value),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "an oracle did not answer"),
        }
    }
    None
}

/// The job as it is, or once it is settled.
async fn fetch(context: &Context, args: &JobShow) -> Result<(Pubkey, Job, Option<Value>), CliError> {
    let address = find(context, &args.job).await?;
    let oracles = match context.oracles().await {
        Ok(oracles) => oracles,
        // What the chain says can be shown without any oracle.
        Err(error) => {
            tracing::debug!(%error, "no oracle to ask");
            Vec::new()
        }
    };
    if !args.watch {
        let job: Job = context.expect_or("the job", &address, MISSING).await?;
        return Ok((address, job, asked(&oracles, &address).await));
    }
    let progress = std::cell::RefCell::new(Progress::default());
    let job = wait_for("the job's end", args.timeout, POLL_EVERY, || async {
        let job: Job = context.expect_or("the job", &address, MISSING).await?;
        if job.state != job_state::OPEN {
            return Ok(Some(job));
        }
        let view = asked(&oracles, &address).await.unwrap_or_default();
        let state = view["state"].as_str().unwrap_or("waiting for an oracle");
        let percent = view["progress"].as_u64().map(|percent| format!(", {percent} %")).unwrap_or_default();
        progress.borrow_mut().say(&format!("job {address}: {state}{percent}"));
        Ok(None)
    })
    .await?;
    drop(progress);
    Ok((address, job, asked(&oracles, &address).await))
}

async fn show(context: &Context, args: JobShow) -> Result<Answer, CliError> {
    let (address, job, view) = fetch(context, &args).await?;
    let (_, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    Ok(description(&address, &job, decimals, view))
}

/// The job as the chain has it, and what an oracle says of it.
fn description(address: &Pubkey, job: &Job, decimals: u8, view: Option<Value>) -> Answer {
    let text = |key: &str| view.as_ref().map_or_else(|| "-".to_owned(), |view| plain(&view[key]));
    let lines = [
        ("job", format!("{} (index {})", address, job.index)),
        ("state", state_name(job.state).to_owned()),
        ("at the oracles", format!("{}, {} %", text("state"), text("progress"))),
        ("submitter", job.submitter.to_string()),
        ("stake", tokens(job.stake, decimals)),
        ("tip", tokens(job.tip, decimals)),
        ("deadline", format!("{} (Unix seconds)", job.deadline)),
        ("sponsored", format!("{} by {} sponsors", tokens(job.sponsored, decimals), job.sponsor_count)),
        ("to nodes", tokens(job.to_nodes, decimals)),
        ("to treasury", tokens(job.to_treasury, decimals)),
        ("refunded", tokens(job.refunded, decimals)),
        ("result", hex::encode(job.result_hash)),
    ];
    let mut json = job_json(address, job);
    json["oracle"] = view.unwrap_or(Value::Null);
    Answer::new(&lines, json)
}

async fn list(context: &Context) -> Result<Answer, CliError> {
    let mut jobs = context.chain.jobs().await?;
    jobs.sort_by_key(|(_, job)| job.index);
    let decimals = match jobs.is_empty() {
        true => 0,
        false => context.jobs_currency().await?.1.decimals,
    };
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|(address, job)| {
            vec![
                job.index.to_string(),
                address.to_string(),
                state_name(job.state).to_owned(),
                tokens(job.stake, decimals),
                job.submitter.to_string(),
            ]
        })
        .collect();
    let all: Vec<Value> = jobs.iter().map(|(address, job)| job_json(address, job)).collect();
    let header = ["INDEX", "JOB", "STATE", "STAKE", "SUBMITTER"];
    Ok(Answer::table(&header, &rows, "no job", json!({"jobs": all})))
}

async fn result(context: &Context, args: JobResult) -> Result<Answer, CliError> {
    let (address, job, view) = fetch(context, &args.show).await?;
    if job.state == job_state::OPEN {
        return Err(failed("the job is not settled yet; --watch waits for it"));
    }
    let view = view.unwrap_or_default();
    let mut results = view["results"].as_array().cloned().unwrap_or_default();
    let oracles = context.oracles().await.unwrap_or_default();
    let signed = log::signed_results(context, &oracles, &address).await?;
    for result in &mut results {
        result["verified"] = log::is_signed(&signed, result).into();
    }
    if let Some(path) = &args.output {
        save_archive(context, &job, &results, path).await?;
    }
    let cell = |result: &Value, key: &str| plain(&result[key]);
    let keys = ["node_key", "status", "accuracy", "loss", "epochs", "result_hash", "verified"];
    let rows: Vec<Vec<String>> =
        results.iter().map(|result| keys.iter().map(|key| cell(result, key)).collect()).collect();
    let (_, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    let lines = [
        ("job", format!("{address} (index {})", job.index)),
        ("state", state_name(job.state).to_owned()),
        ("result", hex::encode(job.result_hash)),
        ("to nodes", tokens(job.to_nodes, decimals)),
        ("to treasury", tokens(job.to_treasury, decimals)),
        ("refunded", tokens(job.refunded, decimals)),
    ];
    let mut json = job_json(&address, &job);
    json["results"] = results.into();
    json["outcome"] = view["outcome"].clone();
    let header = ["NODE KEY", "STATUS", "ACCURACY", "LOSS", "EPOCHS", "RESULT", "SIGNED"];
    Ok(Answer::new(&lines, json).with_table(&header, &rows))
}

/// Fetches the archive of a result that agrees with the settled one, and checks its hash.
async fn save_archive(context: &Context, job: &Job, results: &[Value], path: &Path) -> Result<(), CliError> {
    let agreed = hex::encode(job.result_hash);
    let named: Vec<&str> = results
        .iter()
        .filter(|result| result["result_hash"].as_str() == Some(&agreed))
        .filter_map(|result| result["archive_hash"].as_str())
        .collect();
    for oracle in context.oracles().await? {
        for hash in &named {
            let found = oracle.get_bytes(&format!("/api/v1/results/{hash}/archive")).await;
            let Ok(Some(bytes)) = found else { continue };
            if bytes.len() <= ARCHIVE_LEN_MAX && hex::encode(hashv(&[&bytes])) == **hash {
                return fs::write(path, &bytes)
                    .map_err(|error| usage(format!("{} cannot be written: {error}", path.display())));
            }
            tracing::warn!(oracle = oracle.url, hash, "the archive has another hash");
        }
    }
    Err(failed("no oracle has the archive of the job's result"))
}

fn job_json(address: &Pubkey, job: &Job) -> Value {
    json!({
        "job": address.to_string(),
        "index": job.index,
        "nonce": job.nonce.to_string(),
        "state": state_name(job.state),
        "submitter": job.submitter.to_string(),
        "descriptor_hash": hex::encode(job.descriptor_hash),
        "stake": job.stake.to_string(),
        "tip": job.tip.to_string(),
        "sponsored": job.sponsored.to_string(),
        "sponsor_count": job.sponsor_count,
        "owed": job.owed.to_string(),
        "cancel_at": job.cancel_at,
        "fee_bps": job.fee_bps,
        "redundancy": job.redundancy,
        "created_at": job.created_at,
        "deadline": job.deadline,
        "settled_at": job.settled_at,
        "node_count": job.node_count,
        "to_nodes": job.to_nodes.to_string(),
        "to_treasury": job.to_treasury.to_string(),
        "refunded": job.refunded.to_string(),
        "result_hash": hex::encode(job.result_hash),
        "outcome_hash": hex::encode(job.outcome_hash),
        "refund_account": job.refund_account.to_string(),
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    #[test]
    fn a_job_is_shown_in_tokens_to_people_and_in_base_units_to_programs() {
        let address = Pubkey::new_from_array([1; 32]);
        let mut job = Job::zeroed();
        (job.index, job.state, job.fee_bps, job.node_count) = (3, job_state::COMPLETED, 2000, 2);
        (job.stake, job.to_nodes, job.to_treasury) = (100_000_000, 80_000_000, 20_000_000);
        job.result_hash = [0xab; 32];

        let answer = description(&address, &job, 6, Some(json!({"state": "settled", "progress": 100})));
        let (text, json) = answer.forms();
        let line = |label: &str| {
            let found = text.lines().find(|line| line.starts_with(label));
            found.unwrap_or_else(|| panic!("no {label} in {text}"))[label.len()..].trim().to_owned()
        };
        assert_eq!(line("job "), format!("{address} (index 3)"));
        assert_eq!((line("state "), line("at the oracles ")), ("completed".into(), "settled, 100 %".into()));
        assert_eq!((line("stake "), line("to nodes ")), (tokens(100_000_000, 6), tokens(80_000_000, 6)));
        assert_eq!((line("to treasury "), line("result ")), (tokens(20_000_000, 6), "ab".repeat(32)));
        assert_eq!((&json["stake"], &json["to_nodes"]), (&"100000000".into(), &"80000000".into()));
        assert_eq!((&json["oracle"]["progress"], &json["fee_bps"]), (&100.into(), &2000.into()));

        // Without an oracle to ask, what the chain says is there.
        let answer = description(&address, &job, 6, None);
        assert!(answer.forms().0.contains("-, - %") && answer.forms().1["oracle"].is_null());
    }
}
