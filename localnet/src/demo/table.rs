//! What happened, as a table for people.

use serde_json::Value;

use super::jobs::tokens;

/// The summary's figures.
pub fn of(summary: &Value) -> String {
    let mut lines = vec![
        String::new(),
        format!("{:<10}{:>8}{:>8}{:>24}{:>24}", "node", "buckets", "points", "cumulative", "claimed"),
    ];
    for node in list(summary, "nodes") {
        let name: String = text(node, "node").chars().take(8).collect();
        let amounts = (amount(node, "cumulative"), amount(node, "claimed"));
        lines.push(format!(
            "{name:<10}{:>8}{:>8}{:>24}{:>24}",
            text(node, "buckets"),
            text(node, "points"),
            amounts.0,
            amounts.1
        ));
    }
    lines.push(String::new());
    for job in list(summary, "jobs") {
        let outcome = match text(job, "state").as_str() {
            "completed" => format!(
                "{} to {} nodes, {} to the treasury, accuracy {}",
                amount(job, "to_nodes"),
                text(job, "replicas"),
                amount(job, "to_treasury"),
                text(job, "accuracy")
            ),
            _ => format!("{} refunded", amount(job, "refunded")),
        };
        lines.push(format!(
            "job {:<10}{:<11}{outcome}",
            text(job, "job").chars().take(8).collect::<String>(),
            text(job, "state")
        ));
    }
    let epoch = &summary["epoch"];
    lines.push(format!(
        "epoch {}: budget {}, fee {}, to the nodes {}",
        text(epoch, "epoch"),
        amount(epoch, "budget"),
        amount(epoch, "fee"),
        amount(epoch, "node_pool")
    ));
    let claims = &summary["claims"];
    lines.push(format!(
        "claims: {} in {} transactions, at most {} CU and {} bytes",
        amount(claims, "sum"),
        text(claims, "transactions"),
        text(claims, "cu_max"),
        text(claims, "bytes_max")
    ));
    lines.push(String::new());
    lines.push(format!("{:<20}{:>24}{:>24}", "token account", "before", "after"));
    for account in list(summary, "accounts") {
        lines.push(format!(
            "{:<20}{:>24}{:>24}",
            text(account, "role"),
            amount(account, "before"),
            amount(account, "after")
        ));
    }
    let events = text(&summary["postgres"], "chain_events");
    lines.push(format!(
        "\nconserved: {}; {events} events in PostgreSQL, gap {}",
        summary["conserved"],
        text(&summary["postgres"], "gap")
    ));
    lines.join("\n")
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().map_or_else(|| value[name].to_string(), String::from)
}

fn amount(value: &Value, name: &str) -> String {
    tokens(text(value, name).parse().unwrap_or_default())
}
