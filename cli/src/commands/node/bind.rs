//! A licence and a machine's key become a node.

use std::path::Path;

use muster_client::{
    Instruction, Pubkey,
    addresses::{self, TOKEN_2022_PROGRAM},
    chain::SendOptions,
    instructions::{self, FormerTenure, ShownLicence},
    muster_network::{
        BindArgs,
        state::{Node, Project, Tenure, licence_standard},
    },
    shell::keys,
};
use muster_protocol::{canonical_json, hashv};
use serde_json::Value;
use solana_sdk::signature::{Keypair, Signer};

use super::{
    find::{find, named_by, project_of, shown},
    payout::require_payable,
};
use crate::{
    args::{NodeAccept, NodeBind},
    context::{Context, missing},
    error::{CliError, usage},
    files::read_file,
    output::Answer,
};

/// The most bytes of a metadata document.
const METADATA_LEN_MAX: u64 = 64 * 1024;

pub async fn bind(context: &Context, args: NodeBind) -> Result<Answer, CliError> {
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
    if let Some(owner) = &args.payout_owner {
        require_payable(context, owner, &project.reward_mint).await?;
    }
    let tenure_number = context.chain.bind_number(&args.licence, &holder.pubkey()).await?;
    let arguments = BindArgs {
        tenure_number,
        node_key,
        payout_owner: args.payout_owner.unwrap_or_else(|| holder.pubkey()),
        metadata_hash,
    };
    let node = addresses::node(&args.licence);
    let former = former(context, &node, &arguments, args.payout_owner).await?;
    let project = (&project_address, &project);
    let mut all = vec![bind_instruction(context, &holder.pubkey(), &args, project, former, arguments).await?];
    let mut signers = vec![&holder];
    if let Some(key) = &accepting {
        all.push(instructions::accept_node(&holder.pubkey(), &node_key, &project_address, &node));
        signers.push(key);
    }
    let budget = SendOptions { compute_units: Some(300_000), compute_unit_price: None };
    let sent = context.send_with(&all, &signers, budget).await?;
    super::answer(context, &node, &sent.signature.to_string()).await
}

/// The tenure before the one that this bind makes. A tenure that is kept keeps its payout too.
async fn former(
    context: &Context,
    address: &Pubkey,
    args: &BindArgs,
    payout_owner: Option<Pubkey>,
) -> Result<Option<FormerTenure>, CliError> {
    let Some(node) = context.chain.fetch::<Node>(address).await? else {
        return Ok(None);
    };
    let tenure: Tenure = context.tenure(&node.tenure).await?;
    if args.tenure_number != node.tenure_number {
        let accepted = node.require_bound().is_ok() && node.accepted_at != 0;
        return Ok(Some(FormerTenure {
            tenure: node.tenure,
            holder: tenure.holder,
            node_key: accepted.then_some(node.node_key),
        }));
    }
    match payout_owner {
        Some(named) if named != tenure.payout_owner => Err(usage(format!(
            "this bind keeps tenure {}, which pays {}: bind without --payout-owner, then `muster node set-payout`",
            node.tenure, tenure.payout_owner
        ))),
        _ => Ok(None),
    }
}

/// By the licence's standard: the project's own freeze, those of a linked collection are shown.
async fn bind_instruction(
    context: &Context,
    holder: &Pubkey,
    args: &NodeBind,
    (address, project): (&Pubkey, &Project),
    former: Option<FormerTenure>,
    arguments: BindArgs,
) -> Result<Instruction, CliError> {
    let licence = &args.licence;
    if project.standard == licence_standard::TOKEN_2022 {
        let account = args.licence_account.unwrap_or_else(|| addresses::ata(holder, licence, &TOKEN_2022_PROGRAM));
        return Ok(instructions::bind(holder, address, licence, &account, &project.reward_mint, arguments));
    }
    let mint = context.chain.account(licence).await?.ok_or_else(|| missing("the licence", licence))?;
    let account = args.licence_account.unwrap_or_else(|| addresses::ata(holder, licence, &mint.owner));
    let mut shown: ShownLicence = shown(project.standard, licence, &account);
    if let Some(edition) = shown.edition
        && context.chain.account(&edition).await?.is_none()
    {
        // Nobody can mint again without it: the mint's authority was given up.
        shown.edition = None;
    }
    Ok(instructions::bind_asset(holder, address, &shown, &project.reward_mint, former.as_ref(), arguments))
}

pub async fn accept(context: &Context, args: NodeAccept) -> Result<Answer, CliError> {
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
    super::answer(context, &address, &signature.to_string()).await
}

/// SHA-256 of the canonical form of a JSON document.
pub fn hash_metadata(path: &Path) -> Result<[u8; 32], CliError> {
    let bytes = read_file(path, METADATA_LEN_MAX)?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| usage(format!("{} is not JSON: {error}", path.display())))?;
    let text = canonical_json::to_string(&value).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    Ok(hashv(&[text.as_bytes()]))
}
