//! The line that a bench prints.

use serde_json::{Value, json};

use crate::benches::Bench;

/// Both figures of one bench, in its unit.
pub struct Measured {
    /// What the bench is about.
    pub value: f64,
    /// What it is held against, of the same run.
    pub reference: f64,
}

impl Measured {
    /// `{"bench","value","reference","ratio","target","unit"}`: ratio = value / reference, good up to the target.
    pub fn to_json(&self, bench: &Bench) -> Value {
        json!({
            "bench": bench.name,
            "value": rounded(self.value),
            "reference": rounded(self.reference),
            "ratio": rounded(self.value / self.reference),
            "target": bench.target,
            "unit": bench.unit,
        })
    }
}

/// Three decimals: what lies below is noise.
fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
