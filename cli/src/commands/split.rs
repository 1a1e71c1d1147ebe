use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::{CreateSplitArgs, state::Split},
};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{SplitCommand, SplitCreate},
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    output::Answer,
    payment::Currency,
};

/// Numbers of a creator that are tried before one must be named.
const IDS_MAX: u32 = 256;
/// Recipients that one transaction pays: an account's creation and a release each.
const RECIPIENTS_PER_TRANSACTION: usize = 4;

pub async fn run(context: &Context, command: SplitCommand) -> Result<Answer, CliError> {
    match command {
        SplitCommand::Create(args) => create(context, args).await,
        SplitCommand::Release { split, recipient } => release(context, &split, recipient).await,
        SplitCommand::Show { split } => show(context, &split).await,
    }
}

async fn create(context: &Context, args: SplitCreate) -> Result<Answer, CliError> {
    let creator = context.signer()?;
    let sum: u32 = args.recipients.iter().map(|(_, share)| u32::from(*share)).sum();
    if sum != 10_000 {
        return Err(usage(format!("the shares sum to {sum} basis points, 10000 are needed")));
    }
    let mint = match args.mint {
        Some(mint) => mint,
        None => context.network().await?.job_mint,
    };
    let currency = context.currency(&mint).await?;
    let id = match args.id {
        Some(id) => id,
        None => free_id(context, &creator.pubkey()).await?,
    };
    let (recipients, shares_bps) = args.recipients.into_iter().unzip();
    let instruction = instructions::create_split(
        &creator.pubkey(),
        &mint,
        &currency.program,
        CreateSplitArgs { id, recipients, shares_bps },
    );
    let split = addresses::split(&creator.pubkey(), id);
    let facts =
        Facts::new().say("split", split).number("id", id).say("mint", mint).say("account", currency.account_of(&split));
    context.done(&[instruction], &[&creator], facts).await
}

/// The first number of a creator at which nothing is.
async fn free_id(context: &Context, creator: &Pubkey) -> Result<u32, CliError> {
    let addresses: Vec<Pubkey> = (0..IDS_MAX).map(|id| addresses::split(creator, id)).collect();
    let taken = context.chain.accounts(&addresses).await?;
    let free = taken.iter().position(Option::is_none);
    free.map(|id| id as u32).ok_or_else(|| failed(format!("{creator} has {IDS_MAX} splits: name a number by --id")))
}

/// What a split holds, and what is due to each recipient of it.
struct Due {
    split: Split,
    currency: Currency,
    balance: u64,
    amounts: Vec<u64>,
}

async fn due(context: &Context, address: &Pubkey) -> Result<Due, CliError> {
    let split: Split = context.expect_or("the split", address, "make it by `muster split create`").await?;
    let currency = context.currency(&split.mint).await?;
    let balance = context.chain.balance(&split.vault).await?.unwrap_or(0);
    let amounts = (0..usize::from(split.count)).map(|index| split.due(index, balance).unwrap_or(0)).collect();
    Ok(Due { split, currency, balance, amounts })
}

async fn release(context: &Context, address: &Pubkey, recipient: Option<Pubkey>) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let Due { split, currency, amounts, .. } = due(context, address).await?;
    let named = split.recipients[..amounts.len()].iter().zip(&amounts).enumerate();
    let wanted: Vec<(u8, Pubkey, u64)> = named
        .filter(|(_, (wallet, due))| **due > 0 && recipient.is_none_or(|only| only == **wallet))
        .map(|(index, (wallet, due))| (index as u8, *wallet, *due))
        .collect();
    if wanted.is_empty() {
        return Err(failed(match recipient {
            Some(wallet) if split.share_of(&wallet) == 0 => format!("{wallet} is no recipient of the split {address}"),
            _ => "nothing has come in since the last release".to_owned(),
        }));
    }
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for batch in wanted.chunks(RECIPIENTS_PER_TRANSACTION) {
        let (mint, program) = (&currency.mint, &currency.program);
        let instructions: Vec<_> = batch
            .iter()
            .flat_map(|(index, wallet, _)| {
                [
                    instructions::create_ata(&payer.pubkey(), wallet, mint, program),
                    instructions::release(address, wallet, mint, program, *index),
                ]
            })
            .collect();
        let signature = context.send(&instructions, &[&payer]).await?.to_string();
        for (_, wallet, due) in batch {
            rows.push(vec![wallet.to_string(), tokens(*due, currency.decimals), signature.clone()]);
            all.push(json!({"recipient": wallet.to_string(), "amount": due.to_string(), "signature": signature}));
        }
    }
    let json = json!({"split": address.to_string(), "released": all});
    Ok(Answer::table(&["RECIPIENT", "AMOUNT", "SIGNATURE"], &rows, "nobody", json))
}

async fn show(context: &Context, address: &Pubkey) -> Result<Answer, CliError> {
    let Due { split, currency, balance, amounts } = due(context, address).await?;
    let parts = amounts
        .iter()
        .enumerate()
        .map(|(index, due)| (split.recipients[index], split.shares_bps[index], split.released[index], *due));
    let rows: Vec<Vec<String>> = parts
        .clone()
        .map(|(wallet, share, released, due)| {
            let paid = [released, due].map(|amount| tokens(amount, currency.decimals));
            [vec![wallet.to_string(), share.to_string()], paid.to_vec()].concat()
        })
        .collect();
    let recipients: Vec<Value> = parts
        .map(|(wallet, share, released, due)| {
            json!({
                "recipient": wallet.to_string(),
                "share_bps": share,
                "released": released.to_string(),
                "due": due.to_string(),
            })
        })
        .collect();
    let facts = Facts::new()
        .say("split", address)
        .say("creator", split.creator)
        .say("mint", split.mint)
        .say("account", split.vault)
        .amount("balance", balance, currency.decimals)
        .amount("released", split.released_total, currency.decimals)
        .json("recipients", recipients);
    Ok(facts.answer().with_table(&["RECIPIENT", "BPS", "RELEASED", "DUE"], &rows))
}
