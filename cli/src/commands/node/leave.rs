//! The ways out of a node: unbind, thaw, detach.

use muster_client::{
    Pubkey,
    instructions::{self, FormerTenure},
    muster_network::state::{licence_standard, node_status},
};
use solana_sdk::signature::Signer;

use super::find::{find_whole, shown};
use crate::{
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    output::Answer,
};

pub async fn unbind(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let found = find_whole(context, named).await?;
    let holder = context.signer_as("the tenure's holder", &found.tenure.holder)?;
    let network = context.network().await?;
    let epoch = network.epoch_at(context.chain.clock().await?);
    let instruction = instructions::unbind(
        &holder.pubkey(),
        &found.node.project,
        &found.address,
        &found.node.tenure,
        found.key_marker(),
    );
    let facts = Facts::new()
        .say("node", found.address)
        .say("tenure", found.node.tenure)
        .number("last epoch", epoch)
        .time("thaw at", network.epoch_end(epoch));
    context.done(&[instruction], &[&holder], facts).await
}

pub async fn thaw(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = find_whole(context, named).await?;
    let node = &found.node;
    if node.status != node_status::UNBINDING {
        let status = super::status_name(node.status);
        return Err(failed(format!(
            "the node {} is {status}: its holder runs `muster node unbind` first",
            found.address
        )));
    }
    let left = node.thaw_at - context.chain.clock().await?;
    if left > 0 {
        return Err(failed(format!("the licence thaws at the end of the epoch, in {left} s")));
    }
    let instruction = instructions::thaw(&node.project, &node.licence, &node.licence_account);
    context.done(&[instruction], &[&payer], Facts::new().say("node", found.address).say("licence", node.licence)).await
}

pub async fn detach(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = find_whole(context, named).await?;
    let node = &found.node;
    if node.standard == licence_standard::TOKEN_2022 {
        return Err(usage("a licence of the project's own is frozen while it is bound: its holder unbinds it"));
    }
    let former = FormerTenure {
        tenure: node.tenure,
        holder: found.tenure.holder,
        node_key: (node.accepted_at != 0).then_some(node.node_key),
    };
    let shown = shown(node.standard, &node.licence, &node.licence_account);
    let instruction = instructions::detach(&node.project, &shown, &former);
    let facts = Facts::new().say("node", found.address).say("former holder", found.tenure.holder);
    context.done(&[instruction], &[&payer], facts).await
}
