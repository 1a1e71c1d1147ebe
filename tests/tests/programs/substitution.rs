//! No account of any instruction can be exchanged for another: each slot of each case is passed everything else that
//! somebody could pass there, and the instruction must refuse. What is free on purpose stands in `exceptions`, with
//! the reason.

mod exceptions;
mod history;
mod idl;
mod spoilt;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use muster_tests::cases::{self, Case};
use solana_sdk::transaction::TransactionError;

use idl::Idl;
use spoilt::{Kind, Spoilt};
use state::State;

/// A spoilt account that was accepted, and whether a line of `exceptions` says that it may be.
struct Accepted {
    /// The slot and how it was spoilt.
    slot: String,
    what: String,
    excuse: Option<usize>,
}

/// What came of one case.
#[derive(Default)]
struct Report {
    tried: usize,
    accepted: Vec<Accepted>,
    /// Spoilt instructions that no program has seen, so that nothing is known of them.
    unseen: Vec<String>,
}

#[test]
fn every_instruction_has_a_case_that_succeeds() {
    let idl = Idl::read();
    let mut problems = vec![];
    let mut covered = BTreeSet::new();
    for case in cases::all() {
        match idl.instruction(&case) {
            Some(instruction) if instruction.name == case.name => {
                covered.insert((instruction.program, instruction.name.clone()));
                if !idl.fits(&case) {
                    problems.push(format!("{}: the IDL has other accounts than the case; run `make idl`", case.name));
                }
            }
            Some(instruction) => problems.push(format!("the case {} is of {}", case.name, instruction.name)),
            None => problems.push(format!("{} is in no IDL; run `make idl`", case.name)),
        }
        if let Err(error) = State::new(&case).run(&case.instruction) {
            problems.push(format!("{} does not succeed: {error:?}", case.name));
        }
    }
    for instruction in &idl.instructions {
        if !covered.contains(&(instruction.program, instruction.name.clone())) {
            problems.push(format!("{} has no case in tests/src/cases", instruction.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_account_can_be_exchanged_for_another() {
    let idl = Idl::read();
    let cases = cases::all();
    let count = cases.len();
    let next = Mutex::new(cases.into_iter());
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let work = || {
            let take = || next.lock().expect("nobody panics with the lock").next();
            std::iter::from_fn(take).map(|case| try_all(&case, &idl)).collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a thread panicked")).collect()
    });

    let accepted: Vec<&Accepted> = reports.iter().flat_map(|report| &report.accepted).collect();
    let used: BTreeSet<usize> = accepted.iter().filter_map(|accepted| accepted.excuse).collect();
    let mut problems: Vec<String> = reports.iter().flat_map(|report| report.unseen.clone()).collect();
    let mut by_slot: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for accepted in accepted.iter().filter(|accepted| accepted.excuse.is_none()) {
        by_slot.entry(&accepted.slot).or_default().push(&accepted.what);
    }
    problems.extend(by_slot.iter().map(|(slot, all)| format!("{slot} accepts {} of {}", all[0], all.len())));
    problems.extend(exceptions::unused(&used));
    let tried: usize = reports.iter().map(|report| report.tried).sum();
    println!("{tried} spoilt instructions of {} cases, {} accepted by exception", count, accepted.len());
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Passes everything else in every slot of one case.
fn try_all(case: &Case, idl: &Idl) -> Report {
    let mut state = State::new(case);
    let mut report = Report::default();
    let after = match state.run(&case.instruction) {
        Ok(after) => after,
        Err(error) => {
            report.unseen.push(format!("{} does not succeed: {error:?}", case.name));
            return report;
        }
    };
    let names = idl.slots(case);
    for (slot, (name, is_optional)) in names.iter().enumerate() {
        let all = Spoilt::all(&state, case, slot, *is_optional, &after);
        let is_tried = all
            .iter()
            .any(|spoilt| [Kind::Another, Kind::Surplus].contains(&spoilt.kind) || !spoilt.slot_type.has_others());
        if !is_tried {
            report.unseen.push(format!("{}.{name}: history has nothing else of its type", case.name));
        }
        for spoilt in all {
            report.tried += 1;
            let slot = format!("{}.{name} {:?}", case.name, spoilt.kind);
            match state.run_spoilt(&spoilt) {
                Ok(_) => {
                    let excuse = exceptions::find(case.name, name, &spoilt);
                    report.accepted.push(Accepted { slot, what: spoilt.what, excuse });
                }
                Err(TransactionError::InstructionError(..)) => {}
                Err(error) => report.unseen.push(format!("{slot}: {} never reached it: {error:?}", spoilt.what)),
            }
        }
    }
    report
}
