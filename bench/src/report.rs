//! What a bench prints: a line of JSON per figure, or a table.

use serde_json::{Map, Value, json};

/// What is good.
#[derive(Clone, Copy)]
pub enum Target {
    /// value / reference is no more.
    RatioAtMost(f64),
    /// value / reference is no less.
    RatioAtLeast(f64),
    /// The value is no more.
    AtMost(f64),
    /// The value is no less.
    AtLeast(f64),
    /// It is only shown.
    Shown,
}

/// One figure.
pub struct Line {
    /// What `ONLY` may name.
    pub name: &'static str,
    /// Of value and reference.
    pub unit: &'static str,
    /// What the bench is about.
    pub value: f64,
    /// What it is held against, of the same run.
    pub reference: Option<f64>,
    /// What is good.
    pub target: Target,
    /// Further figures, each with its unit in the name.
    pub more: Vec<(&'static str, f64)>,
}

impl Line {
    fn ratio(&self) -> Option<f64> {
        self.reference.map(|reference| self.value / reference)
    }

    /// None where nothing is asked for.
    pub fn is_met(&self) -> Option<bool> {
        let ratio = self.ratio().unwrap_or(f64::NAN);
        match self.target {
            Target::RatioAtMost(most) => Some(ratio <= most),
            Target::RatioAtLeast(least) => Some(ratio >= least),
            Target::AtMost(most) => Some(self.value <= most),
            Target::AtLeast(least) => Some(self.value >= least),
            Target::Shown => None,
        }
    }

    fn wanted(&self) -> String {
        match self.target {
            Target::RatioAtMost(most) => format!("ratio <= {most}"),
            Target::RatioAtLeast(least) => format!("ratio >= {least}"),
            Target::AtMost(most) => format!("<= {most}"),
            Target::AtLeast(least) => format!(">= {least}"),
            Target::Shown => String::new(),
        }
    }

    /// `{"bench","value","unit","reference","ratio","target","met", ...}`; what does not apply is null.
    pub fn to_json(&self) -> Value {
        let mut line = json!({
            "bench": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "reference": self.reference.map(rounded),
            "ratio": self.ratio().map(rounded),
            "target": self.wanted(),
            "met": self.is_met(),
        });
        let more: Map<String, Value> =
            self.more.iter().map(|(name, figure)| ((*name).to_owned(), json!(rounded(*figure)))).collect();
        if let Some(line) = line.as_object_mut() {
            line.extend(more);
        }
        line
    }

    /// The heading of the rows.
    pub fn heading() -> String {
        format!("{:<24} {:>14} {:>12} {:>7}  {:<14} {:<7}", "bench", "value", "reference", "ratio", "target", "")
    }

    /// One row of a table.
    pub fn to_row(&self) -> String {
        let figure = |figure: Option<f64>| figure.map(|figure| rounded(figure).to_string()).unwrap_or_default();
        let verdict = self.is_met().map_or("", |met| if met { "met" } else { "MISSED" });
        let more: Vec<String> = self.more.iter().map(|(name, figure)| format!("{name} {}", rounded(*figure))).collect();
        let value = format!("{} {}", rounded(self.value), self.unit);
        let row = format!(
            "{:<24} {value:>14} {:>12} {:>7}  {:<14} {verdict:<7} {}",
            self.name,
            figure(self.reference),
            figure(self.ratio()),
            self.wanted(),
            more.join(", "),
        );
        row.trim_end().to_owned()
    }
}

/// Three decimals: what lies below is noise.
fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
