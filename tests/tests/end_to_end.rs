//! One run of the whole network with everything going wrong that it must survive: the first job's coordinator is
//! killed, an oracle computes one wrong bit, another one and the indexer are killed within the epoch and started again.
//!
//! `muster-localnet demo` itself compares the agents' receipts with the restarted oracle's view and the restarted
//! indexer with one that nobody disturbed; here its summary and the independent verifier's verdict are asked.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(12 * 60);
/// Not the first job's coordinator, which is oracle 3: a job's address follows from its number.
const WRONG_ORACLE: usize = 2;

/// The demo's process; stopped as a Ctrl-C would stop it when the test fails before its end.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
            let _ = self.0.wait();
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_path_buf()
}

/// A binary of the workspace: `cargo build --bins` puts it one folder above the tests.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/*/deps");
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not there: run cargo build --workspace --bins first", path.display());
    path
}

fn run_demo(folder: &Path) -> (bool, String) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    std::fs::create_dir_all(folder).expect("the run's folder");
    let log = folder.join("story.log");
    let out = File::create(&log).expect("the story's log");
    let wrong = WRONG_ORACLE.to_string();
    let child = Command::new(binary("muster-localnet"))
        .args(["demo", "--kill-oracle", "coordinator@job", "--revive", "--wrong-bit", &wrong])
        .args(["--restart-oracle", "1", "--restart-indexer", "--once"])
        .args(["--epoch-s", "60", "--bucket-s", "5", "--grace-s", "15", "--root-delay-s", "5"])
        .args(["--api-port", &port.to_string(), "--folder"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(out.try_clone().expect("a second handle"))
        .stdout(out)
        .spawn()
        .expect("the demo starts");
    let mut demo = Demo(child);
    let deadline = Instant::now() + LIMIT;
    let story = || std::fs::read_to_string(&log).unwrap_or_default();
    loop {
        if let Some(status) = demo.0.try_wait().expect("the demo's status") {
            return (status.success(), story());
        }
        assert!(Instant::now() < deadline, "the demo did not end within {} s:\n{}", LIMIT.as_secs(), story());
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn figure(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no figure"))
}

#[test]
fn the_network_pays_rightly_although_parts_of_it_die_and_one_lies() {
    // Given the demo with its faults.
    let folder = root().join("target/end-to-end");
    let _ = std::fs::remove_dir_all(&folder);

    // When it has run to its end.
    let (good, story) = run_demo(&folder);

    // Then it says so itself,
    assert!(good, "the demo failed:\n{story}");
    for said in ["was killed", "dumps of the state tables are equal", "every one in the view"] {
        assert!(story.contains(said), "the demo did not say {said:?}:\n{story}");
    }
    // and the summary holds two jobs, four paid nodes and no gap,
    let text = std::fs::read_to_string(folder.join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&text).expect("the summary is JSON");
    assert_eq!(summary["conserved"], true);
    assert_eq!(summary["postgres"]["gap"], 0);
    assert_eq!(summary["jobs"][0]["state"], "completed");
    assert_eq!(figure(&summary["jobs"][0]["to_nodes"]), 80_000_000);
    assert_eq!(figure(&summary["jobs"][0]["to_treasury"]), 20_000_000);
    assert_eq!(summary["jobs"][1]["state"], "failed");
    assert_eq!(figure(&summary["jobs"][1]["refunded"]), 100_000_000);
    let nodes = summary["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 4);
    for node in nodes {
        assert!(figure(&node["claimed"]) > 0 && node["claimed"] == node["cumulative"], "{node}");
    }
    assert_eq!(summary["claims"]["sum"], summary["epoch"]["node_pool"]);
    assert!(figure(&summary["claims"]["bytes_max"]) <= 1232);

    // and the verifier agrees with it, and finds what is changed in it.
    let verdict = Command::new("python3")
        .arg(root().join("tests/verify_demo.py"))
        .args(["--quiet", "--self-test"])
        .arg(&folder)
        .output()
        .expect("python3 runs");
    assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stdout));
}
