//! The network, its projects, licences and nodes: what each action does and what the model says of it.

use muster_network::{
    self as network, BindArgs, OracleArg,
    state::{pause, reward_mode},
};
use muster_tests::world::*;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use super::{
    actions::{Amount, Jump, Pick, Twist, Who},
    machine::{Done, KEYS, Machine},
    reference::*,
};

/// Projects that a sequence may reach.
const PROJECTS_MAX: usize = 6;
const HOLD_LIMIT_S: i64 = 3_600;
const ORACLE_SET_DELAY_S: i64 = 60;

impl Machine {
    pub fn set_oracles(&mut self, who: Who, set: Pick) -> Done {
        let members = set.of(&SETS);
        let who = self.signer(who, self.model.authority);
        let oracles = members.iter().map(|m| OracleArg { key: self.key(*m), url: String::new() }).collect();
        let verdict = self.model.names_oracles(who, members);
        let mut accounts = self.world.set_oracle_set_accounts();
        accounts.authority = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetOracleSet { oracles });
        let signer = self.people[who].clone();
        if self.attempt("set_oracle_set", ix, &[&signer], verdict)? {
            let set = &mut self.model.set;
            if set.pending.as_ref().is_some_and(|(named, at)| named == members && self.model.now < at + HOLD_LIMIT_S) {
                *set = Set { members: members.to_vec(), version: set.version + 1, pending: None };
            } else {
                set.pending = Some((members.to_vec(), self.model.now + ORACLE_SET_DELAY_S));
            }
        }
        Ok(())
    }

    /// Names a set and names it again after the timelock.
    pub fn change_oracles(&mut self, set: Pick) -> Done {
        self.set_oracles(Who::Right, set)?;
        self.wait(Jump::Seconds(ORACLE_SET_DELAY_S as u8));
        self.set_oracles(Who::Right, set)
    }

    pub fn create_project(&mut self, owner: Pick, twist: Twist) -> Done {
        let index = self.model.projects.len();
        if index >= PROJECTS_MAX {
            return Ok(());
        }
        let (owner, settler) = (owner.of(&OWNERS), SETTLERS[index % 2]);
        // The second project pays in the second mint.
        let mint = if index % 3 == 1 { self.model.second_mint } else { self.model.mint };
        self.world.project = at::project(index as u64);
        self.world.owner = self.people[owner].clone();
        self.world.mint = mint;
        let mut args = self.world.project_args();
        args.index = index as u64;
        args.settler = self.key(settler);
        args.licences_max = if index == 1 { 4 } else { 1_000 };
        args.price = if index == 2 { 0 } else { PRICE };
        let external = index % 3 == 2;
        args.reward_mode = if external { reward_mode::EXTERNAL } else { reward_mode::ONCHAIN };
        let mut verdict = match self.model.mints.contains(&mint) {
            true => Ok(Effect::event(at::project(index as u64))),
            false => Err("the mint is not listed"),
        };
        match twist {
            Twist::Honest => {}
            Twist::Wrong(kind) => {
                verdict = Err("its arguments are wrong");
                match kind % 5 {
                    0 => args.settler = Pubkey::default(),
                    1 => args.licences_max = 0,
                    2 => args.reward_mode = 7,
                    3 => args.name = String::new(),
                    _ => args.formula.min_uptime_bps = 10_001,
                }
            }
        }
        let accounts = self.world.create_project_accounts();
        let (licences_max, price) = (args.licences_max, args.price);
        let project = accounts.project;
        let distribution = accounts.distribution;
        let (budget_vault, vault) = (accounts.budget_vault, accounts.vault);
        let verdict = verdict.map(|effect| effect.opens(budget_vault, mint).opens(vault, mint));
        let ix = network_ix(accounts, network::instruction::CreateProject { args });
        let signer = self.people[owner].clone();
        if self.attempt("create_project", ix, &[&signer], verdict)? {
            let next_epoch = self.model.epoch() + 1;
            self.model.projects.push(Project {
                key: project,
                distribution,
                budget_vault,
                vault,
                mint,
                owner,
                settler,
                external,
                closed: false,
                proposed_owner: None,
                collection: at::collection(&project),
                external_licences: false,
                payment_mint: mint,
                price,
                licences_max,
                licences: Vec::new(),
                leaves: Vec::new(),
                max_budget: MAX_BUDGET,
                next_max_budget: MAX_BUDGET,
                budget_epoch: 0,
                formula_epoch: 0,
                withdrawal: None,
                pools: Vec::new(),
                next_epoch,
                open: None,
                roots: Vec::new(),
                allocated: 0,
                claimed: 0,
                topped_up: 0,
                last_pool: 0,
                breaker: None,
                booked: Default::default(),
                statements: Default::default(),
                stated: Default::default(),
                voided: (0, 0),
                corrections: Default::default(),
                fees: 0,
                budgets: 0,
                ledger_head: [0; 32],
            });
        }
        Ok(())
    }

    pub fn fund(&mut self, project: Pick, from: Pick, amount: Amount) -> Done {
        let project = project.index(self.model.projects.len());
        let from = from.index(PEOPLE);
        let mint = self.model.projects[project].mint;
        let source = self.purse(from, &mint);
        let verdict = self.model.funds(project, &source, amount.0);
        let mut accounts = self.on(project).fund_project_accounts(source);
        accounts.funder = self.key(from);
        let ix = network_ix(accounts, network::instruction::FundProject { amount: amount.0 });
        let signer = self.people[from].clone();
        self.attempt("fund_project", ix, &[&signer], verdict).map(drop)
    }

    /// A transfer to a vault that no instruction asked for.
    pub fn donate(&mut self, from: Pick, to: Pick, amount: Amount) -> Done {
        let from = from.index(PEOPLE);
        let source = self.purse(from, &self.model.mint);
        let mut vaults = vec![at::bond_vault(), at::treasury(&self.model.mint)];
        for project in self.model.projects.iter().filter(|project| project.mint == self.model.mint) {
            vaults.extend([project.vault, project.budget_vault]);
        }
        vaults.extend(self.model.jobs.iter().map(|job| job.escrow));
        let to = to.of(&vaults);
        let amount = amount.0.min(1_000_000);
        let exists = self.model.tokens.contains_key(&to);
        let verdict = match self.model.balance(&source) {
            held if held >= amount && exists => Ok(Effect::default().moves(source, to, amount)),
            _ => Err("there is no such account or not as much"),
        };
        let mut data = vec![3];
        data.extend(amount.to_le_bytes());
        let accounts = vec![
            AccountMeta::new(source, false),
            AccountMeta::new(to, false),
            AccountMeta::new_readonly(self.key(from), true),
        ];
        let ix = Instruction { program_id: TOKEN, accounts, data };
        let signer = self.people[from].clone();
        if self.attempt("(gift to a vault)", ix, &[&signer], verdict)? {
            *self.model.gifts.entry(to).or_default() += u128::from(amount);
        }
        Ok(())
    }

    pub fn buy(&mut self, project: Pick, buyer: Pick, twist: Twist) -> Done {
        let project = project.index(self.model.projects.len());
        if self.model.licences.len() >= LICENCES_MAX {
            return Ok(());
        }
        let buyer = buyer.of(&HOLDERS);
        let of = &self.model.projects[project];
        let (mint, owner, next) = (of.payment_mint, of.owner, of.licences.len() as u32);
        let collection = of.collection;
        let (mut serial, mut max_price) = (next, of.price);
        if let Twist::Wrong(kind) = twist {
            match kind % 3 {
                0 => serial = next + 1,
                1 => serial = next.saturating_sub(1),
                _ => max_price = max_price.saturating_sub(1),
            }
        }
        let source = self.purse(buyer, &mint);
        let destination = self.purse(owner, &mint);
        let verdict = self.model.buys(project, serial, max_price, source, destination);
        let buyer_key = self.key(buyer);
        self.on(project).mint = mint;
        let mut accounts = self.world.buy_licence_accounts(&buyer_key, serial);
        accounts.collection = collection;
        let licence = accounts.licence;
        let ix = network_ix(accounts, network::instruction::BuyLicence { serial, max_price });
        let signer = self.people[buyer].clone();
        if self.attempt("buy_licence", ix, &[&signer], verdict)? {
            self.enter_licence(project, serial, licence, buyer);
        }
        Ok(())
    }

    pub fn enter_licence(&mut self, project: usize, serial: u32, mint: Pubkey, holder: PersonId) {
        let index = self.model.licences.len();
        let node_address = at::node(&mint);
        self.model.projects[project].licences.push(index);
        self.model.licences.push(Licence { project, serial, mint, node_address, holder, is_asset: false, node: None });
    }

    /// A Token-2022 transfer of the licence, as a market does it.
    pub fn sell(&mut self, licence: Pick, to: Pick) -> Done {
        if self.model.licences.is_empty() {
            return Ok(());
        }
        self.sell_to(licence.index(self.model.licences.len()), to.of(&HOLDERS))
    }

    pub fn sell_to(&mut self, licence: usize, to: PersonId) -> Done {
        let of = &self.model.licences[licence];
        let (project, mint, holder) = (of.project, of.mint, of.holder);
        if to == holder {
            return Ok(());
        }
        if of.is_asset {
            self.give_asset(project, mint, to);
            self.model.licences[licence].holder = to;
            return Ok(());
        }
        let verdict =
            if self.model.licences[licence].is_frozen() { Err("the licence is frozen") } else { Ok(Effect::default()) };
        let (from_account, to_account) =
            (at::ata(&self.key(holder), &mint, &TOKEN_2022), at::ata(&self.key(to), &mint, &TOKEN_2022));
        let create = create_account(&self.world.svm.payer.key(), &self.key(to), &mint);
        // transfer_checked of one, no decimals
        let mut data = vec![12];
        data.extend(1_u64.to_le_bytes());
        data.push(0);
        let accounts = vec![
            AccountMeta::new(from_account, false),
            AccountMeta::new_readonly(mint, false),
            AccountMeta::new(to_account, false),
            AccountMeta::new_readonly(self.key(holder), true),
        ];
        let transfer = Instruction { program_id: TOKEN_2022, accounts, data };
        let signer = self.people[holder].clone();
        if self.attempt_all("(sale of a licence)", &[create, transfer], &[&signer], verdict)? {
            self.model.licences[licence].holder = to;
        }
        Ok(())
    }

    /// The holder leaves, sells, and the buyer binds with a key that accepts.
    pub fn resell(&mut self, licence: Pick, to: Pick, key: Pick) -> Done {
        if self.model.licences.is_empty() {
            return Ok(());
        }
        let licence = licence.index(self.model.licences.len());
        let status = |machine: &Self| machine.model.licences[licence].node.as_ref().map(|node| node.status);
        if !self.model.licences[licence].is_asset {
            if matches!(status(self), Some(Status::Bound | Status::Active)) {
                self.unbind_as(licence, self.model.licences[licence].holder)?;
                self.check_touched()?;
                self.wait(Jump::AfterEpoch(0));
            }
            if status(self) == Some(Status::Unbinding) {
                self.thaw_licence(licence)?;
                self.check_touched()?;
            }
        }
        self.sell_to(licence, to.of(&HOLDERS))?;
        let licence = Pick(licence as u8);
        self.bind(licence, key, Who::Right, Pick(0), Twist::Honest)?;
        self.check_touched()?;
        self.accept(licence, Twist::Honest)
    }

    pub fn bind(&mut self, licence: Pick, key: Pick, who: Who, payout: Pick, twist: Twist) -> Done {
        if self.model.licences.is_empty() {
            return Ok(());
        }
        let licence = licence.index(self.model.licences.len());
        let of = &self.model.licences[licence];
        if of.is_asset {
            return self.bind_asset(licence, key, who, payout, twist);
        }
        let (project, mint, node) = (of.project, of.mint, of.node_address);
        let holder = self.signer(who, of.holder);
        let key = key.index(KEYS);
        let payee = payout.mostly_first(&[holder, HOLDERS[0], HOLDERS[1], MALLORY]);
        let current = of.node.as_ref().map_or(0, |node| node.number);
        let keeps = self
            .model
            .tenure_of(licence)
            .is_some_and(|tenure| tenure.holder == holder && tenure.operator.is_none() && !payout.one_in(8));
        let mut number = if keeps { current } else { current + 1 };
        let mut node_key = self.keys[key].key();
        let mut wrong = false;
        if let Twist::Wrong(kind) = twist {
            match kind % 5 {
                0 => number = current,
                1 => number = current + 1,
                2 => (number, wrong) = (current + 2, true),
                3 => (node_key, wrong) = (self.key(holder), true),
                _ => (node_key, wrong) = (Pubkey::default(), true),
            }
        }
        let verdict = self.model.binds(licence, holder, key, number, wrong);
        let tenure = at::tenure(&node, number);
        let named =
            NodeOf { holder: self.people[holder].clone(), key: self.keys[key].clone(), licence: mint, node, tenure };
        let mut accounts = self.on(project).bind_accounts(&named);
        accounts.key_marker = at::key_marker(&node_key);
        let args = BindArgs { tenure_number: number, node_key, payout_owner: self.key(payee), metadata_hash: [7; 32] };
        let ix = network_ix(accounts, network::instruction::Bind { args });
        if self.attempt("bind", ix, &[&named.holder], verdict)? {
            self.enter_binding(licence, holder, key, number, payee, tenure);
        }
        Ok(())
    }

    pub fn enter_binding(
        &mut self,
        licence: usize,
        holder: PersonId,
        key: usize,
        number: u32,
        payout: PersonId,
        address: Pubkey,
    ) {
        let epoch = self.model.epoch();
        let of = &mut self.model.licences[licence];
        let kept = of.node.as_ref().filter(|node| node.number == number).map(|node| node.tenure);
        let tenure = kept.unwrap_or(self.model.tenures.len());
        let from_epoch = of.node.as_ref().map_or(0, |node| node.thaw_at as u64 / u64::from(EPOCH_LEN)).max(epoch);
        let node = of.node.get_or_insert_with(|| Node {
            status: Status::Bound,
            tenure,
            number,
            key,
            thaw_at: 0,
            pool: None,
            maintenance: Maintenance::default(),
            suspension: Suspension::default(),
            ballot: Default::default(),
        });
        (node.status, node.tenure, node.number, node.key) = (Status::Bound, tenure, number, key);
        if kept.is_some() {
            self.model.tenures[tenure].until_epoch = None;
            return;
        }
        let project = of.project;
        let leaf = self.model.projects[project].leaves.len();
        self.model.projects[project].leaves.push(tenure);
        self.model.tenures.push(Tenure {
            key: address,
            project,
            licence,
            number,
            leaf,
            holder,
            payout: Payee::Person(payout),
            operator: None,
            claimed: 0,
            from_epoch,
            until_epoch: None,
            bond: None,
        });
    }

    pub fn accept(&mut self, licence: Pick, twist: Twist) -> Done {
        if self.model.licences.is_empty() {
            return Ok(());
        }
        let licence = licence.index(self.model.licences.len());
        let of = &self.model.licences[licence];
        let (project, node) = (of.project, of.node_address);
        let Some(named) = of.node.as_ref().map(|node| node.key) else {
            return Ok(());
        };
        let key = match twist {
            Twist::Honest => named,
            Twist::Wrong(other) => Pick(other).index(KEYS),
        };
        let verdict = self.model.accepts(licence, key);
        let wallet = self.keys[key].clone();
        let who =
            NodeOf { holder: wallet.clone(), key: wallet.clone(), licence: of.mint, node, tenure: Pubkey::default() };
        let accounts = self.on(project).accept_accounts(&who);
        let ix = network_ix(accounts, network::instruction::AcceptNode {});
        if self.attempt("accept_node", ix, &[&wallet], verdict)? {
            self.model.markers.insert(key, licence);
            if let Some(node) = &mut self.model.licences[licence].node {
                node.status = Status::Active;
            }
        }
        Ok(())
    }
}

impl Model {
    fn names_oracles(&self, who: PersonId, members: &[PersonId]) -> Verdict {
        needs!(who == self.authority, "only the authority names oracles");
        if let Some((named, at)) = &self.set.pending {
            needs!(named != members || self.now >= *at, "the timelock runs");
        }
        Ok(Effect::event(at::network()))
    }

    fn funds(&self, project: usize, source: &Pubkey, amount: u64) -> Verdict {
        let of = &self.projects[project];
        needs!(!of.closed, "the project is closed");
        needs!(amount > 0, "the amount is zero");
        needs!(self.balance(source) >= amount, "the funder has less");
        Ok(Effect::event(of.key).moves(*source, of.budget_vault, amount))
    }

    fn buys(&self, project: usize, serial: u32, max_price: u64, from: Pubkey, to: Pubkey) -> Verdict {
        let of = &self.projects[project];
        needs!(!self.is_paused(pause::BUY), "buying is paused");
        needs!(!of.closed, "the project is closed");
        needs!(!of.external_licences, "its licences are another program's");
        needs!((of.licences.len() as u32) < of.licences_max, "all are sold");
        needs!(serial as usize == of.licences.len(), "it is not the next serial");
        needs!(of.price <= max_price, "the price is above the maximum");
        needs!(self.balance(&from) >= of.price, "the buyer has less");
        Ok(Effect::event(of.key).moves(from, to, of.price))
    }

    fn binds(&self, licence: usize, holder: PersonId, key: usize, number: u32, wrong: bool) -> Verdict {
        let of = &self.licences[licence];
        needs!(!wrong, "its arguments are wrong");
        needs!(holder == of.holder, "only the holder binds");
        needs!(!self.is_paused(pause::BIND), "binding is paused");
        needs!(!self.projects[of.project].closed, "the project is closed");
        needs!(!of.is_frozen(), "it is bound already");
        needs!(!self.key_is_taken(key), "the key runs another node");
        let current = of.node.as_ref().map_or(0, |node| node.number);
        let keeps = current > 0 && number == current;
        needs!(keeps || number == current + 1, "it is not the next tenure");
        let same = self.tenure_of(licence).is_some_and(|tenure| tenure.holder == holder);
        needs!(!keeps || same, "the tenure is another holder's");
        let run = self.tenure_of(licence).is_some_and(|tenure| tenure.operator.is_some());
        needs!(!keeps || !run, "the tenure has an operator");
        Ok(Effect::event(self.projects[of.project].key))
    }

    fn accepts(&self, licence: usize, key: usize) -> Verdict {
        let of = &self.licences[licence];
        let Some(node) = &of.node else {
            return Err("nobody bound it");
        };
        needs!(!self.is_paused(pause::BIND), "binding is paused");
        needs!(node.status == Status::Bound, "it waits for no key");
        needs!(node.key == key, "it is not the named key");
        needs!(!self.key_is_taken(key), "the key runs another node");
        Ok(Effect::event(self.projects[of.project].key))
    }
}

/// Creates an associated Token-2022 account unless it is there.
fn create_account(payer: &Pubkey, owner: &Pubkey, mint: &Pubkey) -> Instruction {
    spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent(
        payer,
        owner,
        mint,
        &TOKEN_2022,
    )
}
