use std::{fs, path::Path, time::Duration};

use muster_client::{
    Pubkey, addresses, instructions,
    muster_jobs::{
        JobsConfigArgs, SubmitArgs,
        state::{Job, JobsConfig, job_state},
    },
};
use muster_protocol::{hashv, job::JobDescriptor};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{JobCommand, JobResult, JobShow, JobSubmit, JobsCommand, JobsInit},
    context::{Context, wait_for},
    error::{CliError, failed, usage},
    oracles::{Oracle, OracleError},
    output::{Answer, Progress},
};

/// How long an oracle may take to see a job on chain before it takes the descriptor.
const DESCRIPTOR_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_EVERY: Duration = Duration::from_secs(1);
/// The most bytes of a result's archive.
const ARCHIVE_LEN_MAX: usize = 16 * 1024 * 1024;

pub async fn run(context: &Context, command: JobCommand) -> Result<Answer, CliError> {
    match command {
        JobCommand::Submit(args) => submit(context, args).await,
        JobCommand::Show(args) => show(context, args).await,
        JobCommand::List => list(context).await,
        JobCommand::Result(args) => result(context, args).await,
    }
}

pub async fn run_jobs(context: &Context, command: JobsCommand) -> Result<Answer, CliError> {
    match command {
        JobsCommand::Init(args) => init(context, args).await,
        JobsCommand::Show => show_config(context).await,
    }
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

/// A file of a bounded size.
pub fn read_file(path: &Path, len_max: u64) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| usage(format!("{} cannot be read: {error}", path.display()));
    let len = fs::metadata(path).map_err(failed)?.len();
    if len > len_max {
        return Err(usage(format!("{} has {len} bytes, at most {len_max} are allowed", path.display())));
    }
    fs::read(path).map_err(failed)
}

async fn init(context: &Context, args: JobsInit) -> Result<Answer, CliError> {
    let authority = context.signer()?;
    let network = context.network().await?;
    let mint = context.mint(&network.job_mint).await?;
    let instruction = instructions::initialize_jobs(
        &authority.pubkey(),
        &network.job_mint,
        &mint.program,
        JobsConfigArgs {
            default_stake: context.to_base_units(&args.default_stake, mint.decimals)?,
            stake_min: context.to_base_units(&args.stake_min, mint.decimals)?,
            sponsor_min: context.to_base_units(&args.sponsor_min, mint.decimals)?,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
            unbond_delay: args.unbond_delay,
            slash_delay: args.slash_delay,
        },
    );
    let signature = context.send(&[instruction], &[&authority]).await?;
    let json = json!({
        "signature": signature.to_string(),
        "config": addresses::jobs_config().to_string(),
        "bond_vault": addresses::bond_vault().to_string(),
        "mint": network.job_mint.to_string(),
    });
    let lines = [
        ("config", addresses::jobs_config().to_string()),
        ("bond vault", addresses::bond_vault().to_string()),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn config_and_decimals(context: &Context) -> Result<(JobsConfig, u8, Pubkey), CliError> {
    let config: JobsConfig = context.expect("the jobs config", &addresses::jobs_config()).await?;
    let mint = context.mint(&config.mint).await?;
    Ok((config, mint.decimals, mint.program))
}

async fn show_config(context: &Context) -> Result<Answer, CliError> {
    let (config, decimals, _) = config_and_decimals(context).await?;
    let vault = context.chain.balance(&addresses::bond_vault()).await?.unwrap_or(0);
    let lines = [
        ("mint", config.mint.to_string()),
        ("default stake", tokens(config.default_stake, decimals)),
        ("least stake", tokens(config.stake_min, decimals)),
        ("jobs", config.job_count.to_string()),
        ("bonds", config.bond_count.to_string()),
        ("bond vault", tokens(vault, decimals)),
    ];
    let json = json!({
        "config": addresses::jobs_config().to_string(),
        "mint": config.mint.to_string(),
        "default_stake": config.default_stake.to_string(),
        "stake_min": config.stake_min.to_string(),
        "attest_grace": config.attest_grace,
        "cancel_window": config.cancel_window,
        "unbond_delay": config.unbond_delay,
        "slash_delay": config.slash_delay,
        "sponsor_min": config.sponsor_min.to_string(),
        "job_count": config.job_count,
        "bond_count": config.bond_count,
        "bond_vault": addresses::bond_vault().to_string(),
        "bond_vault_balance": vault.to_string(),
    });
    Ok(Answer::new(&lines, json))
}

async fn submit(context: &Context, args: JobSubmit) -> Result<Answer, CliError> {
    let submitter = context.signer()?;
    let text = read_file(&args.descriptor, muster_protocol::job::MAX_LEN as u64)?;
    let descriptor =
        JobDescriptor::from_json(&text).map_err(|error| usage(format!("{}: {error}", args.descriptor.display())))?;
    let bytes = descriptor.encode().map_err(|error| usage(format!("{}: {error}", args.descriptor.display())))?;
    let hash = hashv(&[&bytes]);
    let (config, decimals, token_program) = config_and_decimals(context).await?;
    let stake = match &args.stake {
        Some(stake) => context.to_base_units(stake, decimals)?,
        None => config.default_stake,
    };
    let tip = context.to_base_units(&args.tip, decimals)?;
    let source = args.source.unwrap_or_else(|| addresses::ata(&submitter.pubkey(), &config.mint, &token_program));
    let oracles = context.oracles().await?;
    let seconds = i64::try_from(args.deadline.as_secs()).map_err(|_| usage("the deadline is too far away"))?;
    let deadline = context.chain.clock().await?.saturating_add(seconds);
    let arguments = SubmitArgs {
        index: config.job_count,
        stake: Some(stake),
        tip,
        deadline,
        redundancy: descriptor.redundancy,
        descriptor_hash: hash,
    };
    let (index, signature) =
        send_submission(context, &submitter, &source, &config.mint, &token_program, arguments).await?;
    let job = addresses::job(index);
    let handed = hand_out(&oracles, &job, &bytes).await;
    let taken = handed.iter().filter(|(_, error)| error.is_none()).count();
    let json = json!({
        "signature": signature,
        "job": job.to_string(),
        "index": index,
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
        ("job", format!("{job} (index {index})")),
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

/// Sends the submission, with the next index when others submitted first.
async fn send_submission(
    context: &Context,
    submitter: &solana_sdk::signature::Keypair,
    source: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    mut arguments: SubmitArgs,
) -> Result<(u64, String), CliError> {
    for _ in 0..5 {
        let instruction = instructions::submit(&submitter.pubkey(), source, mint, token_program, arguments.clone());
        match context.send(&[instruction], &[submitter]).await {
            Ok(signature) => return Ok((arguments.index, signature.to_string())),
            Err(error) if matches!(error.program_error(), Some("WrongIndex" | "AccountAlreadyInUse")) => {
                let (config, ..) = config_and_decimals(context).await?;
                arguments.index = config.job_count;
            }
            Err(error) => return Err(error),
        }
    }
    Err(failed("others submitted first five times; try again"))
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
async fn fetch(context: &Context, args: &JobShow) -> Result<(Job, Option<Value>), CliError> {
    let address = args.job.0;
    let oracles = match context.oracles().await {
        Ok(oracles) => oracles,
        // What the chain says can be shown without any oracle.
        Err(error) => {
            tracing::debug!(%error, "no oracle to ask");
            Vec::new()
        }
    };
    if !args.watch {
        let job: Job = context.expect("the job", &address).await?;
        return Ok((job, asked(&oracles, &address).await));
    }
    let progress = std::cell::RefCell::new(Progress::default());
    let job = wait_for("the job's end", args.timeout, POLL_EVERY, || async {
        let job: Job = context.expect("the job", &address).await?;
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
    Ok((job, asked(&oracles, &address).await))
}

async fn show(context: &Context, args: JobShow) -> Result<Answer, CliError> {
    let (job, view) = fetch(context, &args).await?;
    let (_, decimals, _) = config_and_decimals(context).await?;
    Ok(description(&args.job.0, &job, decimals, view))
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
        false => config_and_decimals(context).await?.1,
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
    let (job, view) = fetch(context, &args.show).await?;
    if job.state == job_state::OPEN {
        return Err(failed("the job is not settled yet; --watch waits for it"));
    }
    let view = view.unwrap_or_default();
    let results = view["results"].as_array().cloned().unwrap_or_default();
    if let Some(path) = &args.output {
        save_archive(context, &job, &results, path).await?;
    }
    let cell = |result: &Value, key: &str| plain(&result[key]);
    let keys = ["node_key", "status", "accuracy", "loss", "epochs", "result_hash"];
    let rows: Vec<Vec<String>> =
        results.iter().map(|result| keys.iter().map(|key| cell(result, key)).collect()).collect();
    let (_, decimals, _) = config_and_decimals(context).await?;
    let lines = [
        ("job", format!("{} (index {})", args.show.job.0, job.index)),
        ("state", state_name(job.state).to_owned()),
        ("result", hex::encode(job.result_hash)),
        ("to nodes", tokens(job.to_nodes, decimals)),
        ("to treasury", tokens(job.to_treasury, decimals)),
        ("refunded", tokens(job.refunded, decimals)),
    ];
    let mut json = job_json(&args.show.job.0, &job);
    json["results"] = results.into();
    json["outcome"] = view["outcome"].clone();
    let header = ["NODE KEY", "STATUS", "ACCURACY", "LOSS", "EPOCHS", "RESULT"];
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
        "state": state_name(job.state),
        "submitter": job.submitter.to_string(),
        "descriptor_hash": hex::encode(job.descriptor_hash),
        "stake": job.stake.to_string(),
        "tip": job.tip.to_string(),
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
