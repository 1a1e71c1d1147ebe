//! The calls that a ledger is made of, as a trait: the real ones go to an RPC node, the simulator's to a chain model that
//! lags, leaves out and loses answers.

use muster_client::chain::{Chain, Followed};
use muster_client::{Pubkey, instructions};
use muster_network::ApproveRootArgs;
use muster_network::state::{Distribution, Epoch, Network, Node, OracleSet, Project, Tenure, ViewSet};
use solana_sdk::instruction::Instruction;
use solana_sdk::signature::Signer;

use super::ledger::Answer;
use crate::signer::OracleKey;

/// Accounts of one type with their addresses.
pub type Accounts<T> = Vec<(Pubkey, T)>;

/// What an oracle sends to the chain.
#[derive(Clone, Debug)]
pub enum Order {
    /// Names the views that it holds.
    CommitViews {
        /// The epoch.
        epoch: u64,
        /// One per oracle of the set; zeros for none.
        hashes: Vec<[u8; 32]>,
    },
    /// Votes for a root.
    ApproveRoot {
        /// Address of the project.
        project: [u8; 32],
        /// The vote.
        args: ApproveRootArgs,
    },
    /// Votes for a root in the place of a held one.
    CorrectRoot {
        /// Address of the project.
        project: [u8; 32],
        /// The vote.
        args: ApproveRootArgs,
    },
}

impl Order {
    /// The instruction of the network program.
    pub fn instruction(self, oracle: &Pubkey) -> Instruction {
        match self {
            Self::CommitViews { epoch, hashes } => instructions::commit_views(oracle, epoch, hashes),
            Self::ApproveRoot { project, args } => instructions::approve_root(oracle, &project.into(), args),
            Self::CorrectRoot { project, args } => instructions::correct_root(oracle, &project.into(), args),
        }
    }
}

/// See the module. Behind one address several nodes may answer, each as of another slot: an answer is as of `min_slot` or
/// later, or an error. An error is never "absent": absent is `None`.
pub trait Rpc: Send + Sync + 'static {
    /// The chain's clock, Unix seconds, and the slot that it was read in.
    fn clock(&self) -> Answer<'_, (i64, u64)>;
    /// The network.
    fn network(&self, min_slot: u64) -> Answer<'_, Option<Network>>;
    /// The oracle set.
    fn oracle_set(&self, min_slot: u64) -> Answer<'_, Option<OracleSet>>;
    /// All projects.
    fn projects(&self, min_slot: u64) -> Answer<'_, Accounts<Project>>;
    /// All distributions.
    fn distributions(&self, min_slot: u64) -> Answer<'_, Accounts<Distribution>>;
    /// All tenures.
    fn tenures(&self, min_slot: u64) -> Answer<'_, Accounts<Tenure>>;
    /// All nodes.
    fn nodes(&self, min_slot: u64) -> Answer<'_, Accounts<Node>>;
    /// Which views of an epoch the oracles hold.
    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>>;
    /// A project's settlement of an epoch.
    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>>;
    /// Reads on in a project's history; says whether the node has no more.
    fn follow<'a>(&'a self, followed: &'a mut Followed) -> Answer<'a, bool>;
    /// Lamports of the key that pays.
    fn lamports(&self) -> Answer<'_, u64>;
    /// Sends and waits until it is confirmed. Gives the transaction's signature.
    fn send(&self, order: Order) -> Answer<'_, String>;
}

/// An RPC node, and the key that signs and pays.
pub struct SigningNode {
    chain: Chain,
    key: OracleKey,
}

impl SigningNode {
    /// Reads through `chain`, signs and pays with `key`.
    pub fn new(chain: Chain, key: OracleKey) -> Self {
        Self { chain, key }
    }
}

impl Rpc for SigningNode {
    fn clock(&self) -> Answer<'_, (i64, u64)> {
        Box::pin(async { Ok(self.chain.clock_and_slot().await?) })
    }

    fn network(&self, min_slot: u64) -> Answer<'_, Option<Network>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).network().await?) })
    }

    fn oracle_set(&self, min_slot: u64) -> Answer<'_, Option<OracleSet>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).oracle_set().await?) })
    }

    fn projects(&self, min_slot: u64) -> Answer<'_, Accounts<Project>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).projects().await?) })
    }

    fn distributions(&self, min_slot: u64) -> Answer<'_, Accounts<Distribution>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).all().await?) })
    }

    fn tenures(&self, min_slot: u64) -> Answer<'_, Accounts<Tenure>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).tenures().await?) })
    }

    fn nodes(&self, min_slot: u64) -> Answer<'_, Accounts<Node>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).nodes().await?) })
    }

    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).view_set(epoch).await?) })
    }

    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>> {
        Box::pin(async move { Ok(self.chain.at_least(min_slot).epoch(&project.into(), epoch).await?) })
    }

    fn follow<'a>(&'a self, followed: &'a mut Followed) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.chain.follow(followed).await?) })
    }

    fn lamports(&self) -> Answer<'_, u64> {
        Box::pin(async move { Ok(self.chain.lamports(&self.key.pubkey()).await?) })
    }

    fn send(&self, order: Order) -> Answer<'_, String> {
        Box::pin(async move {
            let instruction = order.instruction(&self.key.pubkey());
            Ok(self.chain.send(&[instruction], &[&self.key]).await?.to_string())
        })
    }
}
