//! Who owns a project and who settles its epochs.

use muster_client::{Pubkey, instructions, muster_network::state::Project};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    args::ProjectRef,
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

/// A project, and the signer who must be its owner.
pub async fn owned(context: &Context, project: &ProjectRef) -> Result<(Pubkey, Project, Keypair), CliError> {
    let (address, project) = context.project(project).await?;
    let owner = context.signer_as("the project's owner", &project.owner)?;
    Ok((address, project, owner))
}

pub async fn propose(context: &Context, project: &ProjectRef, key: Pubkey) -> Result<Answer, CliError> {
    let (address, _, owner) = owned(context, project).await?;
    let instruction = instructions::propose_owner(&owner.pubkey(), &address, key);
    context.done(&[instruction], &[&owner], Facts::new().say("project", address).say("proposed", key)).await
}

pub async fn accept(context: &Context, project: &ProjectRef) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let proposed = project.pending_owner;
    if proposed == Pubkey::default() {
        return Err(failed("nobody is proposed as owner: the owner runs `muster project propose-owner`"));
    }
    let signer = context.signer_as("the key proposed as owner,", &proposed)?;
    let instruction = instructions::accept_owner(&proposed, &address);
    context.done(&[instruction], &[&signer], Facts::new().say("project", address).say("owner", proposed)).await
}

pub async fn set_settler(context: &Context, project: &ProjectRef, settler: Pubkey) -> Result<Answer, CliError> {
    let (address, _, owner) = owned(context, project).await?;
    let instruction = instructions::set_settler(&owner.pubkey(), &address, settler);
    context.done(&[instruction], &[&owner], Facts::new().say("project", address).say("settler", settler)).await
}

pub async fn close(context: &Context, project: &ProjectRef) -> Result<Answer, CliError> {
    let (address, _, owner) = owned(context, project).await?;
    let instruction = instructions::close_project(&owner.pubkey(), &address);
    context.done(&[instruction], &[&owner], Facts::new().say("closed", address)).await
}
