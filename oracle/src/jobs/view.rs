//! Jobs as the API shows them. Keys in base58, hashes in hex, times in the unit of their name.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use muster_client::muster_jobs::state::{Outcome, failure_reason, job_state};
use muster_protocol::assignment::Assignment;
use muster_protocol::result::{MILLIONTHS, TaskStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::core::{Assigned, Core, JobState, Key, Standing};

/// Everything that a verdict follows from, for peers and auditors.
#[derive(Debug, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// Base64 of the canonical JSON; null while unknown.
    pub descriptor: Option<String>,
    /// Hex of the signed frames.
    pub assignments: Vec<String>,
    /// Hex of the signed frames.
    pub results: Vec<String>,
    /// Hex of each node's earliest and newest signed frame.
    #[serde(default)]
    pub progress: Vec<String>,
}

pub fn base58(key: &Key) -> String {
    bs58::encode(key).into_string()
}

/// See [`EvidenceFile`]. Sorted, so that the same evidence is the same text.
pub fn evidence(state: &JobState) -> EvidenceFile {
    let reports = state.assignments.values().flat_map(|a| a.reports.values());
    let progress = reports.flat_map(|report| [&report.first_progress, &report.progress]).flatten();
    let mut file = EvidenceFile {
        descriptor: state.descriptor.as_ref().map(|descriptor| BASE64_STANDARD.encode(&descriptor.bytes)),
        assignments: state.assignments.values().map(|assigned| hex::encode(&assigned.signed.frame)).collect(),
        results: state.results().map(|result| hex::encode(&result.frame)).collect(),
        progress: progress.map(|progress| hex::encode(&progress.frame)).collect(),
    };
    file.assignments.sort_unstable();
    file.results.sort_unstable();
    file.progress.sort_unstable();
    file.progress.dedup();
    file
}

/// The chain's word on a job, and before that whether somebody works on it.
pub fn state_name(state: &JobState) -> &'static str {
    match state.chain.state {
        job_state::COMPLETED => "completed",
        job_state::FAILED | job_state::EXPIRED => "failed",
        job_state::CANCELLED => "cancelled",
        _ if state.chain.cancel_at != 0 => "cancelling",
        _ if state.assignments.is_empty() => "pending",
        _ => "running",
    }
}

/// 0 to 100: the furthest node of the newest attempt; 100 when completed.
pub fn progress(state: &JobState) -> u8 {
    if state.chain.state == job_state::COMPLETED {
        return 100;
    }
    let newest = state.next_attempt();
    let of_newest = |assigned: &&Assigned| assigned.signed.body.attempt + 1 == newest;
    let assigned = state.assignments.values().filter(of_newest);
    let nodes = assigned.flat_map(|a| a.signed.body.nodes.iter().map(|n| node_progress(a, &n.node_key)));
    nodes.max().unwrap_or(0)
}

fn node_progress(assigned: &Assigned, node_key: &Key) -> u8 {
    let Some(report) = assigned.reports.get(node_key) else {
        return 0;
    };
    match report.verdict() {
        Some(result) if result.status == TaskStatus::Succeeded => 100,
        _ => report.progress.as_ref().map_or(0, |progress| progress.body.percent),
    }
}

/// One line of the list.
pub fn summary(state: &JobState) -> Value {
    let parsed = state.descriptor.as_ref().and_then(|d| d.parsed.as_ref().ok());
    json!({
        "job": base58(&state.chain.job),
        "index": state.chain.index,
        "title": parsed.map(|descriptor| &descriptor.title),
        "state": state_name(state),
        "progress": progress(state),
        "attempt": state.next_attempt().saturating_sub(1),
        "created_at": state.chain.created_at,
        "deadline": state.chain.deadline,
        "cancel_at": (state.chain.cancel_at != 0).then_some(state.chain.cancel_at),
        "settled_at": (state.chain.settled_at != 0).then_some(state.chain.settled_at),
    })
}

/// A whole job. `core` gives the oracle set and the rules, not the job.
pub fn detail(state: &JobState, core: &Core, now_ms: u64) -> Value {
    let mut view = summary(state);
    let in_order = state.in_order(&core.set);
    let assignments: Vec<Value> = in_order.iter().map(|assigned| assignment(state, assigned, now_ms)).collect();
    let results: Vec<Value> = in_order.iter().flat_map(|assigned| results(assigned)).collect();
    let outcome = state.outcome(&core.set, &core.rules, now_ms);
    view["redundancy"] = state.chain.quorum().into();
    view["descriptor_hash"] = hex::encode(state.chain.descriptor_hash).into();
    view["has_descriptor"] = state.descriptor.is_some().into();
    view["assignments"] = assignments.into();
    view["results"] = results.into();
    // Of a settled job only what agrees with the chain: this oracle's own verdict may have been another.
    view["outcome"] = outcome.filter(|outcome| agrees(state, outcome)).as_ref().map_or(Value::Null, outcome_json);
    view
}

fn agrees(state: &JobState, outcome: &Outcome) -> bool {
    match (state.chain.state, outcome) {
        (job_state::OPEN, _) | (job_state::FAILED, Outcome::Failed { .. }) => true,
        (job_state::COMPLETED, Outcome::Completed { result_hash, .. }) => *result_hash == state.chain.result_hash,
        (job_state::CANCELLED, Outcome::Cancelled { .. }) => true,
        _ => false,
    }
}

fn assignment(state: &JobState, assigned: &Assigned, now_ms: u64) -> Value {
    let body = &assigned.signed.body;
    let standing = match state.standing(assigned, now_ms) {
        Standing::Decided(_) => "decided",
        Standing::Live => "live",
        Standing::Spent => "spent",
        Standing::Void => "void",
    };
    let nodes: Vec<Value> = body
        .nodes
        .iter()
        .map(|node| {
            json!({
                "tenure": base58(&node.tenure),
                "node_key": base58(&node.node_key),
                "progress": node_progress(assigned, &node.node_key),
            })
        })
        .collect();
    json!({
        "hash": hex::encode(Assignment::hash(&assigned.signed.frame)),
        "attempt": body.attempt,
        "oracle": base58(&body.oracle_key),
        "assigned_at_ms": body.assigned_at_ms,
        "lease_until_ms": body.lease_until_ms,
        "standing": standing,
        "nodes": nodes,
    })
}

fn results(assigned: &Assigned) -> Vec<Value> {
    let mut all = Vec::new();
    for node in &assigned.signed.body.nodes {
        let Some(report) = assigned.reports.get(&node.node_key) else {
            continue;
        };
        for result in report.results.iter().map(|result| &result.body) {
            all.push(json!({
                "tenure": base58(&result.tenure),
                "node_key": base58(&result.node_key),
                "attempt": assigned.signed.body.attempt,
                "assignment": hex::encode(result.assignment_hash),
                "status": result.status.name(),
                "exit_code": result.exit_code,
                "result_hash": hex::encode(result.result_hash),
                "accuracy": f64::from(result.accuracy_millionths) / f64::from(MILLIONTHS),
                "loss": result.loss_millionths as f64 / f64::from(MILLIONTHS),
                "epochs": result.epochs,
                "started_at_ms": result.started_at_ms,
                "finished_at_ms": result.finished_at_ms,
                "archive_hash": hex::encode(result.archive_hash),
                "log_hash": (result.log_hash != [0; 32]).then(|| hex::encode(result.log_hash)),
                "contradicts_itself": report.contradicts_itself(),
            }));
        }
    }
    all
}

/// `{kind, ...}` as the jobs program knows it.
pub fn outcome_json(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Completed { tenures, result_hash } => json!({
            "kind": "completed",
            "tenures": tenures.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "result_hash": hex::encode(result_hash),
        }),
        Outcome::Failed { reason } => {
            json!({"kind": "failed", "reason": reason, "why": reason_name(*reason)})
        }
        Outcome::Cancelled { started_at, tenures } => json!({
            "kind": "cancelled",
            "started_at": started_at,
            "tenures": tenures.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
    }
}

fn reason_name(reason: u16) -> &'static str {
    match reason {
        failure_reason::IMAGE => "image",
        failure_reason::TIMEOUT => "timeout",
        failure_reason::NO_QUORUM => "no_quorum",
        failure_reason::DESCRIPTOR => "descriptor",
        failure_reason::NO_NODES => "no_nodes",
        _ => "unknown",
    }
}
