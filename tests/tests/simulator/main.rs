//! The oracle in a simulator: its real core, log, views, datasets and votes on machines that crash, disks that tear, a
//! chain that forks, RPC nodes that lag and cut, and a network that loses, with agents, settlers and liars. A seed is a
//! run. docs/invariants.md numbers what must hold (S1 to S11).
//!
//! `MUSTER_SIMULATOR_SEEDS=n` runs so many seeds; `MUSTER_SIMULATOR_SEED=x` runs one and prints its trace.

mod chain;
mod checks;
mod disk;
mod exec;
mod hostile;
mod liar;
mod machine;
mod net;
mod node;
mod plan;
mod plants;
mod project;
mod run;
mod storm;
mod truth;
mod weather;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use exec::lock;
use plants::Plant;
use run::{Outcome, run};

/// Seeds of a run of the tests.
const SEEDS: u64 = 1_000;
/// Seeds within which each planted fault must be noticed.
const SEEDS_PER_PLANT: u64 = 60;
/// Seeds that once showed a fault of the product.
const REGRESSIONS: &[u64] = &[406, 466, 636, 756];

/// What each of the seeds together must have tried.
const TRIED: &[&str] = &[
    "S1 what was acknowledged is in the oracle's view",
    "S1 what was acknowledged is there after a restart",
    "S1 a bucket that a threshold acknowledged is counted",
    "S1 rot is noticed",
    "S2 a node's bucket counts once",
    "S2 a view holds only what nodes signed",
    "S2 what nobody signed is refused",
    "S3 the leaves sum to the total, which the budgets paid for",
    "S4 what was claimed and what is left is what was funded",
    "S5 two oracles' datasets are the same bytes",
    "S5 two oracles vote for the same root",
    "S6 an oracle signs one view of an epoch",
    "S6 an oracle names one view per oracle and epoch",
    "S6 a vote is one root over the same inputs",
    "S6 a correction is one root",
    "S8 accepted + rejected + shed == received",
    "S8 a refusal has a reason that the node sees",
    "S8 one poisoned signature among 64 spoils itself alone",
    "S9 a full queue sheds",
    "S10 an epoch without faults is paid in full",
    "S11 an RPC error is never \"absent\"",
    "a clock jumps",
    "a clock that is far off is unsure",
    "a disk is full",
    "a fork drops what was confirmed",
    "a heartbeat arrives twice",
    "a history with a gap is read again",
    "a partition",
    "a score file is posted",
    "a slot is skipped",
    "a wrong settlement is not approved",
    "an answer is lost although the transaction travels",
    "an answer was cut short",
    "an empty purse is waited out",
    "the registry changes while an epoch runs",
];

/// Calls at which a machine must have gone off.
const CRASH_SITES: &[&str] = &[
    "approve_root",
    "byte_len",
    "clock",
    "commit_views",
    "create",
    "distributions",
    "follow",
    "get",
    "list",
    "network",
    "nodes",
    "open",
    "oracle_set",
    "projects",
    "read_at",
    "rename",
    "settlement",
    "sync",
    "sync_folder",
    "tenures",
    "view_set",
    "write_at",
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs seeds on all cores; the outcomes in the seeds' order.
fn run_all(seeds: impl Iterator<Item = u64>, plant: Option<Plant>) -> Vec<Outcome> {
    let seeds: Vec<u64> = seeds.collect();
    let (next, outcomes) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    let outcome = run(*seed, plant, false);
                    lock(&outcomes).insert(*seed, outcome);
                }
            });
        }
    });
    std::mem::take(&mut *lock(&outcomes)).into_values().collect()
}

fn fail_if_bad(outcomes: &[Outcome]) {
    let bad: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).collect();
    for outcome in bad.iter().take(5) {
        let (property, why) = &outcome.violations[0];
        let seed = outcome.seed;
        eprintln!("seed {seed} breaks {property}: {why}\n  {}", outcome.plan);
        eprintln!(
            "  again, with its trace: MUSTER_SIMULATOR_SEED={seed} cargo test --test simulator -- --nocapture seeds"
        );
    }
    assert!(bad.is_empty(), "{} of {} seeds break a property", bad.len(), outcomes.len());
}

#[test]
fn seeds_hold_every_property() {
    if let Some(seed) = number("MUSTER_SIMULATOR_SEED") {
        let outcome = run(seed, None, true);
        outcome.lines.iter().for_each(|line| println!("{line}"));
        println!("{}\n{:#?}", outcome.plan, outcome.tried);
        return fail_if_bad(&[outcome]);
    }
    let seeds = number("MUSTER_SIMULATOR_SEEDS").unwrap_or(SEEDS);
    let outcomes = run_all(REGRESSIONS.iter().copied().chain(0..seeds), None);
    let (mut tried, mut crashes) = (BTreeMap::new(), BTreeMap::new());
    for outcome in &outcomes {
        outcome.tried.iter().for_each(|(what, count)| *tried.entry(*what).or_insert(0) += count);
        outcome.crashes.iter().for_each(|(site, count)| *crashes.entry(*site).or_insert(0) += count);
    }
    println!("{} seeds\n{tried:#?}\ncrashes at {crashes:?}", outcomes.len());
    fail_if_bad(&outcomes);
    if seeds >= SEEDS {
        let untried: Vec<_> = TRIED.iter().filter(|what| !tried.contains_key(**what)).collect();
        assert!(untried.is_empty(), "never tried: {untried:?}");
        let spared: Vec<_> = CRASH_SITES.iter().filter(|site| !crashes.contains_key(**site)).collect();
        assert!(spared.is_empty(), "no machine went off at {spared:?}");
    }
}

#[test]
fn one_seed_is_one_run() {
    for seed in [1, 2, 3] {
        let (once, again) = (run(seed, None, true), run(seed, None, true));
        let difference = once.lines.iter().zip(&again.lines).find(|(a, b)| a != b);
        assert_eq!(once.hash, again.hash, "seed {seed} ran twice and differed first at {difference:?}");
    }
}

#[test]
fn every_planted_fault_is_noticed() {
    for plant in Plant::ALL {
        let found = (0..SEEDS_PER_PLANT).find_map(|seed| {
            let outcome = run(seed, Some(plant), false);
            outcome.violations.into_iter().next().map(|found| (seed, found))
        });
        let Some((seed, (property, why))) = found else {
            panic!("{plant:?} was not noticed within {SEEDS_PER_PLANT} seeds");
        };
        println!("{plant:?}: seed {seed} breaks {property}: {why}");
    }
}
