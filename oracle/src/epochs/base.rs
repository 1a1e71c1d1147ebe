//! Which leaves the next root is built on. An oracle builds on a root that it computed itself, that it can compute now out
//! of what is public, or that its operator accepted. Where it computed another one, it votes for nothing that is built on
//! the chain's and says so until the guardian's hold led to a correction, or the operator accepted the root. Only what it
//! cannot compute, because what it would need is gone, it takes over, and says that too.

use std::sync::Arc;

use muster_network::state::{Distribution, Root, reward_mode};
use muster_protocol::leaves::Leaves;

use super::acceptance::Dispute;
use super::approve::{Held, difference};
use super::disputes::{Opinion, Standing};
use super::{Epochs, Problem};
use crate::registry::{ProjectInfo, Registry};

/// Attempts to compute a root again before its leaves are taken over: peers may be away for a moment.
const RECOMPUTE_TRIES: u32 = 60;

impl Epochs {
    /// Forms an opinion on the root that waits and on the newest active one, and raises the alarm over a wrong one.
    pub(super) async fn look_at_roots(&self, registry: &Registry, project: &ProjectInfo) -> Result<(), Problem> {
        let Some(distribution) = registry.distributions.get(&project.project) else {
            return Ok(());
        };
        if distribution.reward_mode == reward_mode::EXTERNAL {
            // The program lets no other root through than the points' own.
            return Ok(());
        }
        let base = self.base(registry, project, distribution, 0).await?;
        if distribution.is_approved(registry.oracle_set.version) {
            self.look_at_pending(registry, project, &distribution.pending, base.as_ref().map(|held| &held.leaves))
                .await?;
        }
        self.agree(project, &distribution.roots[0]);
        Ok(())
    }

    /// The guardian's best moment: what is approved and not active yet has paid nobody.
    async fn look_at_pending(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        pending: &Root,
        base: Option<&Leaves>,
    ) -> Result<(), Problem> {
        if let Opinion::Wrong(why) = self.opinion(project, pending)? {
            if !self.is_certain(project, pending) && self.compute_root(registry, project, pending, base).await.is_err()
            {
                return Err(self.disagree(project, pending, false, &why));
            }
            if let Opinion::Wrong(why) = self.opinion(project, pending)? {
                return Err(self.disagree(project, pending, false, &why));
            }
        }
        Ok(())
    }

    /// The leaves of the active root at a place of the ring; none if nothing was ever distributed.
    pub(super) async fn base(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        distribution: &Distribution,
        place: usize,
    ) -> Result<Option<Arc<Held>>, Problem> {
        let roots = distribution.roots.iter().skip(place);
        let ring: Vec<&Root> = roots.take_while(|root| root.count > 0).collect();
        let (mut right, mut doubted) = (None, None);
        for (age, root) in ring.iter().enumerate() {
            match self.opinion(project, root)? {
                Opinion::Right => {
                    right = Some(age);
                    break;
                }
                Opinion::Wrong(why) if self.is_certain(project, root) => {
                    return Err(self.dispute(project, root, why)?);
                }
                // What was computed before may have been built on a root that was corrected since.
                Opinion::Wrong(why) => doubted = Some((*root, why)),
                Opinion::None => {}
            }
        }
        let (mut held, unknown) = match right {
            Some(age) => (Some(self.leaves_of_root(project, ring[age]).await?), &ring[..age]),
            None => {
                self.require_no_dispute(project)?;
                // In a ring that is not full the oldest one is the project's first.
                let is_full = distribution.roots.iter().all(|root| root.count > 0);
                match ring.split_last() {
                    Some((oldest, newer)) if is_full => {
                        if let Some((root, why)) = doubted {
                            return Err(self.dispute(project, root, why)?);
                        }
                        let why = "what it was built on is no longer on the chain";
                        (Some(self.take_over(project, oldest, why).await?), newer)
                    }
                    _ => (None, &ring[..]),
                }
            }
        };
        for root in unknown.iter().rev() {
            let before = held.as_ref().map(|held| &held.leaves);
            held = Some(self.computed_again(registry, project, root, before).await?);
        }
        if right.is_some() {
            self.end_dispute(project)?;
        }
        Ok(held)
    }

    /// An active root that this oracle has no certain opinion on yet, computed out of what is public.
    async fn computed_again(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        root: &Root,
        before: Option<&Leaves>,
    ) -> Result<Arc<Held>, Problem> {
        let why = match self.compute_root(registry, project, root, before).await {
            Ok(None) => {
                self.tries().remove(&root.root);
                return match self.opinion(project, root)? {
                    Opinion::Wrong(why) => Err(self.dispute(project, root, why)?),
                    Opinion::Right | Opinion::None => self.leaves_of_root(project, root).await,
                };
            }
            Ok(Some(why)) => return Err(self.dispute(project, root, why)?),
            Err(Problem::Ledger(error)) => return Err(error.into()),
            Err(Problem::Disk(error)) => return Err(error.into()),
            Err(problem) => problem.to_string(),
        };
        if let Opinion::Wrong(why) = self.opinion(project, root)? {
            return Err(self.dispute(project, root, why)?);
        }
        let tries = {
            let mut tries = self.tries();
            let tries = tries.entry(root.root).or_default();
            *tries = tries.saturating_add(1);
            *tries
        };
        if tries < RECOMPUTE_TRIES {
            let (epoch, root) = (root.epoch, hex::encode(root.root));
            return Err(Problem::Waiting(format!("the root {root} of epoch {epoch} is not computed again yet: {why}")));
        }
        // Another statement of the same epoch that this oracle computed moved the same money.
        for revision in self.store.leaf_revisions(&project.project, root.epoch)? {
            let own = Root { revision, ..*root };
            let is_same_total = self.own_leaves(project, &own)?.is_some_and(|own| own.total.get() == root.total);
            if let (true, Opinion::Wrong(why)) = (is_same_total, self.opinion(project, &own)?) {
                return Err(self.dispute(project, root, why)?);
            }
        }
        self.take_over(project, root, &why).await
    }

    /// Computes an epoch's leaves on the ones before and keeps them. Says why the settlement differs, if it does.
    async fn compute_root(
        &self,
        registry: &Registry,
        project: &ProjectInfo,
        root: &Root,
        before: Option<&Leaves>,
    ) -> Result<Option<String>, Problem> {
        let Some((settlement, computed)) = self.settled(registry, project, root.epoch).await? else {
            return Err(Problem::Waiting("its settlement or its views are not to be seen".into()));
        };
        let different = difference(&settlement, &computed.dataset)?;
        if different.is_none() {
            self.leaves_after(project, before, &settlement, &computed.dataset, root.revision)?;
        }
        self.make_certain(project, root);
        Ok(different)
    }

    async fn take_over(&self, project: &ProjectInfo, root: &Root, why: &str) -> Result<Arc<Held>, Problem> {
        let held = self.leaves_of_root(project, root).await?;
        if self.set_standing(project, root, true, Standing::TakenOver, why) {
            let (project, root_hex) = (bs58::encode(project.project).into_string(), hex::encode(root.root));
            tracing::warn!(project, epoch = root.epoch, root = root_hex, why, "took over a root without computing it");
        }
        Ok(held)
    }

    /// Notes a wrong active root durably: it stays wrong when it falls out of the ring.
    fn dispute(&self, project: &ProjectInfo, root: &Root, why: String) -> Result<Problem, Problem> {
        let dispute = Dispute { epoch: root.epoch, revision: root.revision, root: hex::encode(root.root), why };
        if self.store.dispute(&project.project)?.as_ref() != Some(&dispute) {
            self.store.put_dispute(&project.project, &dispute)?;
        }
        Ok(self.disagree(project, root, true, &dispute.why))
    }

    /// Refuses while a wrong root that fell out of the ring is not accepted: the newer ones are built on it.
    fn require_no_dispute(&self, project: &ProjectInfo) -> Result<(), Problem> {
        let Some(dispute) = self.store.dispute(&project.project)? else {
            return Ok(());
        };
        let root = dispute.root().ok_or_else(|| Problem::Disk(std::io::Error::other("a dispute's root is not hex")))?;
        if self.store.accepted(&project.project, dispute.epoch, &root)?.is_some() {
            return Ok(());
        }
        let root = Root { root, epoch: dispute.epoch, revision: dispute.revision, ..Root::default() };
        Err(self.disagree(project, &root, true, &dispute.why))
    }

    fn end_dispute(&self, project: &ProjectInfo) -> Result<(), Problem> {
        if self.store.end_dispute(&project.project)? {
            let project = bs58::encode(project.project).into_string();
            tracing::warn!(project, "the dispute over a root is over: this oracle builds on the chain's roots again");
        }
        Ok(())
    }
}
