use muster_client::{
    Pubkey, addresses, instructions,
    muster_jobs::state::{Bond, JobsConfig},
};
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

async fn withdraw(context: &Context, args: BondWithdraw) -> Result<Answer, CliError> {
    let holder = context.signer()?;
    let config: JobsConfig = context.expect("the jobs config", &addresses::jobs_config()).await?;
    let mint = context.mint(&config.mint).await?;
    let bond: Bond = context.expect("the tenure's bond", &addresses::bond(&args.tenure)).await?;
    let amount = match &args.amount {
        Some(amount) => context.to_base_units(amount, mint.decimals)?,
        None => bond.earned,
    };
    if amount == 0 {
        return Err(failed("the bond has earned nothing that could be withdrawn"));
    }
    let mut all = Vec::new();
    let destination = match args.destination {
        Some(account) => account,
        None => {
            all.push(instructions::create_ata(&holder.pubkey(), &holder.pubkey(), &config.mint, &mint.program));
            addresses::ata(&holder.pubkey(), &config.mint, &mint.program)
        }
    };
    all.push(instructions::withdraw(&holder.pubkey(), &args.tenure, &destination, &config.mint, &mint.program, amount));
    let signature = context.send(&all, &[&holder]).await?;
    let json = json!({
        "signature": signature.to_string(),
        "bond": addresses::bond(&args.tenure).to_string(),
        "tenure": args.tenure.to_string(),
        "amount": amount.to_string(),
        "destination": destination.to_string(),
    });
    let lines = [
        ("withdrawn", tokens(amount, mint.decimals)),
        ("to", destination.to_string()),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context, tenure: Option<Pubkey>) -> Result<Answer, CliError> {
    let config: JobsConfig = context.expect("the jobs config", &addresses::jobs_config()).await?;
    let decimals = context.mint(&config.mint).await?.decimals;
    let bonds: Vec<(Pubkey, Bond)> = match tenure {
        Some(tenure) => {
            let address = addresses::bond(&tenure);
            vec![(address, context.expect("the tenure's bond", &address).await?)]
        }
        None => context.chain.bonds().await?,
    };
    let rows: Vec<Vec<String>> = bonds
        .iter()
        .map(|(_, bond)| {
            let amounts = [bond.earned, bond.earned_total, bond.withdrawn_total, bond.staked];
            let keys = [bond.tenure.to_string(), bond.holder.to_string()];
            keys.into_iter().chain(amounts.map(|amount| tokens(amount, decimals))).collect()
        })
        .collect();
    let all: Vec<Value> = bonds.iter().map(|(address, bond)| bond_json(address, bond)).collect();
    let header = ["TENURE", "HOLDER", "EARNED", "EVER EARNED", "WITHDRAWN", "STAKED"];
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
    })
}
