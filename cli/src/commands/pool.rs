use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::{
        CreatePoolArgs,
        state::{Node, Pool, Project},
    },
};
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use super::node::{find_whole, status_name};
use crate::{
    args::{PoolCommand, ProjectRef},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

pub async fn run(context: &Context, command: PoolCommand) -> Result<Answer, CliError> {
    match command {
        PoolCommand::Create { project, name, capacity } => create(context, &project, name, capacity).await,
        PoolCommand::Close { pool } => close(context, &pool).await,
        PoolCommand::SetCapacity { pool, capacity } => set_capacity(context, &pool, capacity).await,
        PoolCommand::Join { pool, node } => join(context, &pool, &node).await,
        PoolCommand::Leave { node } => leave(context, &node).await,
        PoolCommand::List { project } => list(context, project).await,
        PoolCommand::Show { pool } => show(context, &pool).await,
    }
}

async fn create(context: &Context, project: &ProjectRef, name: String, capacity: u16) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let owner = context.signer_as("the project's owner", &project.owner)?;
    let index = project.pool_count;
    let facts = Facts::new()
        .say("pool", addresses::pool(&address, index))
        .number("index", index)
        .say("name", &name)
        .number("capacity", capacity);
    let args = CreatePoolArgs { index, capacity: Some(capacity), name };
    context.done(&[instructions::create_pool(&owner.pubkey(), &address, args)], &[&owner], facts).await
}

async fn fetch(context: &Context, address: &Pubkey) -> Result<Pool, CliError> {
    context.expect_or("the pool", address, "`muster pool list` lists the pools").await
}

/// A pool, and the signer who must own its project.
async fn owned(context: &Context, address: &Pubkey) -> Result<(Pool, Keypair), CliError> {
    let pool = fetch(context, address).await?;
    let project: Project = context.expect("the pool's project", &pool.project).await?;
    let owner = context.signer_as("the project's owner", &project.owner)?;
    Ok((pool, owner))
}

async fn close(context: &Context, address: &Pubkey) -> Result<Answer, CliError> {
    let (pool, owner) = owned(context, address).await?;
    let instruction = instructions::close_pool(&owner.pubkey(), &pool.project, address);
    context.done(&[instruction], &[&owner], Facts::new().say("closed", address)).await
}

async fn set_capacity(context: &Context, address: &Pubkey, capacity: u16) -> Result<Answer, CliError> {
    let (pool, owner) = owned(context, address).await?;
    let instruction = instructions::set_pool_capacity(&owner.pubkey(), &pool.project, address, capacity);
    context.done(&[instruction], &[&owner], Facts::new().say("pool", address).number("capacity", capacity)).await
}

async fn join(context: &Context, address: &Pubkey, node: &Pubkey) -> Result<Answer, CliError> {
    let pool = fetch(context, address).await?;
    let found = find_whole(context, node).await?;
    let holder = context.signer_as("the tenure's holder", &found.tenure.holder)?;
    let instruction =
        instructions::join_pool(&holder.pubkey(), &pool.project, &found.address, &found.node.tenure, address);
    let facts = Facts::new().say("pool", address).say("node", found.address);
    context.done(&[instruction], &[&holder], facts).await
}

async fn leave(context: &Context, node: &Pubkey) -> Result<Answer, CliError> {
    let signer = context.signer()?;
    let found = find_whole(context, node).await?;
    let pool = found.node.pool;
    if pool == Pubkey::default() {
        return Err(failed(format!("the node {} is in no pool", found.address)));
    }
    let instruction =
        instructions::leave_pool(&signer.pubkey(), &found.node.project, &found.address, &found.node.tenure, &pool);
    context.done(&[instruction], &[&signer], Facts::new().say("pool", pool).say("node", found.address)).await
}

async fn list(context: &Context, project: Option<ProjectRef>) -> Result<Answer, CliError> {
    let mut pools = context.chain.all::<Pool>().await?;
    if let Some(project) = project {
        let (address, _) = context.project(&project).await?;
        pools.retain(|(_, pool)| pool.project == address);
    }
    pools.sort_by_key(|(_, pool)| (pool.project, pool.index));
    let rows: Vec<Vec<String>> = pools
        .iter()
        .map(|(address, pool)| {
            let filled = format!("{}/{}", pool.count, pool.capacity);
            vec![pool.index.to_string(), pool.name().to_owned(), address.to_string(), filled]
        })
        .collect();
    let all: Vec<Value> = pools.iter().map(|(address, pool)| pool_json(address, pool)).collect();
    Ok(Answer::table(&["INDEX", "NAME", "POOL", "NODES"], &rows, "no pool", json!({"pools": all})))
}

async fn show(context: &Context, address: &Pubkey) -> Result<Answer, CliError> {
    let pool = fetch(context, address).await?;
    let nodes = context.chain.nodes_of(&pool.project).await?;
    let members: Vec<&(Pubkey, Node)> = nodes.iter().filter(|(_, node)| node.pool == *address).collect();
    let rows: Vec<Vec<String>> = members
        .iter()
        .map(|(address, node)| {
            let status = status_name(node.status).to_owned();
            vec![node.serial.to_string(), address.to_string(), node.node_key.to_string(), status]
        })
        .collect();
    let lines = [
        ("pool", format!("{address} (index {})", pool.index)),
        ("name", pool.name().to_owned()),
        ("project", pool.project.to_string()),
        ("nodes", format!("{} of {}", pool.count, pool.capacity)),
    ];
    let mut json = pool_json(address, &pool);
    json["nodes"] = members
        .iter()
        .map(|(address, node)| json!({"node": address.to_string(), "status": status_name(node.status)}))
        .collect();
    Ok(Answer::new(&lines, json).with_table(&["SERIAL", "NODE", "NODE KEY", "STATUS"], &rows))
}

fn pool_json(address: &Pubkey, pool: &Pool) -> Value {
    json!({
        "pool": address.to_string(),
        "project": pool.project.to_string(),
        "index": pool.index,
        "name": pool.name(),
        "capacity": pool.capacity,
        "count": pool.count,
    })
}
