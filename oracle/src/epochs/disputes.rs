//! What this oracle thinks of the roots on chain, and how loudly it says so.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::MutexGuard;

use muster_network::state::Root;
use muster_protocol::Hash;
use muster_protocol::leaves::Leaves;
use serde_json::{Value, json};

use super::{Epochs, Problem};
use crate::registry::ProjectInfo;

/// Between two alarms over one project's root.
const ALARM_EVERY_MS: u64 = 60_000;
/// Opinions in memory; they are formed anew.
const OPINIONS_MAX: usize = 256;

/// On one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// This oracle computed it, or its operator accepted it.
    Right,
    /// This oracle computed another one.
    Wrong(String),
    /// This oracle computed none.
    None,
}

/// What is said about a project's newest root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Computed,
    Accepted,
    TakenOver,
    Disputed,
}

impl Standing {
    fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Accepted => "accepted",
            Self::TakenOver => "taken_over",
            Self::Disputed => "disputed",
        }
    }
}

/// A project's line of the status.
struct Line {
    root: Root,
    is_active: bool,
    standing: Standing,
    why: String,
    alarmed_at_ms: u64,
}

type OpinionKey = ([u8; 32], Hash, u64, u32);

/// See the module.
#[derive(Default)]
pub(super) struct Disputes {
    opinions: HashMap<OpinionKey, Opinion>,
    /// Roots whose leaves were computed since the start, on what they follow now.
    certain: HashSet<OpinionKey>,
    lines: BTreeMap<[u8; 32], Line>,
    /// Alarms since the start.
    alarms: u64,
}

fn key(project: &ProjectInfo, root: &Root) -> OpinionKey {
    (project.project, root.root, root.epoch, root.revision)
}

impl Epochs {
    fn disputes(&self) -> MutexGuard<'_, Disputes> {
        self.disputes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn tries(&self) -> MutexGuard<'_, HashMap<Hash, u32>> {
        self.recompute_tries.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The leaves that this oracle computed for a root's epoch and revision.
    pub(super) fn own_leaves(&self, project: &ProjectInfo, root: &Root) -> Result<Option<Leaves>, Problem> {
        let bytes = self.store.leaves(&project.project, root.epoch, root.revision)?;
        Ok(bytes.map(|bytes| Leaves::decode(&bytes)).transpose()?)
    }

    /// By the disk alone; what was found is remembered, an operator's acceptance is looked for anew.
    pub(super) fn opinion(&self, project: &ProjectInfo, root: &Root) -> Result<Opinion, Problem> {
        let key = key(project, root);
        let known = self.disputes().opinions.get(&key).cloned();
        if known == Some(Opinion::Right) {
            return Ok(Opinion::Right);
        }
        if self.store.accepted(&project.project, root.epoch, &root.root)?.is_some() {
            let (name, root_hex) = (bs58::encode(project.project).into_string(), hex::encode(root.root));
            tracing::warn!(project = name, epoch = root.epoch, root = root_hex, "the operator accepted this root");
            self.remember_opinion(key, Opinion::Right);
            return Ok(Opinion::Right);
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let opinion = match self.own_leaves(project, root)? {
            Some(own) if (own.root()?, own.total.get()) == (root.root, root.total) => Opinion::Right,
            Some(own) => {
                let (own, chain) = (hex::encode(own.root()?), hex::encode(root.root));
                Opinion::Wrong(format!("this oracle computed the root {own}, the chain has {chain}"))
            }
            None => match self.store.dispute(&project.project)? {
                Some(dispute) if dispute.root() == Some(root.root) => Opinion::Wrong(dispute.why),
                // May be computed at any time: not remembered.
                _ => return Ok(Opinion::None),
            },
        };
        if opinion == Opinion::Right || self.is_certain(project, root) {
            self.remember_opinion(key, opinion.clone());
        }
        Ok(opinion)
    }

    /// Whether the opinion on a root needs no further look.
    pub(super) fn is_certain(&self, project: &ProjectInfo, root: &Root) -> bool {
        self.disputes().certain.contains(&key(project, root))
    }

    /// What the disk says of a root now is final.
    pub(super) fn make_certain(&self, project: &ProjectInfo, root: &Root) {
        let certain = &mut self.disputes().certain;
        if certain.len() >= OPINIONS_MAX {
            certain.clear();
        }
        certain.insert(key(project, root));
    }

    fn remember_opinion(&self, key: OpinionKey, opinion: Opinion) {
        let opinions = &mut self.disputes().opinions;
        if opinions.len() >= OPINIONS_MAX {
            opinions.clear();
        }
        opinions.insert(key, opinion);
    }

    /// Says what this oracle thinks of a project's root. True if that is new.
    pub(super) fn set_standing(
        &self,
        project: &ProjectInfo,
        root: &Root,
        is_active: bool,
        standing: Standing,
        why: &str,
    ) -> bool {
        let lines = &mut self.disputes().lines;
        if lines.get(&project.project).is_some_and(|line| line.root.root == root.root && line.standing == standing) {
            return false;
        }
        let line = Line { root: *root, is_active, standing, why: why.into(), alarmed_at_ms: 0 };
        lines.insert(project.project, line);
        true
    }

    /// A root that this oracle builds on.
    pub(super) fn agree(&self, project: &ProjectInfo, root: &Root) {
        let was_taken_over = self
            .disputes()
            .lines
            .get(&project.project)
            .is_some_and(|line| line.root.root == root.root && line.standing == Standing::TakenOver);
        if root.count == 0 || was_taken_over {
            return;
        }
        let accepted = self.store.accepted(&project.project, root.epoch, &root.root);
        let is_accepted = accepted.is_ok_and(|accepted| accepted.is_some());
        let standing = if is_accepted { Standing::Accepted } else { Standing::Computed };
        self.set_standing(project, root, true, standing, "");
    }

    /// A root that this oracle does not agree with: what to do about it, in the log again and again.
    pub(super) fn disagree(&self, project: &ProjectInfo, root: &Root, is_active: bool, why: &str) -> Problem {
        self.set_standing(project, root, is_active, Standing::Disputed, why);
        let now_ms = self.ctx.now_ms();
        let (name, root_hex) = (bs58::encode(project.project).into_string(), hex::encode(root.root));
        let remedy = remedy(&name, root.epoch, &root_hex, is_active);
        let mut disputes = self.disputes();
        let disputes = &mut *disputes;
        if let Some(line) = disputes.lines.get_mut(&project.project)
            && (line.alarmed_at_ms == 0 || now_ms.saturating_sub(line.alarmed_at_ms) >= ALARM_EVERY_MS)
        {
            line.alarmed_at_ms = now_ms.max(1);
            disputes.alarms += 1;
            tracing::error!(project = name, epoch = root.epoch, root = root_hex, why, remedy, "A ROOT LOOKS WRONG");
        }
        Problem::Disputed(format!("{why} of epoch {}: {remedy}", root.epoch))
    }

    /// One sentence while a root is disputed, for the health.
    pub fn disputed_root(&self) -> Option<String> {
        let disputes = self.disputes();
        let (project, line) = disputes.lines.iter().find(|(_, line)| line.standing == Standing::Disputed)?;
        let (name, root) = (bs58::encode(project).into_string(), hex::encode(line.root.root));
        let remedy = remedy(&name, line.root.epoch, &root, line.is_active);
        Some(format!("{} of epoch {} of project {name}: {remedy}", line.why, line.root.epoch))
    }

    /// Roots that are disputed now, and alarms since the start.
    pub fn dispute_counts(&self) -> (usize, u64) {
        let disputes = self.disputes();
        let disputed = disputes.lines.values().filter(|line| line.standing == Standing::Disputed);
        (disputed.count(), disputes.alarms)
    }

    /// Every project's newest root as this oracle sees it, and what its operator accepted.
    pub fn roots_status(&self) -> std::io::Result<Value> {
        let line = |(project, line): (&[u8; 32], &Line)| {
            json!({
                "project": bs58::encode(project).into_string(),
                "epoch": line.root.epoch,
                "revision": line.root.revision,
                "root": hex::encode(line.root.root),
                "active": line.is_active,
                "standing": line.standing.name(),
                "why": line.why,
            })
        };
        let roots: Vec<Value> = self.disputes().lines.iter().map(line).collect();
        let accepted = self.store.all_accepted()?.into_iter().map(|accepted| {
            json!({
                "project": accepted.project,
                "epoch": accepted.epoch,
                "root": accepted.root,
                "accepted_at_s": accepted.at_s,
            })
        });
        Ok(json!({"roots": roots, "accepted_roots": accepted.collect::<Vec<_>>()}))
    }
}

fn remedy(project: &str, epoch: u64, root: &str, is_active: bool) -> String {
    let hold = format!(
        "if this oracle is right, the guardian holds it: muster epoch hold --project {project} --epoch {epoch}"
    );
    if !is_active {
        return hold;
    }
    format!(
        "{hold}; if the operator finds that this oracle computed wrongly: muster-oracle accept-root --project {project} \
         --epoch {epoch} --root {root}. Until then this oracle votes for nothing that is built on it"
    )
}
