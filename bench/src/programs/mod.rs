//! What the programs cost: compute units and transaction bytes of every instruction, the figures that have targets,
//! and rent. The real programs run in the virtual machine; what it counts does not depend on this one.

mod cost;
mod figures;
mod rent;

use std::process::ExitCode;

use muster_tests::cases;
use serde_json::json;

use cost::Cost;

/// What `ONLY` names.
pub const NAME: &str = "programs";

/// Prints tables, or JSON lines. Fails when an instruction does.
pub fn run(as_json: bool) -> ExitCode {
    let mut costs: Vec<Cost> = cases::all().into_iter().map(Cost::of_case).collect();
    costs.sort_by(|a, b| (a.program, a.name).cmp(&(b.program, b.name)));
    let figures = figures::all(&costs);
    let years = rent::yearly();
    if as_json {
        for cost in &costs {
            let Cost { program, name, cu, tx_bytes } = cost;
            println!(
                "{}",
                json!({"bench": NAME, "program": program, "instruction": name, "cu": cu, "tx_bytes": tx_bytes})
            );
        }
        for figure in &figures {
            println!("{}", figure.to_json());
        }
        for reference in figures::REFERENCES {
            println!(
                "{}",
                json!({"bench": NAME, "reference": reference.name, "value": reference.value, "unit": reference.unit})
            );
        }
        println!("{}", years.to_json());
        return ExitCode::SUCCESS;
    }
    println!("{:<10} {:<26} {:>8} {:>9}", "program", "instruction", "CU", "tx bytes");
    for cost in &costs {
        println!("{:<10} {:<26} {:>8} {:>9}", cost.program, cost.name, cost.cu, cost.tx_bytes);
    }
    println!("\n{:<26} {:>8} {:>8}", "figure", "value", "target");
    for figure in &figures {
        let verdict = if figure.is_met() { "met" } else { "MISSED" };
        println!("{:<26} {:>8} {:>8}  {:<6} {verdict}", figure.name, figure.value, figure.target, figure.unit);
    }
    println!("\nreferences, built and run with the same toolchain and virtual machine");
    for reference in figures::REFERENCES {
        println!("{:<52} {:>9}  {}", reference.name, reference.value, reference.unit);
    }
    println!("\n{years}");
    ExitCode::SUCCESS
}
