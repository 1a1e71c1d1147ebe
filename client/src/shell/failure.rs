//! How a tool says on stderr that it could not do what it was asked: a sentence for people, one JSON line for programs.

use std::error::Error;
use std::process::ExitCode;

use serde_json::json;

/// The exit code of bad usage or input; nothing was done.
pub const BAD_INPUT: u8 = 2;
/// The kind of a failure that a person at the command line can mend by typing something else.
pub const USAGE: &str = "usage";

/// Whether the command line asks for JSON, for errors that come before it is understood.
pub fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// `program: message`, or `{"error": {"kind", "message"}}` in one line.
pub fn line(program: &str, as_json: bool, kind: &str, message: &str) -> String {
    if as_json {
        json!({"error": {"kind": kind, "message": message}}).to_string()
    } else {
        format!("{program}: {message}")
    }
}

/// Prints [`line`] to stderr.
pub fn print(program: &str, as_json: bool, kind: &str, message: &str) {
    eprintln!("{}", line(program, as_json, kind, message));
}

/// What clap says: help and version on stdout, a usage error on stderr with [`BAD_INPUT`].
pub fn from_clap(program: &str, error: &clap::Error) -> ExitCode {
    if error.use_stderr() && wants_json() {
        let text = error.render().to_string();
        print(program, true, USAGE, text.trim_start_matches("error: ").trim_end());
    } else {
        // Nothing can be done when even this cannot be printed.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { BAD_INPUT } else { 0 })
}

/// An error and its causes; a cause that the sentence before it already quotes is not said twice.
pub fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = next.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Nested {
        #[error("the disk failed: {0}")]
        Quoted(#[source] std::io::Error),
        #[error("the disk failed")]
        Silent(#[source] std::io::Error),
    }

    #[test]
    fn a_failure_is_a_sentence_or_one_line_of_json() {
        assert_eq!(line("muster", false, USAGE, "no \"key\""), "muster: no \"key\"");
        let json = line("muster", true, USAGE, "two\nlines");
        assert_eq!(json, r#"{"error":{"kind":"usage","message":"two\nlines"}}"#);
    }

    #[test]
    fn a_cause_is_said_once() {
        let full = || std::io::Error::other("no space");
        for error in [Nested::Quoted(full()), Nested::Silent(full())] {
            assert_eq!(sentence(&error), "the disk failed: no space");
        }
    }
}
