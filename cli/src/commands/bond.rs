mod slash;
mod stake;

use muster_client::{Pubkey, addresses, instructions, muster_jobs::state::Bond};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{BondCommand, BondWithdraw},
    context::Context,
    error::{CliError, failed},
    output::Answer,
};

pub async fn run(context: &Context, command: BondCommand) -> Result<Answer, CliError> {
    match command {
        BondCommand::Open { tenure } => open(context, &tenure).await,
        BondCommand::Withdraw(args) => withdraw(context, args).await,
        BondCommand::Show { tenure } => show(context, tenure).await,
        BondCommand::Stake { tenure, amount, source } => stake::stake(context, &tenure, &amount, source).await,
        BondCommand::Unbond { tenure, amount } => stake::unbond(context, &tenure, amount.as_ref()).await,
        BondCommand::WithdrawUnbonded { tenure, destination } => {
            stake::withdraw_unbonded(context, &tenure, destination).await
        }
        BondCommand::SlashVote { tenure, amount, reason, evidence } => {
            slash::vote(context, &tenure, &amount, reason, &evidence).await
        }
        BondCommand::SlashHold { tenure } => slash::hold(context, &tenure).await,
        BondCommand::SlashVoid { tenure } => slash::void(context, &tenure).await,
        BondCommand::SlashExecute { tenure } => slash::execute(context, &tenure).await,
    }
}

async fn open(context: &Context, tenure: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let instruction = instructions::open_bond(&payer.pubkey(), tenure);
    let signature = context.send(&[instruction], &[&payer]).await?;
    let bond = addresses::bond(tenure);
    let json = json!({
        "signature": signature.to_string(),
        "bond": bond.to_string(),
        "tenure": tenure.to_string(),
    });
    let lines = [("bond", bond.to_string()), ("signature", signature.to_string())];
    Ok(Answer::new(&lines, json))
}

/// A tenure's bond.
pub async fn fetch(context: &Context, tenure: &Pubkey) -> Result<Bond, CliError> {
    context.expect_or("the tenure's bond", &addresses::bond(tenure), "open it by `muster bond open --tenure`").await
}

/// Why less leaves than somebody wants.
fn held_back(bond: &Bond, free: u64, decimals: u8) -> CliError {
    failed(format!(
        "a slash of this bond is decided: {} may leave, the rest stays until it is executed or voided, or lapses after {} \
         (Unix seconds)",
        tokens(free, decimals),
        bond.set_aside_until
    ))
}

async fn withdraw(context: &Context, args: BondWithdraw) -> Result<Answer, CliError> {
    let (_, currency) = context.jobs_currency().await?;
    let bond = fetch(context, &args.tenure).await?;
    let holder = context.signer_as("the bond's holder", &bond.holder)?;
    let free = bond.free(context.chain.clock().await?);
    let amount = match &args.amount {
        Some(amount) => context.to_base_units(amount, currency.decimals)?,
        None => bond.earned.min(free),
    };
    if bond.earned > 0 && free < amount.max(1) {
        return Err(held_back(&bond, free, currency.decimals));
    }
    if amount == 0 {
        return Err(failed("the bond has earned nothing that could be withdrawn"));
    }
    let (mut all, destination) = currency.destination(&holder.pubkey(), args.destination);
    let (mint, program) = (&currency.mint, &currency.program);
    all.push(instructions::withdraw(&holder.pubkey(), &args.tenure, &destination, mint, program, amount));
    let signature = context.send(&all, &[&holder]).await?;
    let json = json!({
        "signature": signature.to_string(),
        "bond": addresses::bond(&args.tenure).to_string(),
        "tenure": args.tenure.to_string(),
        "amount": amount.to_string(),
        "destination": destination.to_string(),
    });
    let lines = [
        ("withdrawn", tokens(amount, currency.decimals)),
        ("to", destination.to_string()),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context, tenure: Option<Pubkey>) -> Result<Answer, CliError> {
    let (_, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    let bonds: Vec<(Pubkey, Bond)> = match tenure {
        Some(tenure) => {
            vec![(addresses::bond(&tenure), fetch(context, &tenure).await?)]
        }
        None => context.chain.bonds().await?,
    };
    let rows: Vec<Vec<String>> = bonds
        .iter()
        .map(|(_, bond)| {
            let amounts = [bond.earned, bond.earned_total, bond.withdrawn_total, bond.staked, bond.unbonding];
            let keys = [bond.tenure.to_string(), bond.holder.to_string()];
            keys.into_iter().chain(amounts.map(|amount| tokens(amount, decimals))).collect()
        })
        .collect();
    let all: Vec<Value> = bonds.iter().map(|(address, bond)| bond_json(address, bond)).collect();
    let header = ["TENURE", "HOLDER", "EARNED", "EVER EARNED", "WITHDRAWN", "STAKED", "UNBONDING"];
    let json = if tenure.is_some() { all[0].clone() } else { json!({"bonds": all}) };
    Ok(Answer::table(&header, &rows, "no bond", json))
}

fn bond_json(address: &Pubkey, bond: &Bond) -> Value {
    json!({
        "bond": address.to_string(),
        "tenure": bond.tenure.to_string(),
        "node": bond.node.to_string(),
        "holder": bond.holder.to_string(),
        "earned": bond.earned.to_string(),
        "earned_total": bond.earned_total.to_string(),
        "withdrawn_total": bond.withdrawn_total.to_string(),
        "staked": bond.staked.to_string(),
        "unbonding": bond.unbonding.to_string(),
        "unbond_at": bond.unbond_at,
        "slashed_total": bond.slashed_total.to_string(),
        "set_aside": bond.set_aside.to_string(),
        "set_aside_until": bond.set_aside_until,
    })
}
