//! What an operator sees who starts the oracle wrongly: one sentence, and the exit code of its kind.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-oracle"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_")) {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn bad_input_is_exit_code_2_and_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (no_key, bad_key) = (folder.path().join("none.json"), folder.path().join("bad.json"));
    std::fs::write(&bad_key, "[1]").unwrap();
    let (no_key, bad_key) = (no_key.to_str().unwrap(), bad_key.to_str().unwrap());
    let data_dir = folder.path().to_str().unwrap();
    let project = "11111111111111111111111111111111";
    let accept = ["accept-root", "--data-dir", data_dir, "--project", project, "--epoch", "5"];
    for (arguments, part) in [
        (&["run"][..], "--key"),
        (&["run", "--key", no_key], "cannot be read"),
        (&["run", "--key", bad_key], "is not a key file"),
        (&["run", "--no-such-flag"], "unexpected argument"),
        (&["run", "--config", no_key], "configuration file"),
        (&["run", "--log-level", "a=b=c"], "log level"),
        (&["run", "--key", no_key, "--signer", no_key], "exclude each other"),
        (&["run", "--signer", no_key], "does not answer"),
        (&[&accept[..], &["--root", "zz"]].concat(), "64 hex digits"),
        (&[&accept[..], &["--root", &"0a".repeat(32)]].concat(), "nothing needs to be accepted"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(part), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn under_json_the_error_is_one_json_line() {
    let output = run(&["config", "show", "--json", "--config", "/nowhere/config.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"]["kind"], "usage");
    assert!(said["error"]["message"].as_str().unwrap().contains("/nowhere/config.yaml"), "{said}");
}

#[test]
fn no_secret_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let key = muster_client::shell::keys::generate(&path).unwrap();
    let path = path.to_str().unwrap();
    let url = "postgres://muster:hunter2@127.0.0.1:1/muster";
    // Nobody answers at that port: all that is said before, at the loudest, and the failure.
    let nowhere = "http://127.0.0.1:1";
    let started = run(&["run", "--key", path, "--rpc-url", nowhere, "--database-url", url, "--log-level", "trace"]);
    let show = run(&["config", "show", "--key", path, "--database-url", url]);
    assert_eq!((started.status.code(), show.status.code()), (Some(1), Some(0)), "{}", said(&started));
    assert!(said(&started).len() > 1_000, "it talks: {}", said(&started));
    let secret = key.secret_bytes();
    let numbers = secret[..4].iter().map(u8::to_string).collect::<Vec<_>>();
    let forms = [
        bs58::encode(secret).into_string(),
        bs58::encode(key.to_bytes()).into_string(),
        hex::encode(secret),
        numbers.join(","),
        numbers.join(", "),
        "hunter2".into(),
    ];
    for output in [started, show] {
        let all = said(&output) + &String::from_utf8(output.stdout).unwrap();
        for form in &forms {
            assert!(!all.contains(form.as_str()), "a secret is in the output");
        }
    }
}
