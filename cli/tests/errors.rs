//! Errors as a person and as a program sees them.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_")) {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

#[test]
fn under_json_every_error_is_one_json_line_with_its_kind() {
    for (arguments, kind, code, part) in [
        (&["network", "shw"][..], "usage", 2, "unrecognized subcommand"),
        (&["--url", "ftp://x", "network", "show"], "usage", 2, "neither http"),
        (&["--config", "/nowhere/muster.yaml", "network", "show"], "settings", 2, "/nowhere/muster.yaml"),
        (&["--url", "http://127.0.0.1:1", "network", "show"], "rpc", 1, "could not"),
        (&["--keypair", "/nowhere/id.json", "mint", "create", "--help-me"], "usage", 2, "unexpected argument"),
    ] {
        let plain = run(arguments);
        let said = String::from_utf8(plain.stderr).unwrap();
        assert!(said.contains(part) && !said.starts_with('{'), "{arguments:?}: {said}");
        assert_eq!(plain.status.code(), Some(code), "{arguments:?}: {said}");

        let json = run(&[&["--json"], arguments].concat());
        let said = String::from_utf8(json.stderr).unwrap();
        assert_eq!((json.status.code(), said.lines().count()), (Some(code), 1), "{arguments:?}: {said}");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["error"]["kind"], kind, "{said}");
        assert!(said["error"]["message"].as_str().unwrap().contains(part), "{said}");
        assert!(json.stdout.is_empty());
    }
}
