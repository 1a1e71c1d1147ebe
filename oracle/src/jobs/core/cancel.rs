//! A job that its submitter cancelled. What was decided or given up before stays so; else those are paid who had begun to
//! work, for the time until the cancellation. All of it follows from signed times, so that every oracle that holds the
//! same evidence comes to the same end, whenever it heard of the cancellation.

use anchor_lang::prelude::Pubkey;
use muster_client::muster_jobs::state::Outcome;
use muster_protocol::assignment::Assignee;
use muster_protocol::result::TaskStatus;

use super::evidence::seconds_to_ms;
use super::{Assigned, JobState, OracleSet, Rules, Standing};

impl JobState {
    /// When it was cancelled, Unix milliseconds; the end of time unless it was.
    pub(super) fn cancel_ms(&self) -> u64 {
        match self.chain.cancel_at {
            0 => u64::MAX,
            at => seconds_to_ms(at),
        }
    }

    /// What is dated later counts no more. The clocks of the chain, the oracles and the nodes differ, and a result may
    /// have been on its way: nobody's earlier verdict turns over the cancellation.
    pub fn counts_until_ms(&self, rules: &Rules) -> u64 {
        self.cancel_ms().saturating_add(rules.slack_ms)
    }

    /// The outcome of a cancelled job that was not decided before: of the first assignment that was alive then, those
    /// who had begun. Nobody, if no work had.
    pub(super) fn cancelled(&self, set: &OracleSet, rules: &Rules) -> Outcome {
        let (cancel_ms, until_ms) = (self.cancel_ms(), self.counts_until_ms(rules));
        let alive = |assigned: &&Assigned| self.standing_until(assigned, cancel_ms, until_ms) == Standing::Live;
        let mut at_work = self.in_order(set).into_iter().filter(alive).map(|assigned| self.workers(assigned, until_ms));
        let mut workers = at_work.find(|workers| !workers.is_empty()).unwrap_or_default();
        workers.sort_unstable();
        Outcome::Cancelled {
            started_at: workers.iter().map(|(_, started_at)| *started_at).min().unwrap_or(0),
            tenures: workers.into_iter().map(|(tenure, _)| tenure).collect(),
        }
    }

    /// Tenures of an assignment whose nodes were at work when the job was cancelled, and since which second. A node that
    /// failed by itself or contradicted itself was not.
    fn workers(&self, assigned: &Assigned, until_ms: u64) -> Vec<(Pubkey, i64)> {
        // No node worked before it was assigned, nor for a job that did not exist.
        let least_ms = assigned.signed.body.assigned_at_ms.max(seconds_to_ms(self.chain.created_at));
        let worker = |node: &Assignee| {
            let report = assigned.reports.get(&node.node_key)?;
            let begun_ms = report.first_progress.as_ref()?.body.at_ms.max(least_ms);
            let begun_s = i64::try_from(begun_ms / 1000).ok()?;
            let said = report.verdict_until(until_ms);
            let is_well = match said {
                Some(said) => said.status != TaskStatus::FailedNode,
                None => report.until(until_ms).next().is_none(),
            };
            (is_well && begun_s < self.chain.cancel_at).then_some((Pubkey::from(node.tenure), begun_s))
        };
        assigned.signed.body.nodes.iter().filter_map(worker).collect()
    }
}
