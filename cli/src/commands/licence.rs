use muster_client::{
    Pubkey,
    addresses::{self, TOKEN_2022_PROGRAM},
    instructions::{self, Purchase},
    muster_network::state::Node,
};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{LicenceBuy, LicenceCommand, ProjectRef},
    context::Context,
    error::{CliError, failed},
    output::Answer,
};

/// Buyers that were faster, one after the other, before we give up.
const ATTEMPTS_MAX: u32 = 5;

pub async fn run(context: &Context, command: LicenceCommand) -> Result<Answer, CliError> {
    match command {
        LicenceCommand::Buy(args) => buy(context, args).await,
        LicenceCommand::List { project, holder } => list(context, &project, holder).await,
    }
}

async fn buy(context: &Context, args: LicenceBuy) -> Result<Answer, CliError> {
    let buyer = context.signer()?;
    let mut max_price = None;
    for _ in 0..ATTEMPTS_MAX {
        let (address, project) = context.project(&args.project).await?;
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
        let budget = muster_client::chain::SendOptions { compute_units: Some(400_000), compute_unit_price: None };
        let sent = match context.send_with(&[seller, instruction], &[&buyer], budget).await {
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

/// The serial's mint exists already, or the project has sold on.
fn is_race(error: Option<&str>) -> bool {
    matches!(error, Some("WrongSerial" | "AccountAlreadyInUse"))
}

async fn list(context: &Context, project: &ProjectRef, holder: Option<Pubkey>) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let licences: Vec<Pubkey> = (0..project.licences_sold).map(|serial| addresses::licence(&address, serial)).collect();
    let nodes: std::collections::HashMap<Pubkey, Node> =
        context.chain.nodes_of(&address).await?.into_iter().map(|(_, node)| (node.licence, node)).collect();
    let mut rows = Vec::new();
    let mut all: Vec<Value> = Vec::new();
    for (serial, licence) in licences.iter().enumerate() {
        let node = nodes.get(licence);
        let found = holder_of(context, licence, node).await?;
        if holder.is_some() && found != holder {
            continue;
        }
        let status = node.map_or("unbound", |node| super::node::status_name(node.status));
        let shown = found.map_or_else(|| "-".to_owned(), |key| key.to_string());
        rows.push(vec![serial.to_string(), licence.to_string(), shown, status.to_owned()]);
        all.push(json!({
            "serial": serial,
            "licence": licence.to_string(),
            "holder": found.map(|key| key.to_string()),
            "node": node.map(|_| addresses::node(licence).to_string()),
            "node_key": node.map(|node| node.node_key.to_string()),
            "tenure": node.map(|node| node.tenure.to_string()),
            "status": status,
        }));
    }
    let header = ["SERIAL", "LICENCE", "HOLDER", "NODE"];
    Ok(Answer::table(&header, &rows, "no licence", json!({"project": address.to_string(), "licences": all})))
}

/// Who holds a licence: the owner of the account that a bind froze, else of the one account with the one token.
async fn holder_of(context: &Context, licence: &Pubkey, node: Option<&Node>) -> Result<Option<Pubkey>, CliError> {
    let mut accounts = Vec::new();
    accounts.extend(node.map(|node| node.licence_account));
    if accounts.is_empty() {
        let largest = context
            .chain
            .retry("find a licence's holder", || context.chain.rpc().get_token_largest_accounts(licence))
            .await?;
        accounts.extend(largest.iter().filter_map(|found| found.address.parse::<Pubkey>().ok()));
    }
    for account in accounts {
        let found = context.chain.token_account(&account).await?;
        if let Some(found) = found.filter(|found| found.amount == 1 && found.mint == *licence) {
            return Ok(Some(found.owner));
        }
    }
    Ok(None)
}
