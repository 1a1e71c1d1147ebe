//! A licence as the token that it is: sent on, or burnt.

use muster_client::{
    Pubkey,
    addresses::{self, TOKEN_2022_PROGRAM, TOKEN_PROGRAM},
    chain::TokenAccount,
    instructions,
};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    args::LicenceToken,
    context::{Context, missing},
    error::{CliError, failed, usage},
    facts::Facts,
    output::Answer,
};

/// A licence in the signer's hand.
struct Held {
    holder: Keypair,
    account: Pubkey,
    program: Pubkey,
}

async fn held(context: &Context, token: &LicenceToken) -> Result<Held, CliError> {
    let licence = &token.licence;
    let holder = context.signer()?;
    let mint = context.chain.account(licence).await?.ok_or_else(|| missing("the licence", licence))?;
    if mint.owner != TOKEN_2022_PROGRAM && mint.owner != TOKEN_PROGRAM {
        return Err(usage(format!("{licence} is no token: a Metaplex Core asset is sent with its own tools")));
    }
    let account = token.licence_account.unwrap_or_else(|| addresses::ata(&holder.pubkey(), licence, &mint.owner));
    let found: Option<TokenAccount> = context.chain.token_account(&account).await?;
    let Some(found) = found.filter(|found| found.amount == 1 && found.owner == holder.pubkey()) else {
        return Err(failed(format!(
            "the signer {} does not hold licence {licence} in account {account}: `muster licence list --holder` names what he \
             holds, and where",
            holder.pubkey()
        )));
    };
    if found.frozen {
        return Err(failed(format!(
            "licence {licence} is bound, so its account {account} is frozen: `muster node unbind {licence}`, and \
             `muster node thaw {licence}` when the epoch is over"
        )));
    }
    Ok(Held { holder, account, program: mint.owner })
}

pub async fn transfer(context: &Context, token: &LicenceToken, to: &Pubkey) -> Result<Answer, CliError> {
    let Held { holder, account, program } = held(context, token).await?;
    let licence = &token.licence;
    let destination = addresses::ata(to, licence, &program);
    let all = [
        instructions::create_ata(&holder.pubkey(), to, licence, &program),
        instructions::transfer_licence(&holder.pubkey(), &account, licence, &destination, &program),
    ];
    let facts = Facts::new().say("licence", licence).say("from", holder.pubkey()).say("to", to);
    context.done(&all, &[&holder], facts).await
}

pub async fn burn(context: &Context, token: &LicenceToken) -> Result<Answer, CliError> {
    let Held { holder, account, program } = held(context, token).await?;
    let licence = &token.licence;
    let instruction = instructions::burn_licence(&holder.pubkey(), &account, licence, &program);
    context.done(&[instruction], &[&holder], Facts::new().say("burnt", licence)).await
}
