//! The hash-chained ledger out of the chain's events. The programs name the hash of every block that they make, so that
//! an event that a node left out, altered or made up is noticed. Pure; [`crate::chain::Chain`] fetches.

use muster_jobs::events::JobFinished;
use muster_protocol::{
    Hash,
    ledger::{Block, Data, Tail},
};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

use crate::events::Event;

/// What is wrong with what a node or an oracle said of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// The blocks that these events put on a chain of jobs, in the order of their numbers. Events of blocks that are known
/// are passed over.
pub fn job_blocks(mut tail: Tail, events: &[Event]) -> Result<Vec<Block>, LedgerError> {
    let mut finished: Vec<&JobFinished> = events
        .iter()
        .filter_map(|event| match event {
            Event::JobFinished(event) if event.number > tail.index => Some(event),
            _ => None,
        })
        .collect();
    finished.sort_by_key(|event| event.number);
    let mut blocks = Vec::with_capacity(finished.len());
    for event in finished {
        let data = Data::Job {
            job: event.stream.to_bytes(),
            state: event.state,
            outcome_hash: event.outcome_hash,
            result_hash: event.result_hash,
            to_nodes: event.to_nodes,
            to_treasury: event.to_treasury,
            returned: event.refunded.saturating_add(event.owed).saturating_add(event.to_sponsors),
        };
        let block = tail.next(data, event.timestamp);
        if block.index != event.number || block.hash != event.ledger_head {
            let (found, due) = (event.number, block.index);
            return Err(LedgerError(format!(
                "job {} says that it is block {found}, which does not follow on the ledger where block {due} is due: an \
                 event before it is missing or altered",
                event.stream
            )));
        }
        tail = Tail { index: block.index, hash: block.hash };
        blocks.push(block);
    }
    Ok(blocks)
}

/// A settlement or a correction as the chain says that it is in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What its block says.
    pub data: Data,
    /// The ledger's head after it.
    pub head: Hash,
}

/// What a project's events of one epoch put into its ledger, in order.
pub fn settled(project: &Pubkey, mut events: Vec<Event>) -> Vec<Settled> {
    events.sort_by_key(Event::seq);
    let mut points_root = [0; 32];
    let mut dataset_hash = [0; 32];
    let mut found = Vec::new();
    let data = |epoch, revision, root, total, points_root, dataset_hash| Data::Settlement {
        project: project.to_bytes(),
        epoch,
        revision,
        points_root,
        root,
        total,
        dataset_hash,
    };
    for event in events {
        match event {
            Event::EpochSettled(event) if event.project == *project => {
                (points_root, dataset_hash) = (event.points_root, event.dataset_hash);
            }
            Event::SettlementReplaced(event) if event.project == *project => {
                (points_root, dataset_hash) = (event.points_root, event.dataset_hash);
            }
            Event::RootActivated(event) if event.project == *project => found.push(Settled {
                data: data(event.epoch, event.revision, event.root, event.total, points_root, dataset_hash),
                head: event.log_head,
            }),
            // One that is pending is in the ledger when it is activated.
            Event::CorrectionVoted(event) if event.project == *project && event.corrected && event.is_active => {
                found.push(Settled {
                    data: data(event.epoch, event.revision, event.root, event.total, points_root, dataset_hash),
                    head: event.log_head,
                });
            }
            _ => {}
        }
    }
    found
}

/// Whether `settled` is the first block of a chain that stands at `tail`.
pub fn follows(tail: &Tail, settled: &Settled) -> bool {
    tail.next(settled.data, 0).hash == settled.head
}

/// The blocks of what was settled, in order, after `tail`; what is before it is passed over.
pub fn settlement_blocks(mut tail: Tail, settled: &[Settled], epoch_len: u64) -> Result<Vec<Block>, LedgerError> {
    let known = settled.iter().rposition(|settled| settled.head == tail.hash);
    let mut blocks = Vec::new();
    for settled in &settled[known.map_or(0, |known| known + 1)..] {
        let Data::Settlement { epoch, .. } = settled.data else {
            continue;
        };
        let block = tail.next(settled.data, Data::settled_at(epoch, epoch_len));
        if block.hash != settled.head {
            return Err(LedgerError(format!(
                "the settlement of epoch {epoch} does not follow on block {} of its project's ledger: an event before \
                 it is missing or altered",
                tail.index
            )));
        }
        tail = Tail { index: block.index, hash: block.hash };
        blocks.push(block);
    }
    Ok(blocks)
}

fn base58(key: &[u8; 32]) -> String {
    bs58::encode(key).into_string()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A block as the API gives it: hashes in hex, addresses in base58, amounts as strings of base units.
pub fn to_json(block: &Block) -> Value {
    let data = match block.data {
        Data::Job { job, state, outcome_hash, result_hash, to_nodes, to_treasury, returned } => json!({
            "kind": "job",
            "job": base58(&job),
            "state": state,
            "outcome_hash": hex(&outcome_hash),
            "result_hash": hex(&result_hash),
            "to_nodes": to_nodes.to_string(),
            "to_treasury": to_treasury.to_string(),
            "returned": returned.to_string(),
        }),
        Data::Settlement { project, epoch, revision, points_root, root, total, dataset_hash } => json!({
            "kind": "settlement",
            "project": base58(&project),
            "epoch": epoch,
            "revision": revision,
            "points_root": hex(&points_root),
            "root": hex(&root),
            "total": total.to_string(),
            "dataset_hash": hex(&dataset_hash),
        }),
    };
    json!({
        "index": block.index,
        "previous_hash": hex(&block.previous_hash),
        "data": data,
        "timestamp": block.timestamp,
        "hash": hex(&block.hash),
    })
}

/// Reads [`to_json`]. Nothing is checked but the shape.
pub fn from_json(value: &Value) -> Option<Block> {
    let bytes = |value: &Value| -> Option<Hash> {
        let text = value.as_str().filter(|text| text.len() == 64 && text.is_ascii())?;
        let mut out = [0; 32];
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(out)
    };
    let address = |value: &Value| Some(value.as_str()?.parse::<Pubkey>().ok()?.to_bytes());
    let amount = |value: &Value| value.as_str()?.parse::<u64>().ok();
    let data = &value["data"];
    let data = match data["kind"].as_str()? {
        "job" => Data::Job {
            job: address(&data["job"])?,
            state: u8::try_from(data["state"].as_u64()?).ok()?,
            outcome_hash: bytes(&data["outcome_hash"])?,
            result_hash: bytes(&data["result_hash"])?,
            to_nodes: amount(&data["to_nodes"])?,
            to_treasury: amount(&data["to_treasury"])?,
            returned: amount(&data["returned"])?,
        },
        "settlement" => Data::Settlement {
            project: address(&data["project"])?,
            epoch: data["epoch"].as_u64()?,
            revision: u32::try_from(data["revision"].as_u64()?).ok()?,
            points_root: bytes(&data["points_root"])?,
            root: bytes(&data["root"])?,
            total: amount(&data["total"])?,
            dataset_hash: bytes(&data["dataset_hash"])?,
        },
        _ => return None,
    };
    Some(Block {
        index: value["index"].as_u64()?,
        previous_hash: bytes(&value["previous_hash"])?,
        data,
        timestamp: value["timestamp"].as_i64()?,
        hash: bytes(&value["hash"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_network::events::{CorrectionVoted, EpochSettled, RootActivated};

    fn finished(tail: &Tail, number: u64) -> (Event, Tail) {
        let job = Pubkey::new_unique();
        let data = Data::Job {
            job: job.to_bytes(),
            state: 2,
            outcome_hash: [1; 32],
            result_hash: [2; 32],
            to_nodes: 80,
            to_treasury: 20,
            returned: 6,
        };
        let block = tail.next(data, 1_000 + number as i64);
        let event = JobFinished {
            stream: job,
            seq: 3,
            timestamp: block.timestamp,
            state: 2,
            outcome_hash: [1; 32],
            result_hash: [2; 32],
            reason: 0,
            to_nodes: 80,
            to_treasury: 20,
            refunded: 1,
            owed: 2,
            to_sponsors: 3,
            number,
            ledger_head: block.hash,
            credits: Vec::new(),
        };
        (Event::JobFinished(event), Tail { index: block.index, hash: block.hash })
    }

    #[test]
    fn jobs_make_the_same_blocks_in_whatever_order_a_node_gives_them() {
        let mut tail = Tail::default();
        let mut events = Vec::new();
        for number in 1..=4 {
            let (event, after) = finished(&tail, number);
            events.push(event);
            tail = after;
        }
        let blocks = job_blocks(Tail::default(), &events).unwrap();
        assert_eq!((blocks.len(), blocks[3].hash), (4, tail.hash));
        assert_eq!(job_blocks(Tail::default(), &events.iter().rev().cloned().collect::<Vec<_>>()), Ok(blocks.clone()));
        // From where one is.
        let known = Tail { index: 2, hash: blocks[1].hash };
        assert_eq!(job_blocks(known, &events), Ok(blocks[2..].to_vec()));
        assert_eq!(job_blocks(tail, &events), Ok(Vec::new()));
        // One that is left out, or altered, is noticed.
        assert!(job_blocks(Tail::default(), &[events[0].clone(), events[2].clone()]).is_err());
        let Event::JobFinished(altered) = &events[1] else { unreachable!("they are finished jobs") };
        let altered = Event::JobFinished(JobFinished { to_nodes: 81, ..altered.clone() });
        assert!(job_blocks(Tail::default(), &[events[0].clone(), altered]).is_err());
    }

    #[test]
    fn settlements_and_corrections_of_active_roots_are_blocks() {
        let project = Pubkey::new_unique();
        let (stream, timestamp) = (Pubkey::new_unique(), 0);
        let data = |revision, root| Data::Settlement {
            project: project.to_bytes(),
            epoch: 7,
            revision,
            points_root: [1; 32],
            root,
            total: 9,
            dataset_hash: [2; 32],
        };
        let first = Tail::default().next(data(0, [3; 32]), Data::settled_at(7, 100));
        let tail = Tail { index: 1, hash: first.hash };
        let second = tail.next(data(1, [4; 32]), Data::settled_at(7, 100));
        let settled_event = Event::EpochSettled(EpochSettled {
            stream,
            seq: 1,
            timestamp,
            project,
            epoch: 7,
            revision: 0,
            skipped_from: 7,
            points_root: [1; 32],
            total_points: 5,
            node_count: 1,
            budget: 10,
            fee_bps: 1_000,
            fee: 1,
            node_pool: 9,
            dataset_hash: [2; 32],
            scores_hash: [0; 32],
            is_final: false,
        });
        let activated = Event::RootActivated(RootActivated {
            stream,
            seq: 4,
            timestamp,
            project,
            epoch: 7,
            revision: 0,
            root: [3; 32],
            total: 9,
            count: 1,
            budget: 10,
            fee: 1,
            node_pool: 9,
            log_head: first.hash,
        });
        let corrected = |corrected, is_active, seq| {
            Event::CorrectionVoted(CorrectionVoted {
                stream,
                seq,
                timestamp,
                project,
                oracle: Pubkey::new_unique(),
                oracle_index: 0,
                epoch: 7,
                revision: 1,
                root: [4; 32],
                total: 9,
                count: 1,
                dataset_hash: [2; 32],
                log_head: second.hash,
                set_version: 1,
                votes: 2,
                is_active,
                corrected,
                from: 0,
            })
        };
        let events = vec![
            corrected(true, true, 6),
            activated,
            corrected(false, true, 5),
            corrected(true, false, 3),
            settled_event,
        ];
        let settled = settled(&project, events);
        assert!(follows(&Tail::default(), &settled[0]) && follows(&tail, &settled[1]));
        assert_eq!(settlement_blocks(Tail::default(), &settled, 100), Ok(vec![first, second]));
        assert_eq!(settlement_blocks(tail, &settled, 100), Ok(vec![second]));
        assert_eq!(settlement_blocks(Tail { index: 2, hash: second.hash }, &settled, 100), Ok(vec![]));
        assert!(settlement_blocks(Tail::default(), &settled[1..], 100).is_err());
        // And a block travels as JSON.
        for block in [first, second] {
            assert_eq!(from_json(&to_json(&block)), Some(block));
        }
        assert_eq!(from_json(&json!({"index": 1})), None);
    }
}
