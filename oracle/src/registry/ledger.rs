//! What the oracle asks of the chain beyond the registry, as a trait: the real one is [`ChainLedger`], tests put a fake
//! one in its place.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use muster_client::Pubkey;
use muster_client::chain::{Chain, ChainError, Followed};
use muster_network::ApproveRootArgs;
use muster_network::state::{Epoch, Network, Node, OracleSet, Project, Tenure, ViewSet, node_status};
use muster_protocol::points::Formula;

use super::rpc::{Order, Rpc, SigningNode};
use super::{NodeInfo, OraclePeer, OracleSetInfo, ProjectInfo, Registry, TenureInfo};
use crate::signer::OracleKey;

/// Why the chain gave no answer, or refused, as a sentence.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct LedgerError {
    why: String,
    /// The error's name when a program refused.
    refusal: Option<String>,
    /// The payer has too little.
    is_unfunded: bool,
}

impl LedgerError {
    /// No answer.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), refusal: None, is_unfunded: false }
    }

    /// A program's refusal, by its error's name.
    pub fn refused(name: &str, why: impl Into<String>) -> Self {
        Self { refusal: Some(name.to_owned()), ..Self::new(why) }
    }

    /// A refusal because the payer has too few lamports.
    pub fn unfunded(why: impl Into<String>) -> Self {
        Self { is_unfunded: true, ..Self::new(why) }
    }

    /// Whether the transaction failed because this oracle has too few lamports; it may succeed once it has more.
    pub fn is_unfunded(&self) -> bool {
        self.is_unfunded
    }

    /// Whether a vote came after others had decided: no failure of this oracle.
    pub fn is_overtaken_vote(&self) -> bool {
        matches!(self.refusal.as_deref(), Some("AlreadyApproved" | "NoOpenSettlement" | "WrongSettlement"))
    }
}

impl From<ChainError> for LedgerError {
    fn from(error: ChainError) -> Self {
        Self {
            why: error.to_string(),
            refusal: error.program_error().map(str::to_owned),
            is_unfunded: error.is_unfunded(),
        }
    }
}

/// An answer of the chain.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, LedgerError>>;

/// See the module. An error is never "absent": absent is `None`.
pub trait Ledger: Send + Sync + 'static {
    /// A picture of the chain.
    fn registry(&self) -> Answer<'_, Registry>;
    /// Which views of an epoch the oracles hold, as of `min_slot` or later: a picture's, which it is read with.
    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>>;
    /// A project's settlement of an epoch, as of `min_slot` or later.
    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>>;
    /// Lamports of the key that pays for this oracle's transactions.
    fn balance(&self) -> Answer<'_, u64>;
    /// Names the views that this oracle holds. Gives the transaction's signature.
    fn commit_views(&self, epoch: u64, hashes: Vec<[u8; 32]>) -> Answer<'_, String>;
    /// Votes for a root. Gives the transaction's signature.
    fn approve_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String>;
    /// Votes for a root in the place of a held one. Gives the transaction's signature.
    fn correct_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String>;
}

/// The chain as an RPC node shows it: the real one, or the simulator's.
pub struct ChainLedger<R = SigningNode> {
    rpc: R,
    histories: tokio::sync::Mutex<BTreeMap<[u8; 32], Followed>>,
}

impl ChainLedger {
    /// Reads through `chain`, signs and pays with `key`.
    pub fn new(chain: Chain, key: OracleKey) -> Self {
        Self::over(SigningNode::new(chain, key))
    }
}

impl<R: Rpc> ChainLedger<R> {
    /// Reads and sends through `rpc`.
    pub fn over(rpc: R) -> Self {
        Self { rpc, histories: Default::default() }
    }

    async fn read(&self) -> Result<Registry, LedgerError> {
        let rpc = &self.rpc;
        let (clock_s, slot) = rpc.clock().await?;
        let absent = |what: &str| LedgerError::new(format!("the chain has no {what} yet"));
        let network: Network = rpc.network(slot).await?.ok_or_else(|| absent("network"))?;
        let set = rpc.oracle_set(slot).await?.ok_or_else(|| absent("oracle set"))?;
        let mut registry =
            Registry { clock_s, slot, grace_s: network.grace, oracle_set: oracle_set(&set), ..Registry::default() };
        for (address, project) in rpc.projects(slot).await? {
            let info = project_info(address, &project);
            registry.pools = registry.pools.saturating_add(project.pool_count.into());
            registry.projects.insert(info.project, info);
        }
        for (_, distribution) in rpc.distributions(slot).await? {
            let project = distribution.project.to_bytes();
            registry.distributions.insert(project, distribution);
        }
        // Tenures before nodes: a bind makes both, so no tenure is without its node.
        for (address, tenure) in rpc.tenures(slot).await? {
            let info = tenure_info(address, &tenure);
            registry.tenures.insert(info.tenure, info);
        }
        for (address, node) in rpc.nodes(slot).await? {
            let mut info = node_info(address, &node);
            info.until_epoch = registry.tenures.get(&info.tenure).map_or(0, |tenure| tenure.until_epoch);
            registry.insert_node(info);
        }
        registry.pack();
        registry.histories = self.follow(&registry).await;
        Ok(registry)
    }

    /// Reads on in every project's history. One that cannot be read stays as it was: only that project's epochs wait.
    async fn follow(&self, registry: &Registry) -> BTreeMap<[u8; 32], Followed> {
        let mut histories = self.histories.lock().await;
        for project in registry.projects.values() {
            let address = Pubkey::from(project.project);
            let followed = histories.entry(project.project).or_insert_with(|| Followed::new(address));
            let known = followed.history().last_seq();
            if known >= project.seq {
                continue;
            }
            if let Err(error) = self.rpc.follow(followed).await {
                tracing::warn!(project = %address, known, of = project.seq, %error, "a project's history waits");
            } else if followed.next_slot() > registry.slot && followed.history().last_seq() < project.seq {
                // The newest events are in slots that were read: the node left them out, and no gap tells of the last.
                tracing::warn!(project = %address, known, of = project.seq, "a node cut a project's history short");
                *followed = Followed::new(address);
            }
        }
        histories.clone()
    }
}

impl<R: Rpc> Ledger for ChainLedger<R> {
    fn registry(&self) -> Answer<'_, Registry> {
        Box::pin(self.read())
    }

    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>> {
        self.rpc.view_set(epoch, min_slot)
    }

    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>> {
        self.rpc.settlement(project, epoch, min_slot)
    }

    fn balance(&self) -> Answer<'_, u64> {
        self.rpc.lamports()
    }

    fn commit_views(&self, epoch: u64, hashes: Vec<[u8; 32]>) -> Answer<'_, String> {
        self.rpc.send(Order::CommitViews { epoch, hashes })
    }

    fn approve_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String> {
        self.rpc.send(Order::ApproveRoot { project, args })
    }

    fn correct_root(&self, project: [u8; 32], args: ApproveRootArgs) -> Answer<'_, String> {
        self.rpc.send(Order::CorrectRoot { project, args })
    }
}

impl Registry {
    /// Lays the nodes out anew: a map that grew by inserts is a third empty, which a million nodes make 90 MB.
    pub fn pack(&mut self) {
        self.nodes = std::mem::take(&mut self.nodes).into_iter().collect();
    }

    /// Adds a node. A key is unique among nodes that run, but anybody may name it in a bind, and one that was detached
    /// leaves it to another: the one that runs displaces the others.
    pub fn insert_node(&mut self, info: NodeInfo) {
        let rank = |node: &NodeInfo| match node.status {
            node_status::ACTIVE => 2,
            node_status::UNBINDING if node.accepted_at > 0 => 1,
            _ => 0,
        };
        let taken = self.nodes.get(&info.node_key);
        if info.status == node_status::FREE || taken.is_some_and(|taken| rank(taken) > rank(&info)) {
            return;
        }
        self.nodes.insert(info.node_key, info);
    }
}

fn oracle_set(set: &OracleSet) -> OracleSetInfo {
    let peer = |entry: &muster_network::state::OracleEntry| OraclePeer {
        key: entry.key.to_bytes(),
        url: entry.url().trim_end_matches('/').to_owned(),
    };
    OracleSetInfo {
        version: set.set_version,
        threshold: set.threshold,
        oracles: set.active().iter().map(peer).collect(),
    }
}

fn project_info(address: Pubkey, project: &Project) -> ProjectInfo {
    let formula = |f: &muster_network::state::PointsFormula| Formula {
        w_uptime: f.w_uptime,
        w_task: f.w_task,
        cap: f.cap,
        min_uptime_bps: f.min_uptime_bps,
    };
    ProjectInfo {
        project: address.to_bytes(),
        distribution: muster_client::addresses::distribution(&address).to_bytes(),
        owner: project.owner.to_bytes(),
        settler: project.settler.to_bytes(),
        next_epoch: project.next_epoch,
        formulas: (formula(&project.formula), formula(&project.next_formula)),
        next_formula_epoch: project.next_formula_epoch,
        seq: project.seq,
    }
}

fn tenure_info(address: Pubkey, tenure: &Tenure) -> TenureInfo {
    TenureInfo {
        tenure: address.to_bytes(),
        node: tenure.node.to_bytes(),
        project: tenure.project.to_bytes(),
        holder: tenure.holder.to_bytes(),
        operator: tenure.operator.to_bytes(),
        leaf_index: tenure.leaf_index,
        until_epoch: tenure.until_epoch,
    }
}

fn node_info(address: Pubkey, node: &Node) -> NodeInfo {
    NodeInfo {
        node: address.to_bytes(),
        project: node.project.to_bytes(),
        node_key: node.node_key.to_bytes(),
        tenure: node.tenure.to_bytes(),
        status: node.status,
        accepted_at: node.accepted_at,
        suspended: (node.suspended_from_epoch, node.suspended_until_epoch),
        until_epoch: u64::MAX,
        maintenance: (node.maintenance_start, node.maintenance_end),
    }
}
