//! Suspensions: imposed by a project's owner or by the oracles, lifted, objected to.

use muster_client::{
    Pubkey, instructions,
    muster_network::{
        SuspensionArgs,
        state::{Node, Project},
    },
};
use solana_sdk::signature::{Keypair, Signer};

use super::find::{find, find_whole};
use crate::{
    args::EvidenceArgs,
    context::Context,
    error::{CliError, usage},
    facts::Facts,
    files::evidence_hash,
    output::Answer,
};

/// Why and how long, as it was typed.
pub struct Suspension {
    pub reason: u16,
    pub epochs: u8,
    pub evidence: EvidenceArgs,
}

impl Suspension {
    fn args(&self) -> Result<SuspensionArgs, CliError> {
        let evidence_hash = evidence_hash(&self.evidence)?;
        Ok(SuspensionArgs { reason: self.reason, evidence_hash, epochs: self.epochs })
    }
}

/// A node, and the signer who must own its project.
async fn owned(context: &Context, named: &Pubkey) -> Result<(Pubkey, Node, Keypair), CliError> {
    let (address, node) = find(context, named).await?;
    let project: Project = context.expect("the node's project", &node.project).await?;
    let owner = context.signer_as("the project's owner", &project.owner)?;
    Ok((address, node, owner))
}

pub async fn suspend(context: &Context, named: &Pubkey, suspension: &Suspension) -> Result<Answer, CliError> {
    let args = suspension.args()?;
    let (address, node, owner) = owned(context, named).await?;
    let instruction = instructions::suspend_node(&owner.pubkey(), &node.project, &address, args);
    context.done(&[instruction], &[&owner], stated(&address, &args)).await
}

pub async fn vote(context: &Context, named: &Pubkey, suspension: &Suspension) -> Result<Answer, CliError> {
    let args = suspension.args()?;
    let (address, node) = find(context, named).await?;
    let (oracle, set) = context.signer_as_oracle().await?;
    let instruction = instructions::vote_suspension(&oracle.pubkey(), &node.project, &address, args, set.set_version);
    let facts = stated(&address, &args).number("set version", set.set_version);
    context.done(&[instruction], &[&oracle], facts).await
}

fn stated(node: &Pubkey, args: &SuspensionArgs) -> Facts {
    Facts::new()
        .say("node", node)
        .number("reason", args.reason)
        .number("epochs", args.epochs)
        .say("evidence hash", hex::encode(args.evidence_hash))
}

pub async fn lift(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let (address, node, owner) = owned(context, named).await?;
    let instruction = instructions::lift_suspension(&owner.pubkey(), &node.project, &address);
    context.done(&[instruction], &[&owner], Facts::new().say("node", address)).await
}

pub async fn appeal(context: &Context, named: &Pubkey, evidence: &EvidenceArgs) -> Result<Answer, CliError> {
    let hash = evidence_hash(evidence)?;
    let found = find_whole(context, named).await?;
    let signer = context.signer()?;
    if !found.tenure.may_run(&signer.pubkey()) {
        return Err(usage(format!("only the holder {} and his operator appeal", found.tenure.holder)));
    }
    let instruction =
        instructions::appeal(&signer.pubkey(), &found.node.project, &found.address, &found.node.tenure, hash);
    let facts = Facts::new().say("node", found.address).say("evidence hash", hex::encode(hash));
    context.done(&[instruction], &[&signer], facts).await
}
