//! What holders, project owners, operators and auditors type.

mod amount;
mod args;
mod commands;
mod context;
mod error;
mod facts;
mod files;
mod oracles;
mod output;
mod payment;
mod reference;
mod remedy;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use muster_client::{chain::Simulated, shell::failure};

use args::Cli;
use context::Context;
use error::CliError;
use output::Answer;

const PROGRAM: &str = "muster";

fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return failure::from_clap(PROGRAM, &error),
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(PROGRAM, failure::wants_json(), error.kind(), &remedy::sentence(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(matches: &clap::ArgMatches) -> Result<(), CliError> {
    let cli = Cli::from_arg_matches(matches).map_err(|error| CliError::Usage(error.to_string()))?;
    let context = Context::load(matches, &cli.global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("the runtime does not start: {error}")))?;
    match runtime.block_on(commands::run(&context, cli.command)) {
        Err(CliError::DryRun(simulated)) => {
            context.print(&dry_run(&simulated));
            Ok(())
        }
        done => done,
    }
}

/// What a dry run answers.
fn dry_run(simulated: &Simulated) -> Answer {
    let Simulated { compute_units, fee, bytes, logs } = simulated;
    let lines = [
        ("dry run", "accepted; nothing was sent".to_owned()),
        ("compute units", compute_units.to_string()),
        ("fee", format!("{fee} lamports, rent not included")),
        ("bytes", bytes.to_string()),
    ];
    let json = serde_json::json!({
        "dry_run": true,
        "compute_units": compute_units,
        "fee_lamports": fee.to_string(),
        "bytes": bytes,
        "logs": logs,
    });
    Answer::new(&lines, json)
}
