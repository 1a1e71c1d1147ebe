//! What a command did, said once for people and for programs.

use std::fmt::Display;

use serde_json::{Map, Number, Value};

use crate::{amount::tokens, output::Answer};

/// Lines for people and the fields of one JSON object, in the same order.
#[derive(Default)]
pub struct Facts {
    lines: Vec<(&'static str, String)>,
    json: Map<String, Value>,
}

impl Facts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same words for both; the field is the label with `_` for a space.
    pub fn say(mut self, label: &'static str, value: impl Display) -> Self {
        let text = value.to_string();
        self.lines.push((label, text.clone()));
        self.json(&field(label), text)
    }

    /// What programs compute with.
    pub fn number(mut self, label: &'static str, value: impl Into<Number> + Display) -> Self {
        self.lines.push((label, value.to_string()));
        self.json(&field(label), value.into())
    }

    /// Tokens for people, base units for programs.
    pub fn amount(mut self, label: &'static str, base_units: u64, decimals: u8) -> Self {
        self.lines.push((label, tokens(base_units, decimals)));
        self.json(&field(label), base_units.to_string())
    }

    /// A moment of the chain's clock.
    pub fn time(mut self, label: &'static str, unix_s: i64) -> Self {
        self.lines.push((label, format!("{unix_s} (Unix seconds)")));
        self.json(&field(label), unix_s)
    }

    /// For programs alone.
    pub fn json(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.json.insert(field.to_owned(), value.into());
        self
    }

    /// In both forms.
    pub fn answer(self) -> Answer {
        Answer::new(&self.lines, Value::Object(self.json))
    }
}

fn field(label: &str) -> String {
    label.replace(' ', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_tokens_and_programs_base_units() {
        let facts = Facts::new().say("node key", "K").amount("price", 1_500_000, 6).number("from epoch", 7_u64);
        let answer = facts.time("due at", -5).json("seq", 3).answer();
        let (text, json) = answer.forms();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["node", "key", "K"]);
        assert_eq!(rows[1], ["price", "1.5"]);
        assert_eq!((rows[3][2], rows.len()), ("-5", 4));
        let expected = serde_json::json!({
            "node_key": "K", "price": "1500000", "from_epoch": 7, "due_at": -5, "seq": 3,
        });
        assert_eq!(*json, expected);
    }
}
