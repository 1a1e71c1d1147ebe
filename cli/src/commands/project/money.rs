//! Money into and out of a project: its budget and what its nodes may claim.

use muster_client::{addresses, instructions};
use solana_sdk::signature::Signer;

use super::owner::owned;
use crate::{
    amount::Amount,
    args::{ProjectFund, ProjectRef, ProjectWithdraw},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

pub async fn fund(context: &Context, args: ProjectFund) -> Result<Answer, CliError> {
    let funder = context.signer()?;
    let (address, project) = context.project(&args.project).await?;
    let currency = context.currency(&project.reward_mint).await?;
    let amount = context.some_base_units(&args.amount, &currency)?;
    let source = context.source(&funder.pubkey(), args.source, &currency, amount).await?;
    let instruction =
        instructions::fund_project(&funder.pubkey(), &source, &address, &currency.mint, &currency.program, amount);
    let signature = context.send(&[instruction], &[&funder]).await?;
    let balance = context.chain.balance(&addresses::budget_vault(&address)).await?.unwrap_or(0);
    let facts = Facts::new().say("project", address).amount("amount", amount, currency.decimals).amount(
        "balance",
        balance,
        currency.decimals,
    );
    Ok(facts.say("signature", signature).answer())
}

pub async fn top_up(context: &Context, args: ProjectFund) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let (address, project) = context.project(&args.project).await?;
    let currency = context.currency(&project.reward_mint).await?;
    let amount = context.some_base_units(&args.amount, &currency)?;
    let source = context.source(&payer.pubkey(), args.source, &currency, amount).await?;
    let distribution = addresses::distribution(&address);
    let instruction =
        instructions::top_up(&payer.pubkey(), &source, &distribution, &currency.mint, &currency.program, amount);
    let facts = Facts::new().say("distribution", distribution).amount("amount", amount, currency.decimals);
    context.done(&[instruction], &[&payer], facts).await
}

pub async fn announce(context: &Context, project: &ProjectRef, amount: &Amount) -> Result<Answer, CliError> {
    let (address, project, owner) = owned(context, project).await?;
    let network = context.network().await?;
    let currency = context.currency(&project.reward_mint).await?;
    let amount = context.to_base_units(amount, currency.decimals)?;
    let instruction = instructions::announce_withdrawal(&owner.pubkey(), &address, amount);
    let mut facts = Facts::new().say("project", address).amount("announced", amount, currency.decimals);
    if amount > 0 {
        let from = context.chain.clock().await?.saturating_add(network.epoch_len.into());
        facts = facts.time("from", from).time("lapses at", from.saturating_add(network.hold_limit.into()));
    }
    context.done(&[instruction], &[&owner], facts).await
}

pub async fn withdraw(context: &Context, args: ProjectWithdraw) -> Result<Answer, CliError> {
    let (address, project, owner) = owned(context, &args.project).await?;
    let network = context.network().await?;
    let currency = context.currency(&project.reward_mint).await?;
    let now = context.chain.clock().await?;
    if project.withdraw_amount == 0 || now >= project.withdrawal_lapses_at(network.hold_limit) {
        return Err(failed("no withdrawal is announced: `muster project announce-withdrawal`, then wait an epoch"));
    }
    if now < project.withdraw_at {
        return Err(failed(format!("the announced withdrawal is due in {} s", project.withdraw_at - now)));
    }
    let vault = addresses::budget_vault(&address);
    let amount = match &args.amount {
        Some(amount) => context.some_base_units(amount, &currency)?,
        None => project.withdraw_amount.min(context.chain.balance(&vault).await?.unwrap_or(0)),
    };
    if amount == 0 {
        return Err(failed(format!("the budget vault {vault} is empty")));
    }
    let (mut all, destination) = currency.destination(&owner.pubkey(), args.destination);
    let withdrawal = instructions::withdraw_budget(
        &owner.pubkey(),
        &address,
        &destination,
        &currency.mint,
        &currency.program,
        amount,
    );
    all.push(withdrawal);
    let facts = Facts::new().say("project", address).amount("withdrawn", amount, currency.decimals);
    context.done(&all, &[&owner], facts.say("to", destination)).await
}
