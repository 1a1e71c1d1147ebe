mod bind;
mod find;
mod leave;
mod payout;
mod run;
mod suspension;

use std::collections::HashMap;

use muster_client::{
    Pubkey,
    muster_network::state::{Node, Tenure, node_status, suspended_by},
};
use serde_json::{Value, json};

use crate::{
    args::{NodeCommand, ProjectRef},
    context::Context,
    error::CliError,
    output::Answer,
};
pub use find::{find, find_whole, read_core};
use suspension::Suspension;

pub async fn run(context: &Context, command: NodeCommand) -> Result<Answer, CliError> {
    match command {
        NodeCommand::Bind(args) => bind::bind(context, args).await,
        NodeCommand::Accept(args) => bind::accept(context, args).await,
        NodeCommand::Show { node } => show(context, &node).await,
        NodeCommand::List { project } => list(context, project).await,
        NodeCommand::Unbind(args) => leave::unbind(context, &args.node).await,
        NodeCommand::Thaw(args) => leave::thaw(context, &args.node).await,
        NodeCommand::Detach(args) => leave::detach(context, &args.node).await,
        NodeCommand::RotateKey { node, node_keypair } => run::rotate_key(context, &node.node, &node_keypair).await,
        NodeCommand::SetPayout { tenure, payout_owner, operator_keypair } => {
            run::set_payout(context, &tenure.tenure, &payout_owner, operator_keypair.as_deref()).await
        }
        NodeCommand::SetOperator { tenure, operator, share_bps } => {
            run::set_operator(context, &tenure.tenure, &operator, share_bps).await
        }
        NodeCommand::ReleaseOperator(args) => run::release_operator(context, &args.tenure).await,
        NodeCommand::SetMetadata { node, metadata, metadata_hash } => {
            run::set_metadata(context, &node.node, metadata.as_deref(), metadata_hash.map(|hash| hash.0)).await
        }
        NodeCommand::Maintenance(args) => run::maintenance(context, args).await,
        NodeCommand::Suspend { node, reason, epochs, evidence } => {
            suspension::suspend(context, &node.node, &Suspension { reason, epochs, evidence }).await
        }
        NodeCommand::VoteSuspension { node, reason, epochs, evidence } => {
            suspension::vote(context, &node.node, &Suspension { reason, epochs, evidence }).await
        }
        NodeCommand::LiftSuspension(args) => suspension::lift(context, &args.node).await,
        NodeCommand::Appeal { node, evidence } => suspension::appeal(context, &node.node, &evidence).await,
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

/// The node as it is now, and the transaction that made it so.
pub async fn answer(context: &Context, address: &Pubkey, signature: &str) -> Result<Answer, CliError> {
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
        (
            "operator",
            some_key(&tenure.operator).map_or("none".to_owned(), |key| format!("{key} ({} bps)", tenure.operator_bps)),
        ),
        ("pool", some_key(&node.pool).unwrap_or_else(|| "none".to_owned())),
        ("suspended", suspension_text(&node)),
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

/// A key that is set.
fn some_key(key: &Pubkey) -> Option<String> {
    (*key != Pubkey::default()).then(|| key.to_string())
}

/// From when to when, by whom and why.
fn suspension_text(node: &Node) -> String {
    let by = match node.suspended_by {
        suspended_by::OWNER => "the owner",
        suspended_by::ORACLES => "the oracles",
        _ => return "never".to_owned(),
    };
    format!(
        "epochs {} to {} (excluded) by {by}, reason {}",
        node.suspended_from_epoch, node.suspended_until_epoch, node.suspension_reason
    )
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
        "pool": some_key(&node.pool),
        "maintenance_start": node.maintenance_start,
        "maintenance_end": node.maintenance_end,
        "suspended_from_epoch": node.suspended_from_epoch,
        "suspended_until_epoch": node.suspended_until_epoch,
        "suspension_reason": node.suspension_reason,
        "appeal_hash": hex::encode(node.appeal_hash),
        "thaw_at": node.thaw_at,
        "tenure": node.tenure.to_string(),
        "tenure_number": node.tenure_number,
        "holder": tenure.map(|tenure| tenure.holder.to_string()),
        "operator": tenure.and_then(|tenure| some_key(&tenure.operator)),
        "operator_bps": tenure.map(|tenure| tenure.operator_bps),
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
