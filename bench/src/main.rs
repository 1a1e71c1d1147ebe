//! Benchmarks, each beside a reference of the same run.
//!
//! A figure alone says as much about the machine as about the code. So each bench measures what it is about and a
//! reference, in turns within one process, and reports their ratio beside the target for it.

mod benches;
mod close;
mod load;
mod measure;
mod network;
#[cfg(feature = "programs")]
mod programs;
mod report;
mod server;

use std::process::ExitCode;

use clap::Parser;

use benches::{ALL, Bench, ORACLE};
use report::Line;

/// Runs the benchmarks and prints one JSON object a line.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Run only the bench or the group of this name.
    #[arg(long, env = "ONLY", value_name = "NAME")]
    only: Option<String>,
    /// List the benches and what each measures.
    #[arg(long)]
    list: bool,
    /// JSON lines where a bench would print tables.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let only = args.only.filter(|name| !name.is_empty());
    #[cfg(feature = "programs")]
    if only.as_deref() == Some(programs::NAME) {
        return programs::run(args.json);
    }
    if args.list {
        for bench in ALL {
            println!("{:<64} {}", bench.names.join(" "), bench.about);
        }
        println!("{ORACLE:<64} all of the above");
        println!("{:<64} compute units, bytes and rent of the programs; needs --features programs", "programs");
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name || only == ORACLE);
    let chosen: Vec<&Bench> = ALL.iter().filter(|bench| bench.names.iter().any(|name| wanted(name))).collect();
    if chosen.is_empty() {
        let names: Vec<_> = ALL.iter().flat_map(|bench| bench.names.iter().copied()).collect();
        let asked = only.unwrap_or_default();
        eprintln!("muster-bench: there is no bench named {asked:?}; there are {ORACLE}, {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut rows = vec![Line::heading()];
    for bench in chosen {
        for line in (bench.run)().into_iter().filter(|line| wanted(line.name)) {
            println!("{}", line.to_json());
            rows.push(line.to_row());
        }
    }
    // Lines go to whoever reads them, the table to who looks on.
    eprintln!("\n{}", rows.join("\n"));
    ExitCode::SUCCESS
}
