//! The benches, one file each.

mod verify_single;

use crate::report::Measured;

/// One entry of the list.
pub struct Bench {
    /// What `ONLY` names.
    pub name: &'static str,
    /// What is measured, and against what.
    pub about: &'static str,
    /// The unit of value and reference.
    pub unit: &'static str,
    /// The largest ratio that is good.
    pub target: f64,
    /// Takes both figures.
    pub run: fn() -> Measured,
}

/// In the order in which they run.
pub const ALL: &[Bench] = &[verify_single::BENCH];
