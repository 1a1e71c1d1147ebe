use muster_client::{
    Pubkey,
    addresses::{self, TOKEN_PROGRAM},
    instructions,
    shell::keys,
};
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    amount::tokens,
    args::{MintCommand, MintCreate},
    context::Context,
    error::{CliError, failed, usage},
    output::Answer,
};

/// Owners that one transaction pays: an account's creation and a mint_to each.
const OWNERS_PER_TRANSACTION: usize = 4;

pub async fn run(context: &Context, command: MintCommand) -> Result<Answer, CliError> {
    let MintCommand::Create(args) = command;
    create(context, args).await
}

async fn create(context: &Context, args: MintCreate) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let key = match &args.mint_keypair {
        Some(path) => keys::read(path)?,
        None => Keypair::new(),
    };
    let mint = key.pubkey();
    let (payer_key, decimals) = (payer.pubkey(), args.decimals);
    let (supply, shares) = shares(context, &args, &payer_key, &mint)?;
    let built = |error| failed(format!("the mint's instructions cannot be built: {error}"));

    let rent = context.chain.rent_exempt(instructions::MINT_LEN).await?;
    let create = instructions::create_mint(&payer_key, &mint, decimals, rent).map_err(built)?;
    let mut signatures = vec![context.send(&create, &[&payer, &key]).await?];
    for batch in shares.chunks(OWNERS_PER_TRANSACTION) {
        let mut all = Vec::new();
        for (owner, account, amount) in batch {
            all.push(instructions::create_ata(&payer_key, owner, &mint, &TOKEN_PROGRAM));
            all.push(instructions::mint_to(&payer_key, &mint, account, *amount).map_err(built)?);
        }
        signatures.push(context.send(&all, &[&payer]).await?);
    }
    let last = instructions::give_up_mint(&payer_key, &mint).map_err(built)?;
    signatures.push(context.send(&[last], &[&payer]).await?);

    let rows: Vec<Vec<String>> = shares
        .iter()
        .map(|(owner, account, amount)| vec![owner.to_string(), account.to_string(), tokens(*amount, decimals)])
        .collect();
    let accounts: Vec<Value> = shares
        .iter()
        .map(|(owner, account, amount)| {
            json!({"owner": owner.to_string(), "account": account.to_string(), "amount": amount.to_string()})
        })
        .collect();
    let signatures: Vec<String> = signatures.iter().map(ToString::to_string).collect();
    let json = json!({
        "mint": mint.to_string(),
        "decimals": decimals,
        "supply": supply.to_string(),
        "accounts": accounts,
        "signatures": signatures,
    });
    let lines = [("mint", mint.to_string()), ("supply", tokens(supply, decimals))];
    Ok(Answer::new(&lines, json).with_table(&["OWNER", "ACCOUNT", "AMOUNT"], &rows))
}

type Share = (Pubkey, Pubkey, u64);

/// Owner, account and base units of everybody who gets some; they sum to the supply.
fn shares(context: &Context, args: &MintCreate, payer: &Pubkey, mint: &Pubkey) -> Result<(u64, Vec<Share>), CliError> {
    let decimals = args.decimals;
    let supply = context.to_base_units(&args.supply, decimals)?;
    let mut left = supply;
    let mut given = Vec::new();
    let mut rest_owner = None;
    for (owner, amount) in &args.to {
        match amount {
            Some(amount) => {
                let amount = context.to_base_units(amount, decimals)?;
                left = left.checked_sub(amount).ok_or_else(|| usage("the amounts of --to are more than the supply"))?;
                given.push((*owner, amount));
            }
            None if rest_owner.is_some() => {
                return Err(usage("only one --to may stand without an amount"));
            }
            None => rest_owner = Some(*owner),
        }
    }
    if left > 0 {
        given.push((rest_owner.unwrap_or(*payer), left));
    }
    let shares = given
        .into_iter()
        .map(|(owner, amount)| (owner, addresses::ata(&owner, mint, &TOKEN_PROGRAM), amount))
        .collect();
    Ok((supply, shares))
}
