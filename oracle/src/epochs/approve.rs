//! The vote for a cumulative root, only ever for what this oracle computed itself.

use std::sync::Arc;

use muster_network::ApproveRootArgs;
use muster_network::state::{Distribution, Epoch, Root, reward_mode, settlement_state};
use muster_protocol::Hash;
use muster_protocol::dataset::Dataset;
use muster_protocol::leaves::Leaves;
use muster_protocol::merkle::{MAX_LEAVES, Tree};
use muster_protocol::units::{BaseUnits, Points};
use muster_protocol::votes::{LedgerEntry, ledger_head};

use super::{Epochs, Problem, peers};
use crate::registry::{ProjectInfo, Registry};
use crate::settings::FAKE_WRONG_BIT;

/// A leaf file with its tree.
pub struct Held {
    /// The file.
    pub leaves: Leaves,
    /// Hands out proofs.
    pub tree: Tree,
}

/// The most bytes of a leaf file.
const LEAVES_BYTES_MAX: usize = 128 + 40 * MAX_LEAVES as usize;
/// Trees in memory; a distribution has 4 active roots.
const TREES_MAX: usize = 64;
/// In which figure a settlement differs from what was computed.
pub(super) fn difference(settlement: &Epoch, dataset: &Dataset) -> Result<Option<String>, Problem> {
    let hash = dataset.hash()?;
    let root = dataset.points_root()?;
    Ok(if settlement.dataset_hash != hash {
        let (theirs, own) = (hex::encode(settlement.dataset_hash), hex::encode(hash));
        Some(format!("the settlement names dataset {theirs}, this oracle computed {own}"))
    } else if settlement.scores_hash != dataset.header.scores_hash {
        let (theirs, own) = (hex::encode(settlement.scores_hash), hex::encode(dataset.header.scores_hash));
        Some(format!("the settlement names score file {theirs}, this oracle counted {own}"))
    } else if settlement.points_root != root {
        let (theirs, own) = (hex::encode(settlement.points_root), hex::encode(root));
        Some(format!("the settlement names points root {theirs}, this oracle computed {own}"))
    } else if settlement.total_points != dataset.total_points() {
        let (theirs, own) = (settlement.total_points, dataset.total_points());
        Some(format!("the settlement names {theirs} points in all, this oracle computed {own}"))
    } else if settlement.node_count as usize != dataset.rows.len() {
        let (theirs, own) = (settlement.node_count, dataset.rows.len());
        Some(format!("the settlement names {theirs} nodes, this oracle computed {own}"))
    } else {
        None
    })
}

/// What a vote says of the distribution.
pub(super) struct Stated {
    pub root: Hash,
    pub total: u64,
    pub count: u32,
}

impl TryFrom<Leaves> for Stated {
    type Error = Problem;

    fn try_from(leaves: Leaves) -> Result<Self, Problem> {
        Ok(Self { root: leaves.root()?, total: leaves.total.get(), count: leaves.rows.len() as u32 })
    }
}

/// A vote for a revision whose total the chain expects.
pub(super) fn vote(
    project: &ProjectInfo,
    distribution: &Distribution,
    settlement: &Epoch,
    dataset: &Dataset,
    stated: &Stated,
    (revision, expected): (u32, u64),
) -> Result<ApproveRootArgs, Problem> {
    let Stated { root, total, count } = *stated;
    if total != expected {
        return Err(Problem::Refused(format!("the leaves sum to {total}, the chain expects {expected}")));
    }
    let (epoch, dataset_hash) = (settlement.epoch, dataset.hash()?);
    let entry = LedgerEntry {
        project: project.project,
        epoch,
        revision,
        points_root: settlement.points_root,
        root,
        total,
        dataset_hash,
    };
    let log_head = ledger_head(&distribution.ledger_head, &entry);
    Ok(ApproveRootArgs { epoch, revision, root, total, count, dataset_hash, log_head })
}

impl Epochs {
    /// Computes the distribution after a settlement and votes for it, once per settlement, revision and set version.
    pub(super) async fn approve(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        settlement: &Epoch,
        dataset: &Dataset,
    ) -> Result<(), Problem> {
        if let Some(why) = difference(settlement, dataset)? {
            return Err(Problem::Refused(why));
        }
        let Some(distribution) = registry.distributions.get(&project.project) else {
            return Err(Problem::Waiting("the project's distribution is not to be seen yet".into()));
        };
        let (epoch, set) = (settlement.epoch, &registry.oracle_set);
        if distribution.open_state == settlement_state::NONE || distribution.open_epoch != epoch {
            return Ok(());
        }
        let Some(position) = set.position(&self.ctx.identity.key) else {
            return Err(Problem::Waiting("this oracle is not in the set".into()));
        };
        if settlement.revision != distribution.open_revision {
            // Voided or replaced between the two reads: a vote would be for one statement under another's number.
            return Err(Problem::Waiting("the settlement is newer than the picture of the chain".into()));
        }
        let approved = distribution.open_state == settlement_state::APPROVED;
        if approved && distribution.pending_version == set.version {
            return Ok(());
        }
        let stated = if distribution.reward_mode == reward_mode::EXTERNAL {
            // Paid elsewhere: what is approved are the points themselves.
            let count = dataset.rows.len() as u32;
            Stated { root: settlement.points_root, total: distribution.allocated, count }
        } else {
            let (before, revision) = (&distribution.roots[0], distribution.open_revision);
            if registry.clock_s < before.held_until {
                // Its leaves would be in the next root too, the wrong ones among them.
                let why = "the guardian holds the newest root: nothing is built on it before it is corrected, or the hold over";
                return Err(Problem::Waiting(why.into()));
            }
            let base = self.base(registry, project, distribution, 0).await?;
            let base = base.as_ref().map(|held| &held.leaves);
            self.leaves_after(project, base, settlement, dataset, revision)?.try_into()?
        };
        let Some(expected) = distribution.allocated.checked_add(settlement.node_pool) else {
            return Err(Problem::Refused("the chain has allocated more than a number holds".into()));
        };
        let args = vote(project, distribution, settlement, dataset, &stated, (distribution.open_revision, expected))?;
        let vote = args.vote_hash(&project.project.into(), set.version);
        if distribution.votes_version == set.version && distribution.votes[position] == vote {
            return Ok(());
        }
        let (root, total, count) = (hex::encode(args.root), args.total, args.count);
        let what = format!("vote {} {epoch}", bs58::encode(project.project).into_string());
        if self.sent.is_on_its_way(&what, &vote, self.ctx.now_ms()) {
            return Ok(());
        }
        match self.ledger.approve_root(project.project, args).await {
            Ok(signature) => {
                self.sent.note(what, vote, self.ctx.now_ms());
                tracing::info!(epoch, root, total, count, signature, "voted for a root");
            }
            // The threshold was reached, or the settlement replaced or finished, since the chain was read.
            Err(error) if error.is_overtaken_vote() => {
                tracing::info!(epoch, root, %error, "the settlement went on without this oracle's vote");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The leaf file of a settlement that follows on another one, kept on disk before anything is said about it.
    pub(super) fn leaves_after(
        &self,
        project: &ProjectInfo,
        previous: Option<&Leaves>,
        settlement: &Epoch,
        dataset: &Dataset,
        revision: u32,
    ) -> Result<Leaves, Problem> {
        let mut dataset = dataset.clone();
        if self.ctx.settings.fakes_wrong_bit
            && let Some(row) = dataset.rows.first_mut()
        {
            tracing::warn!(
                epoch = settlement.epoch,
                "{FAKE_WRONG_BIT} is set: this oracle flips a bit and votes for a WRONG root"
            );
            row.points = Points::new(row.points.get() ^ 1);
        }
        let pool = BaseUnits::new(settlement.node_pool);
        let leaves = Leaves::next(previous, &dataset, pool, revision);
        let leaves = leaves.map_err(|error| Problem::Refused(error.to_string()))?;
        let (bytes, epoch) = (leaves.encode()?, settlement.epoch);
        if self.store.leaves(&project.project, epoch, revision)?.as_ref() != Some(&bytes) {
            self.store.put_leaves(&project.project, epoch, revision, &bytes)?;
        }
        Ok(leaves)
    }

    /// The leaf file of an active root: from memory, the disk, or a peer; checked against the root.
    pub(super) async fn leaves_of_root(&self, project: &ProjectInfo, root: &Root) -> Result<Arc<Held>, Problem> {
        if let Some(held) = self.held_leaves(project, root)? {
            return Ok(held);
        }
        let key = bs58::encode(project.project).into_string();
        let path = format!("/api/v1/projects/{key}/epochs/{}/leaves", root.epoch);
        let good = |bytes: &[u8]| check_leaves(bytes, project, root);
        let found = peers::first(&self.ctx, &path, LEAVES_BYTES_MAX, good).await;
        let Some((bytes, held)) = found else {
            return Err(Problem::Waiting(format!(
                "the leaves of the active root {} (epoch {}) are not to be had from any oracle",
                hex::encode(root.root),
                root.epoch
            )));
        };
        self.store.put_taken_leaves(&project.project, root.epoch, root.revision, &bytes)?;
        Ok(self.remember(root, held))
    }

    /// The leaf file of an active root if this oracle has it.
    pub fn held_leaves(&self, project: &ProjectInfo, root: &Root) -> Result<Option<Arc<Held>>, Problem> {
        let trees = self.trees.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(held) = trees.get(&root.root) {
            return Ok(Some(held.clone()));
        }
        drop(trees);
        let good = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| check_leaves(&bytes, project, root));
        let held = match good(self.store.leaves(&project.project, root.epoch, root.revision)?) {
            Some(held) => Some(held),
            None => good(self.store.taken_leaves(&project.project, root.epoch, root.revision)?),
        };
        Ok(held.map(|held| self.remember(root, held)))
    }

    fn remember(&self, root: &Root, held: Held) -> Arc<Held> {
        let mut trees = self.trees.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if trees.len() >= TREES_MAX {
            trees.clear();
        }
        let held = Arc::new(held);
        trees.insert(root.root, held.clone());
        held
    }
}

fn check_leaves(bytes: &[u8], project: &ProjectInfo, root: &Root) -> Option<Held> {
    let leaves = Leaves::decode(bytes).ok()?;
    let tree = leaves.tree().ok()?;
    let good = leaves.distribution == project.distribution
        && tree.root() == root.root
        && tree.count() == root.count
        && leaves.total.get() == root.total;
    good.then_some(Held { leaves, tree })
}
