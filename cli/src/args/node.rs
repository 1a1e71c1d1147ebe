use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use muster_client::Pubkey;

use super::values::{EvidenceArgs, Hash32, ProjectRef, parse_address, parse_hash};
use crate::amount::parse_duration;

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Bind a licence to a node key; the project's own licences freeze, assets of a linked collection do not. The
    /// licence's holder.
    Bind(NodeBind),
    /// Accept a bind; the node earns from the next bucket. The node key signs; the default key pays.
    Accept(NodeAccept),
    /// Show a node.
    Show {
        /// Address of the node, its licence or its node key.
        #[arg(value_parser = parse_address)]
        node: Pubkey,
    },
    /// List nodes.
    List {
        /// Only those of this project: index or address.
        #[arg(long, value_name = "PROJECT")]
        project: Option<ProjectRef>,
    },
    /// End the node's tenure with this epoch and free its key. The tenure's holder.
    Unbind(NodeRef),
    /// Free an unbound node and its licence, from the end of the epoch on. Anyone.
    Thaw(NodeRef),
    /// Free the node of a holder who no longer holds the asset of the linked collection. Anyone.
    Detach(NodeRef),
    /// Put another key in the place of the node's, accepted at once. The tenure's holder or operator, and the new key.
    RotateKey {
        #[command(flatten)]
        node: NodeRef,
        /// Key file of the new node key.
        #[arg(long, value_name = "NODE_KEYFILE")]
        node_keypair: PathBuf,
    },
    /// Name the wallet or split that a tenure's claims pay. The tenure's holder, and its operator if it has one.
    SetPayout {
        #[command(flatten)]
        tenure: TenureRef,
        /// Wallet or split whose associated token account is paid.
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        payout_owner: Pubkey,
        /// Key file of the tenure's operator.
        #[arg(long, value_name = "FILE")]
        operator_keypair: Option<PathBuf>,
    },
    /// Let an operator run the node for a share of the payout, which must be a split that pays it. The tenure's holder.
    SetOperator {
        #[command(flatten)]
        tenure: TenureRef,
        #[arg(long, value_parser = parse_address, value_name = "KEY")]
        operator: Pubkey,
        /// Basis points; at most what the split gives the operator, which is the default.
        #[arg(long)]
        share_bps: Option<u16>,
    },
    /// Give a tenure back to its holder alone. The tenure's operator.
    ReleaseOperator(TenureRef),
    /// Name the hash of the node's metadata document. The tenure's holder or operator.
    #[command(group(clap::ArgGroup::new("document").required(true).args(["metadata", "metadata_hash"])))]
    SetMetadata {
        #[command(flatten)]
        node: NodeRef,
        /// JSON document about the machine; the hash of its canonical form goes on chain.
        #[arg(long, value_name = "FILE")]
        metadata: Option<PathBuf>,
        /// SHA-256 of the metadata, as an indexer answered it.
        #[arg(long, value_parser = parse_hash, value_name = "HEX")]
        metadata_hash: Option<Hash32>,
    },
    /// Announce maintenance, which costs no uptime, or cancel it before it begins. The tenure's holder or operator.
    Maintenance(NodeMaintenance),
    /// Stop a node's earning from the next epoch on, for 1 to 10. The project's owner.
    Suspend {
        #[command(flatten)]
        node: NodeRef,
        /// Code that the evidence explains.
        #[arg(long)]
        reason: u16,
        #[arg(long)]
        epochs: u8,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Vote to suspend a node, or to lift that by 0 epochs; the threshold decides. An oracle of the set.
    VoteSuspension {
        #[command(flatten)]
        node: NodeRef,
        /// Code that the evidence explains.
        #[arg(long)]
        reason: u16,
        #[arg(long)]
        epochs: u8,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// End the owner's own suspension of a node with this epoch. The project's owner.
    LiftSuspension(NodeRef),
    /// Put the hash of an objection to a suspension on the node. The tenure's holder or operator.
    Appeal {
        #[command(flatten)]
        node: NodeRef,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
}

#[derive(Debug, Args)]
pub struct NodeRef {
    /// Address of the node, its licence or its node key.
    #[arg(value_parser = parse_address)]
    pub node: Pubkey,
}

#[derive(Debug, Args)]
pub struct TenureRef {
    /// Address of a tenure; or of a node, its licence or its node key, for the node's current tenure.
    #[arg(value_parser = parse_address)]
    pub tenure: Pubkey,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["lasts", "cancel"])))]
pub struct NodeMaintenance {
    #[command(flatten)]
    pub node: NodeRef,
    /// How long it lasts, as 30m or 2h; 8 hours in 30 days at most.
    #[arg(long = "for", id = "lasts", value_parser = parse_duration, value_name = "TIME")]
    pub lasts: Option<Duration>,
    /// In how long it begins, at least a bucket and at most 30 days. Default: a bucket and a minute.
    #[arg(long = "in", id = "begins_in", value_parser = parse_duration, value_name = "TIME")]
    pub begins_in: Option<Duration>,
    /// Cancel what has not begun.
    #[arg(long)]
    pub cancel: bool,
}

#[derive(Debug, Args)]
pub struct NodeBind {
    /// Mint of the licence, or the Metaplex Core asset.
    #[arg(long, value_parser = parse_address, value_name = "LICENCE")]
    pub licence: Pubkey,
    /// The machine's hot key.
    #[arg(long, value_parser = parse_address, value_name = "KEY", required_unless_present = "accept_with")]
    pub node_key: Option<Pubkey>,
    /// Key file of the machine: accepts in the same transaction.
    #[arg(long, value_name = "NODE_KEYFILE")]
    pub accept_with: Option<PathBuf>,
    /// Wallet whose token account claims pay. Default: the signer.
    #[arg(long, value_parser = parse_address, value_name = "KEY")]
    pub payout_owner: Option<Pubkey>,
    /// JSON document about the machine; the hash of its canonical form goes on chain.
    #[arg(long, value_name = "FILE", conflicts_with = "metadata_hash")]
    pub metadata: Option<PathBuf>,
    /// SHA-256 of the metadata, as an indexer answered it.
    #[arg(long, value_parser = parse_hash, value_name = "HEX")]
    pub metadata_hash: Option<Hash32>,
    /// Token account that holds the licence. Default: the signer's associated one.
    #[arg(long, value_parser = parse_address, value_name = "ACCOUNT")]
    pub licence_account: Option<Pubkey>,
}

#[derive(Debug, Args)]
pub struct NodeAccept {
    /// Key file of the machine. Default: the signer.
    #[arg(long, value_name = "NODE_KEYFILE")]
    pub node_keypair: Option<PathBuf>,
    /// Address of the node or its licence. Default: the one that names the key.
    #[arg(long, value_parser = parse_address, value_name = "NODE")]
    pub node: Option<Pubkey>,
}
