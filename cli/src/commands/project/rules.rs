//! Formula, budget, sale and linked collection of a project.

use muster_client::{
    Pubkey, instructions,
    muster_network::{
        licences::{Shown, core_asset, token_metadata},
        state::{PointsFormula, licence_standard},
    },
    shell::keys,
};
use solana_sdk::{account::Account, signature::Signer};

use super::owner::owned;
use crate::{
    amount::Amount,
    args::{LinkCollection, ProjectRef, SetFormula, SetSale},
    context::{Context, missing},
    error::{CliError, usage},
    facts::Facts,
    output::Answer,
};

pub async fn set_formula(context: &Context, args: SetFormula) -> Result<Answer, CliError> {
    let (address, project, owner) = owned(context, &args.project).await?;
    let next = next_epoch(context).await?;
    let now = project.formula_at(next);
    let formula = PointsFormula {
        w_uptime: args.w_uptime.unwrap_or(now.w_uptime),
        w_task: args.w_task.unwrap_or(now.w_task),
        cap: args.cap.unwrap_or(now.cap),
        min_uptime_bps: args.min_uptime_bps.unwrap_or(now.min_uptime_bps),
    };
    if formula == now {
        return Err(usage("the formula is the one already: name what changes, as --w-task 5000"));
    }
    let instruction = instructions::set_formula(&owner.pubkey(), &address, formula);
    let facts = Facts::new()
        .say("project", address)
        .number("w uptime", formula.w_uptime)
        .number("w task", formula.w_task)
        .say("cap", formula.cap)
        .number("min uptime bps", formula.min_uptime_bps)
        .number("from epoch", next);
    context.done(&[instruction], &[&owner], facts).await
}

pub async fn set_budget(context: &Context, project: &ProjectRef, amount: &Amount) -> Result<Answer, CliError> {
    let (address, project, owner) = owned(context, project).await?;
    let currency = context.currency(&project.reward_mint).await?;
    let amount = context.to_base_units(amount, currency.decimals)?;
    let instruction = instructions::set_max_epoch_budget(&owner.pubkey(), &address, amount);
    let facts = Facts::new()
        .say("project", address)
        .amount("max epoch budget", amount, currency.decimals)
        .number("from epoch", next_epoch(context).await?);
    context.done(&[instruction], &[&owner], facts).await
}

/// The epoch from which a change of the rules holds.
async fn next_epoch(context: &Context) -> Result<u64, CliError> {
    let network = context.network().await?;
    Ok(network.epoch_at(context.chain.clock().await?) + 1)
}

pub async fn set_sale(context: &Context, args: SetSale) -> Result<Answer, CliError> {
    let (address, project, owner) = owned(context, &args.project).await?;
    let currency = context.currency(&args.payment_mint.unwrap_or(project.payment_mint)).await?;
    let price = match &args.price {
        Some(price) => context.to_base_units(price, currency.decimals)?,
        None => project.price,
    };
    let licences_max = args.licences_max.unwrap_or(project.licences_max);
    let instruction =
        instructions::set_sale(&owner.pubkey(), &address, &project.collection, &currency.mint, price, licences_max);
    // The owner's account for the payments, so that the first buyer need not make it.
    let account = instructions::create_ata(&owner.pubkey(), &owner.pubkey(), &currency.mint, &currency.program);
    let facts = Facts::new()
        .say("project", address)
        .amount("price", price, currency.decimals)
        .say("payment mint", currency.mint)
        .number("licences max", licences_max);
    context.done(&[instruction, account], &[&owner], facts).await
}

pub async fn link_collection(context: &Context, args: LinkCollection) -> Result<Answer, CliError> {
    let (address, _, owner) = owned(context, &args.project).await?;
    let collection = args.collection;
    let authority = match &args.collection_authority {
        Some(path) => keys::read(path)?,
        None => owner.insecure_clone(),
    };
    let (standard, name, needed) = identify(context, &collection).await?;
    if authority.pubkey() != needed {
        return Err(usage(format!(
            "the update authority of collection {collection} is {needed}: name its key file by --collection-authority"
        )));
    }
    let instruction =
        instructions::link_collection(&owner.pubkey(), &authority.pubkey(), &address, &collection, standard);
    let facts = Facts::new().say("project", address).say("collection", collection).say("standard", name);
    context.done(&[instruction], &[&owner, &authority], facts).await
}

/// Standard, its name and the update authority of a collection.
async fn identify(context: &Context, collection: &Pubkey) -> Result<(u8, &'static str, Pubkey), CliError> {
    let account = context.chain.account(collection).await?.ok_or_else(|| missing("the collection", collection))?;
    if let Some(authority) = core_asset::read_collection_authority(&shown(collection, &account)) {
        return Ok((licence_standard::CORE, "Metaplex Core", authority));
    }
    let address = token_metadata::metadata_address(collection);
    let metadata = context.chain.account(&address).await?;
    let read = metadata.as_ref().and_then(|metadata| token_metadata::read_metadata(&shown(&address, metadata)));
    match read {
        Some(read) => Ok((licence_standard::TOKEN_METADATA, "Metaplex Token Metadata", read.update_authority)),
        None => Err(usage(format!(
            "{collection} is neither a Metaplex Core collection nor a mint with Token Metadata (account {address})"
        ))),
    }
}

fn shown<'a>(key: &'a Pubkey, account: &'a Account) -> Shown<'a> {
    Shown { key, owner: &account.owner, data: &account.data }
}
