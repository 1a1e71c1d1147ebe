//! Views, settlements, roots and claims: what each action does and what the model says of it.

use muster_network::{self as network, state::pause};
use muster_protocol::{
    merkle::{self, Tree},
    votes::{LedgerEntry, ledger_head},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Jump, Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, Machine, check},
    reference::*,
};

/// What oracles may honestly come to compute, and what the liar says.
pub const HONEST_VARIANTS: [u8; 2] = [0, 1];
pub const LIE: u8 = 2;
/// Epochs for which statements and views stay.
pub const RETENTION_EPOCHS: u64 = 90;

impl Machine {
    /// The newest epoch that is over, or one before it; now and then the running one.
    pub fn epoch_of(&self, age: Pick) -> u64 {
        let over = self.model.epoch() - 1;
        match age.0 {
            0..=200 => over,
            201..=220 => over - 1,
            221..=235 => over - 2,
            236..=245 => over.saturating_sub(u64::from(age.0) * 3),
            _ => over + 1,
        }
    }

    pub fn commit_views(&mut self, oracle: Pick, age: Pick, twist: Twist) -> Done {
        let epoch = self.epoch_of(age);
        let oracle = oracle.of(&ORACLES);
        let count = self.model.set.members.len();
        let mut hashes: Vec<u8> = (1..=count as u8).collect();
        if oracle == LIAR {
            hashes.rotate_left(1);
        }
        if let Twist::Wrong(kind) = twist {
            match kind % 4 {
                0 => hashes.push(9),
                1 => drop(hashes.pop()),
                // It holds only its own view.
                2 => hashes.iter_mut().skip(1).for_each(|hash| *hash = 0),
                _ => hashes.iter_mut().for_each(|hash| *hash += 100),
            }
        }
        self.commit_row(oracle, epoch, hashes)
    }

    fn commit_row(&mut self, oracle: PersonId, epoch: u64, hashes: Vec<u8>) -> Done {
        let verdict = self.model.commits(oracle, epoch, hashes.len());
        let accounts = self.world.commit_views_accounts(&self.key(oracle), epoch);
        let named = hashes.iter().map(|hash| [*hash; 32]).collect();
        let ix = network_ix(accounts, network::instruction::CommitViews { epoch, hashes: named });
        let signer = self.people[oracle].clone();
        if self.attempt("commit_views", ix, &[&signer], verdict)? {
            let version = self.model.set.version;
            if self.model.views.get(&epoch).is_some_and(|views| views.version != version) {
                self.held(Invariant::SetVersions);
            }
            self.model.enter_views(oracle, epoch, hashes);
        }
        Ok(())
    }

    /// Every honest oracle names the same views of the newest epoch that is over; the clock passes the grace.
    pub fn close_views(&mut self, age: Pick) -> Done {
        let epoch = self.epoch_of(age).min(self.model.epoch() - 1);
        let members = self.model.set.members.clone();
        for oracle in members.iter().filter(|member| **member != LIAR) {
            if self.model.views_closed(epoch) {
                break;
            }
            self.commit_row(*oracle, epoch, (1..=members.len() as u8).collect())?;
        }
        if self.model.now < Model::grace_end(epoch) {
            self.wait(Jump::Seconds(GRACE as u8));
        }
        Ok(())
    }

    pub fn settle(&mut self, project: Pick, age: Pick, who: Who, amount: Amount, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        let epoch = self.epoch_of(age);
        let of = &self.model.projects[project];
        let who = self.signer(who, of.settler);
        let tenures = of.leaves.len() as u32;
        // Mostly what the vault holds; a settler without nodes, or of an external project, has nothing to reward.
        let can_reward = tenures > 0 && !of.external;
        let points = of.external && tenures > 0 && amount.0 >= 100;
        let budget = match amount.0 {
            0..100 => 0,
            u64::MAX => of.max_budget_at(epoch).saturating_add(1),
            any if can_reward => any.min(self.model.balance(&of.budget_vault)).min(of.max_budget_at(epoch)),
            _ => 0,
        };
        let mut args = statement(epoch, budget, points, tenures);
        let mut wrong = None;
        if let Twist::Wrong(kind) = twist {
            wrong = Some("it states something wrong");
            match kind % 4 {
                0 => args.node_count = tenures + 1,
                1 => (args.total_points, args.node_count) = (100, 0),
                2 if args.total_points > 0 => args.points_root = [0; 32],
                2 => args.points_root = [1; 32],
                _ if args.total_points > 0 => args.dataset_hash = [0; 32],
                _ => args.scores_hash = [1; 32],
            }
        }
        self.settle_with(project, who, args, wrong)
    }

    fn settle_with(
        &mut self,
        project: usize,
        who: PersonId,
        args: network::SettleEpochArgs,
        wrong: Option<&'static str>,
    ) -> Done {
        let (epoch, budget, points) = (args.epoch, args.budget, args.total_points > 0);
        let verdict = wrong.map_or_else(|| self.model.settles(project, who, epoch, budget), Err);
        let signer = self.people[who].clone();
        let mut accounts = self.on(project).settle_accounts(epoch);
        accounts.settler = signer.key();
        let ix = network_ix(accounts, network::instruction::SettleEpoch { args });
        if self.attempt("settle_epoch", ix, &[&signer], verdict)? {
            let revision = self.model.projects[project].first_revision(epoch);
            self.enter_settlement(project, epoch, budget, points, revision, who)?;
            self.held(Invariant::SettledOnce);
            if budget > 0 {
                self.held(Invariant::HotKeys);
            }
        }
        Ok(())
    }

    /// Writes a statement, which no epoch and revision had before.
    pub fn enter_settlement(
        &mut self,
        project: usize,
        epoch: u64,
        budget: u64,
        points: bool,
        revision: u32,
        rent_payer: PersonId,
    ) -> Done {
        let new = self.model.projects[project].stated.insert((epoch, revision));
        check!(new, "project {project}: epoch {epoch} has a second statement of revision {revision}");
        self.held(Invariant::OneStatement);
        self.model.enter_settlement(project, epoch, budget, points, revision, rent_payer);
        Ok(())
    }

    pub fn approve(&mut self, project: Pick, oracle: Pick, variant: Pick, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        let oracle = oracle.of(&ORACLES);
        self.approve_as(project, oracle, variant.of(&HONEST_VARIANTS), twist)
    }

    fn approve_as(&mut self, project: usize, oracle: PersonId, variant: u8, twist: Twist) -> Done {
        let of = &self.model.projects[project];
        let Some(open) = &of.open else {
            return self.approve_nothing(project, oracle);
        };
        let variant = if oracle == LIAR { LIE } else { variant };
        let leaves = if open.points.is_some() {
            Vec::new()
        } else {
            next_leaves(of.roots.first(), open.pool, open.count, variant)
        };
        let voted = Root { epoch: open.epoch, revision: open.revision, points: open.points, leaves, ..Root::default() };
        let mut args = self.vote_args(project, &voted);
        let leaves = voted.leaves;
        let mut wrong = None;
        if let Twist::Wrong(kind) = twist {
            wrong = Some("it votes for something else than the settlement");
            match kind % 7 {
                0 => args.revision += 1,
                1 => args.total += 1,
                2 => args.count = 0,
                3 => args.count = of.leaves.len() as u32 + 1,
                4 => args.dataset_hash = [6; 32],
                5 => args.log_head = [6; 32],
                _ => args.root = [0; 32],
            }
        }
        let verdict = wrong.map_or_else(|| self.model.approves(project, oracle), Err);
        let epoch = args.epoch;
        let log_head = args.log_head;
        let accounts = {
            let key = self.key(oracle);
            self.on(project).approve_accounts(&key, epoch)
        };
        let ix = network_ix(accounts, network::instruction::ApproveRoot { args });
        let signer = self.people[oracle].clone();
        if self.attempt("approve_root", ix, &[&signer], verdict)? {
            let version = self.model.set.version;
            let open = self.model.projects[project].open.as_ref().expect("a settlement is open");
            if open.votes.values().any(|(_, of)| *of != version) {
                self.held(Invariant::SetVersions);
            }
            self.model.enter_vote(project, oracle, leaves, log_head);
            self.held(Invariant::OneVote);
        }
        Ok(())
    }

    /// An honest oracle's vote for a root that follows on the ledger.
    pub fn vote_args(&self, project: usize, voted: &Root) -> network::ApproveRootArgs {
        let of = &self.model.projects[project];
        let (root, total) = (self.root_of(project, voted), voted.leaves.iter().sum());
        let entry = LedgerEntry {
            project: of.key.to_bytes(),
            epoch: voted.epoch,
            revision: voted.revision,
            points_root: POINTS_ROOT,
            root,
            total,
            dataset_hash: DATASET_HASH,
        };
        network::ApproveRootArgs {
            epoch: voted.epoch,
            revision: voted.revision,
            root,
            total,
            count: voted.count() as u32,
            dataset_hash: DATASET_HASH,
            log_head: ledger_head(&of.ledger_head, &entry),
        }
    }

    /// A vote where nothing is open: on the last settled epoch.
    fn approve_nothing(&mut self, project: usize, oracle: PersonId) -> Done {
        let of = &self.model.projects[project];
        let Some(root) = of.roots.first() else {
            return Ok(());
        };
        let args = network::ApproveRootArgs {
            epoch: root.epoch,
            revision: root.revision,
            root: self.root_of(project, root),
            total: root.leaves.iter().sum(),
            count: root.count() as u32,
            dataset_hash: DATASET_HASH,
            log_head: of.ledger_head,
        };
        let (key, epoch) = (self.key(oracle), args.epoch);
        let accounts = self.on(project).approve_accounts(&key, epoch);
        let ix = network_ix(accounts, network::instruction::ApproveRoot { args });
        let signer = self.people[oracle].clone();
        self.attempt("approve_root", ix, &[&signer], Err("nothing is open")).map(drop)
    }

    /// Every honest oracle votes alike; the liar after the first of them, if it still can.
    pub fn approve_all(&mut self, project: Pick, variant: Pick) -> Done {
        let project = project.index(self.model.projects.len());
        let variant = variant.of(&HONEST_VARIANTS);
        for oracle in self.model.set.members.clone() {
            let Some(open) = &self.model.projects[project].open else {
                return Ok(());
            };
            if open.approved.as_ref().is_some_and(|pending| pending.version == self.model.set.version) {
                return Ok(());
            }
            self.approve_as(project, oracle, variant, Twist::Honest)?;
        }
        Ok(())
    }

    pub fn activate(&mut self, project: Pick, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        let of = &self.model.projects[project];
        // Honest people wait for the delay; others do not.
        if twist == Twist::Honest
            && let Some(pending) = of.open.as_ref().and_then(|open| open.approved.as_ref())
            && self.model.now < pending.eta
        {
            let left = (pending.eta - self.model.now).min(255);
            self.wait(Jump::Seconds(left as u8));
        }
        let of = &self.model.projects[project];
        let epoch = of.open.as_ref().map(|open| open.epoch).or(of.roots.first().map(|root| root.epoch));
        let Some(epoch) = epoch else {
            return Ok(());
        };
        let verdict = self.model.activates(project);
        let accounts = self.on(project).activate_accounts(epoch);
        let ix = network_ix(accounts, network::instruction::ActivateRoot {});
        if self.attempt("activate_root", ix, &[], verdict)? {
            self.model.enter_root(project);
            self.held(Invariant::SplitOnce);
            if self.model.projects[project].external {
                self.held(Invariant::PaidElsewhere);
            }
            if self.model.projects[project].closed {
                self.held(Invariant::ClosedStays);
            }
            self.held(Invariant::FeeAndPool);
        }
        Ok(())
    }

    pub fn claim(&mut self, tenure: Pick, root: Pick, twist: Twist) -> Done {
        if self.model.tenures.is_empty() {
            return Ok(());
        }
        let tenure = tenure.index(self.model.tenures.len());
        let roots = self.model.projects[self.model.tenures[tenure].project].roots.len();
        self.claim_from(tenure, if root.0 < 200 { 0 } else { root.index(roots) }, twist).map(drop)
    }

    /// Claims a tenure's leaf of one of the active roots. True when it paid.
    pub fn claim_from(&mut self, tenure: usize, root: usize, twist: Twist) -> Done<bool> {
        let of = self.model.tenures[tenure].clone();
        let project = &self.model.projects[of.project];
        let Some(leaves) = project.roots.get(root).map(|root| root.leaves.clone()).filter(|leaves| !leaves.is_empty())
        else {
            return Ok(false);
        };
        let tree = self.tree(of.project, &leaves);
        let mut cumulative = leaves.get(of.leaf).copied().unwrap_or(u64::from(of.leaf as u32) + 1);
        let mut proof = tree.proof(of.leaf as u32).unwrap_or_else(|| tree.proof(0).expect("a tree has a leaf"));
        let mut wrong = (leaves.get(of.leaf).is_none()).then_some("the root has no such leaf");
        let mut payout = self.model.payout_account(tenure);
        if let Twist::Wrong(kind) = twist {
            wrong = Some("it proves nothing, or pays somebody else");
            match kind % 5 {
                0 => cumulative += 1,
                1 => drop(proof.pop()),
                2 => proof.push([0; 32]),
                3 if !proof.is_empty() => proof[0][0] ^= 1,
                3 => cumulative += 1,
                _ if of.payout == Payee::Person(MALLORY) => cumulative += 1,
                _ => payout = self.purse(MALLORY, &project.mint),
            }
        }
        let verdict = wrong.map_or_else(|| self.model.claims(tenure, root), Err);
        let node = NodeOf {
            holder: self.people[of.holder].clone(),
            key: self.keys[0].clone(),
            licence: Pubkey::default(),
            node: Pubkey::default(),
            tenure: of.key,
        };
        let mut accounts = self.on(of.project).claim_accounts(&node);
        accounts.payout = payout;
        let ix = network_ix(accounts, network::instruction::Claim { cumulative, proof: proof.concat() });
        let paid = self.attempt("claim", ix, &[], verdict)?;
        if paid {
            let amount = self.model.claim_amount(tenure, root);
            self.model.enter_claim(tenure, amount);
            self.held(Invariant::ClaimedTotal);
            self.held(Invariant::OwnPayout);
            if amount < u128::from(cumulative - of.claimed) {
                self.held(Invariant::Breaker);
            }
        }
        Ok(paid)
    }

    /// A whole epoch as everybody honest does it: views, settlement, votes, activation.
    pub fn pay_epoch(&mut self, project: Pick, amount: Amount, variant: Pick) -> Done {
        self.wait(Jump::AfterEpoch(1));
        self.close_views(Pick(0))?;
        self.settle(project, Pick(0), Who::Right, Amount(amount.0.clamp(1_000, 2_000 * TOKEN_UNIT)), Twist::Honest)?;
        self.approve_all(project, variant)?;
        self.activate(project, Twist::Honest)
    }

    /// What the chain should hold of a root.
    pub fn root_of(&self, project: usize, root: &Root) -> [u8; 32] {
        if root.points.is_some() { POINTS_ROOT } else { self.tree(project, &root.leaves).root() }
    }

    /// The cumulative tree over a project's tenures.
    fn tree(&self, project: usize, leaves: &Leaves) -> Tree {
        let of = &self.model.projects[project];
        let hashes = leaves.iter().zip(&of.leaves).enumerate().map(|(index, (amount, tenure))| {
            let tenure = self.model.tenures[*tenure].key.to_bytes();
            merkle::distribution_leaf(
                &network::ID.to_bytes(),
                &of.distribution.to_bytes(),
                &tenure,
                index as u32,
                *amount,
            )
        });
        Tree::build(hashes.collect()).expect("the tree is small")
    }
}

/// What a settler states.
fn statement(epoch: u64, budget: u64, points: bool, tenures: u32) -> network::SettleEpochArgs {
    if budget == 0 && !points {
        return World::empty_settle_args(epoch);
    }
    network::SettleEpochArgs {
        epoch,
        points_root: POINTS_ROOT,
        total_points: 100,
        node_count: tenures,
        budget,
        dataset_hash: DATASET_HASH,
        scores_hash: [0; 32],
    }
}

/// The leaves of the root before, and each tenure's part of the pool: alike, by position, or all to the first.
pub fn next_leaves(before: Option<&Root>, pool: u64, count: usize, variant: u8) -> Leaves {
    let weights: Vec<u128> = (0..count)
        .map(|leaf| match variant {
            0 => 1,
            1 => leaf as u128 + 1,
            _ => u128::from(leaf == 0),
        })
        .collect();
    let sum: u128 = weights.iter().sum();
    let mut leaves = before.map_or(Vec::new(), |root| root.leaves.clone());
    leaves.resize(count, 0);
    let mut left = pool;
    for (leaf, weight) in leaves.iter_mut().zip(&weights) {
        let share = (u128::from(pool) * weight / sum) as u64;
        *leaf += share;
        left -= share;
    }
    leaves[0] += left;
    leaves
}

impl Model {
    pub fn views_closed(&self, epoch: u64) -> bool {
        self.views.get(&epoch).is_some_and(|views| views.is_closed(self.now, Self::grace_end(epoch)))
    }

    fn commits(&self, oracle: PersonId, epoch: u64, hashes: usize) -> Verdict {
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        needs!(hashes == self.set.members.len(), "one hash for each oracle");
        needs!(self.now >= Self::epoch_end(epoch), "the epoch is not over");
        needs!(epoch + RETENTION_EPOCHS > self.epoch(), "the epoch is too old");
        needs!(!self.views_closed(epoch), "the views are closed");
        Ok(Effect::event(at::view_set(epoch)))
    }

    fn enter_views(&mut self, oracle: PersonId, epoch: u64, hashes: Vec<u8>) {
        let (now, grace_end) = (self.now, Self::grace_end(epoch));
        let set = self.set.clone();
        let views = self.views.entry(epoch).or_default();
        if views.version != set.version {
            *views = Views {
                version: set.version,
                count: set.members.len(),
                threshold: set.threshold(),
                ..Views::default()
            };
        }
        let position = set.members.iter().position(|member| *member == oracle).expect("an oracle of the set");
        views.rows.insert(position, hashes);
        if views.is_closed(now, grace_end) {
            views.closed_at = Some(now);
        }
    }

    fn settles(&self, project: usize, who: PersonId, epoch: u64, budget: u64) -> Verdict {
        let of = &self.projects[project];
        needs!(of.open.is_none(), "a settlement is open");
        self.states(project, who, epoch, budget, 0)?;
        Ok(Effect::event(of.distribution).moves(of.budget_vault, of.vault, budget))
    }

    /// What a statement may say, whether it is the first or replaces one that holds `open_budget`.
    pub fn states(
        &self,
        project: usize,
        who: PersonId,
        epoch: u64,
        budget: u64,
        open_budget: u64,
    ) -> Result<(), &'static str> {
        let of = &self.projects[project];
        needs!(who == of.settler, "only the settler settles");
        needs!(!self.is_paused(pause::SETTLE), "settling is paused");
        needs!(self.now >= Self::epoch_end(epoch), "the epoch is not over");
        needs!(epoch >= of.next_epoch, "the epoch has passed");
        needs!(self.views_closed(epoch), "the views are open");
        needs!(budget <= of.max_budget_at(epoch), "the budget is above the maximum");
        let funds = u128::from(self.balance(&of.budget_vault)) + u128::from(open_budget);
        needs!(u128::from(budget) <= funds, "the vault holds less");
        needs!(budget == 0 || !of.external, "an external project moves nothing here");
        Ok(())
    }

    fn enter_settlement(
        &mut self,
        project: usize,
        epoch: u64,
        budget: u64,
        points: bool,
        revision: u32,
        rent_payer: PersonId,
    ) {
        let (fee, pool) = Self::split(budget, self.fee_at(epoch));
        let settled_at = self.now;
        let of = &mut self.projects[project];
        let is_final = budget == 0 && !points;
        of.statements.insert(epoch, Statement { rent_payer, is_final, revision });
        if is_final {
            of.next_epoch = epoch + 1;
            of.open = None;
            return;
        }
        let count = of.leaves.len();
        let points = of.external.then_some(count);
        let (votes, approved) = (Default::default(), None);
        of.open = Some(Open { epoch, revision, budget, fee, pool, count, points, settled_at, votes, approved });
    }

    fn approves(&self, project: usize, oracle: PersonId) -> Verdict {
        let of = &self.projects[project];
        needs!(!self.is_paused(pause::APPROVE), "approving is paused");
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        let Some(open) = &of.open else {
            return Err("nothing is open");
        };
        let approved = open.approved.as_ref().is_some_and(|pending| pending.version == self.set.version);
        needs!(!approved, "it is approved already");
        Ok(Effect::event(of.distribution))
    }

    fn enter_vote(&mut self, project: usize, oracle: PersonId, leaves: Leaves, log_head: [u8; 32]) {
        let (now, set) = (self.now, self.set.clone());
        let of = &mut self.projects[project];
        let open = of.open.as_mut().expect("a settlement is open");
        open.votes.insert(oracle, (leaves.clone(), set.version));
        open.votes.retain(|_, (_, version)| *version == set.version);
        // A vote of a new set undoes what an earlier one approved.
        open.approved = None;
        let votes = open.votes.values().filter(|(other, _)| *other == leaves).count();
        if votes >= set.threshold() {
            let (epoch, revision, points) = (open.epoch, open.revision, open.points);
            let root = Root { epoch, revision, leaves, points, ..Root::default() };
            let eta = now + i64::from(ROOT_DELAY);
            open.approved = Some(Pending { root, eta, version: set.version, log_head });
        }
    }

    fn activates(&self, project: usize) -> Verdict {
        let of = &self.projects[project];
        needs!(!self.is_paused(pause::ACTIVATE), "activating is paused");
        let Some((open, pending)) = of.open.as_ref().and_then(|open| Some((open, open.approved.as_ref()?))) else {
            return Err("nothing is approved");
        };
        needs!(pending.version == self.set.version, "the set has changed since");
        needs!(self.now >= pending.eta, "the delay runs");
        needs!(self.now >= pending.root.held_until, "the root is held");
        Ok(Effect::event(of.distribution).moves(of.vault, at::treasury(&of.mint), open.fee))
    }

    fn enter_root(&mut self, project: usize) {
        let (epoch, now) = (self.epoch(), self.now);
        let of = &mut self.projects[project];
        let open = of.open.take().expect("a settlement is open");
        let Pending { root, log_head, .. } = open.approved.expect("a root is approved");
        // A root that comes while the breaker counts widens it by its own pool.
        if let Some((_, allowance, _)) = &mut of.breaker {
            *allowance += u128::from(open.pool);
        } else {
            of.breaker = Some((0, u128::from(open.pool), 0));
        }
        debug_assert!(of.breaker.is_none_or(|(of, _, _)| of <= epoch));
        // What was held and not corrected is doubted: its successor owes what it owed.
        if let Some(former) = of.roots.first_mut().filter(|former| now < former.held_until) {
            former.pays_from = former.pays_from.max(former.held_until);
        }
        of.roots.insert(0, root);
        of.roots.truncate(4);
        of.allocated += u128::from(open.pool);
        of.last_pool = open.pool;
        of.next_epoch = open.epoch + 1;
        of.fees += u128::from(open.fee);
        of.budgets += u128::from(open.budget);
        of.booked.insert(open.epoch);
        if let Some(statement) = of.statements.get_mut(&open.epoch) {
            statement.is_final = true;
        }
        of.ledger_head = log_head;
    }

    /// What a claim against one of the active roots pays.
    fn claim_amount(&self, tenure: usize, root: usize) -> u128 {
        let of = &self.tenures[tenure];
        let project = &self.projects[of.project];
        let owed = u128::from(project.roots[root].leaves[of.leaf]).saturating_sub(u128::from(of.claimed));
        let (allowance, paid) = project.allowance(self.epoch());
        let left = project.claimable_total().saturating_sub(project.claimed);
        owed.min(allowance.saturating_sub(paid)).min(left)
    }

    /// The associated account of the tenure's payee.
    fn payout_account(&self, tenure: usize) -> Pubkey {
        let of = &self.tenures[tenure];
        at::ata(&self.payee_key(of.payout), &self.projects[of.project].mint, &TOKEN)
    }

    fn claims(&self, tenure: usize, root: usize) -> Verdict {
        let of = &self.tenures[tenure];
        let project = &self.projects[of.project];
        needs!(project.roots[root].pays(self.now), "the root is held, or its delay runs");
        needs!(!project.is_superseded(root, self.now), "it is doubted, and a later one pays");
        needs!(project.roots[root].leaves[of.leaf] > of.claimed, "nothing is owed");
        let amount = self.claim_amount(tenure, root);
        needs!(amount > 0, "the breaker's allowance is used up");
        let payout = self.payout_account(tenure);
        needs!(self.tokens.contains_key(&payout), "the payout account is not there");
        Ok(Effect::event(project.distribution).moves(project.vault, payout, amount as u64))
    }

    fn enter_claim(&mut self, tenure: usize, amount: u128) {
        let epoch = self.epoch();
        let of = &mut self.tenures[tenure];
        of.claimed += amount as u64;
        let project = &mut self.projects[of.project];
        let (allowance, paid) = project.allowance(epoch);
        project.breaker = Some((epoch, allowance, paid + amount));
        project.claimed += amount;
    }
}
