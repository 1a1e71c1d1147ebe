//! The clients of other languages and this one agree: addresses computed here, samples made out of the IDLs there.

mod address_set;

use std::path::PathBuf;

use muster_client::{Pubkey, accounts::AnyAccount, events};
use serde_json::Value;

/// Asked at run time: checkouts that share a target folder share this binary too.
fn package() -> PathBuf {
    std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests").into()
}

fn samples(name: &str) -> Vec<Value> {
    let path = package().join("../clients/typescript/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// What to do when samples do not read.
const STALE: &str = "this client lacks them, or the samples are older than the programs: `make idl clients`";

fn program(sample: &Value) -> Pubkey {
    sample["program"].as_str().expect("a program").parse().expect("an address")
}

fn data(sample: &Value) -> Vec<u8> {
    let text = sample["data"].as_str().expect("data").as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).expect("hex") as u8;
    text.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn the_golden_addresses_are_what_the_code_derives() {
    let kept = std::fs::read_to_string(package().join("vectors/addresses.json")).expect("the vectors");
    let same = kept == address_set::text();
    assert!(same, "addresses.json differs; `cargo run -p muster-client --example addresses` writes it anew");
}

#[test]
fn every_event_of_the_idls_reads_here_as_in_typescript() {
    let reads = |sample: &Value| {
        let (program, data) = (program(sample), data(sample));
        let mut expected = sample.clone();
        expected.as_object_mut().expect("an object").remove("data");
        events::decode(&program, &data).is_some_and(|event| event.encode() == data && event.to_json() == expected)
    };
    let samples = samples("events.json");
    let stale: Vec<_> = samples.iter().filter(|sample| !reads(sample)).map(|sample| &sample["event"]).collect();
    assert!(stale.is_empty(), "{stale:?}: {STALE}");
}

#[test]
fn every_account_of_the_idls_has_the_same_length_here_as_in_typescript() {
    let reads = |sample: &Value| {
        let (program, data) = (program(sample), data(sample));
        let read = |data| AnyAccount::decode(&program, data).ok().flatten().map(|account| account.name());
        read(&data) == sample["account"].as_str() && read(&data[..data.len() - 1]).is_none()
    };
    let samples = samples("accounts.json");
    let stale: Vec<_> = samples.iter().filter(|sample| !reads(sample)).map(|sample| &sample["account"]).collect();
    assert!(stale.is_empty(), "{stale:?}: {STALE}");
}
