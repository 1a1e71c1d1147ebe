//! Stake: into a bond, out of it after a delay.

use muster_client::{Pubkey, instructions};
use solana_sdk::signature::Signer;

use super::{fetch, held_back};
use crate::{
    amount::Amount,
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

pub async fn stake(
    context: &Context,
    tenure: &Pubkey,
    amount: &Amount,
    source: Option<Pubkey>,
) -> Result<Answer, CliError> {
    let staker = context.signer()?;
    let (_, currency) = context.jobs_currency().await?;
    let bond = fetch(context, tenure).await?;
    let amount = context.some_base_units(amount, &currency)?;
    let source = context.source(&staker.pubkey(), source, &currency, amount).await?;
    let instruction = instructions::stake(&staker.pubkey(), &source, tenure, &currency.mint, &currency.program, amount);
    let facts = Facts::new().say("tenure", tenure).amount("amount", amount, currency.decimals).amount(
        "staked",
        bond.staked.saturating_add(amount),
        currency.decimals,
    );
    context.done(&[instruction], &[&staker], facts).await
}

pub async fn unbond(context: &Context, tenure: &Pubkey, amount: Option<&Amount>) -> Result<Answer, CliError> {
    let (config, currency) = context.jobs_currency().await?;
    let bond = fetch(context, tenure).await?;
    let holder = context.signer_as("the bond's holder", &bond.holder)?;
    let amount = match amount {
        Some(amount) => context.some_base_units(amount, &currency)?,
        None => bond.staked,
    };
    if amount == 0 || amount > bond.staked {
        let staked = crate::amount::tokens(bond.staked, currency.decimals);
        return Err(failed(format!("the bond has {staked} staked, which is less than the amount or nothing")));
    }
    let unbond_at = context.chain.clock().await?.saturating_add(config.unbond_delay.into());
    let facts = Facts::new()
        .say("tenure", tenure)
        .amount("unbonding", bond.unbonding.saturating_add(amount), currency.decimals)
        .time("unbond at", unbond_at);
    context.done(&[instructions::unbond(&holder.pubkey(), tenure, amount)], &[&holder], facts).await
}

pub async fn withdraw_unbonded(
    context: &Context,
    tenure: &Pubkey,
    destination: Option<Pubkey>,
) -> Result<Answer, CliError> {
    let (_, currency) = context.jobs_currency().await?;
    let bond = fetch(context, tenure).await?;
    let holder = context.signer_as("the bond's holder", &bond.holder)?;
    if bond.unbonding == 0 {
        return Err(failed("nothing is unbonding: `muster bond unbond` begins it"));
    }
    let now = context.chain.clock().await?;
    let left = bond.unbond_at - now;
    if left > 0 {
        return Err(failed(format!("what is unbonding may leave in {left} s")));
    }
    let free = bond.free(now);
    if free == 0 {
        return Err(held_back(&bond, free, currency.decimals));
    }
    let (mut all, destination) = currency.destination(&holder.pubkey(), destination);
    let (mint, program) = (&currency.mint, &currency.program);
    all.push(instructions::withdraw_unbonded(&holder.pubkey(), tenure, &destination, mint, program));
    let facts = Facts::new()
        .say("tenure", tenure)
        .amount("withdrawn", bond.unbonding.min(free), currency.decimals)
        .say("to", destination);
    context.done(&all, &[&holder], facts).await
}
