//! An epoch's settlement: what the oracles agree on, checked and stated with a budget.

use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::{
        SettleEpochArgs,
        state::{Distribution, Network, Project, reward_mode, settlement_state},
    },
};
use muster_protocol::{scores::NO_SCORES, split::fee_and_pool};
use serde_json::json;
use solana_sdk::signature::{Keypair, Signer};

use super::{
    dataset::{download, verify, wait_until_ready},
    scores::post_scores,
};
use crate::{
    amount::tokens,
    args::EpochSettle,
    context::Context,
    error::{CliError, failed, usage},
    output::Answer,
};

/// What a settlement is about.
pub struct Subject {
    pub address: Pubkey,
    pub project: Project,
    pub network: Network,
    pub epoch: u64,
    pub genesis_hash: [u8; 32],
}

/// Whether an epoch is stated for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    First,
    Replacement,
}

pub async fn run(context: &Context, args: EpochSettle, kind: Kind) -> Result<Answer, CliError> {
    run_as(context, &context.signer()?, args, kind).await
}

/// As [`run`], by this key.
pub async fn run_as(context: &Context, settler: &Keypair, args: EpochSettle, kind: Kind) -> Result<Answer, CliError> {
    let (address, project) = context.project(&args.project).await?;
    let mint = context.mint(&project.reward_mint).await?;
    let is_external = project.reward_mode == reward_mode::EXTERNAL;
    let budget = match &args.budget {
        Some(budget) => context.to_base_units(budget, mint.decimals)?,
        None if is_external => 0,
        None => return Err(usage("name the epoch's budget by --budget")),
    };
    if is_external && budget > 0 {
        return Err(usage("this project's rewards are paid elsewhere: settle without --budget"));
    }
    let subject = Subject {
        address,
        network: context.network().await?,
        epoch: args.epoch,
        genesis_hash: context.chain.genesis_hash().await?,
        project,
    };
    check(context, &subject, settler, budget, kind).await?;
    let states_nothing = if is_external { args.budget.is_some() } else { budget == 0 };
    let arguments = match states_nothing {
        // Final without the oracles, so it states nothing that they would have to approve.
        true => SettleEpochArgs {
            epoch: args.epoch,
            points_root: [0; 32],
            total_points: 0,
            node_count: 0,
            budget,
            dataset_hash: [0; 32],
            scores_hash: NO_SCORES,
        },
        false => statement(context, &args, &subject, settler, budget).await?,
    };
    let SettleEpochArgs { points_root, total_points, node_count, dataset_hash, scores_hash, .. } = arguments;
    let build = match kind {
        Kind::First => instructions::settle_epoch,
        Kind::Replacement => instructions::replace_settlement,
    };
    let instruction = build(&settler.pubkey(), &address, &subject.project.reward_mint, &mint.program, arguments);
    let signature = context.send(&[instruction], &[settler]).await?;
    let (fee, node_pool) = fee_and_pool(budget, subject.network.fee_bps_at(args.epoch));
    let json = json!({
        "signature": signature.to_string(),
        "project": address.to_string(),
        "epoch": args.epoch,
        "settlement": addresses::epoch(&address, args.epoch).to_string(),
        "budget": budget.to_string(),
        "fee": fee.to_string(),
        "node_pool": node_pool.to_string(),
        "points_root": hex::encode(points_root),
        "total_points": total_points.to_string(),
        "node_count": node_count,
        "dataset_hash": hex::encode(dataset_hash),
        "scores_hash": hex::encode(scores_hash),
        "final": states_nothing,
    });
    let lines = [
        ("epoch", args.epoch.to_string()),
        ("points", format!("{total_points} of {node_count} tenures")),
        ("budget", tokens(budget, mint.decimals)),
        ("to the nodes", tokens(node_pool, mint.decimals)),
        ("fee", tokens(fee, mint.decimals)),
        ("points root", hex::encode(points_root)),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

/// What the oracles computed and this tool recomputed.
async fn statement(
    context: &Context,
    args: &EpochSettle,
    subject: &Subject,
    settler: &Keypair,
    budget: u64,
) -> Result<SettleEpochArgs, CliError> {
    let oracles = context.oracles().await?;
    let scores_hash = match &args.scores {
        None => NO_SCORES,
        Some(path) => post_scores(context, subject, settler, path, &oracles, args.timeout).await?,
    };
    let set = context.oracle_set().await?;
    let agreed = wait_until_ready(subject, &set, &oracles, &scores_hash, args.timeout).await?;
    let dataset = download(subject, &agreed).await?;
    verify(context, subject, &dataset, &agreed, &scores_hash).await?;
    let total_points = dataset.total_points();
    if total_points == 0 {
        return Err(failed("nobody earned a point in this epoch: only a budget of 0 can be settled"));
    }
    Ok(SettleEpochArgs {
        epoch: args.epoch,
        points_root: dataset.points_root().map_err(|error| failed(error.to_string()))?,
        total_points,
        node_count: dataset.rows.len() as u32,
        budget,
        dataset_hash: dataset.hash().map_err(|error| failed(error.to_string()))?,
        scores_hash,
    })
}

/// What would be refused anyway is refused before anything is waited for.
async fn check(
    context: &Context,
    subject: &Subject,
    settler: &Keypair,
    budget: u64,
    kind: Kind,
) -> Result<(), CliError> {
    let (project, epoch) = (&subject.project, subject.epoch);
    if settler.pubkey() != project.settler {
        return Err(usage(format!("the signer {} is not the project's settler {}", settler.pubkey(), project.settler)));
    }
    let distribution = context.distribution(&subject.address).await?;
    let returned = match kind {
        Kind::First => check_first(context, subject).await?,
        Kind::Replacement => check_replacement(&distribution, epoch)?,
    };
    if budget > project.max_budget_at(epoch) {
        return Err(failed(format!(
            "the budget of {budget} base units is above the project's {} an epoch",
            project.max_budget_at(epoch)
        )));
    }
    let vault = addresses::budget_vault(&subject.address);
    let funded = context.chain.balance(&vault).await?.unwrap_or(0).saturating_add(returned);
    if budget > funded {
        return Err(failed(format!(
            "the budget vault {vault} has {funded} base units for it, {budget} are needed: `muster project fund`"
        )));
    }
    Ok(())
}

/// An epoch that can be settled for the first time.
async fn check_first(context: &Context, subject: &Subject) -> Result<u64, CliError> {
    let (next, epoch) = (subject.project.next_epoch, subject.epoch);
    if context.chain.epoch(&subject.address, epoch).await?.is_some() {
        return Err(failed(format!("epoch {epoch} of this project is settled already: `muster epoch replace`")));
    }
    if epoch < next {
        return Err(failed(format!("epoch {epoch} can no longer be settled: the next one of this project is {next}")));
    }
    Ok(0)
}

/// The open settlement, whose budget counts for its replacement.
fn check_replacement(distribution: &Distribution, epoch: u64) -> Result<u64, CliError> {
    if distribution.open_state == settlement_state::NONE || distribution.open_epoch != epoch {
        return Err(failed(format!("no settlement of epoch {epoch} is open: only an open one is replaced")));
    }
    Ok(distribution.open_budget)
}
