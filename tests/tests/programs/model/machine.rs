//! The real programs and the reference model, side by side: an instruction is sent, and its outcome, its events and every
//! token that it moved are compared with what the model says.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use anchor_lang::{AnchorDeserialize, Discriminator};
use litesvm::types::TransactionMetadata;
use muster_jobs as jobs;
use muster_network::state::{Network, Project};
use muster_tests::world::*;
use solana_sdk::{
    instruction::{Instruction, InstructionError},
    pubkey::Pubkey,
    transaction::TransactionError,
};

use super::{
    actions::{Jump, Pick, Who},
    invariants::Invariant,
    reference::*,
    tally::Tally,
};

/// Why a sequence failed: a sentence.
#[derive(Debug)]
pub struct Broken(pub String);

pub type Done<T = ()> = Result<T, Broken>;

/// Breaks the sequence unless the condition holds.
macro_rules! check {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::model::machine::Broken(format!($($words)+)));
        }
    };
}
pub(crate) use check;

/// Seconds in the longest jump: past every deadline, window and retention.
const MONTHS_S: i64 = 100 * 86_400;
/// What self-CPI events begin with; after it come the event's discriminator, `stream`, `seq` and `timestamp`.
const EVENT_TAG: &[u8] = anchor_lang::event::EVENT_IX_TAG_LE;
/// Every so many instructions, one is tried without a signature first.
const UNSIGNED_EVERY: u64 = 7;
/// Epochs whose answers are kept.
const ANSWERS: u64 = 10;
/// Node keys that exist.
pub const KEYS: usize = 12;

/// What the chain says of an epoch: the fee, and by project the maximum budget and the weight of uptime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub fee_bps: u16,
    pub rules: Vec<(u64, u32)>,
}

#[derive(Clone)]
pub struct Machine {
    pub world: World,
    pub model: Model,
    pub people: Vec<Wallet>,
    pub keys: Vec<Wallet>,
    pub tally: Rc<RefCell<Tally>>,
    /// By epoch, as the chain answered at its end: the fee, and each project's maximum and formula.
    pub answers: BTreeMap<u64, Answer>,
    /// Instructions sent so far.
    pub sent: u64,
    /// Accounts that the last accepted instruction could write.
    pub touched: Vec<Pubkey>,
    /// What happened, for the report of a failure.
    pub trail: Vec<String>,
}

impl Machine {
    pub fn key(&self, person: PersonId) -> Pubkey {
        self.people[person].key()
    }

    /// The token account of a person and mint.
    pub fn purse(&self, person: PersonId, mint: &Pubkey) -> Pubkey {
        self.model.purse(person, mint)
    }

    pub fn signer(&self, who: Who, right: PersonId) -> PersonId {
        match who {
            Who::Right => right,
            Who::Other(pick) => Pick(pick).index(PEOPLE),
        }
    }

    /// Makes the world's helpers speak of this project.
    pub fn on(&mut self, project: usize) -> &mut World {
        let of = &self.model.projects[project];
        self.world.project = of.key;
        self.world.mint = of.mint;
        self.world.owner = self.people[of.owner].clone();
        self.world.settler = self.people[of.settler].clone();
        &mut self.world
    }

    /// The world's helpers speak of the job mint.
    pub fn on_jobs(&mut self) -> &mut World {
        self.world.mint = self.model.mint;
        &mut self.world
    }

    pub fn held(&self, invariant: Invariant) {
        self.tally.borrow_mut().held(invariant);
    }

    pub fn wait(&mut self, jump: Jump) {
        let ends = self.model.epoch();
        let model = &mut self.model;
        model.now = match jump {
            Jump::To(moment) => moment,
            Jump::Seconds(seconds) => model.now + i64::from(seconds),
            Jump::AfterEpoch(seconds) => Model::epoch_end(model.epoch()) + i64::from(seconds),
            Jump::Epochs(epochs) => model.now + i64::from(epochs) * i64::from(EPOCH_LEN),
            Jump::HoldLimit => model.now + 3_601,
            Jump::Months => model.now + MONTHS_S,
        };
        self.world.svm.set_time(model.now);
        for epoch in ends..self.model.epoch().min(ends + ANSWERS) {
            self.answers.insert(epoch, self.answer(epoch));
        }
        while self.answers.len() > ANSWERS as usize {
            self.answers.pop_first();
        }
        self.trail.push(format!("    the clock shows {}, epoch {}", self.model.now, self.model.epoch()));
    }

    /// What the chain says of an epoch now.
    pub fn answer(&self, epoch: u64) -> Answer {
        let svm = &self.world.svm;
        let network: Network = svm.borsh(&at::network());
        let rules = self.model.projects.iter().map(|of| {
            let project: Project = svm.borsh(&of.key);
            (project.max_budget_at(epoch), project.formula_at(epoch).w_uptime)
        });
        Answer { fee_bps: network.fee_bps_at(epoch), rules: rules.collect() }
    }

    /// Sends one instruction and compares its outcome with the verdict. True when it was accepted.
    pub fn attempt(
        &mut self,
        name: &'static str,
        instruction: Instruction,
        signers: &[&Wallet],
        verdict: Verdict,
    ) -> Done<bool> {
        self.attempt_all(name, &[instruction], signers, verdict)
    }

    pub fn attempt_all(
        &mut self,
        name: &'static str,
        instructions: &[Instruction],
        signers: &[&Wallet],
        verdict: Verdict,
    ) -> Done<bool> {
        let mut written: Vec<Pubkey> = (instructions.iter().flat_map(|ix| &ix.accounts))
            .filter(|meta| meta.is_writable)
            .map(|meta| meta.pubkey)
            .collect();
        written.sort_unstable();
        written.dedup();
        self.sent += 1;
        if verdict.is_ok() && self.sent.is_multiple_of(UNSIGNED_EVERY) {
            self.attempt_unsigned(name, instructions, signers)?;
        }
        let lamports = self.bystanders(signers);
        let outcome = self.world.svm.send(instructions, signers);
        match (outcome, verdict) {
            (Ok(meta), Ok(effect)) => {
                self.trail.push(format!("    {name}: accepted"));
                self.tally.borrow_mut().accepted(name);
                self.touched = written;
                self.compare_events(name, &meta, &effect)?;
                self.apply(name, &effect)?;
                self.compare_tokens(name)?;
                for (person, before) in lamports {
                    let after = self.world.svm.inner.get_balance(&self.key(person)).unwrap_or(0);
                    check!(after >= before, "{name} took lamports from person {person}, who did not sign");
                }
                self.held(Invariant::NobodyElsesMoney);
                Ok(true)
            }
            (Err(refusal), Err(why)) => {
                self.trail.push(format!("    {name}: refused, {why}"));
                // A panic, an access violation or an exhausted budget is no refusal.
                let TransactionError::InstructionError(_, error) = &refusal.error else {
                    return Err(Broken(format!("{name} never ran ({why}): {:?}", refusal.error)));
                };
                let crashed = matches!(
                    error,
                    InstructionError::ProgramFailedToComplete
                        | InstructionError::ComputationalBudgetExceeded
                        | InstructionError::ProgramEnvironmentSetupFailure
                );
                check!(!crashed, "{name} crashed instead of refusing ({why}): {error:?} {:#?}", refusal.logs);
                self.tally.borrow_mut().refused(name, why);
                self.touched.clear();
                Ok(false)
            }
            (Ok(_), Err(why)) => Err(Broken(format!("{name} was accepted and must be refused: {why}"))),
            (Err(refusal), Ok(_)) => {
                Err(Broken(format!("{name} was refused and must be accepted: {:?} {:#?}", refusal.error, refusal.logs)))
            }
        }
    }

    /// The same without one of its signatures, which nothing may do.
    fn attempt_unsigned(&mut self, name: &str, instructions: &[Instruction], signers: &[&Wallet]) -> Done {
        let Some(missing) = signers.first().map(|wallet| wallet.key()) else {
            return Ok(());
        };
        let mut unsigned = instructions.to_vec();
        for meta in unsigned.iter_mut().flat_map(|ix| &mut ix.accounts).filter(|meta| meta.pubkey == missing) {
            meta.is_signer = false;
        }
        let others: Vec<&Wallet> = signers.iter().copied().filter(|wallet| wallet.key() != missing).collect();
        let outcome = self.world.svm.send(&unsigned, &others);
        check!(outcome.is_err(), "{name} was accepted without the signature of {missing}");
        self.held(Invariant::Signatures);
        Ok(())
    }

    /// Lamports of everybody who does not sign.
    fn bystanders(&self, signers: &[&Wallet]) -> Vec<(PersonId, u64)> {
        let svm = &self.world.svm.inner;
        (0..PEOPLE)
            .filter(|person| !signers.iter().any(|wallet| wallet.key() == self.key(*person)))
            .map(|person| (person, svm.get_balance(&self.key(person)).unwrap_or(0)))
            .collect()
    }

    /// I17: each stream moves by exactly its events, and each event carries the clock.
    fn compare_events(&mut self, name: &str, meta: &TransactionMetadata, effect: &Effect) -> Done {
        let mut heard = BTreeMap::<Pubkey, u64>::new();
        for (stream, seq, timestamp) in events(meta) {
            let last = self.model.seqs.entry(stream).or_default();
            check!(seq == *last + 1, "{name}: stream {stream} goes from {last} to {seq}");
            *last = seq;
            if let Some(timestamp) = timestamp {
                check!(timestamp == self.model.now, "{name}: an event of {timestamp} at {}", self.model.now);
            }
            *heard.entry(stream).or_default() += 1;
        }
        let mut expected = BTreeMap::<Pubkey, u64>::new();
        for stream in &effect.events {
            *expected.entry(*stream).or_default() += 1;
        }
        check!(heard == expected, "{name}: events of {heard:?}, expected {expected:?}");
        if !expected.is_empty() {
            self.held(Invariant::GaplessEvents);
        }
        Ok(())
    }

    fn apply(&mut self, name: &str, effect: &Effect) -> Done {
        let tokens = &mut self.model.tokens;
        for (account, mint) in &effect.opened {
            tokens.entry(*account).or_insert(Tokens { mint: *mint, amount: 0 });
        }
        for (from, to, amount) in &effect.moves {
            check!(from != to, "{name}: a move to itself");
            let source = tokens.get_mut(from).ok_or_else(|| Broken(format!("{name}: no account {from}")))?;
            let left = source.amount.checked_sub(*amount);
            source.amount = left.ok_or_else(|| Broken(format!("{name}: {from} holds less than {amount}")))?;
            let target = tokens.get_mut(to).ok_or_else(|| Broken(format!("{name}: no account {to}")))?;
            target.amount += amount;
        }
        for account in &effect.closed {
            let closed = tokens.remove(account).ok_or_else(|| Broken(format!("{name}: no account {account}")))?;
            check!(closed.amount == 0, "{name}: {account} closes with {} in it", closed.amount);
        }
        Ok(())
    }

    /// Every token account that the instruction could write holds what the model says.
    fn compare_tokens(&self, name: &str) -> Done {
        for account in &self.touched {
            let Some(tokens) = self.model.tokens.get(account) else {
                continue;
            };
            let held = self.world.svm.tokens(account);
            check!(held == tokens.amount, "{name}: {account} holds {held}, the model says {}", tokens.amount);
        }
        Ok(())
    }

    /// Mints to a person, as the tests' own mint authority.
    pub fn endow(&mut self, person: PersonId, mint: &Pubkey, amount: u64) {
        let wallet = self.people[person].clone();
        self.world.mint = *mint;
        let account = self.world.fund_wallet(&wallet, amount);
        self.model.tokens.entry(account).or_insert(Tokens { mint: *mint, amount: 0 }).amount += amount;
        *self.model.supply.entry(*mint).or_default() += u128::from(amount);
    }
}

/// Stream, number and, of an event's own stream, time of every event of a transaction.
fn events(meta: &TransactionMetadata) -> Vec<(Pubkey, u64, Option<i64>)> {
    let mut found = Vec::new();
    for inner in meta.inner_instructions.iter().flatten() {
        let data = &inner.instruction.data;
        if data.len() < 64 || data[..8] != *EVENT_TAG {
            continue;
        }
        let stream = Pubkey::try_from(&data[16..48]).expect("32 bytes");
        let seq = u64::from_le_bytes(data[48..56].try_into().expect("8 bytes"));
        let timestamp = i64::from_le_bytes(data[56..64].try_into().expect("8 bytes"));
        found.push((stream, seq, Some(timestamp)));
        // One event of a finished job is also one of every credited bond's stream.
        if data[8..16] == *jobs::events::JobFinished::DISCRIMINATOR {
            let finished = jobs::events::JobFinished::try_from_slice(&data[16..]).expect("the event decodes");
            found.extend(finished.credits.iter().map(|credit| (credit.bond, credit.seq, None)));
        }
    }
    found
}

/// The network with its people, and nothing else.
pub fn network_with_people() -> Machine {
    let mut world = World::bare();
    let people: Vec<Wallet> = (0..PEOPLE).map(|person| Wallet::named(&format!("person {person}"))).collect();
    let keys: Vec<Wallet> = (0..KEYS).map(|key| Wallet::named(&format!("node key {key}"))).collect();
    for wallet in &people {
        for _ in 0..10 {
            world.svm.airdrop(wallet);
            world.svm.inner.expire_blockhash();
        }
    }
    world.authority = people[AUTHORITY].clone();
    world.guardian = people[GUARDIAN].clone();
    world.oracles = SETS[0].iter().map(|oracle| people[*oracle].clone()).collect();
    let mut args = world.network_args();
    args.treasury_owner = people[TREASURER].key();
    world.initialize_network(args).expect("the network is initialised");
    world.set_oracle_set(world.oracle_args()).expect("the oracle set is set");
    let args = world.jobs_args();
    let limits = Limits::of(&args);
    world.initialize_jobs(args).expect("the jobs program is initialised");

    let mint = world.mint;
    let second_mint = world.svm.add_mint("second mint");
    let names = people.iter().map(Wallet::key).collect();
    let mut model = Model::new(world.svm.now(), (mint, second_mint), names, SETS[0], limits);
    // Initialised, and the set named; the jobs config.
    model.seqs.insert(at::network(), 2);
    model.seqs.insert(at::jobs_config(), 1);
    for vault in [at::treasury(&mint), at::bond_vault()] {
        model.tokens.insert(vault, Tokens { mint, amount: 0 });
    }
    let tally = Rc::new(RefCell::new(Tally::default()));
    for name in ["initialize_network", "set_oracle_set", "initialize_jobs"] {
        tally.borrow_mut().accepted(name);
    }
    let mut machine = Machine {
        world,
        model,
        people,
        keys,
        tally,
        answers: BTreeMap::new(),
        sent: 0,
        touched: Vec::new(),
        trail: Vec::new(),
    };
    for person in 0..PEOPLE {
        machine.endow(person, &mint, 20_000 * TOKEN_UNIT);
        machine.endow(person, &second_mint, 20_000 * TOKEN_UNIT);
    }
    machine
}
