//! From whatever state was reached: who did nothing wrong gets his money and his licence out, with the clock and his own
//! key alone; no guardian, no settler, no oracle, and with everything paused that can be.

use muster_network::state::pause;

use super::{
    actions::{Jump, Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, Machine, check},
    reference::*,
};

/// Epochs in which the breaker must have let a backlog through.
const CLAIM_EPOCHS_MAX: usize = 120;

impl Machine {
    pub fn everybody_gets_out(&mut self) -> Done {
        self.trail.push("everybody gets out".to_owned());
        self.set_paused_to(self.model.authority, pause::ALL)?;
        self.jobs_give_back()?;
        self.settlements_give_back()?;
        self.all_is_claimed()?;
        self.all_is_withdrawn()?;
        self.licences_are_free()?;
        self.budgets_leave()?;
        self.held(Invariant::Pauses);
        Ok(())
    }

    /// Submitters and sponsors get theirs, whatever the oracles did or did not do.
    fn jobs_give_back(&mut self) -> Done {
        for job in 0..self.model.jobs.len() {
            let of = &self.model.jobs[job];
            if of.state == JobState::Open && of.cancel_at == 0 && self.model.now < of.deadline {
                self.request_cancel_of(job, Who::Right)?;
                self.check_touched()?;
            }
        }
        self.wait(Jump::Months);
        for job in 0..self.model.jobs.len() {
            if self.model.jobs[job].state == JobState::Open {
                self.expire_job(job, job % 2 == 0)?;
                self.check_touched()?;
            }
            if self.model.jobs[job].owed > 0 {
                self.refund_submitter_of(job)?;
                self.check_touched()?;
            }
            for sponsor in self.model.jobs[job].sponsors.clone().into_keys() {
                self.refund_sponsor_of(job, sponsor)?;
                self.check_touched()?;
            }
            let of = &self.model.jobs[job];
            let left = self.model.balance(&of.escrow);
            check!(of.state != JobState::Open && left == 0, "job {job}: {left} cannot leave its escrow");
            self.held(Invariant::GetsOut);
        }
        Ok(())
    }

    /// A settlement that no threshold approved gives its budget back.
    fn settlements_give_back(&mut self) -> Done {
        self.wait(Jump::Epochs(8));
        for project in 0..self.model.projects.len() {
            let of = &self.model.projects[project];
            if of.open.is_some() && !of.is_approved(self.model.set.version) {
                self.void_as(project, MALLORY)?;
                self.check_touched()?;
                check!(self.model.projects[project].open.is_none(), "project {project}: a budget is locked");
                self.held(Invariant::GetsOut);
            }
        }
        Ok(())
    }

    /// Every tenure is paid what the newest active root says, an epoch at a time.
    fn all_is_claimed(&mut self) -> Done {
        for tenure in 0..self.model.tenures.len() {
            self.repair_payout(tenure)?;
        }
        for _ in 0..CLAIM_EPOCHS_MAX {
            let owed: Vec<usize> = (0..self.model.tenures.len()).filter(|tenure| self.is_owed(*tenure)).collect();
            if owed.is_empty() {
                break;
            }
            self.wait(Jump::AfterEpoch(0));
            for tenure in owed {
                self.claim_from(tenure, 0, Twist::Honest)?;
                self.check_touched()?;
            }
            self.held(Invariant::GetsOut);
        }
        let owed = (0..self.model.tenures.len()).filter(|tenure| self.is_owed(*tenure)).count();
        check!(owed == 0, "{owed} tenures are still owed after {CLAIM_EPOCHS_MAX} epochs");
        for split in 0..self.model.splits.len() {
            for recipient in 0..self.model.splits[split].shares.len() {
                if self.model.due(split, recipient) > 0 {
                    let paid = self.release_to(split, Pick(recipient as u8))?;
                    check!(paid, "split {split} keeps a share");
                    self.check_touched()?;
                }
            }
            let of = &self.model.splits[split];
            let left = self.model.balance(&of.vault);
            check!(left < of.shares.len() as u64, "split {split} keeps {left}");
        }
        Ok(())
    }

    /// A holder whose payout is a split of another mint names his own account; who made it so with him signs again.
    fn repair_payout(&mut self, tenure: usize) -> Done {
        let of = &self.model.tenures[tenure];
        let Payee::Split(split) = of.payout else {
            return Ok(());
        };
        if self.model.splits[split].mint == self.model.projects[of.project].mint {
            return Ok(());
        }
        let (holder, operator) = (of.holder, of.operator);
        self.set_payout_to(tenure, holder, Payee::Person(holder), operator)?;
        self.check_touched()
    }

    fn is_owed(&self, tenure: usize) -> bool {
        let of = &self.model.tenures[tenure];
        let project = &self.model.projects[of.project];
        project.newest_leaf(of.leaf) > of.claimed && project.claimable_total() > project.claimed
    }

    fn all_is_withdrawn(&mut self) -> Done {
        let bonded: Vec<usize> =
            (0..self.model.tenures.len()).filter(|tenure| self.model.tenures[*tenure].bond.is_some()).collect();
        for tenure in &bonded {
            let holder = self.model.tenures[*tenure].holder;
            let (earned, staked) = (self.model.bond(*tenure).earned as u64, self.model.bond(*tenure).staked as u64);
            if earned > 0 {
                self.withdraw_as(*tenure, holder, earned)?;
                self.check_touched()?;
            }
            if staked > 0 {
                self.unbond_as(*tenure, holder, staked)?;
                self.check_touched()?;
            }
        }
        self.wait(Jump::Months);
        for tenure in bonded {
            let holder = self.model.tenures[tenure].holder;
            if self.model.bond(tenure).unbonding > 0 {
                self.withdraw_unbonded_as(tenure, holder)?;
                self.check_touched()?;
            }
            check!(self.model.bond(tenure).sum() == 0, "the bond of tenure {tenure} keeps something");
            self.held(Invariant::GetsOut);
        }
        Ok(())
    }

    /// Every holder unbinds, everybody thaws, and the licence can be sold.
    fn licences_are_free(&mut self) -> Done {
        for licence in 0..self.model.licences.len() {
            let node = self.model.licences[licence].node.as_ref();
            if let Some(tenure) = node.filter(|node| node.is_bound()).map(|node| node.tenure) {
                self.unbind_as(licence, self.model.tenures[tenure].holder)?;
                self.check_touched()?;
            }
        }
        self.wait(Jump::AfterEpoch(0));
        for licence in 0..self.model.licences.len() {
            let of = &self.model.licences[licence];
            if of.node.as_ref().is_some_and(|node| node.status == Status::Unbinding) {
                self.thaw_licence(licence)?;
                self.check_touched()?;
            }
            let of = &self.model.licences[licence];
            check!(!of.is_frozen(), "licence {licence} stays frozen");
            let next = HOLDERS[usize::from(of.holder == HOLDERS[0])];
            self.sell_to(licence, next)?;
            check!(self.model.licences[licence].holder == next, "licence {licence} cannot be sold");
            self.held(Invariant::GetsOut);
        }
        Ok(())
    }

    /// Every owner takes back what is not allotted.
    fn budgets_leave(&mut self) -> Done {
        for project in 0..self.model.projects.len() {
            let of = &self.model.projects[project];
            let (owner, left) = (of.owner, self.model.balance(&of.budget_vault));
            if left > 0 {
                self.announce_withdrawal_of(project, owner, left)?;
                self.check_touched()?;
                self.wait(Jump::AfterEpoch(0));
                self.wait(Jump::AfterEpoch(0));
                self.withdraw_budget_of(project, owner, left)?;
                self.check_touched()?;
                let of = &self.model.projects[project];
                let left = self.model.balance(&of.budget_vault);
                check!(left == 0, "project {project}: {left} of the budget cannot leave");
                self.held(Invariant::GetsOut);
            }
        }
        Ok(())
    }
}
