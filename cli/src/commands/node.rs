use std::{collections::HashMap, path::Path};

use muster_client::{
    Pubkey,
    accounts::AnyAccount,
    addresses::{self, TOKEN_2022_PROGRAM},
    chain::SendOptions,
    instructions,
    muster_network::{
        BindArgs,
        state::{KeyMarker, Node, Project, Tenure, node_status},
    },
    shell::keys,
};
use muster_protocol::{canonical_json, hashv};
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    args::{NodeAccept, NodeBind, NodeCommand, ProjectRef},
    context::Context,
    error::{CliError, failed, usage},
    output::Answer,
};

/// The most bytes of a metadata document.
const METADATA_LEN_MAX: u64 = 64 * 1024;

pub async fn run(context: &Context, command: NodeCommand) -> Result<Answer, CliError> {
    match command {
        NodeCommand::Bind(args) => bind(context, args).await,
        NodeCommand::Accept(args) => accept(context, args).await,
        NodeCommand::Show { node } => show(context, &node).await,
        NodeCommand::List { project } => list(context, project).await,
    }
}

/// A node's status in a word.
pub fn status_name(status: u8) -> &'static str {
    match status {
        node_status::BOUND => "bound",
        node_status::ACTIVE => "active",
        node_status::UNBINDING => "unbinding",
        node_status::FREE => "free",
        _ => "unknown",
    }
}

async fn bind(context: &Context, args: NodeBind) -> Result<Answer, CliError> {
    let holder = context.signer()?;
    let accepting = args.accept_with.as_deref().map(keys::read).transpose()?;
    let node_key = match (&accepting, args.node_key) {
        (Some(key), Some(named)) if key.pubkey() != named => {
            return Err(usage("--node-key is not the key of --accept-with"));
        }
        (Some(key), _) => key.pubkey(),
        (None, Some(named)) => named,
        (None, None) => return Err(usage("name the node's key by --node-key or --accept-with")),
    };
    let metadata_hash = match (&args.metadata, args.metadata_hash) {
        (Some(path), _) => hash_metadata(path)?,
        (None, Some(hash)) => hash.0,
        (None, None) => [0; 32],
    };
    let (project_address, project) = project_of(context, &args.licence).await?;
    let tenure_number = context.chain.bind_number(&args.licence, &holder.pubkey()).await?;
    let licence_account =
        args.licence_account.unwrap_or_else(|| addresses::ata(&holder.pubkey(), &args.licence, &TOKEN_2022_PROGRAM));
    let arguments = BindArgs {
        tenure_number,
        node_key,
        payout_owner: args.payout_owner.unwrap_or_else(|| holder.pubkey()),
        metadata_hash,
    };
    let node = addresses::node(&args.licence);
    let mut all = vec![instructions::bind(
        &holder.pubkey(),
        &project_address,
        &args.licence,
        &licence_account,
        &project.reward_mint,
        arguments,
    )];
    let mut signers = vec![&holder];
    if let Some(key) = &accepting {
        all.push(instructions::accept_node(&holder.pubkey(), &node_key, &project_address, &node));
        signers.push(key);
    }
    let budget = SendOptions { compute_units: Some(300_000), compute_unit_price: None };
    let sent = context.send_with(&all, &signers, budget).await?;
    answer(context, &node, &sent.signature.to_string()).await
}

async fn accept(context: &Context, args: NodeAccept) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let key: Keypair = match &args.node_keypair {
        Some(path) => keys::read(path)?,
        None => payer.insecure_clone(),
    };
    let (address, node) = match &args.node {
        Some(named) => find(context, named).await?,
        None => named_by(context, &key.pubkey()).await?,
    };
    let instruction = instructions::accept_node(&payer.pubkey(), &key.pubkey(), &node.project, &address);
    let signature = context.send(&[instruction], &[&payer, &key]).await?;
    answer(context, &address, &signature.to_string()).await
}

/// The node that waits for this key.
async fn named_by(context: &Context, key: &Pubkey) -> Result<(Pubkey, Node), CliError> {
    context
        .chain
        .nodes()
        .await?
        .into_iter()
        .find(|(_, node)| node.node_key == *key && node.status == node_status::BOUND)
        .ok_or_else(|| failed(format!("no bind waits for the node key {key}")))
}

/// The project whose member a licence is, by the node that it has or by the mint's authority.
async fn project_of(context: &Context, licence: &Pubkey) -> Result<(Pubkey, Project), CliError> {
    if let Some(node) = context.chain.fetch::<Node>(&addresses::node(licence)).await? {
        return Ok((node.project, context.expect("the node's project", &node.project).await?));
    }
    let account =
        context.chain.account(licence).await?.ok_or_else(|| crate::context::missing("the licence", licence))?;
    // A licence's freeze authority is its project: bytes 50..82 of a mint, behind the flag.
    let authority: Option<[u8; 32]> = account.data.get(50..82).and_then(|bytes| bytes.try_into().ok());
    let address = authority.map(Pubkey::new_from_array).unwrap_or_default();
    let project = context.chain.fetch::<Project>(&address).await;
    match project {
        Ok(Some(project)) => Ok((address, project)),
        Err(error @ muster_client::chain::ChainError::Rpc { .. }) => Err(error.into()),
        _ => Err(usage(format!("{licence} is not a licence of a project of this network"))),
    }
}

/// A node by its own address, its licence's or its key's.
async fn find(context: &Context, named: &Pubkey) -> Result<(Pubkey, Node), CliError> {
    if let Some(account) = context.chain.account(named).await?
        && let Ok(Some(AnyAccount::Node(node))) = AnyAccount::decode(&account.owner, &account.data)
    {
        return Ok((*named, *node));
    }
    let by_licence = addresses::node(named);
    if let Some(node) = context.chain.fetch::<Node>(&by_licence).await? {
        return Ok((by_licence, node));
    }
    if let Some(marker) = context.chain.fetch::<KeyMarker>(&addresses::key_marker(named)).await? {
        return Ok((marker.node, context.expect("the key's node", &marker.node).await?));
    }
    Err(failed(format!("{named} is no node, and no node's licence or key")))
}

/// SHA-256 of the canonical form of a JSON document.
fn hash_metadata(path: &Path) -> Result<[u8; 32], CliError> {
    let bytes = crate::commands::job::read_file(path, METADATA_LEN_MAX)?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| usage(format!("{} is not JSON: {error}", path.display())))?;
    let text = canonical_json::to_string(&value).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    Ok(hashv(&[text.as_bytes()]))
}

async fn answer(context: &Context, address: &Pubkey, signature: &str) -> Result<Answer, CliError> {
    let node: Node = context.expect("the node", address).await?;
    let tenure: Tenure = context.expect("the node's tenure", &node.tenure).await?;
    let mut json = node_json(address, &node, Some(&tenure));
    json["signature"] = signature.into();
    let lines = [
        ("node", address.to_string()),
        ("status", status_name(node.status).to_owned()),
        ("node key", node.node_key.to_string()),
        ("tenure", node.tenure.to_string()),
        ("leaf", tenure.leaf_index.to_string()),
        ("signature", signature.to_owned()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let (address, node) = find(context, named).await?;
    let tenure: Tenure = context.expect("the node's tenure", &node.tenure).await?;
    let bond = context.chain.bond(&node.tenure).await?;
    let lines = [
        ("node", address.to_string()),
        ("status", status_name(node.status).to_owned()),
        ("project", node.project.to_string()),
        ("licence", format!("{} (serial {})", node.licence, node.serial)),
        ("node key", node.node_key.to_string()),
        ("holder", tenure.holder.to_string()),
        ("tenure", format!("{} (number {}, leaf {})", node.tenure, tenure.number, tenure.leaf_index)),
        ("payout", format!("{} of {}", tenure.payout, tenure.payout_owner)),
        ("claimed", format!("{} base units", tenure.claimed_total)),
        ("bond", bond.map_or("none".to_owned(), |bond| format!("{} base units earned", bond.earned))),
    ];
    let mut json = node_json(&address, &node, Some(&tenure));
    json["bond_earned"] = bond.map(|bond| bond.earned.to_string()).into();
    Ok(Answer::new(&lines, json))
}

async fn list(context: &Context, project: Option<ProjectRef>) -> Result<Answer, CliError> {
    let (nodes, tenures) = match project {
        Some(project) => {
            let address = project.address();
            (context.chain.nodes_of(&address).await?, context.chain.tenures_of(&address).await?)
        }
        None => (context.chain.nodes().await?, context.chain.tenures().await?),
    };
    Ok(listing(&nodes, &tenures.into_iter().collect()))
}

fn listing(nodes: &[(Pubkey, Node)], tenures: &HashMap<Pubkey, Tenure>) -> Answer {
    let rows: Vec<Vec<String>> = nodes
        .iter()
        .map(|(address, node)| {
            vec![
                node.serial.to_string(),
                address.to_string(),
                node.node_key.to_string(),
                node.tenure.to_string(),
                status_name(node.status).to_owned(),
            ]
        })
        .collect();
    let all: Vec<Value> =
        nodes.iter().map(|(address, node)| node_json(address, node, tenures.get(&node.tenure))).collect();
    let header = ["SERIAL", "NODE", "NODE KEY", "TENURE", "STATUS"];
    Answer::table(&header, &rows, "no node", json!({"nodes": all}))
}

fn node_json(address: &Pubkey, node: &Node, tenure: Option<&Tenure>) -> Value {
    json!({
        "node": address.to_string(),
        "project": node.project.to_string(),
        "licence": node.licence.to_string(),
        "serial": node.serial,
        "node_key": node.node_key.to_string(),
        "status": status_name(node.status),
        "bound_at": node.bound_at,
        "accepted_at": node.accepted_at,
        "metadata_hash": hex::encode(node.metadata_hash),
        "tenure": node.tenure.to_string(),
        "tenure_number": node.tenure_number,
        "holder": tenure.map(|tenure| tenure.holder.to_string()),
        "leaf_index": tenure.map(|tenure| tenure.leaf_index),
        "payout": tenure.map(|tenure| tenure.payout.to_string()),
        "payout_owner": tenure.map(|tenure| tenure.payout_owner.to_string()),
        "claimed_total": tenure.map(|tenure| tenure.claimed_total.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    #[test]
    fn a_list_has_a_row_and_an_object_for_each_node() {
        let (address, tenure_address) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let mut node = Node::zeroed();
        (node.serial, node.tenure, node.status) = (7, tenure_address, node_status::ACTIVE);
        node.node_key = Pubkey::new_from_array([3; 32]);
        let mut tenure = Tenure::zeroed();
        (tenure.leaf_index, tenure.claimed_total) = (4, u64::MAX);
        // A bound node whose tenure is not to be seen yet is listed all the same.
        let (other, mut waiting) = (Pubkey::new_from_array([5; 32]), Node::zeroed());
        (waiting.serial, waiting.status) = (12, node_status::BOUND);

        let answer = listing(&[(address, node), (other, waiting)], &HashMap::from([(tenure_address, tenure)]));
        let (text, json) = answer.forms();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["SERIAL", "NODE", "NODE", "KEY", "TENURE", "STATUS"]);
        let cells = [address, node.node_key, tenure_address].map(|key| key.to_string());
        assert_eq!(rows[1], ["7", &cells[0], &cells[1], &cells[2], "active"]);
        assert_eq!((rows[2][0], rows[2][4], rows.len()), ("12", "bound", 3));
        assert_eq!(json["nodes"][0]["claimed_total"], "18446744073709551615");
        assert_eq!((&json["nodes"][0]["leaf_index"], &json["nodes"][1]["leaf_index"]), (&4.into(), &Value::Null));

        assert_eq!(listing(&[], &HashMap::new()).forms(), ("no node\n", &json!({"nodes": []})));
    }
}
