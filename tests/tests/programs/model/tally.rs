//! What a run exercised: actions by verdict, invariants by check. A check that never ran proves nothing.

use std::collections::BTreeMap;

use super::invariants::Invariant;

#[derive(Default, Clone)]
pub struct Tally {
    pub sequences: u64,
    pub steps: u64,
    /// Accepted and refused, by instruction.
    instructions: BTreeMap<&'static str, (u64, u64)>,
    /// Refusals by the reason that the model gave.
    refusals: BTreeMap<(&'static str, &'static str), u64>,
    invariants: BTreeMap<Invariant, u64>,
}

impl Tally {
    pub fn accepted(&mut self, instruction: &'static str) {
        self.instructions.entry(instruction).or_default().0 += 1;
    }

    pub fn refused(&mut self, instruction: &'static str, why: &'static str) {
        self.instructions.entry(instruction).or_default().1 += 1;
        *self.refusals.entry((instruction, why)).or_default() += 1;
    }

    pub fn held(&mut self, invariant: Invariant) {
        *self.invariants.entry(invariant).or_default() += 1;
    }

    /// Prints everything; says what was never exercised.
    pub fn report(&self, expected: &[&'static str]) -> Vec<String> {
        println!("{} sequences, {} steps", self.sequences, self.steps);
        println!("{:<24} {:>9} {:>9}  refused because", "instruction", "accepted", "refused");
        let mut missing = Vec::new();
        let mut names: Vec<&str> = self.instructions.keys().copied().collect();
        names.extend(expected.iter().copied().filter(|name| !self.instructions.contains_key(name)));
        for name in names {
            let (accepted, refused) = self.instructions.get(name).copied().unwrap_or_default();
            let whys: Vec<String> = (self.refusals.iter().filter(|((of, _), _)| *of == name))
                .map(|((_, why), count)| format!("{why} {count}"))
                .collect();
            println!("{name:<24} {accepted:>9} {refused:>9}  {}", whys.join(", "));
            if accepted == 0 {
                missing.push(format!("{name} was never accepted"));
            }
        }
        println!("{:<5} {:>9}  invariant", "", "checked");
        for invariant in Invariant::ALL {
            let count = self.invariants.get(invariant).copied().unwrap_or_default();
            println!("{:<5} {count:>9}  {}", invariant.number(), invariant.words());
            if count == 0 {
                missing.push(format!("{} was never exercised", invariant.number()));
            }
        }
        missing
    }
}
