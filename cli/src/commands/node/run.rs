//! Running a node: its key, its payout, its operator, its metadata, its maintenance.

use std::path::Path;

use muster_client::{Pubkey, instructions, muster_network::state::Project, shell::keys};
use solana_sdk::signature::{Keypair, Signer};

use super::{
    bind::hash_metadata,
    find::{Found, find_tenure, find_whole},
    payout::{require_payable, split_at},
};
use crate::{
    args::NodeMaintenance,
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    output::Answer,
};

/// A node, and the signer who must be its holder or operator.
async fn run_by(context: &Context, named: &Pubkey) -> Result<(Found, Keypair), CliError> {
    let found = find_whole(context, named).await?;
    let signer = context.signer()?;
    if !found.tenure.may_run(&signer.pubkey()) {
        return Err(usage(format!(
            "the signer {} is neither the tenure's holder {} nor its operator: name the right key's file by --keypair",
            signer.pubkey(),
            found.tenure.holder
        )));
    }
    Ok((found, signer))
}

pub async fn rotate_key(context: &Context, named: &Pubkey, key_file: &Path) -> Result<Answer, CliError> {
    let (found, signer) = run_by(context, named).await?;
    let key = keys::read(key_file)?;
    let instruction = instructions::rotate_node_key(
        &signer.pubkey(),
        &key.pubkey(),
        &found.node.project,
        &found.address,
        &found.node.tenure,
        found.key_marker(),
    );
    let signature = context.send(&[instruction], &[&signer, &key]).await?;
    super::answer(context, &found.address, &signature.to_string()).await
}

pub async fn set_payout(
    context: &Context,
    named: &Pubkey,
    payout_owner: &Pubkey,
    operator: Option<&Path>,
) -> Result<Answer, CliError> {
    let (address, tenure) = find_tenure(context, named).await?;
    let holder = context.signer_as("the tenure's holder", &tenure.holder)?;
    let operator = operator.map(keys::read).transpose()?;
    if operator.is_none() && tenure.operator != Pubkey::default() {
        return Err(usage(format!(
            "the payout is bound to the share of operator {}: name his key file by --operator-keypair, or he runs \
             `muster node release-operator`",
            tenure.operator
        )));
    }
    let project: Project = context.expect("the tenure's project", &tenure.project).await?;
    require_payable(context, payout_owner, &project.reward_mint).await?;
    let instruction = instructions::set_payout(
        &holder.pubkey(),
        operator.as_ref().map(Signer::pubkey),
        &tenure.project,
        &address,
        &project.reward_mint,
        payout_owner,
    );
    let currency = context.currency(&project.reward_mint).await?;
    let facts = Facts::new()
        .say("tenure", address)
        .say("payout owner", payout_owner)
        .say("payout", currency.account_of(payout_owner));
    let signers: Vec<&Keypair> = [&holder].into_iter().chain(operator.as_ref()).collect();
    context.done(&[instruction], &signers, facts).await
}

pub async fn set_operator(
    context: &Context,
    named: &Pubkey,
    operator: &Pubkey,
    share_bps: Option<u16>,
) -> Result<Answer, CliError> {
    let (address, tenure) = find_tenure(context, named).await?;
    let holder = context.signer_as("the tenure's holder", &tenure.holder)?;
    let remedy = "the payout must be a split: `muster split create`, then `muster node set-payout`";
    let Some(split) = split_at(context, &tenure.payout_owner).await? else {
        return Err(failed(format!("the tenure's payout owner {} is no split: {remedy}", tenure.payout_owner)));
    };
    let bps = share_bps.unwrap_or_else(|| split.share_of(operator));
    if bps == 0 {
        return Err(failed(format!("the split {} gives {operator} nothing: {remedy}", tenure.payout_owner)));
    }
    let instruction =
        instructions::set_operator(&holder.pubkey(), &tenure.project, &address, &tenure.payout_owner, operator, bps);
    let facts = Facts::new().say("tenure", address).say("operator", operator).number("share bps", bps);
    context.done(&[instruction], &[&holder], facts).await
}

pub async fn release_operator(context: &Context, named: &Pubkey) -> Result<Answer, CliError> {
    let (address, tenure) = find_tenure(context, named).await?;
    let operator = context.signer_as("the tenure's operator", &tenure.operator)?;
    let instruction = instructions::release_operator(&operator.pubkey(), &tenure.project, &address);
    let facts = Facts::new().say("tenure", address).say("holder", tenure.holder);
    context.done(&[instruction], &[&operator], facts).await
}

pub async fn set_metadata(
    context: &Context,
    named: &Pubkey,
    document: Option<&Path>,
    hash: Option<[u8; 32]>,
) -> Result<Answer, CliError> {
    let hash = match (document, hash) {
        (Some(path), _) => hash_metadata(path)?,
        (None, Some(hash)) => hash,
        (None, None) => return Err(usage("name the document by --metadata or --metadata-hash")),
    };
    let (found, signer) = run_by(context, named).await?;
    let instruction =
        instructions::set_metadata(&signer.pubkey(), &found.node.project, &found.address, &found.node.tenure, hash);
    let facts = Facts::new().say("node", found.address).say("metadata hash", hex::encode(hash));
    context.done(&[instruction], &[&signer], facts).await
}

pub async fn maintenance(context: &Context, args: NodeMaintenance) -> Result<Answer, CliError> {
    let (found, signer) = run_by(context, &args.node.node).await?;
    let (start, end) = match args.lasts {
        None => (0, 0),
        Some(lasts) => {
            let bucket_s = u64::from(context.network().await?.bucket_len);
            let wait_s = args.begins_in.map_or(bucket_s + 60, |wait| wait.as_secs());
            let too_far = |_| usage("the maintenance is too far away");
            let wait_s = i64::try_from(wait_s).map_err(too_far)?;
            let start = context.chain.clock().await?.saturating_add(wait_s);
            (start, start.saturating_add(i64::try_from(lasts.as_secs()).map_err(too_far)?))
        }
    };
    let instruction = instructions::announce_maintenance(
        &signer.pubkey(),
        &found.node.project,
        &found.address,
        &found.node.tenure,
        start,
        end,
    );
    let facts = Facts::new().say("node", found.address);
    let facts = match args.cancel {
        true => facts.say("maintenance", "cancelled"),
        false => facts.time("start", start).time("end", end),
    };
    context.done(&[instruction], &[&signer], facts).await
}
