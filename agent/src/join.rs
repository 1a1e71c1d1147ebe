//! `muster-agent join`: finds the node account that the holder bound to this key, and accepts.

use std::time::{Duration, Instant};

use muster_client::accounts::DISCRIMINATOR_LEN;
use muster_client::chain::Chain;
use muster_client::muster_network::state::{Node, node_status};
use muster_client::shell::keys;
use muster_client::{Pubkey, instructions};
use serde_json::json;
use solana_sdk::signature::{Keypair, Signer};

use crate::cli::{Context, JoinArgs};
use crate::data_dir::set_config;
use crate::failure::Failure;

/// Where a node account names its key: behind project, licence and licence account.
const NODE_KEY_OFFSET: usize = DISCRIMINATOR_LEN + 96;
/// Between two looks at the chain.
const POLL_EVERY: Duration = Duration::from_secs(2);
/// Lamports that a payer must have at least: one signature and the rent of the key's marker.
const LAMPORTS_MIN: u64 = 2_000_000;

/// Nodes whose account names this key and that are bound or active.
pub async fn bound_nodes(chain: &Chain, node_key: &Pubkey) -> Result<Vec<(Pubkey, Node)>, Failure> {
    let mut nodes = chain.all_where::<Node>(&[(NODE_KEY_OFFSET, node_key.as_ref())]).await?;
    nodes.retain(|(_, node)| [node_status::BOUND, node_status::ACTIVE].contains(&node.status));
    Ok(nodes)
}

/// Name of a node's status.
pub fn status_name(status: u8) -> &'static str {
    match status {
        node_status::BOUND => "bound",
        node_status::ACTIVE => "active",
        node_status::UNBINDING => "unbinding",
        node_status::FREE => "free",
        _ => "unknown",
    }
}

/// Waits for the bind, accepts if that is still to do, and writes the node's addresses to the configuration.
pub async fn join(context: &Context, arguments: &JoinArgs) -> Result<(), Failure> {
    let chain = context.chain().ok_or_else(|| Failure::Use("join needs the chain: give --rpc-url".into()))?;
    let keypair = context.keypair()?;
    let payer = arguments.fee_payer.as_deref().map(keys::read).transpose()?;
    let (address, node) = wait_for_bind(context, &chain, &keypair.pubkey(), arguments).await?;
    let mut signature = None;
    if node.status == node_status::BOUND {
        signature = Some(accept(&chain, &keypair, payer.as_ref(), &address, &node).await?);
    }
    // Written before anything is said: what was said holds.
    let path = context.config_path.clone().unwrap_or_else(|| context.data.config());
    let entries =
        [("node_id", address.to_string()), ("tenure", node.tenure.to_string()), ("project", node.project.to_string())];
    set_config(&path, &entries)?;
    if context.json {
        let value = json!({
            "node": address.to_string(), "tenure": node.tenure.to_string(), "project": node.project.to_string(),
            "licence": node.licence.to_string(), "node_key": node.node_key.to_string(), "status": "active",
            "signature": signature.map(|signature| signature.to_string()), "config": path,
        });
        println!("{value}");
    } else {
        let how = if signature.is_some() { "accepted" } else { "had accepted before" };
        println!("The node key {how}: node {address} of licence {} is active.", node.licence);
        println!("Saved to {}. Next: muster-agent run", path.display());
    }
    Ok(())
}

async fn wait_for_bind(
    context: &Context,
    chain: &Chain,
    node_key: &Pubkey,
    arguments: &JoinArgs,
) -> Result<(Pubkey, Node), Failure> {
    let deadline = Instant::now() + Duration::from_secs(arguments.timeout);
    let mut told = false;
    loop {
        let mut nodes = match bound_nodes(chain, node_key).await {
            Ok(nodes) => nodes,
            // A chain that is away for a moment is waited for as the bind is.
            Err(Failure::Network(why)) if Instant::now() < deadline => {
                tracing::warn!(why, "the chain does not answer, trying again");
                tokio::time::sleep(POLL_EVERY).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        nodes.retain(|(address, node)| is_meant(arguments, address, node));
        // A key that accepted belongs to that node alone.
        if let Some(at) = nodes.iter().position(|(_, node)| node.status == node_status::ACTIVE) {
            return Ok(nodes.swap_remove(at));
        }
        match nodes.len() {
            0 => {}
            1 => return Ok(nodes.swap_remove(0)),
            // Anybody may bind any key: the first of several could be a stranger's.
            _ => {
                let list: Vec<String> =
                    nodes.iter().map(|(node, account)| format!("{node} (licence {})", account.licence)).collect();
                return Err(Failure::Refused(format!(
                    "several nodes are bound to this key, choose one with --node or --licence: {}",
                    list.join(", ")
                )));
            }
        }
        if Instant::now() >= deadline {
            return Err(Failure::Refused(format!(
                "no node is bound to the key {node_key} after {} s; the holder does it with: muster node bind --licence LICENCE --node-key {node_key}",
                arguments.timeout
            )));
        }
        if !told && !context.json {
            println!("Waiting for the holder to bind the node key {node_key} ...");
            told = true;
        }
        tokio::time::sleep(POLL_EVERY.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
}

fn is_meant(arguments: &JoinArgs, address: &Pubkey, node: &Node) -> bool {
    let matches =
        |wanted: &Option<String>, found: &Pubkey| wanted.as_ref().is_none_or(|wanted| *wanted == found.to_string());
    matches(&arguments.node, address) && matches(&arguments.licence, &node.licence)
}

async fn accept(
    chain: &Chain,
    keypair: &Keypair,
    payer: Option<&Keypair>,
    address: &Pubkey,
    node: &Node,
) -> Result<solana_sdk::signature::Signature, Failure> {
    let payer = payer.unwrap_or(keypair);
    let lamports = chain.lamports(&payer.pubkey()).await?;
    if lamports < LAMPORTS_MIN {
        return Err(Failure::Refused(format!(
            "{} has {lamports} lamports, accepting takes up to {LAMPORTS_MIN}; send it some SOL or give --fee-payer",
            payer.pubkey()
        )));
    }
    let instruction = instructions::accept_node(&payer.pubkey(), &keypair.pubkey(), &node.project, address);
    match chain.send(&[instruction], &[payer, keypair]).await {
        Ok(signature) => Ok(signature),
        Err(error) => {
            // The answer to an earlier attempt may have been lost.
            if let Some(found) = chain.fetch::<Node>(address).await?
                && found.status == node_status::ACTIVE
                && found.node_key == keypair.pubkey()
            {
                return Ok(solana_sdk::signature::Signature::default());
            }
            Err(error.into())
        }
    }
}
