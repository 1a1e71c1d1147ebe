//! An oracle's votes, signed by hand.

use std::path::Path;

use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::{
        ApproveRootArgs,
        state::{Distribution, Epoch, HeldPlace, OracleSet, Project, reward_mode},
    },
};
use muster_protocol::{
    leaves::Leaves,
    votes::{LedgerEntry, ledger_head},
};
use solana_sdk::signature::Signer;

use super::hold::held_epoch;
use crate::{
    args::{Hash32, RootVote},
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    files::read_file,
    output::Answer,
};

/// The most bytes of a leaf file: a million leaves.
const LEAVES_LEN_MAX: u64 = 64 * 1024 * 1024;

pub async fn commit_views(context: &Context, epoch: u64, views: &[(Pubkey, Hash32)]) -> Result<Answer, CliError> {
    let (oracle, set) = context.signer_as_oracle().await?;
    let mut hashes = vec![[0; 32]; usize::from(set.count)];
    for (key, hash) in views {
        let place = set.position(key).ok_or_else(|| usage(format!("{key} is no oracle of the set")))?;
        hashes[place] = hash.0;
    }
    let instruction = instructions::commit_views(&oracle.pubkey(), epoch, hashes);
    let facts = Facts::new()
        .number("epoch", epoch)
        .say("view set", addresses::view_set(epoch))
        .number("named", views.len() as u64)
        .number("set version", set.set_version);
    context.done(&[instruction], &[&oracle], facts).await
}

pub async fn approve(context: &Context, args: RootVote) -> Result<Answer, CliError> {
    let (oracle, set) = context.signer_as_oracle().await?;
    let (address, project) = context.project(&args.project).await?;
    let distribution = context.distribution(&address).await?;
    distribution
        .require_unapproved(set.set_version)
        .map_err(|_| failed("no settlement waits for this set's votes: it is approved already, or none is open"))?;
    let epoch: Epoch =
        context.expect("the open settlement", &addresses::epoch(&address, distribution.open_epoch)).await?;
    let total = distribution.allocated.saturating_add(distribution.open_node_pool);
    let vote = vote(&args, (&address, &project), &distribution, &epoch, distribution.open_revision, total)?;
    let facts = stated(&address, &vote, &set);
    context.done(&[instructions::approve_root(&oracle.pubkey(), &address, vote)], &[&oracle], facts).await
}

pub async fn correct(context: &Context, args: RootVote) -> Result<Answer, CliError> {
    let (oracle, set) = context.signer_as_oracle().await?;
    let (address, project) = context.project(&args.project).await?;
    let distribution = context.distribution(&address).await?;
    let now = context.chain.clock().await?;
    let number = held_epoch(&distribution, now)?;
    let held = match distribution.held_place(number, now) {
        Some(HeldPlace::Pending) => &distribution.pending,
        Some(HeldPlace::Active(0)) => &distribution.roots[0],
        _ => return Err(failed("the held root is not the newest: it is corrected no more")),
    };
    let epoch: Epoch = context.expect("the held root's settlement", &addresses::epoch(&address, number)).await?;
    let revision = held.revision.saturating_add(1);
    let vote = vote(&args, (&address, &project), &distribution, &epoch, revision, held.total)?;
    let facts = stated(&address, &vote, &set);
    context.done(&[instructions::correct_root(&oracle.pubkey(), &address, vote)], &[&oracle], facts).await
}

/// The vote for a root: what follows from the chain is taken from there.
fn vote(
    args: &RootVote,
    (address, project): (&Pubkey, &Project),
    distribution: &Distribution,
    settled: &Epoch,
    revision: u32,
    total: u64,
) -> Result<ApproveRootArgs, CliError> {
    let (root, count) = match (&args.leaves, args.root, args.count) {
        (Some(path), ..) => from_leaves(path, address, total)?,
        (None, Some(root), Some(count)) => (root.0, count),
        // Nothing is claimed here: what is approved are the points themselves.
        _ if project.reward_mode == reward_mode::EXTERNAL => (settled.points_root, settled.node_count),
        _ => return Err(usage("name the leaf file that you computed by --leaves, or its --root and --count")),
    };
    let entry = LedgerEntry {
        project: address.to_bytes(),
        epoch: settled.epoch,
        revision,
        points_root: settled.points_root,
        root,
        total,
        dataset_hash: settled.dataset_hash,
    };
    Ok(ApproveRootArgs {
        epoch: settled.epoch,
        revision,
        root,
        total,
        count,
        dataset_hash: settled.dataset_hash,
        log_head: ledger_head(&distribution.ledger_head, &entry),
    })
}

/// Root and count of a leaf file, which must be this project's and sum to what the chain will owe.
fn from_leaves(path: &Path, address: &Pubkey, total: u64) -> Result<([u8; 32], u32), CliError> {
    let wrong = |why: String| usage(format!("{}: {why}", path.display()));
    let leaves = Leaves::decode(&read_file(path, LEAVES_LEN_MAX)?).map_err(|error| wrong(error.to_string()))?;
    let distribution = addresses::distribution(address);
    if leaves.distribution != distribution.to_bytes() {
        return Err(wrong(format!("these leaves are not of distribution {distribution}")));
    }
    if leaves.total.get() != total {
        return Err(wrong(format!(
            "these leaves sum to {} base units, the chain asks for {total}",
            leaves.total.get()
        )));
    }
    let root = leaves.root().map_err(|error| wrong(error.to_string()))?;
    Ok((root, leaves.rows.len() as u32))
}

fn stated(project: &Pubkey, vote: &ApproveRootArgs, set: &OracleSet) -> Facts {
    Facts::new()
        .say("project", project)
        .number("epoch", vote.epoch)
        .number("revision", vote.revision)
        .say("root", hex::encode(vote.root))
        .say("total", vote.total)
        .number("count", vote.count)
        .say("dataset hash", hex::encode(vote.dataset_hash))
        .say("ledger head", hex::encode(vote.log_head))
        .number("set version", set.set_version)
}
