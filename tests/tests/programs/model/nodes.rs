//! Nodes after their bind: leaving, keys, payouts, operators, maintenance, suspension; what each action does and what
//! the model says of it.

use muster_network::{self as network, CreateSplitArgs, SuspensionArgs, state::pause};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, KEYS, Machine, check},
    reference::*,
};

const WINDOW_S: i64 = 30 * 86_400;
const MAINTENANCE_MAX_S: i64 = 8 * 3_600;
const MAINTENANCE_COUNT_MAX: usize = 8;
const SUSPENSION_EPOCHS_MAX: u8 = 10;
/// Splits that a sequence may make.
const SPLITS_MAX: usize = 6;

/// Seconds of all of these within the thirty days from `from` on.
fn seconds_within(all: &[(i64, i64)], from: i64) -> i64 {
    all.iter().map(|(start, end)| (*end.min(&(from + WINDOW_S)) - *start.max(&from)).max(0)).sum()
}

impl Machine {
    /// A licence that was ever bound, and its node.
    pub fn any_node(&self, licence: Pick) -> Option<(usize, Node)> {
        let bound: Vec<usize> =
            (0..self.model.licences.len()).filter(|licence| self.model.licences[*licence].node.is_some()).collect();
        let licence = if bound.is_empty() { None } else { Some(licence.of(&bound)) }?;
        Some((licence, self.model.licences[licence].node.clone()?))
    }

    pub fn node_mut(&mut self, licence: usize) -> &mut Node {
        self.model.licences[licence].node.as_mut().expect("the licence was bound")
    }

    /// For the world's helpers: the node with its current tenure, and somebody who signs as its holder.
    pub fn node_of(&self, licence: usize, who: PersonId) -> NodeOf {
        let of = &self.model.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        NodeOf {
            holder: self.people[who].clone(),
            key: self.keys[node.key].clone(),
            licence: of.mint,
            node: of.node_address,
            tenure: self.model.tenures[node.tenure].key,
        }
    }

    pub fn unbind(&mut self, licence: Pick, who: Who) -> Done {
        let Some((licence, node)) = self.any_node(licence) else {
            return Ok(());
        };
        let who = self.signer(who, self.model.tenures[node.tenure].holder);
        self.unbind_as(licence, who)
    }

    pub fn unbind_as(&mut self, licence: usize, who: PersonId) -> Done {
        let project = self.model.licences[licence].project;
        let verdict = self.model.unbinds(licence, who);
        let node = self.node_of(licence, who);
        let accounts = self.on(project).unbind_accounts(&node);
        let ix = network_ix(accounts, network::instruction::Unbind {});
        if self.attempt("unbind", ix, &[&node.holder], verdict)? {
            self.model.markers.retain(|_, of| *of != licence);
            self.end_tenure(licence, Status::Unbinding);
            self.held(Invariant::Leaves);
        }
        Ok(())
    }

    /// The node earns the rest of this epoch, and no later one.
    pub fn end_tenure(&mut self, licence: usize, status: Status) {
        let epoch = self.model.epoch();
        let node = self.node_mut(licence);
        node.status = status;
        node.thaw_at = Model::epoch_end(epoch);
        let tenure = node.tenure;
        self.model.tenures[tenure].until_epoch = Some(epoch + 1);
    }

    pub fn thaw(&mut self, licence: Pick) -> Done {
        let waiting: Vec<usize> = (0..self.model.licences.len())
            .filter(|licence| {
                let node = self.model.licences[*licence].node.as_ref();
                node.is_some_and(|node| node.status == Status::Unbinding)
            })
            .collect();
        let any = self.any_node(licence).map(|(licence, _)| licence);
        let Some(licence) = (if waiting.is_empty() { any } else { Some(licence.of(&waiting)) }) else {
            return Ok(());
        };
        self.thaw_licence(licence)
    }

    pub fn thaw_licence(&mut self, licence: usize) -> Done {
        let of = &self.model.licences[licence];
        let (project, holder) = (of.project, of.holder);
        let verdict = self.model.thaws(licence);
        let node = self.node_of(licence, holder);
        let mut accounts = self.on(project).thaw_accounts(&node);
        if self.model.licences[licence].is_asset {
            accounts.licence_account = node.licence;
        }
        let ix = network_ix(accounts, network::instruction::Thaw {});
        if self.attempt("thaw", ix, &[], verdict)? {
            self.node_mut(licence).status = Status::Free;
        }
        Ok(())
    }

    pub fn rotate(&mut self, licence: Pick, who: Who, key: Pick) -> Done {
        let Some((licence, node)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.runner(who, node.tenure);
        let key = key.index(KEYS);
        let verdict = self.model.rotates(licence, who, key);
        let named = self.node_of(licence, who);
        let (authority, wallet) = (self.key(who), self.keys[key].clone());
        let accounts = self.on(project).rotate_accounts(&named, &authority, &wallet.key());
        let ix = network_ix(accounts, network::instruction::RotateNodeKey {});
        if self.attempt("rotate_node_key", ix, &[&named.holder, &wallet], verdict)? {
            self.model.markers.retain(|_, of| *of != licence);
            self.model.markers.insert(key, licence);
            let node = self.node_mut(licence);
            (node.key, node.status) = (key, Status::Active);
        }
        Ok(())
    }

    /// Who runs a tenure's node: its operator if it has one, else its holder.
    fn runner(&self, who: Who, tenure: usize) -> PersonId {
        let of = &self.model.tenures[tenure];
        self.signer(who, of.operator.unwrap_or(of.holder))
    }

    pub fn set_payout(&mut self, tenure: Pick, who: Who, to: Pick, operator_signs: Pick) -> Done {
        if self.model.tenures.is_empty() {
            return Ok(());
        }
        let tenure = tenure.index(self.model.tenures.len());
        let of = self.model.tenures[tenure].clone();
        let who = self.signer(who, of.holder);
        let payee = match self.model.splits.len() {
            0 => Payee::Person(to.of(&HOLDERS)),
            _ if to.one_in(3) => Payee::Person(to.of(&HOLDERS)),
            splits => Payee::Split(to.index(splits)),
        };
        self.set_payout_to(tenure, who, payee, of.operator.filter(|_| operator_signs.one_in(2)))
    }

    pub fn set_payout_to(&mut self, tenure: usize, who: PersonId, payee: Payee, operator: Option<PersonId>) -> Done {
        let project = self.model.tenures[tenure].project;
        let verdict = self.model.sets_payout(tenure, who, operator);
        let node = self.tenure_of(tenure, who);
        let payout_owner = self.model.payee_key(payee);
        let operator = operator.map(|operator| self.people[operator].clone());
        let accounts = self.on(project).set_payout_accounts(&node, operator.as_ref().map(Wallet::key));
        let ix = network_ix(accounts, network::instruction::SetPayout { payout_owner });
        let signers: Vec<&Wallet> = std::iter::once(&node.holder).chain(&operator).collect();
        if self.attempt("set_payout", ix, &signers, verdict)? {
            self.model.tenures[tenure].payout = payee;
        }
        Ok(())
    }

    /// For the world's helpers: any tenure, and somebody who signs as its holder.
    fn tenure_of(&self, tenure: usize, who: PersonId) -> NodeOf {
        let of = &self.model.tenures[tenure];
        NodeOf {
            holder: self.people[who].clone(),
            key: self.keys[0].clone(),
            licence: Pubkey::default(),
            node: Pubkey::default(),
            tenure: of.key,
        }
    }

    pub fn create_split(&mut self, creator: Pick, mint: Pick, share: Pick, twist: Twist) -> Done {
        let id = self.model.splits.len() as u32;
        if self.model.splits.len() >= SPLITS_MAX {
            return Ok(());
        }
        let creator = creator.of(&HOLDERS);
        let mint = mint.mostly_first(&[self.model.mint, self.model.second_mint]);
        let others: Vec<PersonId> = HOLDERS.iter().copied().filter(|holder| *holder != creator).collect();
        let part = u16::from(share.0) * 30 + 1;
        let mut shares = vec![(creator, 10_000 - part), (share.of(&others), part)];
        if share.one_in(2) {
            shares[0].1 -= 1_111;
            shares.push((MALLORY, 1_111));
        }
        let mut recipients: Vec<Pubkey> = shares.iter().map(|(person, _)| self.key(*person)).collect();
        let mut shares_bps: Vec<u16> = shares.iter().map(|(_, bps)| *bps).collect();
        let split = at::split(&self.key(creator), id);
        let vault = at::ata(&split, &mint, &TOKEN);
        let mut verdict = Ok(Effect::event(split).opens(vault, mint));
        if let Twist::Wrong(kind) = twist {
            verdict = Err("its shares are wrong");
            match kind % 4 {
                0 => shares_bps[0] += 1,
                1 => recipients[1] = recipients[0],
                2 => drop(shares_bps.pop()),
                _ => recipients[0] = Pubkey::default(),
            }
        }
        self.world.mint = mint;
        let accounts = self.world.create_split_accounts(&self.key(creator), id);
        let args = CreateSplitArgs { id, recipients, shares_bps };
        let ix = network_ix(accounts, network::instruction::CreateSplit { args });
        let signer = self.people[creator].clone();
        if self.attempt("create_split", ix, &[&signer], verdict)? {
            let released = vec![0; shares.len()];
            self.model.splits.push(Split { key: split, vault, mint, shares, released });
        }
        Ok(())
    }

    pub fn release(&mut self, split: Pick, recipient: Pick) -> Done {
        if self.model.splits.is_empty() {
            return Ok(());
        }
        self.release_to(split.index(self.model.splits.len()), recipient).map(drop)
    }

    pub fn release_to(&mut self, split: usize, recipient: Pick) -> Done<bool> {
        let of = self.model.splits[split].clone();
        let index = recipient.index(of.shares.len());
        let due = self.model.due(split, index);
        let to = self.purse(of.shares[index].0, &of.mint);
        let verdict = match due {
            0 => Err("nothing is due"),
            _ => Ok(Effect::event(of.key).moves(of.vault, to, due as u64)),
        };
        self.world.mint = of.mint;
        let accounts = self.world.release_accounts(&of.key, &self.key(of.shares[index].0));
        let ix = network_ix(accounts, network::instruction::Release { index: index as u8 });
        let paid = self.attempt("release", ix, &[], verdict)?;
        if paid {
            self.model.splits[split].released[index] += due;
            self.held(Invariant::SplitShares);
        }
        Ok(paid)
    }

    /// A holder makes a split his payout and one of its recipients his operator.
    pub fn operate(&mut self, tenure: Pick, split: Pick) -> Done {
        if self.model.tenures.is_empty() || self.model.splits.is_empty() {
            return Ok(());
        }
        let tenure = tenure.index(self.model.tenures.len());
        let of = &self.model.tenures[tenure];
        let (holder, operator) = (of.holder, of.operator);
        let mint = self.model.projects[of.project].mint;
        let fitting: Vec<usize> =
            (0..self.model.splits.len()).filter(|split| self.model.splits[*split].mint == mint).collect();
        if fitting.is_empty() {
            return Ok(());
        }
        self.set_payout_to(tenure, holder, Payee::Split(split.of(&fitting)), operator)?;
        self.check_touched()?;
        self.set_operator_of(tenure, holder, Pick(1))
    }

    pub fn set_operator(&mut self, tenure: Pick, who: Who, bps: Pick) -> Done {
        // Mostly a tenure that a split is the payout of.
        let split: Vec<usize> = (0..self.model.tenures.len())
            .filter(|tenure| matches!(self.model.tenures[*tenure].payout, Payee::Split(_)))
            .collect();
        if split.is_empty() {
            return Ok(());
        }
        let tenure = tenure.of(&split);
        let who = self.signer(who, self.model.tenures[tenure].holder);
        self.set_operator_of(tenure, who, bps)
    }

    fn set_operator_of(&mut self, tenure: usize, who: PersonId, bps: Pick) -> Done {
        let of = self.model.tenures[tenure].clone();
        let Payee::Split(split) = of.payout else {
            return Ok(());
        };
        let shares = self.model.splits[split].shares.clone();
        let (operator, share) = bps.of(&shares);
        let bps = match bps.0 {
            250.. => share + 1,
            240.. => 0,
            _ => share,
        };
        let verdict = self.model.sets_operator(tenure, who, operator, bps);
        let node = self.tenure_of(tenure, who);
        let (split, operator_key) = (self.model.splits[split].key, self.key(operator));
        let accounts = self.on(of.project).set_operator_accounts(&node, &split);
        let ix = network_ix(accounts, network::instruction::SetOperator { operator: operator_key, bps });
        if self.attempt("set_operator", ix, &[&node.holder], verdict)? {
            self.model.tenures[tenure].operator = Some(operator);
        }
        Ok(())
    }

    pub fn release_operator(&mut self, tenure: Pick, who: Who) -> Done {
        let run: Vec<usize> =
            (0..self.model.tenures.len()).filter(|tenure| self.model.tenures[*tenure].operator.is_some()).collect();
        if run.is_empty() {
            return Ok(());
        }
        let tenure = tenure.of(&run);
        let of = self.model.tenures[tenure].clone();
        let operator = of.operator.expect("the tenure has an operator");
        let who = self.signer(who, operator);
        let verdict = match who == operator {
            true => Ok(Effect::event(self.model.projects[of.project].key)),
            false => Err("only the operator goes"),
        };
        let (node, key) = (self.tenure_of(tenure, who), self.key(who));
        let accounts = self.on(of.project).release_operator_accounts(&node, &key);
        let ix = network_ix(accounts, network::instruction::ReleaseOperator {});
        if self.attempt("release_operator", ix, &[&node.holder], verdict)? {
            self.model.tenures[tenure].operator = None;
        }
        Ok(())
    }

    pub fn set_metadata(&mut self, licence: Pick, who: Who) -> Done {
        let Some((licence, node)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.runner(who, node.tenure);
        let verdict = self.model.by_runner(licence, who);
        let (named, key) = (self.node_of(licence, who), self.key(who));
        let accounts = self.on(project).set_metadata_accounts(&named, &key);
        let ix = network_ix(accounts, network::instruction::SetMetadata { metadata_hash: [8; 32] });
        self.attempt("set_metadata", ix, &[&named.holder], verdict).map(drop)
    }

    pub fn announce_maintenance(&mut self, licence: Pick, who: Who, ahead: Pick, length: Pick) -> Done {
        let Some((licence, node)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.runner(who, node.tenure);
        let start = match ahead.0 {
            0..40 => 0,
            40..60 => self.model.now + 1,
            _ => self.model.now + i64::from(BUCKET_LEN) + i64::from(ahead.0),
        };
        let length = if start == 0 { 0 } else { i64::from(length.0) * 60 };
        let end = start + length;
        let verdict = self.model.announces_maintenance(licence, who, start, end);
        let (named, key) = (self.node_of(licence, who), self.key(who));
        let accounts = self.on(project).maintenance_accounts(&named, &key);
        let ix = network_ix(accounts, network::instruction::AnnounceMaintenance { start, end });
        if self.attempt("announce_maintenance", ix, &[&named.holder], verdict)? {
            let now = self.model.now;
            let of = &mut self.node_mut(licence).maintenance;
            if of.end != 0 && of.end <= now {
                of.past.push((of.start, of.end));
            }
            (of.start, of.end) = (start, end);
            // Whatever thirty days one looks at: those that begin or end with one of them hold the most.
            let all: Vec<(i64, i64)> = of.past.iter().copied().chain([(start, end)]).collect();
            let most = (all.iter().flat_map(|(start, end)| [*start, *end - WINDOW_S]))
                .map(|from| seconds_within(&all, from))
                .max()
                .unwrap_or(0);
            check!(most <= MAINTENANCE_MAX_S, "node {licence}: {most} s of maintenance in thirty days");
            self.held(Invariant::MaintenanceBounded);
        }
        Ok(())
    }

    pub fn suspend(&mut self, licence: Pick, who: Who, epochs: Pick) -> Done {
        let Some((licence, _)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.signer(who, self.model.projects[project].owner);
        let epochs = epochs.0 % 13;
        let verdict = self.model.suspends(licence, who, epochs);
        let named = self.node_of(licence, who);
        let mut accounts = self.on(project).suspend_accounts(&named);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::SuspendNode { args: World::suspension_args(epochs) });
        if self.attempt("suspend_node", ix, &[&named.holder], verdict)? {
            let from = self.enter_suspension(licence);
            let of = &mut self.node_mut(licence).suspension;
            of.until = of.until.max(from + u64::from(epochs));
            of.by_oracles = false;
            self.held(Invariant::SuspensionEnds);
        }
        Ok(())
    }

    /// The next epoch, in which a suspension begins unless one goes on.
    fn enter_suspension(&mut self, licence: usize) -> u64 {
        let from = self.model.epoch() + 1;
        let of = &mut self.node_mut(licence).suspension;
        if of.until < from {
            (of.from, of.until) = (from, from);
        }
        from
    }

    pub fn vote_suspension(&mut self, licence: Pick, oracle: Pick, epochs: Pick, twist: Twist) -> Done {
        let Some((licence, _)) = self.any_node(licence) else {
            return Ok(());
        };
        let oracle = oracle.of(&ORACLES);
        let epochs = if oracle == LIAR { 10 } else { epochs.mostly_first(&[3, 0, 5, 11]) };
        self.vote_suspension_as(licence, oracle, epochs, twist)
    }

    /// A threshold of honest oracles says the same.
    pub fn suspend_all(&mut self, licence: Pick, epochs: Pick) -> Done {
        let Some((licence, _)) = self.any_node(licence) else {
            return Ok(());
        };
        let epochs = epochs.of(&[2, 0, 7]);
        let members = self.model.set.members.clone();
        for oracle in members.into_iter().filter(|member| *member != LIAR).take(self.model.set.threshold()) {
            self.vote_suspension_as(licence, oracle, epochs, Twist::Honest)?;
        }
        Ok(())
    }

    fn vote_suspension_as(&mut self, licence: usize, oracle: PersonId, epochs: u8, twist: Twist) -> Done {
        let project = self.model.licences[licence].project;
        let version = self.model.set.version;
        let mut args = SuspensionArgs { reason: u16::from(oracle == LIAR) + 1, evidence_hash: [6; 32], epochs };
        let mut set_version = version;
        let mut verdict = self.model.votes_suspension(licence, oracle, epochs);
        if let Twist::Wrong(kind) = twist {
            verdict = Err("it says nothing, or under another set");
            match kind % 3 {
                0 => args.evidence_hash = [0; 32],
                1 => set_version += 1,
                _ => set_version -= 1,
            }
        }
        let (named, key) = (self.node_of(licence, oracle), self.key(oracle));
        let accounts = self.on(project).vote_suspension_accounts(&named, &key);
        let ix = network_ix(accounts, network::instruction::VoteSuspension { args, set_version });
        if self.attempt("vote_suspension", ix, &[&named.holder], verdict)? {
            let reached = self.model.reaches(licence, oracle, epochs);
            let ballot = &mut self.node_mut(licence).ballot;
            ballot.retain(|_, (_, of)| *of == version);
            ballot.insert(oracle, (epochs, version));
            if reached {
                ballot.clear();
                let from = self.enter_suspension(licence);
                let of = &mut self.node_mut(licence).suspension;
                of.until = from + u64::from(epochs);
                of.by_oracles = true;
            }
            self.held(Invariant::OneVote);
        }
        Ok(())
    }

    pub fn lift(&mut self, licence: Pick, who: Who) -> Done {
        let suspended = |licence: &Licence| {
            licence.node.as_ref().is_some_and(|node| node.suspension.until > self.model.epoch() + 1)
        };
        let licences = &self.model.licences;
        let all: Vec<usize> = (0..licences.len()).filter(|licence| suspended(&licences[*licence])).collect();
        let any = self.any_node(licence).map(|(licence, _)| licence);
        let Some(licence) = (if all.is_empty() { any } else { Some(licence.of(&all)) }) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.signer(who, self.model.projects[project].owner);
        let verdict = self.model.lifts(licence, who);
        let named = self.node_of(licence, who);
        let mut accounts = self.on(project).lift_accounts(&named);
        accounts.owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::LiftSuspension {});
        if self.attempt("lift_suspension", ix, &[&named.holder], verdict)? {
            let from = self.model.epoch() + 1;
            self.node_mut(licence).suspension.until = from;
            self.held(Invariant::SuspensionEnds);
        }
        Ok(())
    }

    pub fn appeal(&mut self, licence: Pick, who: Who, twist: Twist) -> Done {
        let Some((licence, node)) = self.any_node(licence) else {
            return Ok(());
        };
        let project = self.model.licences[licence].project;
        let who = self.runner(who, node.tenure);
        let tenure = &self.model.tenures[node.tenure];
        let may_run = who == tenure.holder || tenure.operator == Some(who);
        let suspended = node.suspension.until > self.model.epoch();
        let evidence_hash = if twist == Twist::Honest { [3; 32] } else { [0; 32] };
        let verdict = match (may_run, suspended, twist) {
            (false, ..) => Err("only holder and operator appeal"),
            (_, false, _) => Err("it is not suspended"),
            (_, _, Twist::Wrong(_)) => Err("it says nothing"),
            _ => Ok(Effect::event(self.model.projects[project].key)),
        };
        let (named, key) = (self.node_of(licence, who), self.key(who));
        let accounts = self.on(project).appeal_accounts(&named, &key);
        let ix = network_ix(accounts, network::instruction::Appeal { evidence_hash });
        self.attempt("appeal", ix, &[&named.holder], verdict).map(drop)
    }
}

impl Model {
    fn unbinds(&self, licence: usize, who: PersonId) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        needs!(who == self.tenures[node.tenure].holder, "only the holder unbinds");
        needs!(node.is_bound(), "it is not bound");
        Ok(Effect::event(self.projects[of.project].key))
    }

    fn thaws(&self, licence: usize) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        needs!(node.status == Status::Unbinding, "it is not unbinding");
        needs!(self.now >= node.thaw_at, "the epoch is not over");
        Ok(Effect::event(self.projects[of.project].key))
    }

    /// What holder and operator may do with a bound node.
    fn by_runner(&self, licence: usize, who: PersonId) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let tenure = &self.tenures[node.tenure];
        needs!(who == tenure.holder || tenure.operator == Some(who), "only holder and operator do it");
        needs!(node.is_bound(), "it is not bound");
        Ok(Effect::event(self.projects[of.project].key))
    }

    fn rotates(&self, licence: usize, who: PersonId, key: usize) -> Verdict {
        let node = self.licences[licence].node.as_ref().expect("the licence was bound");
        let accepts = node.status == Status::Bound;
        needs!(!accepts || !self.is_paused(pause::BIND), "binding is paused");
        needs!(!self.key_is_taken(key), "the key is taken");
        self.by_runner(licence, who)
    }

    fn sets_payout(&self, tenure: usize, who: PersonId, operator: Option<PersonId>) -> Verdict {
        let of = &self.tenures[tenure];
        needs!(who == of.holder, "only the holder sets the payout");
        needs!(of.operator == operator, "the operator must sign");
        Ok(Effect::event(self.projects[of.project].key))
    }

    /// What a recipient may be released: his share of all that came in, less what he got.
    pub fn due(&self, split: usize, index: usize) -> u128 {
        let of = &self.splits[split];
        let received = u128::from(self.balance(&of.vault)) + of.released.iter().sum::<u128>();
        (received * u128::from(of.shares[index].1) / 10_000).saturating_sub(of.released[index])
    }

    fn sets_operator(&self, tenure: usize, who: PersonId, operator: PersonId, bps: u16) -> Verdict {
        let of = &self.tenures[tenure];
        needs!(who == of.holder, "only the holder names an operator");
        needs!(of.operator.is_none(), "it has one");
        needs!(operator != of.holder, "it is the holder himself");
        let Payee::Split(split) = of.payout else {
            return Err("its payout is no split");
        };
        let split = &self.splits[split];
        needs!(split.mint == self.projects[of.project].mint, "the split is of another mint");
        let share = split.shares.iter().find(|(person, _)| *person == operator).map_or(0, |(_, bps)| *bps);
        needs!(bps > 0 && share >= bps, "the split pays him less");
        Ok(Effect::event(self.projects[of.project].key))
    }

    fn announces_maintenance(&self, licence: usize, who: PersonId, start: i64, end: i64) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let last = &node.maintenance;
        let announced = last.end != 0;
        let begun = announced && last.start <= self.now;
        needs!(!begun || last.end <= self.now, "it runs");
        if (start, end) == (0, 0) {
            needs!(announced && !begun, "there is none to cancel");
            return self.by_runner(licence, who);
        }
        let fits = start >= self.now + i64::from(BUCKET_LEN) && start <= self.now + WINDOW_S && end > start;
        needs!(fits, "it begins too early, or ends before");
        let settled = ((last.end - 1) / i64::from(EPOCH_LEN)) < self.projects[of.project].next_epoch as i64;
        needs!(!begun || settled, "an epoch may still need the last one");
        let mut all = last.past.clone();
        if begun {
            let recent = all.iter().filter(|(_, end)| *end > self.now - WINDOW_S).count();
            needs!(recent < MAINTENANCE_COUNT_MAX - 1, "it is one too many");
            all.push((last.start, last.end));
        }
        all.push((start, end));
        needs!(seconds_within(&all, end - WINDOW_S) <= MAINTENANCE_MAX_S, "it is too much");
        self.by_runner(licence, who)
    }

    /// Whether another suspension may be entered.
    fn may_suspend(&self, licence: usize) -> bool {
        let of = &self.licences[licence];
        let last = of.node.as_ref().map_or(0, |node| node.suspension.until);
        last > self.epoch() || last <= self.projects[of.project].next_epoch
    }

    fn suspends(&self, licence: usize, who: PersonId, epochs: u8) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let project = &self.projects[of.project];
        needs!(who == project.owner, "only the owner suspends alone");
        needs!((1..=SUSPENSION_EPOCHS_MAX).contains(&epochs), "it is too long, or nothing");
        needs!(self.may_suspend(licence), "an epoch may still need the last one");
        let spoken = node.suspension.by_oracles && node.suspension.until > self.epoch() + 1;
        needs!(!spoken, "the oracles spoke");
        Ok(Effect::event(project.key))
    }

    /// Whether this vote makes a threshold.
    fn reaches(&self, licence: usize, oracle: PersonId, epochs: u8) -> bool {
        let node = self.licences[licence].node.as_ref().expect("the licence was bound");
        let others = node.ballot.iter().filter(|(other, (said, version))| {
            **other != oracle
                && *said == epochs
                && *version == self.set.version
                && (**other == LIAR) == (oracle == LIAR)
        });
        others.count() + 1 >= self.set.threshold()
    }

    fn votes_suspension(&self, licence: usize, oracle: PersonId, epochs: u8) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        needs!(epochs <= SUSPENSION_EPOCHS_MAX, "it is too long");
        if self.reaches(licence, oracle, epochs) {
            needs!(self.may_suspend(licence), "an epoch may still need the last one");
            needs!(epochs > 0 || node.suspension.until > self.epoch() + 1, "nothing is to be lifted");
        }
        Ok(Effect::event(self.projects[of.project].key))
    }

    fn lifts(&self, licence: usize, who: PersonId) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        let project = &self.projects[of.project];
        needs!(who == project.owner, "only the owner lifts his own");
        needs!(node.suspension.until > self.epoch() + 1, "it is not suspended");
        needs!(!node.suspension.by_oracles, "the oracles spoke");
        Ok(Effect::event(project.key))
    }
}
