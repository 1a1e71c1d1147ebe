//! What an operator sees who starts the indexer wrongly.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-indexer"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_") || name == "DATABASE_URL") {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

#[test]
fn under_json_the_error_is_one_json_line_and_else_a_sentence() {
    for (arguments, part) in [
        (&["verify", "--offline"][..], "no database is named"),
        (&["verify", "--offline", "--database-url", "postgres://localhost/x", "--schema", "1"], "no schema name"),
        (&["verify", "--wait-s", "soon"], "--wait-s"),
    ] {
        let plain = run(arguments);
        let said = String::from_utf8(plain.stderr).unwrap();
        assert!(plain.status.code() == Some(2) && said.contains(part), "{arguments:?}: {said}");
        let json = run(&[arguments, &["--json"]].concat());
        assert_eq!(json.status.code(), Some(2));
        let said: serde_json::Value = serde_json::from_slice(&json.stderr).unwrap();
        assert_eq!(said["error"]["kind"], "usage");
        assert!(said["error"]["message"].as_str().unwrap().contains(part), "{said}");
    }
}
