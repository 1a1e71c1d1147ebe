//! A real workload for the network: it trains a classifier on UCI's handwritten digits and writes what it learnt.
//!
//! `digits [train|fail] [--input DIR] [--output DIR]`. Reads `config.json` from the input folder (`/input`), prints
//! progress as JSON lines, writes `result.json` and `model.bin` to the output folder (`/output`). The same
//! configuration gives the same bytes on every machine. Exit code 0, 1 (failed) or 2 (wrong use or configuration).

mod config;
mod data;
mod math;
mod model;
mod train;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use config::Config;

const USAGE: &str = "usage: digits [train|fail] [--input DIR] [--output DIR]";

enum Failure {
    /// Exit code 1.
    Run(String),
    /// Exit code 2.
    Use(String),
}

struct Arguments {
    fail: bool,
    input: PathBuf,
    output: PathBuf,
}

fn main() -> ExitCode {
    let (message, code) = match arguments(std::env::args().skip(1)).and_then(run) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Run(message)) => (message, 1),
        Err(Failure::Use(message)) => (message, 2),
    };
    eprintln!("digits: {message}");
    ExitCode::from(code)
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments, Failure> {
    let mut arguments = Arguments { fail: false, input: "/input".into(), output: "/output".into() };
    while let Some(word) = words.next() {
        let mut folder =
            || words.next().map(PathBuf::from).ok_or_else(|| Failure::Use(format!("{word} needs a folder; {USAGE}")));
        match word.as_str() {
            "train" => arguments.fail = false,
            "fail" => arguments.fail = true,
            "--input" => arguments.input = folder()?,
            "--output" => arguments.output = folder()?,
            _ => return Err(Failure::Use(format!("{word:?} is unknown; {USAGE}"))),
        }
    }
    Ok(arguments)
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.input.join("config.json")).map_err(Failure::Use)?;
    if arguments.fail || config.fail {
        return Err(Failure::Run("this run was asked to fail".into()));
    }
    let data = data::load().map_err(Failure::Run)?;
    let trained = train::train(&config, &data, print_line).map_err(Failure::Run)?;
    write(&arguments.output, "model.bin", &trained.weights.to_bytes())?;
    write(&arguments.output, "result.json", train::report(&config, &data, &trained).as_bytes())
}

/// A closed reader is no reason to stop training.
fn print_line(line: String) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    fs::write(&path, bytes).map_err(|error| Failure::Run(format!("cannot write {}: {error}", path.display())))
}
