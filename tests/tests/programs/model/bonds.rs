//! Bonds and slashes: what each action does and what the model says of it.

use muster_jobs as jobs;
use muster_network::state::pause;
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Jump, Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, Machine, check},
    reference::*,
};

const HOLD_LIMIT_S: i64 = 3_600;

impl Machine {
    fn bonded(&self) -> Vec<usize> {
        (0..self.model.tenures.len()).filter(|tenure| self.model.tenures[*tenure].bond.is_some()).collect()
    }

    pub fn open_bond(&mut self, tenure: Pick) -> Done {
        if self.model.tenures.is_empty() {
            return Ok(());
        }
        let tenure = tenure.index(self.model.tenures.len());
        let of = &self.model.tenures[tenure];
        let verdict = match of.bond {
            Some(_) => Err("the tenure has a bond"),
            None => Ok(Effect::event(at::bond(&of.key))),
        };
        let accounts = self.world.open_bond_accounts(of.key);
        let ix = jobs_ix(accounts, jobs::instruction::OpenBond {}, &[]);
        if self.attempt("open_bond", ix, &[], verdict)? {
            self.model.tenures[tenure].bond = Some(Bond::default());
        }
        Ok(())
    }

    pub fn stake(&mut self, bond: Pick, who: Pick, amount: Amount) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let (tenure, who) = (bond.of(&bonded), who.of(&[HOLDERS[0], HOLDERS[1], HOLDERS[2], MALLORY]));
        let bond = at::bond(&self.model.tenures[tenure].key);
        let source = self.purse(who, &self.model.mint);
        let verdict = self.model.stakes(bond, source, amount.0);
        let accounts = jobs::accounts::Stake {
            staker: self.key(who),
            network: at::network(),
            config: at::jobs_config(),
            bond,
            bond_vault: at::bond_vault(),
            source,
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::Stake { amount: amount.0 }, &[]);
        let signer = self.people[who].clone();
        if self.attempt("stake", ix, &[&signer], verdict)? {
            self.bond_mut(tenure).staked += u128::from(amount.0);
        }
        Ok(())
    }

    pub fn unbond(&mut self, bond: Pick, who: Who, amount: Amount) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let tenure = bond.of(&bonded);
        let who = self.signer(who, self.model.tenures[tenure].holder);
        let staked = self.model.bond(tenure).staked as u64;
        let amount = if amount.one_in(4) { amount.0 } else { amount.0.min(staked) };
        self.unbond_as(tenure, who, amount)
    }

    pub fn unbond_as(&mut self, tenure: usize, who: PersonId, amount: u64) -> Done {
        let bond = at::bond(&self.model.tenures[tenure].key);
        let verdict = self.model.unbonds(tenure, who, amount);
        let accounts = jobs::accounts::Unbond {
            holder: self.key(who),
            config: at::jobs_config(),
            bond,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::Unbond { amount }, &[]);
        let signer = self.people[who].clone();
        if self.attempt("unbond", ix, &[&signer], verdict)? {
            let at = self.model.now + i64::from(self.model.limits.unbond_delay);
            let of = self.bond_mut(tenure);
            of.staked -= u128::from(amount);
            of.unbonding += u128::from(amount);
            of.unbond_at = at;
        }
        Ok(())
    }

    pub fn withdraw(&mut self, bond: Pick, who: Who, amount: Amount) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let tenure = bond.of(&bonded);
        let who = self.signer(who, self.model.tenures[tenure].holder);
        let earned = self.model.bond(tenure).earned as u64;
        // Mostly something that is there.
        let amount = if amount.one_in(4) { amount.0 } else { amount.0.min(earned) };
        self.withdraw_as(tenure, who, amount)
    }

    pub fn withdraw_as(&mut self, tenure: usize, who: PersonId, amount: u64) -> Done {
        let mint = self.model.mint;
        let destination = self.purse(who, &mint);
        let verdict = self.model.withdraws(tenure, who, destination, amount);
        let node = self.bond_holder(tenure, who);
        let accounts = self.on_jobs().withdraw_accounts(&node);
        let ix = jobs_ix(accounts, jobs::instruction::Withdraw { amount }, &[]);
        if self.attempt("withdraw", ix, &[&node.holder], verdict)? {
            self.bond_mut(tenure).earned -= u128::from(amount);
            self.held(Invariant::OwnBond);
            self.left_enough(tenure)?;
        }
        Ok(())
    }

    pub fn withdraw_unbonded(&mut self, bond: Pick, who: Who) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let waiting: Vec<usize> =
            bonded.iter().copied().filter(|tenure| self.model.bond(*tenure).unbonding > 0).collect();
        let tenure = if waiting.is_empty() { bond.of(&bonded) } else { bond.of(&waiting) };
        let who = self.signer(who, self.model.tenures[tenure].holder);
        self.withdraw_unbonded_as(tenure, who)
    }

    pub fn withdraw_unbonded_as(&mut self, tenure: usize, who: PersonId) -> Done {
        let mint = self.model.mint;
        let destination = self.purse(who, &mint);
        let verdict = self.model.withdraws_unbonded(tenure, who, destination);
        let accounts = jobs::accounts::WithdrawUnbonded {
            holder: self.key(who),
            config: at::jobs_config(),
            bond: at::bond(&self.model.tenures[tenure].key),
            bond_vault: at::bond_vault(),
            destination,
            mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::WithdrawUnbonded {}, &[]);
        let signer = self.people[who].clone();
        if self.attempt("withdraw_unbonded", ix, &[&signer], verdict)? {
            let now = self.model.now;
            let of = self.bond_mut(tenure);
            of.unbonding -= of.unbonding.min(of.free(now));
            self.held(Invariant::OwnBond);
            self.left_enough(tenure)?;
        }
        Ok(())
    }

    /// Whatever left, what a slash that waits takes is there.
    fn left_enough(&self, tenure: usize) -> Done {
        if self.model.slash_waits(tenure) {
            let of = self.model.bond(tenure);
            check!(of.sum() >= self.model.slash_amount(tenure), "the bond of tenure {tenure} is emptied: {of:?}");
            if of.set_aside.0 > 0 {
                self.held(Invariant::SlashFirst);
            }
        }
        Ok(())
    }

    pub fn vote_slash(&mut self, bond: Pick, oracle: Pick, amount: Amount, twist: Twist) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let tenure = bond.of(&bonded);
        let oracle = oracle.of(&ORACLES);
        // Honest oracles see one of two things; the liar makes up a third.
        let vote = match oracle {
            LIAR => (amount.0, 9, 9),
            _ => (50 * TOKEN_UNIT, 1, amount.0 as u8 % 2 + 1),
        };
        self.vote_slash_as(tenure, oracle, vote, twist)
    }

    /// A threshold of honest oracles sees the same.
    pub fn slash_all(&mut self, bond: Pick, amount: Amount) -> Done {
        let bonded = self.bonded();
        if bonded.is_empty() {
            return Ok(());
        }
        let tenure = bond.of(&bonded);
        let members = self.model.set.members.clone();
        for oracle in members.into_iter().filter(|member| *member != LIAR).take(self.model.set.threshold()) {
            self.vote_slash_as(tenure, oracle, (amount.0.max(1), 2, 3), Twist::Honest)?;
        }
        Ok(())
    }

    fn vote_slash_as(&mut self, tenure: usize, oracle: PersonId, vote: SlashVote, twist: Twist) -> Done {
        let bond = at::bond(&self.model.tenures[tenure].key);
        let version = self.model.set.version;
        let (amount, mut reason, evidence) = vote;
        let (mut evidence_hash, mut set_version) = ([evidence; 32], version);
        let mut verdict = self.model.votes_slash(tenure, oracle, vote);
        if let Twist::Wrong(kind) = twist {
            verdict = Err("it says nothing, or under another set");
            match kind % 4 {
                0 => evidence_hash = [0; 32],
                1 => reason = 0,
                2 => set_version -= 1,
                _ => set_version += 1,
            }
        }
        let accounts = jobs::accounts::VoteSlash {
            oracle: self.key(oracle),
            oracle_set: at::oracle_set(),
            config: at::jobs_config(),
            bond,
            slash: slash_of(&bond),
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let args = jobs::instruction::VoteSlash { amount, reason, evidence_hash, set_version };
        let signer = self.people[oracle].clone();
        if self.attempt("vote_slash", jobs_ix(accounts, args, &[]), &[&signer], verdict)? {
            let now = self.model.now;
            let eta = now + i64::from(self.model.limits.slash_delay);
            let threshold = self.model.set.threshold();
            let of = self.bond_mut(tenure);
            let half = of.sum() / 2;
            let slash = of.slash.get_or_insert_default();
            if slash.version != version || slash.decided.is_some() {
                *slash = Slash { version, closed_at: slash.ended_at(now), ..Slash::default() };
            }
            slash.votes.insert(oracle, vote);
            if slash.votes.values().filter(|other| **other == vote).count() >= threshold {
                slash.decided = Some((vote, eta));
                of.set_aside = (half.min(u128::from(amount)), eta + SLASH_LAPSE_S);
            }
            self.held(Invariant::OneVote);
        }
        Ok(())
    }

    /// A bond on whose slash somebody voted; most often one that waits.
    fn slashed(&self, bond: Pick) -> Option<usize> {
        let all: Vec<usize> =
            self.bonded().into_iter().filter(|tenure| self.model.bond(*tenure).slash.is_some()).collect();
        let waiting: Vec<usize> = all.iter().copied().filter(|tenure| self.model.slash_waits(*tenure)).collect();
        let from = if waiting.is_empty() { &all } else { &waiting };
        (!from.is_empty()).then(|| bond.of(from))
    }

    pub fn hold_slash(&mut self, bond: Pick, who: Who) -> Done {
        let Some(tenure) = self.slashed(bond) else {
            return Ok(());
        };
        let who = self.signer(who, GUARDIAN);
        let bond = at::bond(&self.model.tenures[tenure].key);
        let verdict = self.model.holds_slash(tenure, who);
        let accounts = jobs::accounts::HoldSlash {
            guardian: self.key(who),
            network: at::network(),
            oracle_set: at::oracle_set(),
            bond,
            slash: slash_of(&bond),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let signer = self.people[who].clone();
        if self.attempt("hold_slash", jobs_ix(accounts, jobs::instruction::HoldSlash {}, &[]), &[&signer], verdict)? {
            let until = self.model.now + HOLD_LIMIT_S;
            let of = self.bond_mut(tenure);
            let slash = of.slash.get_or_insert_default();
            slash.held_until = until;
            of.set_aside.1 = slash.lapses_after().expect("it is decided");
        }
        Ok(())
    }

    pub fn void_slash(&mut self, bond: Pick, who: Who) -> Done {
        let Some(tenure) = self.slashed(bond) else {
            return Ok(());
        };
        let who = self.signer(who, self.model.authority);
        let bond = at::bond(&self.model.tenures[tenure].key);
        let verdict = self.model.voids_slash(tenure, who);
        let accounts = jobs::accounts::VoidSlash {
            authority: self.key(who),
            network: at::network(),
            oracle_set: at::oracle_set(),
            bond,
            slash: slash_of(&bond),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let signer = self.people[who].clone();
        if self.attempt("void_slash", jobs_ix(accounts, jobs::instruction::VoidSlash {}, &[]), &[&signer], verdict)? {
            self.end_slash(tenure);
        }
        Ok(())
    }

    pub fn execute_slash(&mut self, bond: Pick) -> Done {
        let Some(tenure) = self.slashed(bond) else {
            return Ok(());
        };
        // Mostly somebody who has waited.
        let waits = self.model.bond(tenure).slash.as_ref().and_then(|slash| slash.decided);
        if let Some((_, eta)) = waits.filter(|_| !bond.one_in(3))
            && self.model.now < eta
        {
            self.wait(Jump::To(eta));
        }
        let bond = at::bond(&self.model.tenures[tenure].key);
        let amount = self.model.slash_amount(tenure);
        let verdict = self.model.executes_slash(tenure);
        let accounts = jobs::accounts::ExecuteSlash {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            bond,
            slash: slash_of(&bond),
            bond_vault: at::bond_vault(),
            treasury: at::treasury(&self.model.mint),
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        if self.attempt("execute_slash", jobs_ix(accounts, jobs::instruction::ExecuteSlash {}, &[]), &[], verdict)? {
            let of = self.bond_mut(tenure);
            let before = of.sum();
            let mut left = amount;
            for part in [&mut of.earned, &mut of.staked, &mut of.unbonding] {
                let taken = left.min(*part);
                *part -= taken;
                left -= taken;
            }
            of.slashed += amount;
            let whole = before - of.sum() == amount;
            self.model.jobs_to_treasury += amount;
            self.end_slash(tenure);
            check!(whole, "tenure {tenure}: the slash of {amount} fell short");
            if amount > 0 {
                self.held(Invariant::SlashBounded);
            }
        }
        Ok(())
    }

    fn end_slash(&mut self, tenure: usize) {
        let (now, version) = (self.model.now, self.model.set.version);
        let slash = Slash { version, closed_at: Some(now), ..Slash::default() };
        let of = self.bond_mut(tenure);
        (of.slash, of.set_aside) = (Some(slash), (0, 0));
    }

    fn bond_mut(&mut self, tenure: usize) -> &mut Bond {
        self.model.tenures[tenure].bond.as_mut().expect("the tenure has a bond")
    }

    fn bond_holder(&self, tenure: usize, who: PersonId) -> NodeOf {
        NodeOf {
            holder: self.people[who].clone(),
            key: self.keys[0].clone(),
            licence: Pubkey::default(),
            node: Pubkey::default(),
            tenure: self.model.tenures[tenure].key,
        }
    }
}

fn slash_of(bond: &Pubkey) -> Pubkey {
    pda(&[b"slash", bond.as_ref()], &jobs::ID)
}

impl Model {
    pub fn bond(&self, tenure: usize) -> &Bond {
        self.tenures[tenure].bond.as_ref().expect("the tenure has a bond")
    }

    fn stakes(&self, bond: Pubkey, source: Pubkey, amount: u64) -> Verdict {
        needs!(!self.is_paused(pause::STAKE), "staking is paused");
        needs!(amount > 0, "the amount is zero");
        needs!(self.balance(&source) >= amount, "the staker has less");
        Ok(Effect::event(bond).moves(source, at::bond_vault(), amount))
    }

    fn unbonds(&self, tenure: usize, who: PersonId, amount: u64) -> Verdict {
        let of = &self.tenures[tenure];
        needs!(who == of.holder, "only the holder unbonds");
        needs!(amount > 0 && u128::from(amount) <= self.bond(tenure).staked, "it is nothing, or more than is staked");
        Ok(Effect::event(at::bond(&of.key)))
    }

    fn withdraws(&self, tenure: usize, who: PersonId, to: Pubkey, amount: u64) -> Verdict {
        let of = &self.tenures[tenure];
        needs!(who == of.holder, "only the holder withdraws");
        let bond = self.bond(tenure);
        needs!(amount > 0 && u128::from(amount) <= bond.earned, "it is nothing, or more than it earned");
        needs!(u128::from(amount) <= bond.free(self.now), "a slash takes it");
        Ok(Effect::event(at::bond(&of.key)).moves(at::bond_vault(), to, amount))
    }

    fn withdraws_unbonded(&self, tenure: usize, who: PersonId, to: Pubkey) -> Verdict {
        let (of, bond) = (&self.tenures[tenure], self.bond(tenure));
        needs!(who == of.holder, "only the holder withdraws");
        needs!(bond.unbonding > 0 && self.now >= bond.unbond_at, "nothing has waited for long enough");
        let amount = bond.unbonding.min(bond.free(self.now));
        needs!(amount > 0, "a slash takes it");
        Ok(Effect::event(at::bond(&of.key)).moves(at::bond_vault(), to, amount as u64))
    }

    /// Whether the set in force decided a slash that waits.
    fn slash_waits(&self, tenure: usize) -> bool {
        let slash = self.bond(tenure).slash.as_ref();
        let lasts = |slash: &Slash| slash.lapses_after().is_some_and(|last| self.now <= last);
        slash.is_some_and(|slash| lasts(slash) && slash.version == self.set.version)
    }

    fn votes_slash(&self, tenure: usize, oracle: PersonId, vote: SlashVote) -> Verdict {
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        needs!(vote.0 > 0, "it takes nothing");
        needs!(!self.slash_waits(tenure), "a slash waits");
        let closed = self.bond(tenure).slash.as_ref().and_then(|slash| slash.ended_at(self.now));
        let cooled = closed.is_none_or(|at| self.now >= at + i64::from(self.limits.slash_delay));
        needs!(cooled, "one ended a moment ago");
        Ok(Effect::event(at::bond(&self.tenures[tenure].key)))
    }

    fn holds_slash(&self, tenure: usize, who: PersonId) -> Verdict {
        needs!(who == self.guardian, "only the guardian holds");
        needs!(self.slash_waits(tenure), "no slash waits");
        let held = self.bond(tenure).slash.as_ref().is_some_and(|slash| slash.held_until != 0);
        needs!(!held, "it was held before");
        Ok(Effect::event(at::bond(&self.tenures[tenure].key)))
    }

    fn voids_slash(&self, tenure: usize, who: PersonId) -> Verdict {
        needs!(who == self.authority, "only the authority voids");
        needs!(self.slash_waits(tenure), "no slash waits");
        Ok(Effect::event(at::bond(&self.tenures[tenure].key)))
    }

    fn slash_amount(&self, tenure: usize) -> u128 {
        self.bond(tenure).set_aside.0
    }

    fn executes_slash(&self, tenure: usize) -> Verdict {
        needs!(self.slash_waits(tenure), "no slash waits");
        let slash = self.bond(tenure).slash.as_ref().expect("a slash waits");
        let eta = slash.decided.map_or(i64::MAX, |(_, eta)| eta);
        needs!(self.now >= eta && self.now >= slash.held_until, "its delay runs");
        let amount = self.slash_amount(tenure) as u64;
        let bond = at::bond(&self.tenures[tenure].key);
        Ok(Effect::event(bond).moves(at::bond_vault(), at::treasury(&self.mint), amount))
    }
}
