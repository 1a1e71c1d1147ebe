//! One case of every derived address, as text: one case a line, 64-bit integers decimal strings.

use muster_client::{Pubkey, addresses};
use muster_protocol::canonical_json;
use serde_json::{Value, json};

/// Some key; no two numbers give the same.
fn key(n: u8) -> Pubkey {
    Pubkey::new_from_array([n; 32])
}

fn case(program: &str, kind: &str, seeds: Value, is: Pubkey) -> Value {
    json!({"address": kind, "program": program, "seeds": seeds, "is": is.to_string()})
}

fn network() -> Vec<Value> {
    let case = |kind, seeds, is| case("network", kind, seeds, is);
    let text = |n: u8| key(n).to_string();
    let mut cases = vec![
        case("network", json!({}), addresses::network()),
        case("oracle_set", json!({}), addresses::oracle_set()),
        case("group", json!({"project": text(1)}), addresses::group(&key(1))),
        case("collection_marker", json!({"collection": text(2)}), addresses::collection_marker(&key(2))),
        case("budget_vault", json!({"project": text(1)}), addresses::budget_vault(&key(1))),
        case("distribution", json!({"project": text(1)}), addresses::distribution(&key(1))),
        case("vault", json!({"distribution": text(3)}), addresses::vault(&key(3))),
        case("treasury", json!({"mint": text(4)}), addresses::treasury(&key(4))),
        case("node", json!({"licence": text(5)}), addresses::node(&key(5))),
        case("key_marker", json!({"node_key": text(6)}), addresses::key_marker(&key(6))),
        case("ballot", json!({"node": text(7)}), addresses::ballot(&key(7))),
        case("event_authority", json!({}), addresses::event_authority(&muster_client::muster_network::ID)),
    ];
    // both ends of the integers' ranges, and a number whose bytes differ
    for n in [0, 0x0102_0304, u32::MAX] {
        cases.push(case("licence", json!({"project": text(1), "serial": n}), addresses::licence(&key(1), n)));
        cases.push(case("tenure", json!({"node": text(7), "number": n}), addresses::tenure(&key(7), n)));
        cases.push(case("pool", json!({"project": text(1), "index": n}), addresses::pool(&key(1), n)));
        cases.push(case("split", json!({"creator": text(8), "id": n}), addresses::split(&key(8), n)));
    }
    for n in [0, 0x0102_0304_0506_0708, u64::MAX] {
        let number = n.to_string();
        cases.push(case("project", json!({"index": number}), addresses::project(n)));
        cases.push(case("view_set", json!({"epoch": number}), addresses::view_set(n)));
        cases.push(case("epoch", json!({"project": text(1), "epoch": number}), addresses::epoch(&key(1), n)));
    }
    cases
}

fn jobs() -> Vec<Value> {
    let case = |kind, seeds, is| case("jobs", kind, seeds, is);
    let text = |n: u8| key(n).to_string();
    let sponsorship = addresses::sponsorship(&key(9), &key(10));
    let mut cases = vec![
        case("jobs_config", json!({}), addresses::jobs_config()),
        case("escrow", json!({"job": text(9)}), addresses::escrow(&key(9))),
        case("sponsorship", json!({"job": text(9), "sponsor": text(10)}), sponsorship),
        case("bond", json!({"tenure": text(11)}), addresses::bond(&key(11))),
        case("bond_vault", json!({}), addresses::bond_vault()),
        case("slash", json!({"bond": text(12)}), addresses::slash(&key(12))),
        case("event_authority", json!({}), addresses::event_authority(&muster_client::muster_jobs::ID)),
    ];
    for n in [0, 0x0102_0304_0506_0708, u64::MAX] {
        let seeds = json!({"submitter": text(8), "nonce": n.to_string()});
        cases.push(case("job", seeds, addresses::job(&key(8), n)));
    }
    cases
}

fn others() -> Vec<Value> {
    let token_2022 = addresses::TOKEN_2022_PROGRAM;
    let seeds = json!({
        "owner": key(1).to_string(), "mint": key(4).to_string(), "token_program": token_2022.to_string(),
    });
    vec![
        case("associated_token", "ata", seeds, addresses::ata(&key(1), &key(4), &token_2022)),
        case("loader", "program_data", json!({"program": key(1).to_string()}), addresses::program_data(&key(1))),
    ]
}

/// The file's contents.
pub fn text() -> String {
    let cases = [network(), jobs(), others()].concat();
    let lines: Vec<String> =
        cases.iter().map(|case| canonical_json::to_string(case).expect("no number above 2^53")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
