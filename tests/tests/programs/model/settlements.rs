//! Settlements that are replaced, voided, held and corrected, and what is closed after the retention: what each action
//! does and what the model says of it.

use muster_network::{self as network, state::pause};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Pick, Twist, Who},
    epochs::{HONEST_VARIANTS, LIE, RETENTION_EPOCHS, next_leaves},
    invariants::Invariant,
    machine::{Done, Machine},
    reference::*,
};

const HOLD_LIMIT_S: i64 = 3_600;
const VOID_AFTER_EPOCHS: i64 = 7;

impl Machine {
    /// A project with an open settlement, most often.
    fn open_project(&self, project: Pick) -> usize {
        let projects = &self.model.projects;
        let open: Vec<usize> = (0..projects.len()).filter(|project| projects[*project].open.is_some()).collect();
        if open.is_empty() { project.index(projects.len()) } else { project.of(&open) }
    }

    pub fn replace(&mut self, project: Pick, who: Who, amount: Amount) -> Done {
        let project = self.open_project(project);
        let of = &self.model.projects[project];
        let who = self.signer(who, of.settler);
        let Some(epoch) = of.open.as_ref().map(|open| open.epoch).or(of.roots.first().map(|root| root.epoch)) else {
            return Ok(());
        };
        let open_budget = of.open.as_ref().map_or(0, |open| open.budget);
        let most = self.model.balance(&of.budget_vault) + open_budget;
        let budget = match amount.0 {
            0..100 => 0,
            _ if of.external => 0,
            any => any.min(most).min(of.max_budget_at(epoch)),
        };
        let points = of.external && amount.0 >= 100;
        let args = match (budget, points) {
            (0, false) => World::empty_settle_args(epoch),
            _ => {
                network::SettleEpochArgs { node_count: of.leaves.len() as u32, ..self.world.settle_args(epoch, budget) }
            }
        };
        let verdict = self.model.replaces(project, who, budget);
        let mut accounts = self.on(project).replace_accounts(epoch);
        accounts.settler = self.key(who);
        let ix = network_ix(accounts, network::instruction::ReplaceSettlement { args });
        let signer = self.people[who].clone();
        if self.attempt("replace_settlement", ix, &[&signer], verdict)? {
            let of = &self.model.projects[project];
            let revision = of.open.as_ref().expect("a settlement is open").revision + 1;
            let rent_payer = of.statements[&epoch].rent_payer;
            self.enter_settlement(project, epoch, budget, points, revision, rent_payer)?;
            self.held(Invariant::Replaces);
        }
        Ok(())
    }

    pub fn void(&mut self, project: Pick, who: Pick) -> Done {
        let project = self.open_project(project);
        let of = &self.model.projects[project];
        let who = who.of(&[of.settler, of.owner, MALLORY]);
        self.void_as(project, who)
    }

    pub fn void_as(&mut self, project: usize, who: PersonId) -> Done {
        let of = &self.model.projects[project];
        let Some(epoch) = of.open.as_ref().map(|open| open.epoch).or(of.statements.keys().next_back().copied()) else {
            return Ok(());
        };
        let verdict = self.model.voids(project, who);
        let rent_payer = self.key(of.statements[&epoch].rent_payer);
        let key = self.key(who);
        let mut accounts = self.on(project).void_accounts(&key, epoch);
        accounts.rent_payer = rent_payer;
        let ix = network_ix(accounts, network::instruction::VoidSettlement {});
        let signer = self.people[who].clone();
        if self.attempt("void_settlement", ix, &[&signer], verdict)? {
            let of = &mut self.model.projects[project];
            let open = of.open.take().expect("a settlement is open");
            of.statements.remove(&epoch);
            of.voided = (of.voided.0.max(epoch), of.voided.1.max(open.revision + 1));
            self.held(Invariant::VoidGivesBack);
        }
        Ok(())
    }

    pub fn hold(&mut self, project: Pick, who: Who, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        let who = self.signer(who, self.model.guardian);
        let Some(mut epoch) = self.model.newest_root(project).map(|root| root.epoch) else {
            return Ok(());
        };
        match twist {
            Twist::Honest => {}
            // The active root behind one that waits; or one that is neither.
            Twist::Wrong(kind) if kind.is_multiple_of(2) => {
                epoch = self.model.projects[project].roots.first().map_or(epoch, |root| root.epoch);
            }
            Twist::Wrong(_) => epoch -= 1,
        }
        let verdict = self.model.holds_root(project, who, epoch);
        let key = self.key(who);
        let accounts = self.on(project).hold_accounts(&key);
        let ix = network_ix(accounts, network::instruction::HoldRoot { epoch });
        let signer = self.people[who].clone();
        if self.attempt("hold_root", ix, &[&signer], verdict)? {
            let (until, version) = (self.model.now + HOLD_LIMIT_S, self.model.set.version);
            let root = self.model.holdable_root_mut(project, epoch).expect("there is a root");
            (root.held_until, root.held_version) = (until, version);
            self.held(Invariant::Holds);
        }
        Ok(())
    }

    pub fn end_hold(&mut self, project: Pick, who: Who) -> Done {
        let now = self.model.now;
        let held = |of: &Project| of.statements.keys().copied().find(|epoch| of.held_place(*epoch, now).is_some());
        let projects = &self.model.projects;
        let all: Vec<usize> = (0..projects.len()).filter(|project| held(&projects[*project]).is_some()).collect();
        let project = if all.is_empty() { project.index(projects.len()) } else { project.of(&all) };
        let who = self.signer(who, self.model.authority);
        let of = &self.model.projects[project];
        let Some(epoch) = held(of).or(of.roots.first().map(|root| root.epoch)) else {
            return Ok(());
        };
        let verdict = self.model.ends_hold(project, who, epoch);
        let key = self.key(who);
        let accounts = self.on(project).end_hold_accounts(&key);
        let ix = network_ix(accounts, network::instruction::EndHold { epoch });
        let signer = self.people[who].clone();
        if self.attempt("end_hold", ix, &[&signer], verdict)?
            && let Some(place) = self.model.projects[project].held_place(epoch, now)
        {
            let root = self.model.projects[project].held_root_mut(epoch, now).expect("it has a place");
            root.held_until = 0;
            if matches!(place, HeldPlace::Active(1..)) {
                root.pays_from = 0;
            }
        }
        Ok(())
    }

    pub fn correct(&mut self, project: Pick, oracle: Pick, variant: Pick, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        self.correct_as(project, oracle.of(&ORACLES), variant.of(&HONEST_VARIANTS), twist)
    }

    /// Every honest oracle corrects alike what the guardian holds.
    pub fn correct_all(&mut self, project: Pick, variant: Pick) -> Done {
        let now = self.model.now;
        let projects = &self.model.projects;
        let held: Vec<usize> = (0..projects.len())
            .filter(|project| {
                let of = &projects[*project];
                of.statements.keys().any(|epoch| of.held_place(*epoch, now).is_some())
            })
            .collect();
        if held.is_empty() {
            return Ok(());
        }
        let (project, variant) = (project.of(&held), variant.of(&HONEST_VARIANTS));
        let before = self.model.projects[project].ledger_head;
        for oracle in self.model.set.members.clone() {
            self.correct_as(project, oracle, variant, Twist::Honest)?;
            let of = &self.model.projects[project];
            if of.ledger_head != before || of.corrections.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn correct_as(&mut self, project: usize, oracle: PersonId, variant: u8, twist: Twist) -> Done {
        let (now, version) = (self.model.now, self.model.set.version);
        let of = &self.model.projects[project];
        let held = of.statements.keys().copied().find(|epoch| of.held_place(*epoch, now).is_some());
        let Some(epoch) = held.or(of.roots.first().map(|root| root.epoch)) else {
            return Ok(());
        };
        let place = of.held_place(epoch, now);
        let (root, before) = match place {
            Some(HeldPlace::Pending) => {
                let pending = of.open.as_ref().and_then(|open| open.approved.as_ref()).expect("a root is approved");
                (pending.root.clone(), of.roots.first())
            }
            Some(HeldPlace::Active(at)) => (of.roots[at].clone(), of.roots.get(at + 1)),
            None => (of.roots[0].clone(), of.roots.get(1)),
        };
        let variant = if oracle == LIAR { LIE } else { variant };
        let leaves = match root.points {
            Some(_) => Vec::new(),
            None => {
                let pool = root.total() - before.map_or(0, Root::total);
                next_leaves(before, pool as u64, root.leaves.len(), variant)
            }
        };
        let corrected = Root { epoch, revision: root.revision + 1, leaves, points: root.points, ..Root::default() };
        let mut args = self.vote_args(project, &corrected);
        let mut verdict = self.model.corrects(project, oracle, epoch);
        if let Twist::Wrong(kind) = twist {
            verdict = Err("it corrects something else");
            match kind % 4 {
                0 => args.revision += 1,
                1 => args.total += 1,
                2 => args.log_head = [6; 32],
                _ => args.dataset_hash = [6; 32],
            }
        }
        let log_head = args.log_head;
        let key = self.key(oracle);
        let accounts = self.on(project).correct_accounts(&key, epoch);
        let ix = network_ix(accounts, network::instruction::CorrectRoot { args });
        let signer = self.people[oracle].clone();
        if self.attempt("correct_root", ix, &[&signer], verdict)? {
            let place = place.expect("the root is held");
            let vote = (corrected.leaves.clone(), epoch, corrected.revision, version);
            self.model.enter_correction(project, oracle, vote, corrected, place, log_head);
            self.held(Invariant::OneVote);
            self.held(Invariant::Corrections);
        }
        Ok(())
    }

    pub fn top_up(&mut self, project: Pick, from: Pick, amount: Amount) -> Done {
        let project = project.index(self.model.projects.len());
        let from = from.index(PEOPLE);
        let source = self.purse(from, &self.model.projects[project].mint);
        let verdict = self.model.tops_up(project, source, amount.0);
        let key = self.key(from);
        let accounts = self.on(project).top_up_accounts(&key);
        let ix = network_ix(accounts, network::instruction::TopUp { amount: amount.0 });
        let signer = self.people[from].clone();
        if self.attempt("top_up", ix, &[&signer], verdict)? {
            self.model.projects[project].topped_up += u128::from(amount.0);
        }
        Ok(())
    }

    pub fn close_epoch(&mut self, project: Pick, epoch: Pick) -> Done {
        let project = project.index(self.model.projects.len());
        let statements: Vec<u64> = self.model.projects[project].statements.keys().copied().collect();
        if statements.is_empty() {
            return Ok(());
        }
        // Mostly the oldest.
        let epoch = epoch.mostly_first(&statements);
        let statement = self.model.projects[project].statements[&epoch].clone();
        let verdict = self.model.closes_epoch(project, epoch, &statement);
        let rent_payer = self.key(statement.rent_payer);
        let mut accounts = self.on(project).close_epoch_accounts(epoch);
        accounts.rent_payer = rent_payer;
        let ix = network_ix(accounts, network::instruction::CloseEpoch {});
        if self.attempt("close_epoch", ix, &[], verdict)? {
            self.model.projects[project].statements.remove(&epoch);
            self.held(Invariant::Retention);
        }
        Ok(())
    }

    pub fn remove_views(&mut self, epoch: Pick) -> Done {
        let epochs: Vec<u64> = self.model.views.keys().copied().collect();
        if epochs.is_empty() {
            return Ok(());
        }
        let epoch = epoch.mostly_first(&epochs);
        let verdict = match epoch + RETENTION_EPOCHS <= self.model.epoch() {
            true => Ok(Effect::event(at::view_set(epoch))),
            false => Err("the retention runs"),
        };
        let accounts = self.world.close_views_accounts(epoch);
        let ix = network_ix(accounts, network::instruction::CloseViews {});
        if self.attempt("close_views", ix, &[], verdict)? {
            self.model.views.remove(&epoch);
            self.held(Invariant::Retention);
        }
        Ok(())
    }
}

impl Project {
    fn held_root_mut(&mut self, epoch: u64, now: i64) -> Option<&mut Root> {
        match self.held_place(epoch, now)? {
            HeldPlace::Pending => Some(&mut self.open.as_mut()?.approved.as_mut()?.root),
            HeldPlace::Active(at) => self.roots.get_mut(at),
        }
    }
}

impl Model {
    fn replaces(&self, project: usize, who: PersonId, budget: u64) -> Verdict {
        let of = &self.projects[project];
        let Some(open) = &of.open else {
            return Err("nothing is open");
        };
        needs!(!of.is_approved(self.set.version), "it is approved");
        self.states(project, who, open.epoch, budget, open.budget)?;
        let effect = Effect::event(of.distribution);
        Ok(match budget >= open.budget {
            true => effect.moves(of.budget_vault, of.vault, budget - open.budget),
            false => effect.moves(of.vault, of.budget_vault, open.budget - budget),
        })
    }

    fn voids(&self, project: usize, who: PersonId) -> Verdict {
        let of = &self.projects[project];
        let Some(open) = &of.open else {
            return Err("nothing is open");
        };
        needs!(!of.is_approved(self.set.version), "it is approved");
        let late = self.now >= open.settled_at + VOID_AFTER_EPOCHS * i64::from(EPOCH_LEN);
        needs!(late || who == of.settler || who == of.owner, "others void it later");
        Ok(Effect::event(of.distribution).moves(of.vault, of.budget_vault, open.budget))
    }

    /// What the set in force approved, else the newest active root.
    fn newest_root(&self, project: usize) -> Option<&Root> {
        let of = &self.projects[project];
        let pending = of.open.as_ref().and_then(|open| open.approved.as_ref());
        pending.filter(|pending| pending.version == self.set.version).map(|pending| &pending.root).or(of.roots.first())
    }

    /// The root of an epoch that the guardian may hold: what the set in force approved, or the newest active one.
    fn holdable_root_mut(&mut self, project: usize, epoch: u64) -> Option<&mut Root> {
        let version = self.set.version;
        let of = &mut self.projects[project];
        let approved = if of.is_approved(version) { of.open.as_mut()?.approved.as_mut() } else { None };
        let waits = approved.map(|pending| &mut pending.root).filter(|root| root.epoch == epoch);
        waits.or(of.roots.first_mut().filter(|root| root.epoch == epoch))
    }

    fn holds_root(&self, project: usize, who: PersonId, epoch: u64) -> Verdict {
        needs!(who == self.guardian, "only the guardian holds");
        let newest = [self.newest_root(project), self.projects[project].roots.first()];
        let Some(root) = newest.into_iter().flatten().find(|root| root.epoch == epoch) else {
            return Err("it is not the newest");
        };
        needs!(root.held_version != self.set.version, "it was held before");
        Ok(Effect::event(self.projects[project].distribution))
    }

    fn ends_hold(&self, project: usize, who: PersonId, epoch: u64) -> Verdict {
        let of = &self.projects[project];
        needs!(who == self.authority, "only the authority ends a hold");
        needs!(of.held_place(epoch, self.now).is_some(), "nothing is held");
        Ok(Effect::event(of.distribution))
    }

    fn corrects(&self, project: usize, oracle: PersonId, epoch: u64) -> Verdict {
        let of = &self.projects[project];
        needs!(!self.is_paused(pause::APPROVE), "approving is paused");
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        needs!(of.statements.contains_key(&epoch), "the statement is gone");
        match of.held_place(epoch, self.now) {
            None => return Err("nothing is held"),
            Some(HeldPlace::Pending) => {
                needs!(of.is_approved(self.set.version), "the set has changed since");
            }
            Some(HeldPlace::Active(0)) => {
                needs!(!of.is_approved(self.set.version), "the next root counts on it");
            }
            Some(HeldPlace::Active(_)) => return Err("it is not the newest"),
        }
        Ok(Effect::event(of.distribution))
    }

    fn enter_correction(
        &mut self,
        project: usize,
        oracle: PersonId,
        vote: (Leaves, u64, u32, u32),
        root: Root,
        place: HeldPlace,
        log_head: [u8; 32],
    ) {
        let (now, set) = (self.now, self.set.clone());
        let from = now + i64::from(ROOT_DELAY);
        let of = &mut self.projects[project];
        of.corrections.retain(|_, (.., version)| *version == set.version);
        of.corrections.insert(oracle, vote.clone());
        if of.corrections.values().filter(|other| **other == vote).count() < set.threshold() {
            return;
        }
        of.corrections.clear();
        if let Some(statement) = of.statements.get_mut(&root.epoch) {
            statement.revision = root.revision;
        }
        match place {
            HeldPlace::Pending => {
                let open = of.open.as_mut().expect("a settlement is open");
                open.revision = root.revision;
                open.approved = Some(Pending { root, eta: from, version: set.version, log_head });
            }
            HeldPlace::Active(at) => {
                of.roots[at] = Root { pays_from: from, ..root };
                of.ledger_head = log_head;
                if let Some(open) = &mut of.open {
                    open.votes.clear();
                }
            }
        }
    }

    fn tops_up(&self, project: usize, source: Pubkey, amount: u64) -> Verdict {
        let of = &self.projects[project];
        needs!(!of.external, "an external project pays nothing here");
        needs!(amount > 0, "the amount is zero");
        needs!(self.balance(&source) >= amount, "the payer has less");
        Ok(Effect::event(of.distribution).moves(source, of.vault, amount))
    }

    fn closes_epoch(&self, project: usize, epoch: u64, statement: &Statement) -> Verdict {
        let of = &self.projects[project];
        needs!(statement.is_final, "it is not final");
        needs!(epoch + RETENTION_EPOCHS <= self.epoch(), "the retention runs");
        needs!(of.roots.first().is_none_or(|root| root.epoch != epoch), "its root is the newest");
        needs!(of.held_place(epoch, self.now).is_none(), "it is held");
        Ok(Effect::event(of.distribution))
    }
}
