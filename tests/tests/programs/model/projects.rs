//! A project's owner: rules, money and pools; what each action does and what the model says of it.

use muster_network::{
    self as network,
    state::{PointsFormula, pause},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Pick, Who},
    invariants::Invariant,
    machine::{Done, Machine},
    reference::*,
};

const HOLD_LIMIT_S: i64 = 3_600;
/// Nodes of a pool in these worlds, few enough to be full now and then.
const CAPACITIES: [u16; 3] = [1, 2, 5];
const LICENCES_LIMIT: u32 = 1 << 20;

impl Machine {
    fn any_project(&self, project: Pick) -> usize {
        project.index(self.model.projects.len())
    }

    pub fn propose_owner(&mut self, project: Pick, who: Who, to: Pick) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        let to = to.of(&OWNERS);
        let verdict = self.model.by_owner(project, who);
        let mut accounts = self.on(project).propose_owner_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::ProposeOwner { key: self.key(to) });
        let signer = self.people[who].clone();
        if self.attempt("propose_owner", ix, &[&signer], verdict)? {
            self.model.projects[project].proposed_owner = Some(to);
        }
        Ok(())
    }

    pub fn accept_owner(&mut self, project: Pick, who: Who) -> Done {
        let project = self.any_project(project);
        let proposed = self.model.projects[project].proposed_owner;
        let who = self.signer(who, proposed.unwrap_or(MALLORY));
        let verdict = match proposed == Some(who) {
            true => Ok(Effect::event(self.model.projects[project].key)),
            false => Err("nobody proposed him"),
        };
        let key = self.key(who);
        let accounts = self.on(project).accept_owner_accounts(&key);
        let ix = network_ix(accounts, network::instruction::AcceptOwner {});
        let signer = self.people[who].clone();
        if self.attempt("accept_owner", ix, &[&signer], verdict)? {
            let of = &mut self.model.projects[project];
            (of.owner, of.proposed_owner, of.withdrawal) = (who, None, None);
        }
        Ok(())
    }

    pub fn set_settler(&mut self, project: Pick, who: Who, to: Pick) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        let to = to.of(&SETTLERS);
        let verdict = self.model.by_owner(project, who);
        let mut accounts = self.on(project).set_settler_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetSettler { settler: self.key(to) });
        let signer = self.people[who].clone();
        if self.attempt("set_settler", ix, &[&signer], verdict)? {
            self.model.projects[project].settler = to;
        }
        Ok(())
    }

    pub fn set_formula(&mut self, project: Pick, who: Who, weight: Pick) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        let w_uptime = u32::from(weight.0) * 10;
        let formula = PointsFormula { w_uptime, w_task: 0, cap: 10_000, min_uptime_bps: 0 };
        let verdict = match w_uptime {
            0 => Err("it weighs nothing"),
            _ => self.model.changes_rule(project, who, self.model.projects[project].formula_epoch),
        };
        let mut accounts = self.on(project).set_formula_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetFormula { formula });
        let signer = self.people[who].clone();
        if self.attempt("set_formula", ix, &[&signer], verdict)? {
            self.model.projects[project].formula_epoch = self.model.epoch() + 1;
        }
        Ok(())
    }

    pub fn set_max_budget(&mut self, project: Pick, who: Who, amount: Amount) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        let verdict = self.model.changes_rule(project, who, self.model.projects[project].budget_epoch);
        let mut accounts = self.on(project).set_max_epoch_budget_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetMaxEpochBudget { amount: amount.0 });
        let signer = self.people[who].clone();
        if self.attempt("set_max_epoch_budget", ix, &[&signer], verdict)? {
            let epoch = self.model.epoch();
            let of = &mut self.model.projects[project];
            if epoch >= of.budget_epoch {
                of.max_budget = of.next_max_budget;
            }
            (of.next_max_budget, of.budget_epoch) = (amount.0, epoch + 1);
        }
        Ok(())
    }

    pub fn set_sale(&mut self, project: Pick, who: Who, price: Pick, licences: Pick) -> Done {
        let project = self.any_project(project);
        let of = &self.model.projects[project];
        let who = self.signer(who, of.owner);
        let mint = price.mostly_first(&[of.payment_mint, self.model.mint, self.model.second_mint]);
        let price = u64::from(price.0) * 100_000;
        let sold = of.licences.len() as u32;
        let licences_max = licences.mostly_first(&[sold + 5, sold, sold.saturating_sub(1), 0, LICENCES_LIMIT + 1]);
        let verdict = self.model.changes_sale(project, who, &mint, licences_max);
        let mut accounts = self.on(project).set_sale_accounts(&mint);
        accounts.owner = self.key(who);
        accounts.collection = self.model.projects[project].collection;
        let ix = network_ix(accounts, network::instruction::SetSale { price, licences_max });
        let signer = self.people[who].clone();
        if self.attempt("set_sale", ix, &[&signer], verdict)? {
            let of = &mut self.model.projects[project];
            (of.price, of.licences_max, of.payment_mint) = (price, licences_max, mint);
        }
        Ok(())
    }

    pub fn gift(&mut self, project: Pick, who: Who, to: Pick) -> Done {
        let project = self.any_project(project);
        if self.model.licences.len() >= LICENCES_MAX {
            return Ok(());
        }
        let who = self.signer(who, self.model.projects[project].owner);
        let to = to.of(&HOLDERS);
        let serial = self.model.projects[project].licences.len() as u32;
        let verdict = self.model.gifts_licence(project, who);
        let recipient = self.key(to);
        let mut accounts = self.on(project).gift_licence_accounts(&recipient, serial);
        accounts.owner = self.key(who);
        accounts.collection = self.model.projects[project].collection;
        let licence = accounts.licence;
        let ix = network_ix(accounts, network::instruction::GiftLicence { serial });
        let signer = self.people[who].clone();
        if self.attempt("gift_licence", ix, &[&signer], verdict)? {
            self.enter_licence(project, serial, licence, to);
        }
        Ok(())
    }

    pub fn announce_withdrawal(&mut self, project: Pick, who: Who, amount: Amount) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        self.announce_withdrawal_of(project, who, amount.0)
    }

    pub fn announce_withdrawal_of(&mut self, project: usize, who: PersonId, amount: u64) -> Done {
        let verdict = self.model.by_owner(project, who);
        let mut accounts = self.on(project).announce_withdrawal_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::AnnounceWithdrawal { amount });
        let signer = self.people[who].clone();
        if self.attempt("announce_withdrawal", ix, &[&signer], verdict)? {
            let due_at = self.model.now + i64::from(EPOCH_LEN);
            self.model.projects[project].withdrawal = Some((amount, due_at));
        }
        Ok(())
    }

    pub fn withdraw_budget(&mut self, project: Pick, who: Who, amount: Amount) -> Done {
        let project = self.any_project(project);
        let of = &self.model.projects[project];
        let who = self.signer(who, of.owner);
        let most = of.withdrawal.map_or(0, |(amount, _)| amount).min(self.model.balance(&of.budget_vault));
        let amount = if amount.one_in(5) { amount.0 } else { amount.0.min(most) };
        self.withdraw_budget_of(project, who, amount)
    }

    pub fn withdraw_budget_of(&mut self, project: usize, who: PersonId, amount: u64) -> Done {
        let destination = self.purse(who, &self.model.projects[project].mint);
        let verdict = self.model.withdraws_budget(project, who, destination, amount);
        let mut accounts = self.on(project).withdraw_budget_accounts(destination);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::WithdrawBudget { amount });
        let signer = self.people[who].clone();
        if self.attempt("withdraw_budget", ix, &[&signer], verdict)? {
            if let Some((left, _)) = &mut self.model.projects[project].withdrawal {
                *left -= amount;
            }
            self.held(Invariant::BudgetNotice);
        }
        Ok(())
    }

    pub fn close_project(&mut self, project: Pick, who: Who) -> Done {
        let project = self.any_project(project);
        let who = self.signer(who, self.model.projects[project].owner);
        let verdict = match self.model.projects[project].closed {
            true => Err("it is closed"),
            false => self.model.by_owner(project, who),
        };
        let mut accounts = self.on(project).close_project_accounts();
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::CloseProject {});
        let signer = self.people[who].clone();
        if self.attempt("close_project", ix, &[&signer], verdict)? {
            self.model.projects[project].closed = true;
        }
        Ok(())
    }

    pub fn create_pool(&mut self, project: Pick, who: Who, capacity: Pick) -> Done {
        let project = self.any_project(project);
        let of = &self.model.projects[project];
        let who = self.signer(who, of.owner);
        let index = of.pools.len() as u32;
        let capacity = if capacity.0 == 0 { 0 } else { capacity.of(&CAPACITIES) };
        let verdict = match (of.closed, capacity) {
            (true, _) => Err("the project is closed"),
            (false, 0) => Err("it holds nothing"),
            _ => self.model.by_owner(project, who),
        };
        let args = network::CreatePoolArgs { capacity: Some(capacity), ..World::create_pool_args(index) };
        let mut accounts = self.on(project).create_pool_accounts(index);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::CreatePool { args });
        let signer = self.people[who].clone();
        if self.attempt("create_pool", ix, &[&signer], verdict)? {
            self.model.projects[project].pools.push(Pool { capacity, closed: false });
        }
        Ok(())
    }

    /// A project's pool that is there.
    fn any_pool(&self, project: usize, pool: Pick) -> Option<usize> {
        let pools = &self.model.projects[project].pools;
        let there: Vec<usize> = (0..pools.len()).filter(|pool| !pools[*pool].closed).collect();
        (!there.is_empty()).then(|| pool.of(&there))
    }

    pub fn close_pool(&mut self, project: Pick, who: Who, pool: Pick) -> Done {
        let project = self.any_project(project);
        let Some(pool) = self.any_pool(project, pool) else {
            return Ok(());
        };
        let who = self.signer(who, self.model.projects[project].owner);
        let verdict = match self.model.pool_count(project, pool) {
            0 => self.model.by_owner(project, who),
            _ => Err("it is not empty"),
        };
        let mut accounts = self.on(project).close_pool_accounts(pool as u32);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::ClosePool {});
        let signer = self.people[who].clone();
        if self.attempt("close_pool", ix, &[&signer], verdict)? {
            self.model.projects[project].pools[pool].closed = true;
        }
        Ok(())
    }

    pub fn set_pool_capacity(&mut self, project: Pick, who: Who, pool: Pick, capacity: Pick) -> Done {
        let project = self.any_project(project);
        let Some(pool) = self.any_pool(project, pool) else {
            return Ok(());
        };
        let who = self.signer(who, self.model.projects[project].owner);
        let capacity = u16::from(capacity.0 % 6);
        let count = self.model.pool_count(project, pool);
        let verdict = match usize::from(capacity) >= count.max(1) {
            true => self.model.by_owner(project, who),
            false => Err("it holds more"),
        };
        let mut accounts = self.on(project).set_pool_capacity_accounts(pool as u32);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetPoolCapacity { capacity });
        let signer = self.people[who].clone();
        if self.attempt("set_pool_capacity", ix, &[&signer], verdict)? {
            self.model.projects[project].pools[pool].capacity = capacity;
        }
        Ok(())
    }

    pub fn join_pool(&mut self, licence: Pick, who: Who, pool: Pick) -> Done {
        let Some((licence, of)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let Some(pool) = self.any_pool(project, pool) else {
            return Ok(());
        };
        let who = self.signer(who, self.model.tenures[of.tenure].holder);
        let verdict = self.model.joins(licence, who, pool);
        let node = self.node_of(licence, who);
        let accounts = self.on(project).join_pool_accounts(&node, pool as u32);
        let ix = network_ix(accounts, network::instruction::JoinPool {});
        if self.attempt("join_pool", ix, &[&node.holder], verdict)? {
            self.node_mut(licence).pool = Some(pool);
        }
        Ok(())
    }

    pub fn leave_pool(&mut self, licence: Pick, who: Who) -> Done {
        let inside: Vec<usize> = (0..self.model.licences.len())
            .filter(|licence| self.model.licences[*licence].node.as_ref().is_some_and(|node| node.pool.is_some()))
            .collect();
        if inside.is_empty() {
            return Ok(());
        }
        let licence = licence.of(&inside);
        let node = self.model.licences[licence].node.clone().expect("the licence was bound");
        let (project, pool) = (self.model.licences[licence].project, node.pool.expect("it is in a pool"));
        let who = self.signer(who, self.model.tenures[node.tenure].holder);
        let verdict = self.model.leaves_pool(licence, who);
        let (named, key) = (self.node_of(licence, who), self.key(who));
        let accounts = self.on(project).leave_pool_accounts(&key, &named, pool as u32);
        let ix = network_ix(accounts, network::instruction::LeavePool {});
        if self.attempt("leave_pool", ix, &[&named.holder], verdict)? {
            self.node_mut(licence).pool = None;
        }
        Ok(())
    }
}

impl Model {
    /// An instruction that asks for nothing but the owner.
    fn by_owner(&self, project: usize, who: PersonId) -> Verdict {
        let of = &self.projects[project];
        needs!(who == of.owner, "only the owner does it");
        Ok(Effect::event(of.key))
    }

    /// Two values are kept: a change that has begun must be the rule of every epoch that can still be settled.
    fn changes_rule(&self, project: usize, who: PersonId, last_change: u64) -> Verdict {
        let of = &self.projects[project];
        let begun = self.epoch() >= last_change;
        needs!(!begun || last_change <= of.next_epoch, "an earlier epoch may still need the former value");
        self.by_owner(project, who)
    }

    fn changes_sale(&self, project: usize, who: PersonId, mint: &Pubkey, licences_max: u32) -> Verdict {
        let of = &self.projects[project];
        needs!(!of.closed, "the project is closed");
        needs!(!of.external_licences, "its licences are another program's");
        needs!(self.mints.contains(mint), "the mint is not listed");
        let sold = of.licences.len() as u32;
        needs!(licences_max >= sold.max(1) && licences_max <= LICENCES_LIMIT, "fewer than there are, or too many");
        self.by_owner(project, who)
    }

    fn gifts_licence(&self, project: usize, who: PersonId) -> Verdict {
        let of = &self.projects[project];
        needs!(!self.is_paused(pause::BUY), "buying is paused");
        needs!(!of.closed, "the project is closed");
        needs!(!of.external_licences, "its licences are another program's");
        needs!((of.licences.len() as u32) < of.licences_max, "all are sold");
        self.by_owner(project, who)
    }

    fn withdraws_budget(&self, project: usize, who: PersonId, to: Pubkey, amount: u64) -> Verdict {
        let of = &self.projects[project];
        let (announced, due_at) = of.withdrawal.unwrap_or((0, 0));
        needs!(amount > 0 && amount <= announced, "it was not announced");
        needs!(self.now >= due_at && self.now < due_at + HOLD_LIMIT_S, "it is not due, or has lapsed");
        needs!(amount <= self.balance(&of.budget_vault), "the vault holds less");
        Ok(self.by_owner(project, who)?.moves(of.budget_vault, to, amount))
    }

    pub fn pool_count(&self, project: usize, pool: usize) -> usize {
        let of = self.licences.iter().filter(|licence| licence.project == project);
        of.filter(|licence| licence.node.as_ref().is_some_and(|node| node.pool == Some(pool))).count()
    }

    fn joins(&self, licence: usize, who: PersonId, pool: usize) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let project = &self.projects[of.project];
        needs!(who == self.tenures[node.tenure].holder, "only the holder joins");
        needs!(!project.closed, "the project is closed");
        needs!(node.is_bound(), "it is not bound");
        needs!(node.pool.is_none(), "it is in a pool");
        needs!(self.pool_count(of.project, pool) < usize::from(project.pools[pool].capacity), "the pool is full");
        Ok(Effect::event(project.key))
    }

    fn leaves_pool(&self, licence: usize, who: PersonId) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let project = &self.projects[of.project];
        let tenure = &self.tenures[node.tenure];
        let has_a_say = who == tenure.holder || tenure.operator == Some(who) || who == project.owner;
        needs!(has_a_say || !node.is_bound(), "it is bound, and not his");
        Ok(Effect::event(project.key))
    }
}
