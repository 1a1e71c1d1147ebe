//! The task that decides what happened: looks at nodes and epochs, takes what other parts said, makes it durable, and only
//! then lets anybody read it. It stands beside ingest and shares no queue with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::hub::Hub;
use super::liveness::{Change, Watched};
use super::state::{Memory, StateFile};
use super::{Draft, kind};
use crate::context::OracleContext;
use crate::epochs::Epochs;
use crate::epochs::report::{Report, State};
use crate::ingest::Handle;
use crate::projects::{outlook, points_summary};

/// Between two looks at epochs and at what was said.
const EVERY: Duration = Duration::from_secs(1);
/// Between two looks at all nodes: a part of a bucket, and neither more nor less often than this.
const NODES_EVERY_S: (u64, u64) = (1, 15);

/// What the task works with.
pub struct Watcher {
    /// What all parts share.
    pub ctx: Arc<OracleContext>,
    /// Where epochs stand.
    pub epochs: Arc<Epochs>,
    /// Whether anything is counted at all.
    pub ingest: Handle,
    /// Where events are read.
    pub hub: Hub,
    /// Where they are kept.
    pub file: StateFile,
    /// What was told before.
    pub memory: Memory,
}

impl Watcher {
    /// Looks for ever.
    pub async fn run(mut self) {
        let schedule = self.ctx.schedule;
        let nodes_every_ms = (schedule.bucket_len() / 10).clamp(NODES_EVERY_S.0, NODES_EVERY_S.1) * 1000;
        // What was missed while the oracle was away is nobody's fault.
        let mut awake_since_ms = self.ctx.now_ms();
        let mut nodes_at_ms = 0;
        let mut waiting: Vec<Draft> = Vec::new();
        let mut saved = BTreeMap::new();
        let mut bell = self.hub.bell();
        let mut closing = false;
        while !closing {
            closing = tokio::time::timeout(EVERY, bell.wait_for(Option::is_none)).await.is_ok();
            let now_ms = self.ctx.now_ms();
            if self.ingest.failure().is_some() || self.ingest.core().is_clock_unsure() {
                awake_since_ms = now_ms;
            } else if now_ms.abs_diff(nodes_at_ms) >= nodes_every_ms {
                nodes_at_ms = now_ms;
                waiting.extend(self.look_at_nodes(awake_since_ms, now_ms));
            }
            waiting.extend(self.look_at_epochs());
            waiting.extend(self.hub.take_said());
            let cursors = self.hub.cursors();
            if waiting.is_empty() && cursors == saved {
                continue;
            }
            let mut ring = self.hub.ring();
            let happened = !waiting.is_empty();
            for draft in &waiting {
                ring.push(draft.clone(), now_ms);
            }
            match self.file.save(&ring, &self.memory, cursors.clone()) {
                Ok(()) => {
                    waiting.clear();
                    saved = cursors;
                    if happened {
                        self.hub.publish(ring);
                    }
                }
                // Told later, under the same numbers; memory stays bounded.
                Err(error) => {
                    tracing::error!(%error, events = waiting.len(), "events cannot be kept; they wait");
                    waiting.truncate(super::ring::EVENTS_MAX);
                }
            }
        }
    }

    fn look_at_nodes(&mut self, awake_since_ms: u64, now_ms: u64) -> Vec<Draft> {
        let registry = self.ctx.registry();
        let (now_s, number) =
            (i64::try_from(now_ms / 1000).unwrap_or(i64::MAX), |s: i64| u64::try_from(s).unwrap_or(0));
        let epoch = self.ctx.schedule.epoch_of(now_ms / 1000);
        let watched = registry.nodes.values().filter(|node| node.is_active()).map(|node| {
            let (start, end) = node.maintenance;
            let came_back = if end <= now_s { number(end) } else { 0 };
            let since_s = number(node.accepted_at).max(came_back);
            Watched {
                node_key: node.node_key,
                last_seen_ms: self.ctx.seen(&node.node_key).map(|seen| seen.at_ms),
                since_ms: awake_since_ms.max(since_s.saturating_mul(1000)),
                is_excused: (start..end).contains(&now_s) || node.is_suspended(epoch),
            }
        });
        let after = self.ctx.settings.offline_after;
        let changes = self.memory.liveness.step(&self.ctx.schedule, after, now_ms, watched);
        let base58 = |key: &[u8; 32]| bs58::encode(key).into_string();
        let draft = |change| {
            let (kind, node_key, last_seen_ms, missed) = match change {
                Change::Offline { node_key, last_seen_ms, missed } => {
                    (kind::NODE_OFFLINE, node_key, last_seen_ms, Some(missed))
                }
                Change::Recovered { node_key, last_seen_ms } => {
                    (kind::NODE_RECOVERED, node_key, Some(last_seen_ms), None)
                }
            };
            let node = registry.nodes.get(&node_key);
            let data = json!({
                "node": node.map(|node| base58(&node.node)),
                "node_key": base58(&node_key),
                "last_seen_ms": last_seen_ms,
                "missed_buckets": missed,
            });
            Draft { kind, project: node.map(|node| node.project), data }
        };
        changes.into_iter().map(draft).collect()
    }

    /// What changed of projects' epochs since it was told.
    fn look_at_epochs(&mut self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let reports = self.epochs.reports();
        let mut told = BTreeMap::new();
        let registry = self.ctx.registry();
        let next_of = |project: &[u8; 32]| registry.projects.get(project).map_or(0, |info| info.next_epoch);
        // Nothing comes of epochs before the project's first one.
        let matter = reports
            .iter()
            .filter(|(project, epoch, report)| *epoch >= next_of(project) || report.state >= State::Ready);
        for (project, epoch, report) in matter {
            let key = format!("{} {epoch}", bs58::encode(project).into_string());
            let late = outlook(&self.ctx, project, *epoch, report).map(|found| found.late).unwrap_or_default();
            let before = self.memory.told.get(&key).cloned().unwrap_or_default();
            let now: Vec<String> =
                [report.state.name()].into_iter().chain(late.iter().map(|late| late.what)).map(str::to_owned).collect();
            if before.first() != now.first() {
                drafts.extend(went_on(*project, *epoch, report));
            }
            for late in late.iter().filter(|late| !before.iter().skip(1).any(|told| told == late.what)) {
                let data = json!({"epoch": epoch, "what": late.what, "then": late.then, "why": report.why});
                drafts.push(Draft { kind: kind::EPOCH_LATE, project: Some(*project), data });
            }
            told.insert(key, now);
        }
        // After a restart an epoch has no report for a moment.
        let kept = std::mem::take(&mut self.memory.told);
        for (key, value) in kept {
            if self.is_recent(&key) {
                told.entry(key).or_insert(value);
            }
        }
        self.memory.told = told;
        drafts
    }

    /// Whether an epoch is still looked after.
    fn is_recent(&self, key: &str) -> bool {
        let current = self.ctx.schedule.epoch_of(self.ctx.now_ms() / 1000).get();
        let epoch = key.rsplit(' ').next().and_then(|epoch| epoch.parse::<u64>().ok());
        epoch.is_some_and(|epoch| epoch + 2 * crate::epochs::WINDOW >= current)
    }
}

/// That an epoch is in another state.
fn went_on(project: [u8; 32], epoch: u64, report: &Report) -> Vec<Draft> {
    let mut data = json!({"epoch": epoch, "state": report.state.name(), "why": report.why});
    let mut drafts = vec![Draft { kind: kind::EPOCH_STATE, project: Some(project), data: data.clone() }];
    if let (State::Final, Some(computed)) = (report.state, &report.computed) {
        data["summary"] = points_summary(&computed.dataset, &computed.hash);
        drafts.push(Draft { kind: kind::POINTS_FINAL, project: Some(project), data });
    }
    drafts
}
