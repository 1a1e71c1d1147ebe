//! A vote in the place of a root that the guardian holds, when this oracle computed another one.

use muster_network::state::{HeldPlace, Root, reward_mode};

use super::approve::{Stated, difference, vote};
use super::{Epochs, Problem};
use crate::registry::{ProjectInfo, Registry};

impl Epochs {
    /// Votes for the root that this oracle computed, with the held one's epoch and total, as its next revision. A root
    /// that is right needs no vote: its hold lapses.
    pub(super) async fn correct(&self, registry: &Registry, project: &ProjectInfo) -> Result<(), Problem> {
        let Some(distribution) = registry.distributions.get(&project.project) else {
            return Ok(());
        };
        let set = &registry.oracle_set;
        let is_held = |root: &Root| root.count > 0 && registry.clock_s < root.held_until;
        // What an earlier set approved is voted on again, and keeps nobody from correcting what it was built on.
        let approved = distribution.is_approved(set.version).then_some(distribution.pending);
        let Some(held) = approved.into_iter().chain([distribution.roots[0]]).find(is_held) else {
            return Ok(());
        };
        let before = match distribution.held_place(held.epoch, registry.clock_s) {
            Some(HeldPlace::Pending) => 0,
            Some(HeldPlace::Active(0)) if !distribution.is_approved(set.version) => 1,
            // Built upon already.
            _ => return Ok(()),
        };
        if distribution.reward_mode == reward_mode::EXTERNAL {
            // The program lets no other root through than the points' own.
            return Ok(());
        }
        let Some(position) = set.position(&self.ctx.identity.key) else {
            return Err(Problem::Waiting("this oracle is not in the set".into()));
        };
        let Some((settlement, computed)) = self.settled(registry, project, held.epoch).await? else {
            return Err(Problem::Waiting("the held root's settlement is not to be seen".into()));
        };
        if let Some(why) = difference(&settlement, &computed.dataset)? {
            return Err(Problem::Refused(why));
        }
        let revision = held.revision.saturating_add(1);
        let base = self.base(registry, project, distribution, before).await?;
        let base = base.as_ref().map(|held| &held.leaves);
        let leaves = self.leaves_after(project, base, &settlement, &computed.dataset, revision)?;
        let stated = Stated::try_from(leaves)?;
        if (stated.root, stated.count) == (held.root, held.count) {
            return Ok(());
        }
        let args = vote(project, distribution, &settlement, &computed.dataset, &stated, (revision, held.total))?;
        let hash = args.vote_hash(&project.project.into(), set.version);
        if distribution.correction_version == set.version && distribution.correction_votes[position] == hash {
            return Ok(());
        }
        let (epoch, root) = (args.epoch, hex::encode(args.root));
        let what = format!("correction {} {epoch}", bs58::encode(project.project).into_string());
        if self.sent.is_on_its_way(&what, &hash, self.ctx.now_ms()) {
            return Ok(());
        }
        let signature = self.ledger.correct_root(project.project, args).await?;
        self.sent.note(what, hash, self.ctx.now_ms());
        tracing::warn!(epoch, root, held = hex::encode(held.root), signature, "voted to correct a held root");
        Ok(())
    }
}
