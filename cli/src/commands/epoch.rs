mod dataset;
mod hold;
mod scores;
pub mod settle;
mod vote;

pub use dataset::header;

use std::{cell::RefCell, time::Duration};

use muster_client::{
    addresses,
    chain::SendOptions,
    instructions,
    muster_network::state::{Distribution, Epoch, epoch_status, settlement_state},
};
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    amount::tokens,
    args::{EpochActivate, EpochCommand, ProjectRef},
    context::{Context, wait_for},
    error::{CliError, failed},
    output::{Answer, Progress},
};

const POLL_EVERY: Duration = Duration::from_secs(1);

pub async fn run(context: &Context, command: EpochCommand) -> Result<Answer, CliError> {
    match command {
        EpochCommand::Show { project, epoch } => show(context, &project, epoch).await,
        EpochCommand::Activate(args) => activate(context, args).await,
        EpochCommand::Settle(args) => settle::run(context, args, settle::Kind::First).await,
        EpochCommand::Replace(args) => settle::run(context, args, settle::Kind::Replacement).await,
        EpochCommand::Void { project } => hold::void(context, &project).await,
        EpochCommand::Hold(args) => hold::hold(context, args).await,
        EpochCommand::EndHold(args) => hold::end_hold(context, args).await,
        EpochCommand::Close { project, epoch } => hold::close(context, &project, epoch).await,
        EpochCommand::CloseViews { epoch } => hold::close_views(context, epoch).await,
        EpochCommand::CommitViews { epoch, views } => vote::commit_views(context, epoch, &views).await,
        EpochCommand::Approve(args) => vote::approve(context, args).await,
        EpochCommand::Correct(args) => vote::correct(context, args).await,
    }
}

/// A settlement's status in a word.
fn status_name(epoch: Option<&Epoch>) -> &'static str {
    match epoch.map(|epoch| epoch.status) {
        None => "not settled",
        Some(epoch_status::SETTLED) => "settled",
        Some(epoch_status::APPROVED) => "approved",
        Some(epoch_status::FINAL) => "final",
        Some(_) => "unknown",
    }
}

async fn show(context: &Context, project: &ProjectRef, epoch: Option<u64>) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let network = context.network().await?;
    let now = context.chain.clock().await?;
    let number = epoch.unwrap_or_else(|| network.epoch_at(now));
    let settled = context.chain.epoch(&address, number).await?;
    let views = context.chain.view_set(number).await?;
    let set = context.oracle_set().await?;
    let decimals = context.mint(&project.reward_mint).await?.decimals;
    let end = network.epoch_end(number);
    let closed = views.is_some_and(|views| views.is_closed(now, end + i64::from(network.grace)));

    let path = format!("/api/v1/projects/{address}/epochs/{number}");
    let mut said: Vec<Value> = Vec::new();
    let mut rows = Vec::new();
    for oracle in context.oracles().await.unwrap_or_default() {
        let answer = match oracle.get::<Value>(&path).await {
            Ok(Some(value)) => value,
            Ok(None) => json!({"state": "unknown"}),
            Err(error) => json!({"state": "unreachable", "why": error.to_string()}),
        };
        let text = |key: &str| answer[key].as_str().unwrap_or("-").to_owned();
        rows.push(vec![oracle.url.clone(), text("state"), text("why"), text("points_root")]);
        said.push(json!({"url": oracle.url, "answer": answer}));
    }
    let amounts =
        settled.map(|epoch| [epoch.budget, epoch.fee, epoch.node_pool].map(|amount| tokens(amount, decimals)));
    let [budget, fee, node_pool] = amounts.unwrap_or_else(|| ["-".to_owned(), "-".to_owned(), "-".to_owned()]);
    let time = match end - now {
        left if left > 0 => format!("ends in {left} s"),
        gone => format!("ended {} s ago", -gone),
    };
    let lines = [
        ("epoch", format!("{number} ({time})")),
        ("state", status_name(settled.as_ref()).to_owned()),
        (
            "views",
            format!(
                "{} of {} in, {}",
                views.map_or(0, |views| views.in_count),
                set.count,
                if closed { "closed" } else { "open" }
            ),
        ),
        ("points", settled.map_or("-".to_owned(), |epoch| epoch.total_points.to_string())),
        ("budget", budget),
        ("fee", fee),
        ("node pool", node_pool),
    ];
    let json = json!({
        "project": address.to_string(),
        "epoch": number,
        "ends_at": end,
        "now": now,
        "status": status_name(settled.as_ref()),
        "views_in": views.map_or(0, |views| views.in_count),
        "views_closed": closed,
        "view_hashes": views.map(|views| {
            views.view_hashes[..usize::from(set.count)].iter().map(hex::encode).collect::<Vec<_>>()
        }),
        "settlement": settled.as_ref().map(epoch_json),
        "oracles": said,
    });
    Ok(Answer::new(&lines, json).with_table(&["ORACLE", "STATE", "WHY", "POINTS ROOT"], &rows))
}

/// The settlement's fields as JSON.
pub fn epoch_json(epoch: &Epoch) -> Value {
    json!({
        "points_root": hex::encode(epoch.points_root),
        "dataset_hash": hex::encode(epoch.dataset_hash),
        "scores_hash": hex::encode(epoch.scores_hash),
        "total_points": epoch.total_points.to_string(),
        "node_count": epoch.node_count,
        "budget": epoch.budget.to_string(),
        "fee_bps": epoch.fee_bps,
        "fee": epoch.fee.to_string(),
        "node_pool": epoch.node_pool.to_string(),
        "revision": epoch.revision,
        "settled_at": epoch.settled_at,
        "final_at": epoch.final_at,
    })
}

async fn activate(context: &Context, args: EpochActivate) -> Result<Answer, CliError> {
    activate_as(context, &context.signer()?, args).await
}

/// As `muster epoch activate`, by this key.
pub async fn activate_as(context: &Context, payer: &Keypair, args: EpochActivate) -> Result<Answer, CliError> {
    let (address, project) = context.project(&args.project).await?;
    let distribution_address = addresses::distribution(&address);
    let mint = context.mint(&project.reward_mint).await?;
    let waiting = RefCell::new(Progress::default());
    let look = || async {
        let distribution: Distribution = context.expect("the distribution", &distribution_address).await?;
        let now = context.chain.clock().await?;
        let why = match distribution.open_state {
            settlement_state::NONE => return Err(failed("no settlement is open: settle an epoch first")),
            settlement_state::APPROVED => {
                let from = distribution.pending_eta.max(distribution.pending.held_until);
                if now >= from {
                    return Ok(Some(distribution));
                }
                format!("epoch {}: approved, may be activated in {} s", distribution.open_epoch, from - now)
            }
            _ => {
                let votes = distribution.votes.iter().filter(|vote| **vote != [0; 32]).count();
                format!("epoch {}: {votes} oracles have voted", distribution.open_epoch)
            }
        };
        if !args.wait {
            return Err(failed(format!("{why}; --wait waits for it")));
        }
        waiting.borrow_mut().say(&why);
        Ok(None)
    };
    let distribution = wait_for("the root's approval and delay", args.timeout, POLL_EVERY, look).await?;
    let epoch = distribution.open_epoch;
    let instruction = instructions::activate_root(&address, epoch, &project.reward_mint, &mint.program);
    let sent = context.send_with(&[instruction], &[payer], SendOptions::default()).await?;
    drop(waiting);
    let root = distribution.pending;
    let json = json!({
        "signature": sent.signature.to_string(),
        "project": address.to_string(),
        "epoch": epoch,
        "revision": root.revision,
        "root": hex::encode(root.root),
        "total": root.total.to_string(),
        "count": root.count,
        "node_pool": distribution.open_node_pool.to_string(),
        "fee": (distribution.open_budget - distribution.open_node_pool).to_string(),
        "budget": distribution.open_budget.to_string(),
        "payer": payer.pubkey().to_string(),
    });
    let lines = [
        ("epoch", epoch.to_string()),
        ("root", hex::encode(root.root)),
        ("to the nodes", tokens(distribution.open_node_pool, mint.decimals)),
        ("to the treasury", tokens(distribution.open_budget - distribution.open_node_pool, mint.decimals)),
        ("signature", sent.signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}
