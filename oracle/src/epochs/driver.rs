//! What is done when: publish, commit, compute, vote, for each epoch that is over.

use std::future::Future;
use std::time::Duration;

use super::{Epochs, Problem, WINDOW};

/// The longest wait after failures.
const BACKOFF_MS_MAX: u64 = 30_000;

/// Whether a wait of at most `longest_ms` is not over. What lies further ahead was noted by a clock that was set back
/// since, and is not waited for.
pub(super) fn is_before(now_ms: u64, until_ms: u64, longest_ms: u64) -> bool {
    now_ms < until_ms && until_ms - now_ms <= longest_ms
}

impl Epochs {
    /// Works for ever, once a second.
    pub async fn run(&self) {
        loop {
            self.tick().await;
            tokio::time::sleep(Duration::from_millis(1000)).await;
        }
    }

    /// One round over all epochs that may need something.
    pub async fn tick(&self) {
        let registry = self.ctx.registry();
        let current = self.ctx.schedule.epoch_of(self.ctx.now_ms() / 1000).get();
        let oldest = current.saturating_sub(WINDOW);
        let awake_from = self.ingest.core().first_epoch().unwrap_or(current);
        for epoch in oldest.max(awake_from)..current {
            let published = self.publish(&registry, epoch).await;
            if let Err(problem) = &published {
                self.note("publish the view", epoch, problem);
                // Views are signed in order.
                break;
            }
        }
        for epoch in oldest..current {
            let wanted = registry.projects.values().any(|project| project.next_epoch <= epoch);
            if wanted {
                let what = format!("commit views {epoch}");
                self.attempt(&what, epoch, self.commit(&registry, epoch)).await;
            }
        }
        for project in registry.projects.values() {
            let open = registry.distributions.get(&project.project).and_then(|distribution| {
                let is_open = distribution.open_state != 0;
                is_open.then_some(distribution.open_epoch)
            });
            let older = open.filter(|epoch| *epoch < oldest);
            for epoch in older.into_iter().chain(oldest..current) {
                let name = bs58::encode(project.project).into_string();
                let what = format!("settle {name} {epoch}");
                self.attempt(&what, epoch, self.settle(&registry, project, epoch)).await;
            }
            let name = bs58::encode(project.project).into_string();
            self.attempt(&format!("correct {name}"), project.next_epoch, self.correct(&registry, project)).await;
            self.attempt(&format!("look at {name}"), project.next_epoch, self.look_at_roots(&registry, project)).await;
            if let Some(distribution) = registry.distributions.get(&project.project)
                && distribution.roots[0].count > 0
            {
                let root = distribution.roots[0];
                let leaves = async { self.leaves_of_root(project, &root).await.map(drop) };
                self.attempt(&format!("leaves {name}"), root.epoch, leaves).await;
            }
        }
        self.forget(oldest.saturating_sub(WINDOW)).await;
    }

    /// Runs a step unless it failed a moment ago; failures double the wait.
    async fn attempt(&self, what: &str, epoch: u64, step: impl Future<Output = Result<(), Problem>>) {
        let now_ms = self.ctx.now_ms();
        let waits_until = self.backoff().get(what).map(|(_, until_ms)| *until_ms);
        if waits_until.is_some_and(|until_ms| is_before(now_ms, until_ms, BACKOFF_MS_MAX)) {
            return;
        }
        match step.await {
            Ok(()) => {
                self.backoff().remove(what);
            }
            Err(problem) => {
                let failures = {
                    let mut backoff = self.backoff();
                    let (failures, until_ms) = backoff.entry(what.into()).or_default();
                    let longest = match problem {
                        // Others are expected to move on within seconds.
                        Problem::Waiting(_) | Problem::NotYet(_) => 1_000,
                        _ => BACKOFF_MS_MAX,
                    };
                    let wait_ms = (500u64 << (*failures).min(10)).min(longest);
                    *failures = failures.saturating_add(1);
                    *until_ms = now_ms + wait_ms;
                    *failures
                };
                if failures == 1 || failures.is_multiple_of(30) {
                    self.note(what, epoch, &problem);
                }
            }
        }
    }

    pub(super) fn backoff(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, (u32, u64)>> {
        self.backoff.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, what: &str, epoch: u64, problem: &Problem) {
        match problem {
            Problem::Waiting(why) => tracing::debug!(what, epoch, why, "a step waits"),
            Problem::NotYet(why) => tracing::debug!(what, epoch, %why, "a step waits"),
            other => tracing::warn!(what, epoch, problem = %other, "a step did not succeed"),
        }
    }

    /// Keeps memory bounded; the files stay.
    async fn forget(&self, below: u64) {
        self.closed.lock().await.retain(|epoch, _| *epoch >= below);
        let mut computed = self.computed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        computed.retain(|(_, epoch), _| *epoch >= below);
        drop(computed);
        let mut reports = self.reports.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.retain(|(_, epoch), _| *epoch >= below);
        drop(reports);
        if self.backoff().len() > 4096 {
            self.backoff().clear();
        }
    }
}
