//! Nodes and tenures by whatever names them.

use muster_client::{
    Pubkey,
    accounts::AnyAccount,
    addresses,
    muster_network::{
        licences::{Shown, core_asset, token_metadata},
        state::{CollectionMarker, KeyMarker, Node, Project, Tenure, licence_standard, node_status},
    },
};
use solana_sdk::account::Account;

use crate::{
    context::{Context, missing},
    error::{CliError, failed, usage},
};

/// A node with its address and its current tenure.
pub struct Found {
    pub address: Pubkey,
    pub node: Node,
    pub tenure: Tenure,
}

impl Found {
    /// The marker of the node's key, which exists from its acceptance to its unbinding.
    pub fn key_marker(&self) -> Option<Pubkey> {
        (self.node.accepted_at != 0).then(|| addresses::key_marker(&self.node.node_key))
    }
}

/// A node by its own address, its licence's or its key's.
pub async fn find(context: &Context, named: &Pubkey) -> Result<(Pubkey, Node), CliError> {
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
    Err(failed(format!("{named} is no node, and no node's licence or key: `muster node list` lists the nodes")))
}

/// As [`find`], with the current tenure.
pub async fn find_whole(context: &Context, named: &Pubkey) -> Result<Found, CliError> {
    let (address, node) = find(context, named).await?;
    let tenure = context.tenure(&node.tenure).await?;
    Ok(Found { address, node, tenure })
}

/// A tenure by its own address, or a node's current one by whatever names the node.
pub async fn find_tenure(context: &Context, named: &Pubkey) -> Result<(Pubkey, Tenure), CliError> {
    if let Some(account) = context.chain.account(named).await?
        && let Ok(Some(AnyAccount::Tenure(tenure))) = AnyAccount::decode(&account.owner, &account.data)
    {
        return Ok((*named, *tenure));
    }
    let found = find_whole(context, named).await?;
    Ok((found.node.tenure, found.tenure))
}

/// The node that waits for this key.
pub async fn named_by(context: &Context, key: &Pubkey) -> Result<(Pubkey, Node), CliError> {
    context
        .chain
        .nodes()
        .await?
        .into_iter()
        .find(|(_, node)| node.node_key == *key && node.status == node_status::BOUND)
        .ok_or_else(|| failed(format!("no bind waits for the node key {key}")))
}

/// The project whose licence this is: by the node that it has, by the mint's authority, or by its collection.
pub async fn project_of(context: &Context, licence: &Pubkey) -> Result<(Pubkey, Project), CliError> {
    if let Some(node) = context.chain.fetch::<Node>(&addresses::node(licence)).await? {
        return Ok((node.project, context.expect("the node's project", &node.project).await?));
    }
    let account = context.chain.account(licence).await?.ok_or_else(|| missing("the licence", licence))?;
    if let Some(collection) = collection_of(context, licence, &account).await? {
        let marker = addresses::collection_marker(&collection);
        if let Some(marker) = context.chain.fetch::<CollectionMarker>(&marker).await? {
            return Ok((marker.project, context.expect("the collection's project", &marker.project).await?));
        }
    }
    // A licence of a project's own has the project as its freeze authority: bytes 50..82 of a mint, behind the flag.
    let authority: Option<[u8; 32]> = account.data.get(50..82).and_then(|bytes| bytes.try_into().ok());
    let address = authority.map(Pubkey::new_from_array).unwrap_or_default();
    match context.chain.fetch::<Project>(&address).await {
        Ok(Some(project)) => Ok((address, project)),
        Err(error @ muster_client::chain::ChainError::Rpc { .. }) => Err(error.into()),
        _ => Err(usage(format!(
            "{licence} is not a licence of a project of this network: `muster licence list --holder` lists a wallet's"
        ))),
    }
}

/// The Metaplex collection that an asset says it belongs to.
async fn collection_of(context: &Context, licence: &Pubkey, account: &Account) -> Result<Option<Pubkey>, CliError> {
    if account.owner == core_asset::PROGRAM {
        return Ok(read_core(licence, account).and_then(|asset| asset.collection));
    }
    let address = token_metadata::metadata_address(licence);
    let metadata = context.chain.account(&address).await?;
    let read = metadata.as_ref().and_then(|metadata| {
        token_metadata::read_metadata(&Shown { key: &address, owner: &metadata.owner, data: &metadata.data })
    });
    Ok(read.and_then(|metadata| metadata.collection))
}

/// A Metaplex Core asset, if the account is one.
pub fn read_core(asset: &Pubkey, account: &Account) -> Option<core_asset::Asset> {
    core_asset::read_asset(&Shown { key: asset, owner: &account.owner, data: &account.data })
}

/// The accounts that show a licence of a linked collection; of Token Metadata, `account` holds the token.
pub fn shown(standard: u8, licence: &Pubkey, account: &Pubkey) -> muster_client::instructions::ShownLicence {
    use muster_client::instructions::ShownLicence;
    match standard {
        licence_standard::CORE => ShownLicence::core(licence),
        _ => ShownLicence::token_metadata(licence, account),
    }
}
