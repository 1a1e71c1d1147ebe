//! Benchmarks, each beside a reference of the same run.
//!
//! A figure alone says as much about the machine as about the code. So each bench measures what it is about and a
//! reference, in turns within one process, and reports their ratio beside the target for it.

mod benches;
mod measure;
#[cfg(feature = "programs")]
mod programs;
mod report;

use std::process::ExitCode;

use clap::Parser;

/// Runs the benchmarks and prints one JSON object a line.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Run only the bench of this name.
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
        for bench in benches::ALL {
            println!("{:<16} {}", bench.name, bench.about);
        }
        println!("{:<16} compute units, bytes and rent of the programs; needs --features programs", "programs");
        return ExitCode::SUCCESS;
    }
    let chosen = benches::ALL.iter().filter(|bench| only.as_deref().is_none_or(|name| name == bench.name));
    let mut count = 0;
    for bench in chosen {
        println!("{}", (bench.run)().to_json(bench));
        count += 1;
    }
    if count == 0 {
        let names: Vec<_> = benches::ALL.iter().map(|bench| bench.name).collect();
        let wanted = only.unwrap_or_default();
        eprintln!("muster-bench: there is no bench named {wanted:?}; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
