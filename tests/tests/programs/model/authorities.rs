//! The network's cold keys: what each action does and what the model says of it.

use muster_jobs as jobs;
use muster_network::{self as network, state::pause};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, Machine},
    reference::*,
};

const HOLD_LIMIT_S: i64 = 3_600;
const FEE_BPS_MAX: u16 = 3_000;
/// Epochs for which a former fee stays known.
const FEE_CHANGE_EPOCHS: u64 = 7;
/// Every bit that a pause may name.
const PAUSES: [u32; 7] =
    [pause::BUY, pause::BIND, pause::STAKE, pause::SUBMIT, pause::SETTLE, pause::APPROVE, pause::ACTIVATE];

/// The roles of `propose_authority`, as the program numbers them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority,
    Guardian,
    Treasurer,
}

const ROLES: [Role; 3] = [Role::Authority, Role::Guardian, Role::Treasurer];

impl Machine {
    /// Hands a role to somebody else, in the two steps that it takes; the second may stay away.
    pub fn propose_authority(&mut self, role: Pick, to: Pick, who: Who) -> Done {
        let role = role.of(&ROLES);
        let model = &self.model;
        let right = if role == Role::Treasurer { model.treasurer } else { model.authority };
        let (who, to) = (self.signer(who, right), to.of(&[AUTHORITY, GUARDIAN, TREASURER, HOLDERS[3]]));
        let verdict = match who == right {
            true => Ok(Effect::event(at::network())),
            false => Err("only the superior proposes"),
        };
        let accounts = self.world.propose_authority_accounts(&self.key(who));
        let args = network::instruction::ProposeAuthority { role: role as u8, key: self.key(to) };
        let signer = self.people[who].clone();
        if self.attempt("propose_authority", network_ix(accounts, args), &[&signer], verdict)? {
            self.model.proposed[role as usize] = Some(to);
        }
        Ok(())
    }

    pub fn accept_authority(&mut self, role: Pick, who: Who) -> Done {
        let waiting: Vec<Role> =
            ROLES.into_iter().filter(|role| self.model.proposed[*role as usize].is_some()).collect();
        let role = if waiting.is_empty() { role.of(&ROLES) } else { role.of(&waiting) };
        let proposed = self.model.proposed[role as usize];
        let who = self.signer(who, proposed.unwrap_or(MALLORY));
        let verdict = self.model.takes_over(role, who);
        let accounts = self.world.accept_authority_accounts(&self.key(who));
        let args = network::instruction::AcceptAuthority { role: role as u8 };
        let signer = self.people[who].clone();
        if self.attempt("accept_authority", network_ix(accounts, args), &[&signer], verdict)? {
            let model = &mut self.model;
            model.proposed[role as usize] = None;
            match role {
                Role::Authority => {
                    model.authority = who;
                    model.proposed[Role::Guardian as usize] = None;
                }
                Role::Guardian => model.guardian = who,
                Role::Treasurer => model.treasurer = who,
            }
            self.held(Invariant::Roles);
        }
        Ok(())
    }

    /// Proposal and acceptance of one role.
    pub fn hand_over(&mut self, role: Pick, to: Pick) -> Done {
        self.propose_authority(role, to, Who::Right)?;
        self.check_touched()?;
        self.accept_authority(role, Who::Right)
    }

    /// What only happens once, again.
    pub fn reinitialise(&mut self, who: Pick) -> Done {
        let (wallet, key) = match who.0 % 2 {
            0 => (self.world.upgrade_authority.clone(), self.world.upgrade_authority.key()),
            _ => (self.people[MALLORY].clone(), self.key(MALLORY)),
        };
        let mut accounts = self.world.initialize_network_accounts();
        accounts.upgrade_authority = key;
        accounts.job_mint = self.model.second_mint;
        accounts.treasury = at::treasury(&self.model.second_mint);
        let args = self.world.network_args();
        let ix = network_ix(accounts, network::instruction::InitializeNetwork { args });
        self.attempt("initialize_network", ix, &[&wallet], Err("it is initialised"))?;
        let wallet = self.people[self.model.authority].clone();
        let mut accounts = self.on_jobs().initialize_jobs_accounts();
        accounts.authority = wallet.key();
        let args = self.world.jobs_args();
        let ix = jobs_ix(accounts, jobs::instruction::InitializeJobs { args }, &[]);
        self.attempt("initialize_jobs", ix, &[&wallet], Err("it is initialised"))?;
        self.held(Invariant::InitialisedOnce);
        Ok(())
    }

    /// Other windows and delays for the jobs program, for what comes.
    pub fn set_jobs_config(&mut self, who: Who, grace: Pick, delay: Pick, twist: Twist) -> Done {
        let who = self.signer(who, self.model.authority);
        let mut args = self.world.jobs_args();
        args.attest_grace = 60 + u32::from(grace.0);
        args.cancel_window = 30 + u32::from(grace.0) * 2;
        args.slash_delay = 300 + u32::from(delay.0);
        args.unbond_delay = args.slash_delay + 1 + u32::from(grace.0) * 10;
        let mut verdict = match who == self.model.authority {
            true => Ok(Effect::event(at::jobs_config())),
            false => Err("only the authority sets the limits"),
        };
        if let Twist::Wrong(kind) = twist {
            verdict = Err("its limits are out of order");
            match kind % 4 {
                0 => args.stake_min = 0,
                1 => args.unbond_delay = args.slash_delay,
                2 => args.attest_grace = 0,
                _ => args.cancel_window = 7 * 86_400 + 1,
            }
        }
        let limits = Limits::of(&args);
        let mut accounts = self.world.set_jobs_config_accounts();
        accounts.authority = self.key(who);
        let ix = jobs_ix(accounts, jobs::instruction::SetJobsConfig { args }, &[]);
        let signer = self.people[who].clone();
        if self.attempt("set_jobs_config", ix, &[&signer], verdict)? {
            self.model.limits = limits;
        }
        Ok(())
    }

    pub fn set_fee(&mut self, who: Who, fee: Pick, ahead: Pick) -> Done {
        let who = self.signer(who, self.model.authority);
        let fee_bps = fee.mostly_first(&[2_000, 0, 1_234, FEE_BPS_MAX, FEE_BPS_MAX + 1]);
        let from_epoch = self.model.epoch() + u64::from(ahead.0 % 4);
        let verdict = self.model.changes_fee(who, fee_bps, from_epoch);
        let mut accounts = self.world.set_fee_accounts();
        accounts.authority = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetFee { fee_bps, from_epoch });
        let signer = self.people[who].clone();
        if self.attempt("set_fee", ix, &[&signer], verdict)? {
            let epoch = self.model.epoch();
            let fees = &mut self.model.fees;
            if epoch >= fees.next_epoch {
                fees.bps = fees.next_bps;
            }
            (fees.next_bps, fees.next_epoch) = (fee_bps, from_epoch);
            self.held(Invariant::FeeBounded);
        }
        Ok(())
    }

    /// Lists the second mint, or takes it off the list.
    pub fn list_mint(&mut self, who: Who, on: Pick) -> Done {
        let who = self.signer(who, self.model.authority);
        let mint = self.model.second_mint;
        let listed = self.model.mints.contains(&mint);
        // Mostly what changes something; now and then the job mint, which stays.
        let on = if on.0 < 200 { !listed } else { on.one_in(2) };
        let signer = self.people[who].clone();
        let is_authority = who == self.model.authority;
        if on {
            let verdict = match (is_authority, listed) {
                (false, _) => Err("only the authority lists mints"),
                (true, true) => Err("it is listed"),
                (true, false) => Ok(Effect::event(at::network()).opens(at::treasury(&mint), mint)),
            };
            let mut accounts = self.world.allow_mint_accounts(&mint);
            accounts.authority = signer.key();
            let ix = network_ix(accounts, network::instruction::AllowMint {});
            if self.attempt("allow_mint", ix, &[&signer], verdict)? {
                self.model.mints.push(mint);
            }
            return Ok(());
        }
        let verdict = match (is_authority, listed) {
            (false, _) => Err("only the authority lists mints"),
            (true, false) => Err("it is not listed"),
            (true, true) => Ok(Effect::event(at::network())),
        };
        let mut accounts = self.world.forbid_mint_accounts();
        accounts.authority = signer.key();
        let ix = network_ix(accounts, network::instruction::ForbidMint { mint });
        if self.attempt("forbid_mint", ix, &[&signer], verdict)? {
            self.model.mints.retain(|listed| *listed != mint);
        }
        Ok(())
    }

    pub fn set_paused(&mut self, who: Who, bit: Pick) -> Done {
        let who = self.signer(who, self.model.authority);
        // Mostly the end of a pause: a network that stands still shows little.
        let bits = if bit.one_in(4) { bit.of(&PAUSES) | bit.of(&PAUSES[2..]) } else { 0 };
        let bits = if bit.0 == 255 { 1 << 20 } else { bits };
        self.set_paused_to(who, bits)
    }

    pub fn set_paused_to(&mut self, who: PersonId, bits: u32) -> Done {
        let verdict = match (who == self.model.authority, bits >> PAUSES.len()) {
            (false, _) => Err("only the authority pauses for good"),
            (true, 0) => Ok(Effect::event(at::network())),
            (true, _) => Err("there is no such bit"),
        };
        let mut accounts = self.world.set_paused_accounts();
        accounts.authority = self.key(who);
        let ix = network_ix(accounts, network::instruction::SetPaused { bits });
        let signer = self.people[who].clone();
        if self.attempt("set_paused", ix, &[&signer], verdict)? {
            (self.model.paused, self.model.guardian_paused) = (bits, 0);
        }
        Ok(())
    }

    pub fn guardian_pause(&mut self, who: Who, bit: Pick) -> Done {
        let who = self.signer(who, self.model.guardian);
        let bits = if bit.one_in(5) { 0 } else { bit.of(&PAUSES) | bit.of(&PAUSES[3..]) };
        let verdict = self.model.pauses_as_guardian(who, bits);
        let mut accounts = self.world.guardian_pause_accounts();
        accounts.guardian = self.key(who);
        let ix = network_ix(accounts, network::instruction::GuardianPause { bits });
        let signer = self.people[who].clone();
        if self.attempt("guardian_pause", ix, &[&signer], verdict)? {
            if bits != 0 {
                self.model.guardian_pause_until = self.model.now + HOLD_LIMIT_S;
            }
            self.model.guardian_paused = bits;
            self.held(Invariant::GuardianLapses);
        }
        Ok(())
    }

    pub fn withdraw_treasury(&mut self, who: Who, mint: Pick, amount: Amount) -> Done {
        let who = self.signer(who, self.model.treasurer);
        let listed: Vec<Pubkey> = self.model.supply.keys().copied().collect();
        let mint = mint.of(&listed);
        let (treasury, destination) = (at::treasury(&mint), self.purse(TREASURER, &mint));
        let held = self.model.balance(&treasury);
        let amount = if amount.one_in(4) { amount.0 } else { amount.0.min(held) };
        let verdict = match (who == self.model.treasurer, amount > 0 && amount <= held) {
            (false, _) => Err("only the treasury's owner withdraws"),
            (true, false) => Err("it is nothing, or more than there is"),
            (true, true) => Ok(Effect::event(at::network()).moves(treasury, destination, amount)),
        };
        self.world.mint = mint;
        let mut accounts = self.world.withdraw_treasury_accounts(destination);
        accounts.treasury_owner = self.key(who);
        let ix = network_ix(accounts, network::instruction::WithdrawTreasury { amount });
        let signer = self.people[who].clone();
        if self.attempt("withdraw_treasury", ix, &[&signer], verdict)? {
            *self.model.withdrawn.entry(mint).or_default() += u128::from(amount);
        }
        Ok(())
    }

    pub fn set_oracle_url(&mut self, oracle: Pick, twist: Twist) -> Done {
        let oracle = if oracle.0 > 240 { MALLORY } else { oracle.of(&ORACLES) };
        let url = if twist == Twist::Honest { "https://oracle.example".to_owned() } else { "x".repeat(97) };
        let verdict = match (self.model.set.has(oracle), twist) {
            (false, _) => Err("it is not an oracle of the set"),
            (true, Twist::Wrong(_)) => Err("the URL is too long"),
            (true, Twist::Honest) => Ok(Effect::event(at::network())),
        };
        let accounts = self.world.set_oracle_url_accounts(&self.key(oracle));
        let ix = network_ix(accounts, network::instruction::SetOracleUrl { url });
        let signer = self.people[oracle].clone();
        self.attempt("set_oracle_url", ix, &[&signer], verdict).map(drop)
    }
}

impl Model {
    fn takes_over(&self, role: Role, who: PersonId) -> Verdict {
        needs!(self.proposed[role as usize] == Some(who), "nobody proposed him");
        let guardian = if role == Role::Guardian { who } else { self.guardian };
        let authority = if role == Role::Authority { who } else { self.authority };
        needs!(guardian != authority, "one key would be guardian and authority");
        Ok(Effect::event(at::network()))
    }

    fn changes_fee(&self, who: PersonId, fee_bps: u16, from_epoch: u64) -> Verdict {
        needs!(who == self.authority, "only the authority sets the fee");
        needs!(from_epoch > self.epoch(), "the epoch has begun");
        let begun = self.epoch() >= self.fees.next_epoch;
        needs!(!begun || self.epoch() >= self.fees.next_epoch + FEE_CHANGE_EPOCHS, "the last change is too young");
        needs!(fee_bps <= FEE_BPS_MAX, "the fee is above the cap");
        Ok(Effect::event(at::network()))
    }

    fn pauses_as_guardian(&self, who: PersonId, bits: u32) -> Verdict {
        needs!(who == self.guardian, "only the guardian pauses so");
        needs!(bits == 0 || self.now >= self.guardian_pause_until + HOLD_LIMIT_S, "one pause follows on another");
        Ok(Effect::event(at::network()))
    }

    /// The fee of an epoch.
    pub fn fee_at(&self, epoch: u64) -> u16 {
        if epoch >= self.fees.next_epoch { self.fees.next_bps } else { self.fees.bps }
    }
}
