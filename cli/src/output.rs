//! What a command answers: a few aligned lines for people, or one JSON object. Progress goes to stderr.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// A command's answer in both forms.
pub struct Answer {
    text: String,
    json: Value,
}

impl Answer {
    /// `lines` are label and value; an empty label continues a list.
    pub fn new(lines: &[(&str, String)], json: Value) -> Self {
        let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        let text = lines.iter().map(|(label, value)| format!("{label:width$}  {value}\n")).collect();
        Self { text, json }
    }

    /// A table with a header; `empty` is said when there is no row.
    pub fn table(header: &[&str], rows: &[Vec<String>], empty: &str, json: Value) -> Self {
        Self { text: table(header, rows, empty), json }
    }

    /// Text as it is.
    pub fn text(text: String, json: Value) -> Self {
        Self { text, json }
    }

    /// Appends text to the lines.
    pub fn with_text(mut self, text: &str) -> Self {
        self.text.push('\n');
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
        self
    }

    /// Appends a table to the lines.
    pub fn with_table(mut self, header: &[&str], rows: &[Vec<String>]) -> Self {
        if !rows.is_empty() {
            self.text.push('\n');
            self.text.push_str(&table(header, rows, ""));
        }
        self
    }

    /// The form for programs.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The form for people and the form for programs.
    #[cfg(test)]
    pub fn forms(&self) -> (&str, &Value) {
        (&self.text, &self.json)
    }

    /// Writes it to stdout.
    pub fn print(&self, as_json: bool) {
        let mut out = io::stdout().lock();
        // A reader that has gone away wants nothing more.
        let _ = if as_json { writeln!(out, "{}", self.json) } else { out.write_all(self.text.as_bytes()) };
    }
}

fn table(header: &[&str], rows: &[Vec<String>], empty: &str) -> String {
    if rows.is_empty() {
        return format!("{empty}\n");
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(header.iter().map(|title| &**title).collect());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// One line on stderr about what is being waited for; rewritten in place on a terminal, printed once per change
/// elsewhere.
#[derive(Default)]
pub struct Progress {
    last: String,
}

impl Progress {
    /// Says where things stand.
    pub fn say(&mut self, line: &str) {
        if line == self.last {
            return;
        }
        let mut err = io::stderr().lock();
        let _ = if err.is_terminal() {
            write!(err, "\r\x1b[2K{line}").and_then(|()| err.flush())
        } else {
            writeln!(err, "{line}")
        };
        line.clone_into(&mut self.last);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.last.is_empty() && io::stderr().is_terminal() {
            eprintln!();
        }
    }
}
