//! What a task wrote, and that its node signed for it: the log's bytes, their hash in the result, the node's signature.

use std::{collections::BTreeMap, fs, path::Path};

use muster_client::{Pubkey, muster_jobs::state::Job, muster_network};
use muster_protocol::{
    Hash,
    assignment::Assignment,
    hashv,
    result::{LOG_LEN_MAX, TaskResult},
    wire::{Domain, Frame},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::MISSING;
use crate::{
    args::JobLog,
    context::Context,
    error::{CliError, failed, usage},
    oracles::Oracle,
    output::Answer,
};

/// Signed frames of a job as an oracle hands them out, hex.
#[derive(Debug, Default, Deserialize)]
struct Evidence {
    assignments: Vec<String>,
    results: Vec<String>,
}

/// Results whose signatures hold, by the hash of their frames.
pub type Results = BTreeMap<Hash, TaskResult>;

/// Every result that an oracle of `oracles` has of a job and that a node signed which an assignment names.
pub async fn signed_results(context: &Context, oracles: &[Oracle], job: &Pubkey) -> Result<Results, CliError> {
    let domain = Domain::new(&context.chain.genesis_hash().await?, muster_network::ID.to_bytes());
    let mut all = Results::new();
    for oracle in oracles {
        match oracle.get::<Evidence>(&format!("/api/v1/jobs/{job}/evidence")).await {
            Ok(Some(evidence)) => all.extend(verified(&domain, job, &evidence)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an oracle did not answer"),
        }
    }
    Ok(all)
}

/// What is not signed by the node that it names, or not for this job, is no evidence.
fn verified(domain: &Domain, job: &Pubkey, evidence: &Evidence) -> Results {
    let frames = |hex_frames: &[String]| -> Vec<Vec<u8>> { hex_frames.iter().flat_map(hex::decode).collect() };
    let assignments: BTreeMap<Hash, Assignment> = frames(&evidence.assignments)
        .iter()
        .filter_map(|frame| Some((Assignment::hash(frame), Assignment::decode_verified(domain, frame).ok()?)))
        .collect();
    let mut results = Results::new();
    for frame in frames(&evidence.results) {
        let Ok(result) = TaskResult::decode_verified(domain, &frame) else {
            tracing::warn!("an oracle hands out a result whose signature does not hold");
            continue;
        };
        let assignee = assignments.get(&result.assignment_hash).and_then(|a| a.assignee(&result.node_key));
        if result.job == job.to_bytes() && assignee.is_some_and(|assignee| assignee.tenure == result.tenure) {
            results.insert(hashv(&[&frame]), result);
        }
    }
    results
}

/// Whether a node signed what an oracle shows of its result.
pub fn is_signed(signed: &Results, shown: &Value) -> bool {
    signed.values().any(|result| {
        let log_hash = (result.log_hash != [0; 32]).then(|| hex::encode(result.log_hash));
        shown["node_key"] == json!(Pubkey::from(result.node_key).to_string())
            && shown["status"] == json!(result.status.name())
            && shown["result_hash"] == json!(hex::encode(result.result_hash))
            && shown["archive_hash"] == json!(hex::encode(result.archive_hash))
            && shown["log_hash"] == json!(log_hash)
    })
}

pub async fn log(context: &Context, address: Pubkey, args: JobLog) -> Result<Answer, CliError> {
    let job: Job = context.expect_or("the job", &address, MISSING).await?;
    let oracles = context.oracles().await?;
    let results = signed_results(context, &oracles, &address).await?;
    let mut with_log: Vec<&TaskResult> = results
        .values()
        .filter(|result| result.log_hash != [0; 32])
        .filter(|result| args.node.is_none_or(|node| node.to_bytes() == result.node_key))
        .collect();
    // The log of a result that was paid first, then the newest.
    with_log.sort_by_key(|result| (result.result_hash != job.result_hash, u64::MAX - result.finished_at_ms));
    let Some(result) = with_log.first() else {
        let node = args.node.map(|node| format!(" of {node}")).unwrap_or_default();
        return Err(failed(format!("no oracle has a signed result{node} with a log of job {address}")));
    };
    let bytes = fetch(&oracles, &result.log_hash).await?;
    if let Some(path) = &args.output {
        save(path, &bytes)?;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let node = Pubkey::from(result.node_key);
    let hash = hex::encode(result.log_hash);
    let others: Vec<String> = with_log[1..]
        .iter()
        .map(|other| Pubkey::from(other.node_key))
        .filter(|key| *key != node)
        .map(|key| key.to_string())
        .collect();
    let json = json!({
        "job": address.to_string(),
        "node_key": node.to_string(),
        "tenure": Pubkey::from(result.tenure).to_string(),
        "status": result.status.name(),
        "log_hash": hash,
        "bytes": bytes.len(),
        "verified": true,
        "other_nodes": others,
        "log": text,
    });
    let mut lines = vec![
        ("job", address.to_string()),
        ("node key", node.to_string()),
        ("status", result.status.name().to_owned()),
        ("log", format!("{} bytes, SHA-256 {hash}", bytes.len())),
        ("verified", "these bytes have that hash, and the node's key signed it in its result".to_owned()),
    ];
    if !others.is_empty() {
        lines.push(("other logs", format!("--node {}", others.join(", --node "))));
    }
    let mut answer = Answer::new(&lines, json);
    if args.output.is_none() {
        answer = answer.with_text(&text);
    }
    Ok(answer)
}

async fn fetch(oracles: &[Oracle], hash: &Hash) -> Result<Vec<u8>, CliError> {
    let name = hex::encode(hash);
    for oracle in oracles {
        let Ok(Some(bytes)) = oracle.get_bytes(&format!("/api/v1/results/{name}/log")).await else { continue };
        if bytes.len() <= LOG_LEN_MAX && hashv(&[&bytes]) == *hash {
            return Ok(bytes);
        }
        tracing::warn!(oracle = oracle.url, hash = name, "the log has another hash than the node signed");
    }
    Err(failed(format!("no oracle has the log {name} that the node signed")))
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    fs::write(path, bytes).map_err(|error| usage(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use muster_protocol::{assignment::Assignee, result::TaskStatus, sig::SigningKey};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn public(seed: u8) -> [u8; 32] {
        key(seed).verifying_key().to_bytes()
    }

    #[test]
    fn a_log_is_its_nodes_word_only_under_its_signature_and_for_its_own_assignment() {
        let domain = Domain::new(&[7; 32], [9; 32]);
        let job = Pubkey::new_from_array([1; 32]);
        let assignment = Assignment {
            job: job.to_bytes(),
            attempt: 0,
            oracle_key: public(1),
            assigned_at_ms: 1,
            lease_until_ms: 2,
            descriptor_hash: [3; 32],
            nodes: vec![Assignee { tenure: [4; 32], node_key: public(2) }],
        };
        let assignment = assignment.encode_signed(&domain, &key(1)).unwrap();
        let log = b"what the task wrote\n";
        let result = TaskResult {
            job: job.to_bytes(),
            assignment_hash: Assignment::hash(&assignment),
            node_key: public(2),
            tenure: [4; 32],
            status: TaskStatus::FailedImage,
            exit_code: 1,
            result_hash: [0; 32],
            started_at_ms: 1,
            finished_at_ms: 2,
            accuracy_millionths: 0,
            loss_millionths: 0,
            epochs: 0,
            archive_hash: [0; 32],
            log_hash: hashv(&[log]),
            seq: 1,
        };
        let frame = result.encode_signed(&domain, &key(2)).unwrap();
        let found = |frame: &[u8], job: &Pubkey| {
            let evidence = Evidence {
                assignments: vec![hex::encode(&assignment)],
                results: vec![hex::encode(frame), "zz".into()],
            };
            verified(&domain, job, &evidence).into_values().collect::<Vec<_>>()
        };
        assert_eq!(found(&frame, &job), std::slice::from_ref(&result));
        // Another log under the same signature, another job, a node or a tenure that the assignment does not name.
        let mut forged = frame.clone();
        forged[280] ^= 1;
        let stranger = TaskResult { node_key: public(5), ..result.clone() }.encode_signed(&domain, &key(5)).unwrap();
        let other = TaskResult { tenure: [5; 32], ..result }.encode_signed(&domain, &key(2)).unwrap();
        for refused in [&forged, &stranger, &other] {
            assert!(found(refused, &job).is_empty());
        }
        assert!(found(&frame, &Pubkey::new_from_array([2; 32])).is_empty());
    }
}
