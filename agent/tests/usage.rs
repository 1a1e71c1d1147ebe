//! What an operator sees who uses the agent wrongly.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-agent"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_")) {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

#[test]
fn every_verb_that_needs_the_node_key_says_how_to_make_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    for verb in ["join", "run", "status"] {
        let plain = run(&["--data-dir", data_dir, "--rpc-url", "http://127.0.0.1:1", verb]);
        let said = String::from_utf8(plain.stderr).unwrap();
        assert!(plain.status.code() == Some(2) && said.contains("run muster-agent init first"), "{verb}: {said}");

        let json = run(&["--json", "--data-dir", data_dir, "--rpc-url", "http://127.0.0.1:1", verb]);
        assert_eq!(json.status.code(), Some(2));
        let said: serde_json::Value = serde_json::from_slice(&json.stderr).unwrap();
        assert_eq!(said["error"]["kind"], "usage");
        assert!(said["error"]["message"].as_str().unwrap().contains("run muster-agent init first"), "{said}");
    }
}

#[test]
fn an_unknown_verb_is_bad_usage_in_both_forms() {
    let plain = run(&["joyn"]);
    assert_eq!(plain.status.code(), Some(2));
    assert!(String::from_utf8(plain.stderr).unwrap().contains("unrecognized subcommand"));
    let json = run(&["--json", "joyn"]);
    let said: serde_json::Value = serde_json::from_slice(&json.stderr).unwrap();
    assert_eq!((json.status.code(), &said["error"]["kind"]), (Some(2), &"usage".into()));
}
