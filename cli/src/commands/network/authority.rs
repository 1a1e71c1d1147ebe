//! Who holds the network's keys, and where its treasuries' money goes.

use muster_client::{Pubkey, addresses, instructions, muster_network::state::authority_role};
use solana_sdk::signature::Signer;

use crate::{
    args::{Role, WithdrawTreasury},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

/// The role's number on chain and its name.
fn number_and_name(role: Role) -> (u8, &'static str) {
    match role {
        Role::Authority => (authority_role::AUTHORITY, "authority"),
        Role::Guardian => (authority_role::GUARDIAN, "guardian"),
        Role::TreasuryOwner => (authority_role::TREASURY_OWNER, "treasury owner"),
    }
}

pub async fn propose(context: &Context, role: Role, key: Pubkey) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let proposer = match role {
        Role::Authority | Role::Guardian => context.signer_as("the network's authority", &network.authority)?,
        Role::TreasuryOwner => context.signer_as("the treasury's owner", &network.treasury_owner)?,
    };
    let (number, name) = number_and_name(role);
    let instruction = instructions::propose_authority(&proposer.pubkey(), number, key);
    let facts = Facts::new().say("role", name).say("proposed", key);
    context.done(&[instruction], &[&proposer], facts).await
}

pub async fn accept(context: &Context, role: Role) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let proposed = match role {
        Role::Authority => network.pending_authority,
        Role::Guardian => network.pending_guardian,
        Role::TreasuryOwner => network.pending_treasury_owner,
    };
    let (number, name) = number_and_name(role);
    if proposed == Pubkey::default() {
        return Err(failed(format!(
            "nobody is proposed as {name}: the holder runs `muster network propose-authority`"
        )));
    }
    let signer = context.signer_as(&format!("the key proposed as {name},"), &proposed)?;
    let instruction = instructions::accept_authority(&proposed, number);
    context.done(&[instruction], &[&signer], Facts::new().say("role", name).say("holder", proposed)).await
}

pub async fn withdraw_treasury(context: &Context, args: WithdrawTreasury) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let owner = context.signer_as("the treasury's owner", &network.treasury_owner)?;
    let currency = context.currency(&args.mint.unwrap_or(network.job_mint)).await?;
    let treasury = addresses::treasury(&currency.mint);
    let Some(balance) = context.chain.balance(&treasury).await? else {
        return Err(failed(format!("the network has no treasury of mint {} (account {treasury})", currency.mint)));
    };
    let amount = match &args.amount {
        Some(amount) => context.some_base_units(amount, &currency)?,
        None => balance,
    };
    if amount == 0 || amount > balance {
        let held = crate::amount::tokens(balance, currency.decimals);
        return Err(failed(format!("the treasury {treasury} holds {held}, which is less than the amount or nothing")));
    }
    let (mut all, destination) = currency.destination(&owner.pubkey(), args.destination);
    let withdrawal =
        instructions::withdraw_treasury(&owner.pubkey(), &destination, &currency.mint, &currency.program, amount);
    all.push(withdrawal);
    let facts = Facts::new().amount("withdrawn", amount, currency.decimals).say("to", destination);
    context.done(&all, &[&owner], facts.say("mint", currency.mint)).await
}
