mod list;
mod token;

use muster_client::{
    Pubkey,
    addresses::{self, TOKEN_2022_PROGRAM},
    chain::SendOptions,
    instructions::{self, Purchase},
    muster_network::state::{Project, licence_standard},
};
use serde_json::json;
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{LicenceBuy, LicenceCommand, ProjectRef},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

/// Buyers that were faster, one after the other, before we give up.
const ATTEMPTS_MAX: u32 = 5;
/// Enough to make a licence's mint and its account.
const BUDGET: SendOptions = SendOptions { compute_units: Some(400_000), compute_unit_price: None };

pub async fn run(context: &Context, command: LicenceCommand) -> Result<Answer, CliError> {
    match command {
        LicenceCommand::Buy(args) => buy(context, args).await,
        LicenceCommand::Gift { project, to } => gift(context, &project, &to).await,
        LicenceCommand::Transfer { token, to } => token::transfer(context, &token, &to).await,
        LicenceCommand::Burn { token, .. } => token::burn(context, &token).await,
        LicenceCommand::List { project, holder } => list::run(context, project, holder).await,
    }
}

async fn buy(context: &Context, args: LicenceBuy) -> Result<Answer, CliError> {
    let buyer = context.signer()?;
    let mut max_price = None;
    for _ in 0..ATTEMPTS_MAX {
        let (address, project) = selling(context, &args.project).await?;
        let payment = context.mint(&project.payment_mint).await?;
        // The price of the first look holds for every attempt.
        let price = match (&args.max_price, max_price) {
            (Some(amount), _) => context.to_base_units(amount, payment.decimals)?,
            (None, Some(price)) => price,
            (None, None) => project.price,
        };
        max_price = Some(price);
        let ata = |owner: &Pubkey| addresses::ata(owner, &project.payment_mint, &payment.program);
        let serial = project.licences_sold;
        let purchase = Purchase {
            project: address,
            collection: project.collection,
            serial,
            payment_mint: project.payment_mint,
            token_program: payment.program,
            payment_source: ata(&buyer.pubkey()),
            payment_destination: ata(&project.owner),
            max_price: price,
        };
        let seller = instructions::create_ata(&buyer.pubkey(), &project.owner, &project.payment_mint, &payment.program);
        let instruction = instructions::buy_licence(&buyer.pubkey(), &purchase);
        let sent = match context.send_with(&[seller, instruction], &[&buyer], BUDGET).await {
            Ok(sent) => sent,
            // Somebody else bought this serial in the meantime.
            Err(error) if is_race(error.program_error()) => continue,
            Err(error) => return Err(error),
        };
        let licence = addresses::licence(&address, serial);
        let account = addresses::ata(&buyer.pubkey(), &licence, &TOKEN_2022_PROGRAM);
        let json = json!({
            "signature": sent.signature.to_string(),
            "project": address.to_string(),
            "licence": licence.to_string(),
            "serial": serial,
            "holder": buyer.pubkey().to_string(),
            "licence_account": account.to_string(),
            "node": addresses::node(&licence).to_string(),
            "price": project.price.to_string(),
        });
        let lines = [
            ("licence", licence.to_string()),
            ("serial", serial.to_string()),
            ("holder", buyer.pubkey().to_string()),
            ("price", tokens(project.price, payment.decimals)),
            ("signature", sent.signature.to_string()),
        ];
        return Ok(Answer::new(&lines, json));
    }
    Err(failed(format!("others bought the next licence {ATTEMPTS_MAX} times first; try again")))
}

/// A project that sells its own licences.
async fn selling(context: &Context, project: &ProjectRef) -> Result<(Pubkey, Project), CliError> {
    let (address, project) = context.project(project).await?;
    if project.standard != licence_standard::TOKEN_2022 {
        return Err(failed(format!(
            "the project's licences are the assets of Metaplex collection {}: get one where they are traded",
            project.collection
        )));
    }
    Ok((address, project))
}

/// The serial's mint exists already, or the project has sold on.
fn is_race(error: Option<&str>) -> bool {
    matches!(error, Some("WrongSerial" | "AccountAlreadyInUse"))
}

async fn gift(context: &Context, project: &ProjectRef, to: &Pubkey) -> Result<Answer, CliError> {
    for _ in 0..ATTEMPTS_MAX {
        let (address, project) = selling(context, project).await?;
        let owner = context.signer_as("the project's owner", &project.owner)?;
        let serial = project.licences_sold;
        let instruction = instructions::gift_licence(&owner.pubkey(), to, &address, &project.collection, serial);
        let sent = match context.send_with(&[instruction], &[&owner], BUDGET).await {
            Ok(sent) => sent,
            Err(error) if is_race(error.program_error()) => continue,
            Err(error) => return Err(error),
        };
        let licence = addresses::licence(&address, serial);
        let facts = Facts::new()
            .say("licence", licence)
            .number("serial", serial)
            .say("holder", to)
            .json("project", address.to_string())
            .json("licence_account", addresses::ata(to, &licence, &TOKEN_2022_PROGRAM).to_string())
            .json("node", addresses::node(&licence).to_string());
        return Ok(facts.say("signature", sent.signature).answer());
    }
    Err(failed(format!("others bought the next licence {ATTEMPTS_MAX} times first; try again")))
}
