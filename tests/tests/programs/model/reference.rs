//! The reference model: what the network should be, in plain maps and 128-bit integers. It shares no code with the
//! programs; what it says is compared with the chain after every step.

use std::collections::{BTreeMap, BTreeSet};

use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

/// A person's place in the list of people.
pub type PersonId = usize;

pub const AUTHORITY: PersonId = 0;
pub const GUARDIAN: PersonId = 1;
pub const TREASURER: PersonId = 2;
pub const OWNERS: [PersonId; 2] = [3, 4];
pub const SETTLERS: [PersonId; 2] = [5, 6];
/// The first of them lies. No set lets it decide alone, nor keep the others from deciding.
pub const ORACLES: [PersonId; 5] = [7, 8, 9, 10, 11];
pub const LIAR: PersonId = ORACLES[0];
pub const HOLDERS: [PersonId; 4] = [12, 13, 14, 15];
pub const MALLORY: PersonId = 16;
pub const PEOPLE: usize = 17;
/// For how long a decided slash may be executed.
pub const SLASH_LAPSE_S: i64 = 7 * 86_400;
/// Licences that a sequence may reach.
pub const LICENCES_MAX: usize = 24;

/// The sets that the authority may name.
pub const SETS: [&[PersonId]; 4] = [&[7, 8, 9], &[8, 9, 10], &ORACLES, &[7, 10, 8, 11]];

/// What an instruction should do; or why it should be refused.
pub type Verdict = Result<Effect, &'static str>;

/// Refuses unless the condition holds.
macro_rules! needs {
    ($condition:expr, $why:literal) => {
        if !$condition {
            return Err($why);
        }
    };
}
pub(crate) use needs;

/// Everything that an accepted instruction may change in token accounts, and the streams in which it speaks.
#[derive(Default, Debug, Clone)]
pub struct Effect {
    /// From, to, base units.
    pub moves: Vec<(Pubkey, Pubkey, u64)>,
    /// Token account and mint.
    pub opened: Vec<(Pubkey, Pubkey)>,
    pub closed: Vec<Pubkey>,
    /// One event each.
    pub events: Vec<Pubkey>,
}

impl Effect {
    pub fn event(stream: Pubkey) -> Self {
        Self { events: vec![stream], ..Self::default() }
    }

    pub fn and_event(mut self, stream: Pubkey) -> Self {
        self.events.push(stream);
        self
    }

    pub fn moves(mut self, from: Pubkey, to: Pubkey, amount: u64) -> Self {
        if amount > 0 {
            self.moves.push((from, to, amount));
        }
        self
    }

    pub fn opens(mut self, account: Pubkey, mint: Pubkey) -> Self {
        self.opened.push((account, mint));
        self
    }

    pub fn closes(mut self, account: Pubkey) -> Self {
        self.closed.push(account);
        self
    }
}

/// A token account as the model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub mint: Pubkey,
    pub amount: u64,
}

#[derive(Clone, Debug)]
pub struct Set {
    pub members: Vec<PersonId>,
    pub version: u32,
    pub pending: Option<(Vec<PersonId>, i64)>,
}

impl Set {
    /// The least t with 2t > n and 3t >= 2n, by trying.
    pub fn threshold(&self) -> usize {
        let n = self.members.len();
        (1..=n).find(|t| 2 * t > n && 3 * t >= 2 * n).unwrap_or(n)
    }

    pub fn has(&self, person: PersonId) -> bool {
        self.members.contains(&person)
    }
}

/// Leaves of a cumulative distribution, base units, by leaf index.
pub type Leaves = Vec<u64>;

#[derive(Clone, Debug, Default)]
pub struct Root {
    pub epoch: u64,
    pub revision: u32,
    pub leaves: Leaves,
    /// Leaves of the points' tree, where rewards are paid elsewhere.
    pub points: Option<usize>,
    pub held_until: i64,
    /// Set version in which it was held.
    pub held_version: u32,
    /// A correction pays only from then, and so does what was held when the next root became active.
    pub pays_from: i64,
}

impl Root {
    pub fn count(&self) -> usize {
        self.points.unwrap_or(self.leaves.len())
    }

    pub fn pays(&self, now: i64) -> bool {
        now >= self.held_until && now >= self.pays_from
    }

    pub fn total(&self) -> u128 {
        self.leaves.iter().map(|leaf| u128::from(*leaf)).sum()
    }
}

#[derive(Clone, Debug)]
pub struct Pending {
    pub root: Root,
    pub eta: i64,
    pub version: u32,
    pub log_head: [u8; 32],
}

/// A settled epoch's account.
#[derive(Clone, Debug)]
pub struct Statement {
    pub rent_payer: PersonId,
    pub is_final: bool,
    pub revision: u32,
}

/// Where a held root stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldPlace {
    Pending,
    Active(usize),
}

/// A project's open settlement.
#[derive(Clone, Debug)]
pub struct Open {
    pub epoch: u64,
    pub revision: u32,
    pub budget: u64,
    pub fee: u64,
    pub pool: u64,
    /// Leaves that the settlement counts.
    pub count: usize,
    /// Leaves of the points' tree, where rewards are paid elsewhere.
    pub points: Option<usize>,
    pub settled_at: i64,
    /// By oracle: the leaves it votes for, and the set version in which it did.
    pub votes: BTreeMap<PersonId, (Leaves, u32)>,
    pub approved: Option<Pending>,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub key: Pubkey,
    pub distribution: Pubkey,
    pub budget_vault: Pubkey,
    pub vault: Pubkey,
    pub mint: Pubkey,
    pub owner: PersonId,
    pub settler: PersonId,
    pub external: bool,
    pub closed: bool,
    /// The owner to be.
    pub proposed_owner: Option<PersonId>,
    /// The collection whose members its licences are.
    pub collection: Pubkey,
    /// Its licences are another program's.
    pub external_licences: bool,
    pub payment_mint: Pubkey,
    pub price: u64,
    pub licences_max: u32,
    /// Licences by serial.
    pub licences: Vec<usize>,
    /// Tenures by leaf index.
    pub leaves: Vec<usize>,
    pub max_budget: u64,
    /// Holds from `budget_epoch`.
    pub next_max_budget: u64,
    pub budget_epoch: u64,
    pub formula_epoch: u64,
    /// Announced amount, and when it is due.
    pub withdrawal: Option<(u64, i64)>,
    pub pools: Vec<Pool>,
    pub next_epoch: u64,
    pub open: Option<Open>,
    /// Newest first.
    pub roots: Vec<Root>,
    pub allocated: u128,
    pub claimed: u128,
    pub topped_up: u128,
    pub last_pool: u64,
    /// Epoch, allowance, paid.
    pub breaker: Option<(u64, u128, u128)>,
    /// Epochs whose fee was paid.
    pub booked: BTreeSet<u64>,
    /// Settled epochs whose accounts are there.
    pub statements: BTreeMap<u64, Statement>,
    /// Every epoch and revision that was ever stated.
    pub stated: BTreeSet<(u64, u32)>,
    /// Highest epoch ever voided, and the revision from which statements up to it go on.
    pub voided: (u64, u32),
    /// By oracle: the leaves that it would put in a held root's place, epoch and revision, and the set version.
    pub corrections: BTreeMap<PersonId, (Leaves, u64, u32, u32)>,
    /// Fee and budget of all that was booked.
    pub fees: u128,
    pub budgets: u128,
    pub ledger_head: [u8; 32],
}

impl Project {
    pub fn max_budget_at(&self, epoch: u64) -> u64 {
        if epoch >= self.budget_epoch { self.next_max_budget } else { self.max_budget }
    }

    /// Of an epoch's next first statement.
    pub fn first_revision(&self, epoch: u64) -> u32 {
        if epoch <= self.voided.0 { self.voided.1 } else { 0 }
    }

    pub fn is_approved(&self, version: u32) -> bool {
        let pending = self.open.as_ref().and_then(|open| open.approved.as_ref());
        pending.is_some_and(|pending| pending.version == version)
    }

    pub fn held_place(&self, epoch: u64, now: i64) -> Option<HeldPlace> {
        let is_held = |root: &Root| root.epoch == epoch && now < root.held_until;
        if self.open.as_ref().and_then(|open| open.approved.as_ref()).is_some_and(|pending| is_held(&pending.root)) {
            return Some(HeldPlace::Pending);
        }
        self.roots.iter().position(is_held).map(HeldPlace::Active)
    }

    pub fn total(&self) -> u128 {
        self.roots.first().map_or(0, Root::total)
    }

    pub fn claimable_total(&self) -> u128 {
        self.total() + self.topped_up
    }

    /// What the breaker lets through in an epoch that begins now, or what is left of the running one.
    pub fn allowance(&self, epoch: u64) -> (u128, u128) {
        match self.breaker {
            Some((of, allowance, paid)) if of == epoch && allowance > 0 => (allowance, paid),
            _ => {
                let outstanding = self.claimable_total().saturating_sub(self.claimed);
                (u128::from(self.last_pool) + outstanding.div_ceil(4), 0)
            }
        }
    }

    /// Whether this root, or one after it, was corrected or followed while it was held, and one after it pays.
    pub fn is_superseded(&self, root: usize, now: i64) -> bool {
        let doubted = self.roots[..=root].iter().any(|one| one.pays_from != 0);
        doubted && self.roots[..root].iter().any(|newer| newer.pays(now))
    }

    /// What the newest root says of a leaf.
    pub fn newest_leaf(&self, leaf: usize) -> u64 {
        self.roots.first().and_then(|root| root.leaves.get(leaf)).copied().unwrap_or(0)
    }
}

/// Where a node stands; see the program's own statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Bound,
    Active,
    Unbinding,
    Free,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub capacity: u16,
    pub closed: bool,
}

/// Seconds of the clock.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    pub start: i64,
    pub end: i64,
    /// All that is over, oldest first.
    pub past: Vec<(i64, i64)>,
}

/// Earns nothing in epochs from..until.
#[derive(Clone, Debug, Default)]
pub struct Suspension {
    pub from: u64,
    pub until: u64,
    pub by_oracles: bool,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub status: Status,
    pub tenure: usize,
    pub number: u32,
    /// Index into the keys.
    pub key: usize,
    /// End of the last tenure's last epoch.
    pub thaw_at: i64,
    /// Index into the project's pools.
    pub pool: Option<usize>,
    pub maintenance: Maintenance,
    pub suspension: Suspension,
    /// By oracle: for how many epochs, and the set version in which it said so.
    pub ballot: BTreeMap<PersonId, (u8, u32)>,
}

impl Node {
    pub fn is_bound(&self) -> bool {
        matches!(self.status, Status::Bound | Status::Active)
    }
}

/// Whom claims pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payee {
    Person(PersonId),
    /// Index into the splits.
    Split(usize),
}

#[derive(Clone, Debug)]
pub struct Split {
    pub key: Pubkey,
    pub vault: Pubkey,
    pub mint: Pubkey,
    /// Recipients and their basis points.
    pub shares: Vec<(PersonId, u16)>,
    pub released: Vec<u128>,
}

#[derive(Clone, Debug)]
pub struct Licence {
    pub project: usize,
    pub serial: u32,
    pub mint: Pubkey,
    pub node_address: Pubkey,
    pub holder: PersonId,
    /// Another program's: never frozen.
    pub is_asset: bool,
    pub node: Option<Node>,
}

impl Licence {
    pub fn is_frozen(&self) -> bool {
        !self.is_asset && self.node.as_ref().is_some_and(|node| node.status != Status::Free)
    }
}

#[derive(Clone, Debug)]
pub struct Tenure {
    pub key: Pubkey,
    pub project: usize,
    pub licence: usize,
    pub number: u32,
    pub leaf: usize,
    pub holder: PersonId,
    pub payout: Payee,
    pub operator: Option<PersonId>,
    pub claimed: u64,
    pub from_epoch: u64,
    pub until_epoch: Option<u64>,
    pub bond: Option<Bond>,
}

#[derive(Clone, Debug, Default)]
pub struct Bond {
    pub staked: u128,
    pub earned: u128,
    pub unbonding: u128,
    pub unbond_at: i64,
    /// What a decided slash takes, and the last second for which it stays.
    pub set_aside: (u128, i64),
    pub slashed: u128,
    pub slash: Option<Slash>,
}

/// What one oracle would take: base units, reason, evidence.
pub type SlashVote = (u64, u16, u8);

/// The votes on a bond, and what a threshold decided.
#[derive(Clone, Debug, Default)]
pub struct Slash {
    pub votes: BTreeMap<PersonId, SlashVote>,
    pub version: u32,
    /// What, and when it may be executed.
    pub decided: Option<(SlashVote, i64)>,
    pub held_until: i64,
    pub closed_at: Option<i64>,
}

impl Slash {
    /// The last second in which what was decided may be executed.
    pub fn lapses_after(&self) -> Option<i64> {
        self.decided.map(|(_, eta)| eta.max(self.held_until) + SLASH_LAPSE_S)
    }

    /// When the last one was executed, voided or lapsed.
    pub fn ended_at(&self, now: i64) -> Option<i64> {
        self.lapses_after().filter(|last| now > *last).or(self.closed_at)
    }
}

impl Bond {
    pub fn sum(&self) -> u128 {
        self.staked + self.earned + self.unbonding
    }

    /// What may leave.
    pub fn free(&self, now: i64) -> u128 {
        if now <= self.set_aside.1 { self.sum() - self.set_aside.0 } else { self.sum() }
    }
}

/// What the oracles hold of an epoch's views.
#[derive(Clone, Debug, Default)]
pub struct Views {
    pub version: u32,
    pub count: usize,
    pub threshold: usize,
    /// By position: the named hashes, 0 for none.
    pub rows: BTreeMap<usize, Vec<u8>>,
    /// When a commit closed it.
    pub closed_at: Option<i64>,
}

impl Views {
    /// By column: the hash that a threshold of rows names.
    pub fn agreed(&self) -> Vec<Option<u8>> {
        (0..self.count)
            .map(|column| {
                let named = |hash: u8| self.rows.values().filter(|row| row[column] == hash).count();
                self.rows.values().map(|row| row[column]).find(|hash| *hash != 0 && named(*hash) >= self.threshold)
            })
            .collect()
    }

    pub fn is_closed(&self, now: i64, grace_end: i64) -> bool {
        self.closed_at.is_some() || (now >= grace_end && self.agreed().iter().flatten().count() >= self.threshold)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Open,
    Completed,
    Failed,
    Cancelled,
    Expired,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub key: Pubkey,
    pub escrow: Pubkey,
    pub submitter: PersonId,
    pub stake: u64,
    pub tip: u64,
    pub fee_bps: u16,
    pub created_at: i64,
    pub deadline: i64,
    pub attest_grace: u32,
    pub cancel_window: u32,
    pub cancel_at: i64,
    pub state: JobState,
    pub settled_at: i64,
    /// By oracle: the outcome it votes for, and the set version in which it did.
    pub votes: BTreeMap<PersonId, (muster_jobs::state::Outcome, u32)>,
    /// To nodes, to the treasury, back to the submitter.
    pub paid: (u128, u128, u128),
    /// Waits for the submitter.
    pub owed: u128,
    pub sponsors: BTreeMap<PersonId, u128>,
    /// Waits for the sponsors.
    pub sponsors_left: u128,
    /// The account is gone.
    pub closed: bool,
}

/// The fee, and the one that takes its place.
#[derive(Clone, Debug)]
pub struct Fees {
    pub bps: u16,
    pub next_bps: u16,
    pub next_epoch: u64,
}

/// What the jobs config says.
#[derive(Clone, Debug)]
pub struct Limits {
    pub stake_min: u64,
    pub sponsor_min: u64,
    pub attest_grace: u32,
    pub cancel_window: u32,
    pub unbond_delay: u32,
    pub slash_delay: u32,
}

impl Limits {
    pub fn of(args: &muster_jobs::JobsConfigArgs) -> Self {
        Self {
            stake_min: args.stake_min,
            sponsor_min: args.sponsor_min,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
            unbond_delay: args.unbond_delay,
            slash_delay: args.slash_delay,
        }
    }
}

/// The whole network.
#[derive(Clone, Debug)]
pub struct Model {
    pub now: i64,
    pub people: Vec<Pubkey>,
    pub mint: Pubkey,
    pub tokens: BTreeMap<Pubkey, Tokens>,
    /// Minted so far, by mint.
    pub supply: BTreeMap<Pubkey, u128>,
    /// What vaults got from nobody's instruction.
    pub gifts: BTreeMap<Pubkey, u128>,
    /// Paid to the job mint's treasury by jobs.
    pub jobs_to_treasury: u128,
    /// Last event of each stream.
    pub seqs: BTreeMap<Pubkey, u64>,
    pub authority: PersonId,
    pub guardian: PersonId,
    pub treasurer: PersonId,
    pub set: Set,
    /// Proposed for authority, guardian and treasury.
    pub proposed: [Option<PersonId>; 3],
    pub fees: Fees,
    /// In which projects may pay and sell.
    pub mints: Vec<Pubkey>,
    /// Beside the job mint, listed or not.
    pub second_mint: Pubkey,
    /// Taken out of the treasury, by mint.
    pub withdrawn: BTreeMap<Pubkey, u128>,
    pub paused: u32,
    pub guardian_paused: u32,
    pub guardian_pause_until: i64,
    pub projects: Vec<Project>,
    pub licences: Vec<Licence>,
    pub tenures: Vec<Tenure>,
    pub views: BTreeMap<u64, Views>,
    /// By key: the licence whose node accepted with it.
    pub markers: BTreeMap<usize, usize>,
    pub splits: Vec<Split>,
    pub jobs: Vec<Job>,
    pub limits: Limits,
}

impl Model {
    pub fn new(now: i64, mints: (Pubkey, Pubkey), people: Vec<Pubkey>, set: &[PersonId], limits: Limits) -> Self {
        let (mint, second_mint) = mints;
        Self {
            now,
            people,
            mint,
            tokens: BTreeMap::new(),
            supply: BTreeMap::new(),
            gifts: BTreeMap::new(),
            jobs_to_treasury: 0,
            seqs: BTreeMap::new(),
            authority: AUTHORITY,
            guardian: GUARDIAN,
            treasurer: TREASURER,
            set: Set { members: set.to_vec(), version: 1, pending: None },
            proposed: [None; 3],
            fees: Fees { bps: 2_000, next_bps: 2_000, next_epoch: 0 },
            mints: vec![mint],
            second_mint,
            withdrawn: BTreeMap::new(),
            paused: 0,
            guardian_paused: 0,
            guardian_pause_until: 0,
            projects: Vec::new(),
            licences: Vec::new(),
            tenures: Vec::new(),
            views: BTreeMap::new(),
            markers: BTreeMap::new(),
            splits: Vec::new(),
            jobs: Vec::new(),
            limits,
        }
    }

    pub fn epoch(&self) -> u64 {
        self.now as u64 / u64::from(EPOCH_LEN)
    }

    pub fn epoch_end(epoch: u64) -> i64 {
        (epoch as i64 + 1) * i64::from(EPOCH_LEN)
    }

    pub fn grace_end(epoch: u64) -> i64 {
        Self::epoch_end(epoch) + i64::from(GRACE)
    }

    pub fn balance(&self, account: &Pubkey) -> u64 {
        self.tokens.get(account).map_or(0, |tokens| tokens.amount)
    }

    /// The token account of a person and mint.
    pub fn purse(&self, person: PersonId, mint: &Pubkey) -> Pubkey {
        at::ata(&self.people[person], mint, &TOKEN)
    }

    pub fn payee_key(&self, payee: Payee) -> Pubkey {
        match payee {
            Payee::Person(person) => self.people[person],
            Payee::Split(split) => self.splits[split].key,
        }
    }

    pub fn is_paused(&self, bit: u32) -> bool {
        let guardian = if self.now < self.guardian_pause_until { self.guardian_paused } else { 0 };
        (self.paused | guardian) & bit != 0
    }

    /// Fee and pool of an amount.
    pub fn split(amount: u64, fee_bps: u16) -> (u64, u64) {
        let fee = (u128::from(amount) * u128::from(fee_bps) / 10_000) as u64;
        (fee, amount - fee)
    }

    /// Whether a key is taken.
    pub fn key_is_taken(&self, key: usize) -> bool {
        self.markers.contains_key(&key)
    }

    /// The current tenure of a licence's node.
    pub fn tenure_of(&self, licence: usize) -> Option<&Tenure> {
        self.licences[licence].node.as_ref().map(|node| &self.tenures[node.tenure])
    }
}
