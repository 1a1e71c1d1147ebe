//! Licences with their nodes: all of a project, or those in a wallet's hand.

use std::collections::HashMap;

use muster_client::{
    Pubkey, addresses,
    muster_network::state::{Node, Project, licence_standard},
};
use serde_json::{Value, json};

use crate::{
    args::ProjectRef,
    commands::node::{read_core, status_name},
    context::Context,
    error::CliError,
    output::Answer,
};

const HEADER: [&str; 4] = ["SERIAL", "LICENCE", "HOLDER", "NODE"];

pub async fn run(context: &Context, project: Option<ProjectRef>, holder: Option<Pubkey>) -> Result<Answer, CliError> {
    match (project, holder) {
        (Some(project), Some(holder)) => held(context, vec![context.project(&project).await?], &holder).await,
        (Some(project), None) => of_project(context, &project).await,
        (None, Some(holder)) => held(context, context.chain.projects().await?, &holder).await,
        (None, None) => Err(crate::error::usage("name a project by --project or a wallet by --holder")),
    }
}

/// The licences that a wallet holds now, of whatever standard.
async fn held(context: &Context, projects: Vec<(Pubkey, Project)>, wallet: &Pubkey) -> Result<Answer, CliError> {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for (project, _) in projects {
        for held in context.chain.licences_of(&project, wallet).await? {
            let serial = held.node.as_ref().map(|node| node.serial);
            let (row, mut json) = entry(serial, &held.shown.licence, Some(*wallet), held.node.as_ref());
            json["project"] = project.to_string().into();
            json["licence_account"] = held.shown.account.to_string().into();
            rows.push(row);
            all.push(json);
        }
    }
    let json = json!({"holder": wallet.to_string(), "licences": all});
    Ok(Answer::table(&HEADER, &rows, "no licence", json))
}

async fn of_project(context: &Context, project: &ProjectRef) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let nodes: HashMap<Pubkey, Node> =
        context.chain.nodes_of(&address).await?.into_iter().map(|(_, node)| (node.licence, node)).collect();
    let mut licences: Vec<(u32, Pubkey)> = match project.standard {
        licence_standard::TOKEN_2022 => {
            (0..project.licences_sold).map(|serial| (serial, addresses::licence(&address, serial))).collect()
        }
        // A linked collection has assets that nobody numbered; those that were bound are known.
        _ => nodes.values().map(|node| (node.serial, node.licence)).collect(),
    };
    licences.sort_unstable();
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for (serial, licence) in &licences {
        let node = nodes.get(licence);
        let holder = holder_of(context, licence, node).await?;
        let (row, json) = entry(Some(*serial), licence, holder, node);
        rows.push(row);
        all.push(json);
    }
    let json = json!({"project": address.to_string(), "licences": all});
    Ok(Answer::table(&HEADER, &rows, "no licence", json))
}

fn entry(serial: Option<u32>, licence: &Pubkey, holder: Option<Pubkey>, node: Option<&Node>) -> (Vec<String>, Value) {
    let status = node.map_or("unbound", |node| status_name(node.status));
    let holder = holder.map(|key| key.to_string());
    let row = vec![
        serial.map_or_else(|| "-".to_owned(), |serial| serial.to_string()),
        licence.to_string(),
        holder.clone().unwrap_or_else(|| "-".to_owned()),
        status.to_owned(),
    ];
    let json = json!({
        "serial": serial,
        "licence": licence.to_string(),
        "holder": holder,
        "node": node.map(|_| addresses::node(licence).to_string()),
        "node_key": node.map(|node| node.node_key.to_string()),
        "tenure": node.map(|node| node.tenure.to_string()),
        "status": status,
    });
    (row, json)
}

/// Who holds a licence: the owner of the account that a bind named, else of the one account with the one token.
async fn holder_of(context: &Context, licence: &Pubkey, node: Option<&Node>) -> Result<Option<Pubkey>, CliError> {
    if node.is_some_and(|node| node.standard == licence_standard::CORE) {
        return core_holder(context, licence).await;
    }
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

async fn core_holder(context: &Context, asset: &Pubkey) -> Result<Option<Pubkey>, CliError> {
    let account = context.chain.account(asset).await?;
    let read = account.as_ref().and_then(|account| read_core(asset, account));
    Ok(read.map(|read| read.owner))
}
