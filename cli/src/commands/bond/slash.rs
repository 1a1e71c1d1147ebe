//! Slashes: voted, held, voided, carried out.

use muster_client::{Pubkey, addresses, instructions, muster_jobs::state::Slash};
use solana_sdk::signature::Signer;

use super::fetch;
use crate::{
    amount::Amount,
    args::EvidenceArgs,
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    files::evidence_hash,
    output::Answer,
};

pub async fn vote(
    context: &Context,
    tenure: &Pubkey,
    amount: &Amount,
    reason: u16,
    evidence: &EvidenceArgs,
) -> Result<Answer, CliError> {
    let (oracle, set) = context.signer_as_oracle().await?;
    let (_, currency) = context.jobs_currency().await?;
    fetch(context, tenure).await?;
    let amount = context.some_base_units(amount, &currency)?;
    let hash = evidence_hash(evidence)?;
    let instruction = instructions::vote_slash(&oracle.pubkey(), tenure, amount, reason, hash, set.set_version);
    let facts = Facts::new()
        .say("tenure", tenure)
        .amount("amount", amount, currency.decimals)
        .number("reason", reason)
        .say("evidence hash", hex::encode(hash))
        .number("set version", set.set_version);
    context.done(&[instruction], &[&oracle], facts).await
}

/// The slash that a threshold of the set in force decided.
async fn pending(context: &Context, tenure: &Pubkey) -> Result<Slash, CliError> {
    let address = addresses::slash(&addresses::bond(tenure));
    let slash: Slash = context.expect_or("a slash of this bond", &address, "no oracle has voted for one").await?;
    match slash.is_pending(&context.oracle_set().await?, context.chain.clock().await?) {
        true => Ok(slash),
        false => Err(failed(
            "no slash of this bond is pending: no threshold of the set in force agrees on one, or it lapsed",
        )),
    }
}

pub async fn hold(context: &Context, tenure: &Pubkey) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let guardian = context.signer_as("the network's guardian", &network.guardian)?;
    pending(context, tenure).await?;
    let until = context.chain.clock().await?.saturating_add(network.hold_limit.into());
    let instruction = instructions::hold_slash(&guardian.pubkey(), tenure);
    context.done(&[instruction], &[&guardian], Facts::new().say("tenure", tenure).time("held until", until)).await
}

pub async fn void(context: &Context, tenure: &Pubkey) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    pending(context, tenure).await?;
    let instruction = instructions::void_slash(&authority.pubkey(), tenure);
    context.done(&[instruction], &[&authority], Facts::new().say("tenure", tenure).say("slash", "voided")).await
}

pub async fn execute(context: &Context, tenure: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let (_, currency) = context.jobs_currency().await?;
    let (slash, bond) = (pending(context, tenure).await?, fetch(context, tenure).await?);
    let left = slash.eta.max(slash.held_until) - context.chain.clock().await?;
    if left > 0 {
        return Err(failed(format!("the slash may be carried out in {left} s")));
    }
    let instruction = instructions::execute_slash(tenure, &currency.mint, &currency.program);
    let facts = Facts::new()
        .say("tenure", tenure)
        .amount("decided", slash.decided.amount, currency.decimals)
        .amount("taken", bond.set_aside, currency.decimals)
        .number("reason", slash.decided.reason)
        .say("to", addresses::treasury(&currency.mint));
    context.done(&[instruction], &[&payer], facts).await
}
