//! The invariants of docs/invariants.md, checked against the chain's accounts and the reference model.

use std::collections::BTreeMap;

use muster_jobs::state as jobs;
use muster_network::state as network;
use muster_tests::world::*;
use solana_sdk::{account::ReadableAccount, pubkey::Pubkey};

use super::{
    machine::{Broken, Done, Machine, check},
    reference::*,
};

/// Epochs for which a fee stays known after its end.
const FEE_KEPT_EPOCHS: u64 = 7;

macro_rules! invariants {
    ($($name:ident $number:literal $words:literal),+ $(,)?) => {
        /// One row of the table at the end of a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant { $($name),+ }

        impl Invariant {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn number(self) -> &'static str {
                match self { $(Self::$name => $number),+ }
            }

            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

invariants! {
    VaultCovers "I1" "a vault holds what is allocated and unclaimed, and the open budget",
    FeeAndPool "I2" "fee and pool sum to the budget",
    SplitOnce "I3" "the split happens once per project and epoch, at activation",
    Treasury "I3" "the treasury holds the fees and the jobs' shares",
    ClaimedTotal "I4" "what is claimed never falls, and never exceeds the newest total",
    OwnPayout "I5" "a claim pays the tenure's own payout account",
    Breaker "I6" "the breaker delays a claim",
    BoundIsFrozen "I7" "a licence is frozen exactly while it is bound or unbinding",
    MarkerIsAccepted "I7" "a key is taken exactly while its node has accepted",
    HolderBinds "I8" "only the holder binds, only the named key accepts",
    HotKeys "I9" "a settler moves no more than the epoch's maximum, into the project's own vault",
    SettledOnce "I10" "an epoch is settled once, in order",
    OneVote "I11" "an oracle has one vote",
    ViewsAgree "I12" "a view is in when a threshold names it",
    EscrowHolds "I13" "the escrow of a job that is over holds what waits for somebody, or is gone",
    AttestedBonds "I14" "a completed job pays the attested bonds of distinct holders",
    FailedGivesBack "I15" "a failed job gives everything back",
    OwnBond "I16" "only a bond's holder takes from it, no more than is his, and not before its time",
    GaplessEvents "I17" "every stream moves by exactly its events, at the clock's time",
    InitialisedOnce "I18" "nobody initialises a second time",
    ThresholdApproves "I19" "only what a threshold approved becomes active",
    SetVersions "I20" "votes of an earlier set mean nothing",
    Pauses "I21" "a pause stops its own instructions and no exit",
    Roles "I30" "a role changes hands by proposal and acceptance, authority and guardian stay apart",
    FeeBounded "I32" "the fee is capped and changes for epochs to come",
    GuardianLapses "I33" "a guardian's pause lapses and does not follow on itself",
    RulesAhead "I34" "what enters points or split changes for epochs to come",
    BudgetNotice "I35" "a budget leaves an epoch after it was announced, and within it",
    SaleBounded "I36" "no licence beyond the maximum, no price above the buyer's",
    ClosedStays "I37" "a closed project begins nothing, and pays",
    PoolCapacity "I38" "a pool counts the nodes that name it, and is never overfull",
    OneTenure "I40" "a node has one tenure in an epoch",
    Leaves "I41" "a holder leaves whenever he likes",
    SplitShares "I43" "a split pays nobody more than his share, in whatever order",
    MaintenanceBounded "I44" "maintenance is announced ahead, eight hours in any thirty days",
    SuspensionEnds "I45" "a suspension is of epochs to come, and lapses",
    Linked "I51" "a collection is one project's",
    Detaches "I52" "who no longer holds is detached, and nobody else",
    VoidGivesBack "I55" "a voided settlement gives the whole budget back",
    OneStatement "I56" "an epoch and a revision mean one statement",
    Replaces "I57" "a replacement moves the difference alone",
    Holds "I58" "a held root neither activates nor pays, once per set, and lapses",
    Corrections "I59" "a correction keeps epoch and total, and is the next revision",
    ClaimableTotal "I60" "all that was claimed is within the newest total and what was added",
    PaidElsewhere "I61" "an external project moves nothing, and is final with the oracles' approval",
    Retention "I62" "what is closed after the retention is never made again",
    Refunds "I70" "submitters and sponsors get back what is theirs",
    NobodyBlocks "I71" "a submitter whose account is left out keeps nobody from theirs",
    JobsExpire "I72" "no job locks money for ever",
    ElapsedShare "I73" "a cancelled job pays the elapsed share",
    JobsClose "I74" "a job's account closes when nobody has money in it",
    BondVault "I75" "the bond vault holds the sum of all bonds",
    SlashBounded "I76" "a slash takes what was decided, half of a bond at most",
    SlashFirst "I77" "what a decided slash takes does not leave before it",
    Signatures "keys" "nothing is done without a signature that it asks for",
    NobodyElsesMoney "money" "every token that moved is explained; who does not sign loses no lamports",
    Supply "money" "every mint's supply is in its token accounts, as the model has them",
    GetsOut "exits" "whoever did nothing wrong gets his money and his licence out",
}

impl Machine {
    /// Compares every account that the last instruction wrote.
    pub fn check_touched(&mut self) -> Done {
        for address in std::mem::take(&mut self.touched) {
            self.check_account(&address)?;
        }
        Ok(())
    }

    fn check_account(&self, address: &Pubkey) -> Done {
        let model = &self.model;
        for (index, project) in model.projects.iter().enumerate() {
            if project.key == *address {
                return self.check_project(index);
            }
            if project.distribution == *address {
                return self.check_distribution(index);
            }
        }
        for (index, licence) in model.licences.iter().enumerate() {
            if licence.node_address == *address && licence.node.is_some() {
                return self.check_node(index);
            }
        }
        for (index, tenure) in model.tenures.iter().enumerate() {
            if tenure.key == *address {
                return self.check_tenure(index);
            }
            if tenure.bond.is_some() && at::bond(&tenure.key) == *address {
                return self.check_bond(index);
            }
        }
        for (index, job) in model.jobs.iter().enumerate() {
            if job.key == *address {
                return self.check_job(index);
            }
        }
        for epoch in model.views.keys() {
            if at::view_set(*epoch) == *address {
                return self.check_views(*epoch);
            }
        }
        if *address == at::oracle_set() {
            return self.check_oracles();
        }
        if *address == at::network() {
            return self.check_network();
        }
        Ok(())
    }

    /// Everything on the chain.
    pub fn check_all(&self) -> Done {
        for project in 0..self.model.projects.len() {
            self.check_project(project)?;
            self.check_distribution(project)?;
        }
        for licence in 0..self.model.licences.len() {
            if self.model.licences[licence].node.is_some() {
                self.check_node(licence)?;
            }
        }
        for tenure in 0..self.model.tenures.len() {
            self.check_tenure(tenure)?;
            if self.model.tenures[tenure].bond.is_some() {
                self.check_bond(tenure)?;
            }
        }
        for job in 0..self.model.jobs.len() {
            self.check_job(job)?;
        }
        for epoch in self.model.views.keys() {
            self.check_views(*epoch)?;
        }
        self.check_oracles()?;
        self.check_network()?;
        self.check_answers()?;
        self.check_markers()?;
        self.check_vault_sums()?;
        self.check_supply()
    }

    fn seq(&self, stream: &Pubkey) -> u64 {
        self.model.seqs.get(stream).copied().unwrap_or(0)
    }

    fn check_project(&self, index: usize) -> Done {
        let of = &self.model.projects[index];
        let chain: network::Project = self.world.svm.borsh(&of.key);
        check!(chain.seq == self.seq(&of.key), "project {index}: seq {}", chain.seq);
        check!(chain.owner == self.key(of.owner), "project {index}: another owner");
        check!(chain.settler == self.key(of.settler), "project {index}: another settler");
        check!(chain.collection == of.collection, "project {index}: another collection");
        check!(chain.payment_mint == of.payment_mint, "project {index}: another payment mint");
        let epoch = self.model.epoch();
        check!(
            chain.max_budget_at(epoch) == of.max_budget_at(epoch),
            "project {index}: a maximum of {}",
            chain.max_budget_at(epoch)
        );
        self.check_pools(index)?;
        check!(chain.next_epoch == of.next_epoch, "project {index}: next epoch {}", chain.next_epoch);
        check!(chain.leaf_count as usize == of.leaves.len(), "project {index}: {} leaves", chain.leaf_count);
        check!(chain.licences_sold as usize == of.licences.len(), "project {index}: {} sold", chain.licences_sold);
        check!(chain.closed == of.closed, "project {index}: closed {}", chain.closed);
        check!(
            chain.licences_sold <= chain.licences_max && chain.licences_max == of.licences_max,
            "project {index}: {} licences of {}",
            chain.licences_sold,
            chain.licences_max
        );
        self.held(Invariant::SaleBounded);
        Ok(())
    }

    /// A pool holds as many nodes as name it, and no more than it may.
    fn check_pools(&self, project: usize) -> Done {
        let of = &self.model.projects[project];
        for (index, pool) in of.pools.iter().enumerate() {
            let address = at::pool(&of.key, index as u32);
            let there = self.world.svm.inner.get_balance(&address).unwrap_or(0) > 0;
            check!(there != pool.closed, "pool {index} of project {project} is there: {there}");
            if pool.closed {
                continue;
            }
            let chain: network::Pool = self.world.svm.borsh(&address);
            let count = self.model.pool_count(project, index);
            check!(usize::from(chain.count) == count, "pool {index} of project {project}: {} nodes", chain.count);
            check!(chain.count <= chain.capacity, "pool {index} of project {project} is overfull");
            if count > 0 {
                self.held(Invariant::PoolCapacity);
            }
        }
        Ok(())
    }

    fn check_distribution(&self, index: usize) -> Done {
        let of = &self.model.projects[index];
        let chain: network::Distribution = self.world.svm.pod(&of.distribution);
        check!(chain.seq == self.seq(&of.distribution), "distribution {index}: seq {}", chain.seq);
        check!(u128::from(chain.allocated) == of.allocated, "distribution {index}: allocated {}", chain.allocated);
        check!(u128::from(chain.claimed) == of.claimed, "distribution {index}: claimed {}", chain.claimed);
        let open_budget = of.open.as_ref().map_or(0, |open| open.budget);
        check!(chain.open_budget == open_budget, "distribution {index}: open budget {}", chain.open_budget);
        check!(chain.ledger_head == of.ledger_head, "distribution {index}: a ledger head that no threshold named");
        let vault = u128::from(self.world.svm.tokens(&of.vault));
        let owed = u128::from(chain.allocated - chain.claimed) + u128::from(chain.open_budget);
        check!(vault >= owed, "distribution {index}: the vault holds {vault} of {owed}");
        let gifts = self.model.gifts.get(&of.vault).copied().unwrap_or(0);
        check!(vault == owed + of.topped_up + gifts, "distribution {index}: the vault holds {vault}, more than {owed}");
        if vault > 0 {
            self.held(Invariant::VaultCovers);
        }
        check!(
            u128::from(chain.claimed) <= of.claimable_total(),
            "distribution {index}: {} claimed of {}",
            chain.claimed,
            of.claimable_total()
        );
        if of.topped_up > 0 && of.claimed > 0 {
            self.held(Invariant::ClaimableTotal);
        }
        let claimed: u128 = of.leaves.iter().map(|tenure| u128::from(self.model.tenures[*tenure].claimed)).sum();
        check!(claimed == of.claimed, "distribution {index}: its tenures got {claimed}");
        for (slot, root) in of.roots.iter().enumerate() {
            let active = &chain.roots[slot];
            check!(
                active.epoch == root.epoch
                    && u128::from(active.total) == root.total()
                    && active.count as usize == root.count()
                    && active.revision == root.revision
                    && (active.held_until, active.pays_from) == (root.held_until, root.pays_from)
                    && active.root == self.root_of(index, root),
                "distribution {index}: root {slot} is not the one that a threshold approved"
            );
            self.held(Invariant::ThresholdApproves);
        }
        let empty = chain.roots[of.roots.len()..].iter().all(|root| root.root == [0; 32]);
        check!(empty, "distribution {index}: a root that nobody activated");
        Ok(())
    }

    fn check_node(&self, index: usize) -> Done {
        let of = &self.model.licences[index];
        let node = of.node.as_ref().expect("the licence was bound");
        let chain: network::Node = self.world.svm.pod(&of.node_address);
        let status = match node.status {
            Status::Bound => network::node_status::BOUND,
            Status::Active => network::node_status::ACTIVE,
            Status::Unbinding => network::node_status::UNBINDING,
            Status::Free => network::node_status::FREE,
        };
        check!(chain.status == status, "node {index}: status {}, the model says {:?}", chain.status, node.status);
        check!(chain.serial == of.serial, "node {index}: serial {}", chain.serial);
        check!(chain.tenure_number == node.number, "node {index}: tenure number {}", chain.tenure_number);
        check!(chain.tenure == self.model.tenures[node.tenure].key, "node {index}: another tenure");
        if node.status == Status::Active {
            check!(chain.node_key == self.keys[node.key].key(), "node {index}: a key that never accepted");
        }
        let suspension = (chain.suspended_from_epoch, chain.suspended_until_epoch);
        check!(
            suspension == (node.suspension.from, node.suspension.until),
            "node {index}: suspended for {suspension:?}, the model says {:?}",
            node.suspension
        );
        let maintenance = (chain.maintenance_start, chain.maintenance_end);
        let expected = (node.maintenance.start, node.maintenance.end);
        check!(maintenance == expected, "node {index}: maintenance {maintenance:?}, the model says {expected:?}");
        let project = &self.model.projects[of.project].key;
        let pool = node.pool.map_or(Pubkey::default(), |pool| at::pool(project, pool as u32));
        check!(chain.pool == pool, "node {index}: another pool");
        // The recorded account is the holder's while it is bound, and frozen.
        if of.is_frozen() {
            let account = at::ata(&self.key(of.holder), &of.mint, &TOKEN_2022);
            check!(chain.licence_account == account, "node {index}: another account than the holder's");
        }
        self.held(Invariant::HolderBinds);
        self.check_tenures_of(index)
    }

    /// The tenures of one node do not overlap.
    fn check_tenures_of(&self, licence: usize) -> Done {
        let mut spans = Vec::new();
        for tenure in self.model.tenures.iter().filter(|tenure| tenure.licence == licence) {
            let chain: network::Tenure = self.world.svm.pod(&tenure.key);
            spans.push((chain.from_epoch, chain.until_epoch));
        }
        for pair in spans.windows(2) {
            check!(pair[0].1 <= pair[1].0, "licence {licence}: tenures of epochs {spans:?} overlap");
            self.held(Invariant::OneTenure);
        }
        Ok(())
    }

    fn check_tenure(&self, index: usize) -> Done {
        let of = &self.model.tenures[index];
        let chain: network::Tenure = self.world.svm.pod(&of.key);
        check!(chain.holder == self.key(of.holder), "tenure {index}: another holder");
        check!(chain.claimed_total == of.claimed, "tenure {index}: claimed {}", chain.claimed_total);
        let payee = self.model.payee_key(of.payout);
        check!(chain.payout_owner == payee, "tenure {index}: another payout owner");
        let operator = of.operator.map_or(Pubkey::default(), |operator| self.key(operator));
        check!(chain.operator == operator, "tenure {index}: another operator");
        check!(chain.number == of.number, "tenure {index}: number {}", chain.number);
        check!(chain.leaf_index as usize == of.leaf, "tenure {index}: leaf {}", chain.leaf_index);
        check!(chain.from_epoch == of.from_epoch, "tenure {index}: from {}", chain.from_epoch);
        let until = of.until_epoch.unwrap_or(network::EPOCH_NEVER);
        check!(chain.until_epoch == until, "tenure {index}: until {}", chain.until_epoch);
        Ok(())
    }

    fn check_bond(&self, index: usize) -> Done {
        let tenure = &self.model.tenures[index];
        let of = tenure.bond.as_ref().expect("the tenure has a bond");
        let address = at::bond(&tenure.key);
        let chain: jobs::Bond = self.world.svm.pod(&address);
        check!(chain.seq == self.seq(&address), "bond {index}: seq {}", chain.seq);
        check!(chain.holder == self.key(tenure.holder), "bond {index}: another holder");
        let amounts = (u128::from(chain.staked), u128::from(chain.earned), u128::from(chain.unbonding));
        check!(
            amounts == (of.staked, of.earned, of.unbonding),
            "bond {index}: staked, earned, unbonding {amounts:?}, the model says {of:?}"
        );
        let set_aside = (u128::from(chain.set_aside), chain.set_aside_until);
        check!(set_aside == of.set_aside, "bond {index}: set aside {set_aside:?}, the model says {:?}", of.set_aside);
        Ok(())
    }

    fn check_job(&self, index: usize) -> Done {
        let of = &self.model.jobs[index];
        if of.closed {
            let gone = self.world.svm.inner.get_balance(&of.key).unwrap_or(0) == 0;
            check!(gone && !self.model.tokens.contains_key(&of.escrow), "job {index}: closed, and still there");
            return Ok(());
        }
        let chain: jobs::Job = self.world.svm.pod(&of.key);
        check!(chain.seq == self.seq(&of.key), "job {index}: seq {}", chain.seq);
        let state = match of.state {
            JobState::Open => jobs::job_state::OPEN,
            JobState::Completed => jobs::job_state::COMPLETED,
            JobState::Failed => jobs::job_state::FAILED,
            JobState::Cancelled => jobs::job_state::CANCELLED,
            JobState::Expired => jobs::job_state::EXPIRED,
        };
        check!(chain.state == state, "job {index}: state {}, the model says {:?}", chain.state, of.state);
        let left = (u128::from(chain.owed), u128::from(chain.sponsors_left));
        check!(left == (of.owed, of.sponsors_left), "job {index}: owed and sponsors' {left:?}, the model says {of:?}");
        let paid = (u128::from(chain.to_nodes), u128::from(chain.to_treasury), u128::from(chain.refunded));
        check!(paid == of.paid, "job {index}: paid {paid:?}, the model says {:?}", of.paid);
        let escrow = self.world.svm.inner.get_balance(&of.escrow).unwrap_or(0);
        let known = self.model.tokens.contains_key(&of.escrow);
        check!((escrow > 0) == known, "job {index}: its escrow has {escrow} lamports");
        if of.state == JobState::Open {
            return Ok(());
        }
        // Over: the escrow holds what waits for somebody, and what was given to it; or it is gone.
        let held = u128::from(self.model.balance(&of.escrow));
        let waits = of.owed + of.sponsors_left;
        check!(held >= waits && (waits > 0) == known, "job {index}: its escrow holds {held} of {waits}");
        self.held(Invariant::EscrowHolds);
        Ok(())
    }

    fn check_views(&self, epoch: u64) -> Done {
        let of = &self.model.views[&epoch];
        let address = at::view_set(epoch);
        let chain: network::ViewSet = self.world.svm.pod(&address);
        check!(chain.seq == self.seq(&address), "views of {epoch}: seq {}", chain.seq);
        let agreed = of.agreed();
        for (column, hash) in chain.view_hashes.iter().enumerate() {
            let expected = agreed.get(column).copied().flatten().unwrap_or(0);
            check!(*hash == [expected; 32], "views of {epoch}: view {column} is in, and no threshold names it");
        }
        let count = agreed.iter().flatten().count();
        check!(usize::from(chain.in_count) == count, "views of {epoch}: {} are in", chain.in_count);
        check!(chain.closed_at == of.closed_at.unwrap_or(0), "views of {epoch}: closed at {}", chain.closed_at);
        if count > 0 {
            self.held(Invariant::ViewsAgree);
        }
        Ok(())
    }

    fn check_network(&self) -> Done {
        let of = &self.model;
        let chain: network::Network = self.world.svm.borsh(&at::network());
        check!(chain.seq == self.seq(&at::network()), "network: seq {}", chain.seq);
        let keys = [chain.authority, chain.guardian, chain.treasury_owner];
        let expected = [of.authority, of.guardian, of.treasurer].map(|person| self.key(person));
        check!(keys == expected, "network: other authorities than {expected:?}");
        check!(chain.paused == of.paused, "network: paused {}", chain.paused);
        let epoch = of.epoch();
        check!(chain.fee_bps_at(epoch) == of.fee_at(epoch), "network: a fee of {}", chain.fee_bps_at(epoch));
        check!(chain.fee_bps <= 3_000 && chain.next_fee_bps <= 3_000, "network: a fee above the cap");
        check!(chain.project_count as usize == of.projects.len(), "network: {} projects", chain.project_count);
        Ok(())
    }

    fn check_oracles(&self) -> Done {
        let of = &self.model.set;
        let chain: network::OracleSet = self.world.svm.pod(&at::oracle_set());
        let keys: Vec<Pubkey> = chain.active().iter().map(|oracle| oracle.key).collect();
        let expected: Vec<Pubkey> = of.members.iter().map(|member| self.key(*member)).collect();
        check!(keys == expected && chain.set_version == of.version, "the oracle set is another");
        check!(usize::from(chain.threshold) == of.threshold(), "a threshold of {}", chain.threshold);
        Ok(())
    }

    /// What the chain said of an epoch at its end it says for as long as the epoch may be settled; the fee for seven
    /// epochs.
    fn check_answers(&self) -> Done {
        for (epoch, then) in &self.answers {
            let now = self.answer(*epoch);
            let late = self.model.epoch() > epoch + FEE_KEPT_EPOCHS;
            check!(
                late || now.fee_bps == then.fee_bps,
                "the fee of epoch {epoch} was {}, is {}",
                then.fee_bps,
                now.fee_bps
            );
            for (project, (rule, is)) in then.rules.iter().zip(&now.rules).enumerate() {
                let passed = self.model.projects[project].next_epoch > *epoch;
                check!(passed || rule == is, "project {project}: the rules of epoch {epoch} were {rule:?}, are {is:?}");
                if !passed {
                    self.held(Invariant::RulesAhead);
                }
            }
        }
        Ok(())
    }

    /// A key's marker is there exactly while its node has accepted.
    fn check_markers(&self) -> Done {
        for (key, wallet) in self.keys.iter().enumerate() {
            let address = at::key_marker(&wallet.key());
            let there = self.world.svm.inner.get_balance(&address).unwrap_or(0) > 0;
            let expected = self.model.markers.get(&key);
            check!(there == expected.is_some(), "the marker of key {key} is there: {there}");
            if let Some(licence) = expected {
                let marker: network::KeyMarker = self.world.svm.borsh(&address);
                let of = &self.model.licences[*licence];
                check!(marker.node == of.node_address, "the marker of key {key} names another node");
                let accepted = of.node.as_ref().is_some_and(|node| node.status == Status::Active && node.key == key);
                check!(accepted, "key {key} is taken by a node that has not accepted");
                self.held(Invariant::MarkerIsAccepted);
            }
        }
        Ok(())
    }

    /// Bond vault and treasury hold what the accounts say.
    fn check_vault_sums(&self) -> Done {
        let model = &self.model;
        let gifts = |vault: &Pubkey| model.gifts.get(vault).copied().unwrap_or(0);
        let vault = at::bond_vault();
        let bonds: u128 = model.tenures.iter().filter_map(|tenure| tenure.bond.as_ref()).map(Bond::sum).sum();
        let held = u128::from(self.world.svm.tokens(&vault));
        check!(held == bonds + gifts(&vault), "the bond vault holds {held}, all bonds {bonds}");
        if bonds > 0 {
            self.held(Invariant::BondVault);
        }
        for mint in model.supply.keys() {
            let treasury = at::treasury(mint);
            let fees: u128 = (model.projects.iter()).filter(|of| of.mint == *mint).map(|project| project.fees).sum();
            let of_jobs = if *mint == model.mint { model.jobs_to_treasury } else { 0 };
            let withdrawn = model.withdrawn.get(mint).copied().unwrap_or(0);
            let held = u128::from(self.world.svm.tokens(&treasury));
            check!(
                held + withdrawn == fees + of_jobs + gifts(&treasury),
                "the treasury holds {held}, fees {fees}, jobs {of_jobs}"
            );
            if fees + of_jobs > 0 {
                self.held(Invariant::Treasury);
            }
        }
        Ok(())
    }

    /// All token accounts of the chain: their sum is the supply, each holds what the model says, and a licence's is frozen
    /// exactly while it is bound.
    fn check_supply(&self) -> Done {
        let mut sums = BTreeMap::<Pubkey, u128>::new();
        let mut licences = 0;
        for (address, account) in &self.world.svm.inner.accounts_db().inner {
            let owner = account.owner();
            let data = account.data();
            if (*owner != TOKEN && *owner != TOKEN_2022) || !is_token_account(data) {
                continue;
            }
            let mint = Pubkey::try_from(&data[..32]).expect("32 bytes");
            let amount = u64::from_le_bytes(data[64..72].try_into().expect("8 bytes"));
            if *owner == TOKEN {
                *sums.entry(mint).or_default() += u128::from(amount);
                let expected = self.model.balance(address);
                check!(amount == expected, "{address} holds {amount}, the model says {expected}");
                continue;
            }
            let Some(licence) = self.model.licences.iter().find(|licence| licence.mint == mint) else {
                return Err(Broken(format!("{address} is of a mint that nobody made: {mint}")));
            };
            if amount == 0 {
                continue;
            }
            licences += 1;
            let holder = Pubkey::try_from(&data[32..64]).expect("32 bytes");
            check!(amount == 1 && holder == self.key(licence.holder), "{mint}: {amount} of it are with {holder}");
            let frozen = data[108] == 2;
            check!(frozen == licence.is_frozen(), "licence {mint} is frozen: {frozen}");
            self.held(Invariant::BoundIsFrozen);
        }
        let minted = self.model.licences.iter().filter(|licence| !licence.is_asset).count();
        check!(licences == minted, "{licences} of {minted} licences are held");
        for (mint, supply) in &self.model.supply {
            let sum = sums.remove(mint).unwrap_or(0);
            let data = self.world.svm.inner.get_account(mint).expect("the mint exists").data;
            let on_chain = u64::from_le_bytes(data[36..44].try_into().expect("8 bytes"));
            check!(
                sum == *supply && u128::from(on_chain) == sum,
                "{sum} of {mint} are held, {supply} were minted, the mint says {on_chain}"
            );
            self.held(Invariant::Supply);
        }
        Ok(())
    }
}

/// A token account of either program: 165 bytes, or longer with the account type that says so.
fn is_token_account(data: &[u8]) -> bool {
    data.len() == 165 || (data.len() > 165 && data[165] == 2)
}
