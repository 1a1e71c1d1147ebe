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

/// What to do when a sample does not read.
const STALE: &str = "this client lacks it, or the samples are older than the programs: `make idl clients`";

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
    for mut sample in samples("events.json") {
        let (program, data) = (program(&sample), data(&sample));
        let event = events::decode(&program, &data).unwrap_or_else(|| panic!("{}: {STALE}", sample["event"]));
        assert_eq!(event.encode(), data);
        sample.as_object_mut().expect("an object").remove("data");
        assert_eq!(event.to_json(), sample);
    }
}

#[test]
fn every_account_of_the_idls_has_the_same_length_here_as_in_typescript() {
    for sample in samples("accounts.json") {
        let (program, data) = (program(&sample), data(&sample));
        let account = AnyAccount::decode(&program, &data).ok().flatten();
        let account = account.unwrap_or_else(|| panic!("{}: {STALE}", sample["account"]));
        assert_eq!(account.name(), sample["account"]);
        assert!(AnyAccount::decode(&program, &data[..data.len() - 1]).is_err(), "{} is shorter here", account.name());
    }
}
