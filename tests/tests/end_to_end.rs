//! Two runs of the whole network. In the first everything goes wrong that it must survive: the first job's coordinator
//! is killed, an oracle computes one wrong bit, another one and the indexer are killed within the epoch and started
//! again. In the second somebody from outside kills an oracle for good, and the indexer.
//!
//! `muster-localnet demo` itself compares the agents' receipts with the restarted oracle's view and the restarted
//! indexer with one that nobody disturbed; here its summary and the independent verifier's verdict are asked.
//!
//! One run keeps two cores busy, so they follow one another: cargo-nextest by the group in `.config/nextest.toml`, cargo
//! test by the lock here.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anchor_lang::Discriminator;
use serde_json::Value;

/// Each run takes about two to three minutes on an idle machine with two cores.
const LIMIT: Duration = Duration::from_secs(12 * 60);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// The first job's coordinator, which dies and comes back before the epoch, may be the same.
const WRONG_ORACLE: usize = 2;

/// A running demo; stopped as a Ctrl-C would stop it when the test fails before its end.
struct Demo {
    child: Child,
    folder: PathBuf,
    deadline: Instant,
}

impl Demo {
    /// Starts it with a folder of that name below `target/`.
    fn start(name: &str, arguments: &[&str]) -> Self {
        let folder = root().join("target").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the run's folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let out = File::create(folder.join("story.log")).expect("the story's log");
        let child = Command::new(binary("muster-localnet"))
            .env("MUSTER_CHECKOUT", root())
            .args(["demo", "--once", "--api-port", &port.to_string()])
            .args(arguments)
            .arg("--folder")
            .arg(&folder)
            .stdin(Stdio::null())
            .stderr(out.try_clone().expect("a second handle"))
            .stdout(out)
            .spawn()
            .expect("the demo starts");
        Self { child, folder, deadline: Instant::now() + LIMIT }
    }

    fn story(&self) -> String {
        std::fs::read_to_string(self.folder.join("story.log")).unwrap_or_default()
    }

    /// Waits until the story has come to these words.
    fn wait_for(&mut self, words: &str) {
        while !self.story().contains(words) {
            let running = self.child.try_wait().expect("the demo's status").is_none();
            assert!(running, "the demo ended before {words:?}:\n{}", self.story());
            self.sleep();
        }
    }

    /// Waits until it ended: whether it says that all was right, and its story.
    fn end(mut self) -> (bool, String) {
        loop {
            if let Some(status) = self.child.try_wait().expect("the demo's status") {
                return (status.success(), self.story());
            }
            self.sleep();
        }
    }

    fn sleep(&self) {
        let story = || self.story();
        assert!(Instant::now() < self.deadline, "the demo did not end within {} s:\n{}", LIMIT.as_secs(), story());
        std::thread::sleep(Duration::from_millis(500));
    }

    /// `kill -9`, as anybody could.
    fn kill(&self, name: &str) {
        let register = std::fs::read_to_string(self.folder.join("logs/running")).expect("the list of what runs");
        let words = register.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let process = words.filter(|words| words.last() == Some(&name)).find_map(|words| words.get(1).copied());
        let process = process.unwrap_or_else(|| panic!("{name} does not run:\n{register}"));
        let killed = Command::new("kill").args(["-9", process]).status().expect("kill runs");
        assert!(killed.success(), "{name}, process {process}, could not be killed");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
            let _ = self.child.wait();
        }
    }
}

fn root() -> PathBuf {
    // Asked at run time: checkouts that share a target folder share this binary too.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    Path::new(&package).parent().expect("tests/ lies in the checkout").to_path_buf()
}

/// A binary of the workspace: `cargo build --bins` puts it one folder above the tests.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/*/deps");
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not there: run cargo build --workspace --bins first", path.display());
    path
}

fn figure(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no figure"))
}

/// The roots that the oracles voted for on chain, by oracle.
fn votes(folder: &Path, summary: &Value) -> BTreeMap<String, String> {
    let mut votes = BTreeMap::new();
    for signature in summary["signatures"]["approve"].as_array().expect("signatures") {
        let signature = signature.as_str().expect("a signature is text");
        let path = folder.join(format!("evidence/transactions/{signature}.json"));
        let text = std::fs::read_to_string(&path).expect("a named transaction is among the evidence");
        let transaction: Value = serde_json::from_str(&text).expect("a transaction is JSON");
        assert!(transaction["meta"]["err"].is_null(), "{signature} failed");
        let message = &transaction["transaction"]["message"];
        for instruction in message["instructions"].as_array().expect("instructions") {
            let data = bs58::decode(instruction["data"].as_str().expect("data")).into_vec().expect("base58");
            // discriminator 8, epoch 8, revision 4, root 32
            if data.starts_with(muster_network::instruction::ApproveRoot::DISCRIMINATOR) {
                let root: String = data[20..52].iter().map(|byte| format!("{byte:02x}")).collect();
                votes.insert(message["accountKeys"][0].as_str().expect("the payer").to_owned(), root);
            }
        }
    }
    votes
}

/// What every run ends with: two jobs, four nodes that are paid, no gap, and a verifier that agrees.
fn expect_a_whole_summary(folder: &Path) -> Value {
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

    let verdict = Command::new("python3")
        .arg(root().join("tests/verify_demo.py"))
        .args(["--quiet", "--self-test"])
        .arg(folder)
        .output()
        .expect("python3 runs");
    assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stdout));
    summary
}

#[test]
fn the_network_pays_rightly_although_parts_of_it_die_and_one_lies() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // Given the demo with its faults.
    let wrong = WRONG_ORACLE.to_string();
    let faults = ["--kill-oracle", "coordinator@job", "--revive", "--wrong-bit", &wrong, "--restart-oracle", "1"];
    let times = ["--epoch-s", "45", "--bucket-s", "5", "--grace-s", "12", "--root-delay-s", "5"];
    let demo = Demo::start("end-to-end", &[&faults[..], &["--restart-indexer"], &times].concat());
    let folder = demo.folder.clone();

    // When it has run to its end.
    let (good, story) = demo.end();

    // Then it says so itself,
    assert!(good, "the demo failed:\n{story}");
    for said in ["was killed", "dumps of the state tables are equal", "every one in the view"] {
        assert!(story.contains(said), "the demo did not say {said:?}:\n{story}");
    }
    // and all are paid,
    let summary = expect_a_whole_summary(&folder);

    // by the root of the others, while the wrong oracle's own vote stands alone on the chain.
    let active = summary["epoch"]["root"].as_str().expect("a root");
    let wrong_key = summary["oracles"][WRONG_ORACLE - 1]["key"].as_str().expect("a key");
    let votes = votes(&folder, &summary);
    assert_eq!(votes.len(), 3, "{votes:?}");
    for (oracle, root) in &votes {
        assert_eq!(root == active, oracle != wrong_key, "{oracle} voted for {root}; {active} is active");
    }
}

#[test]
fn an_oracle_killed_for_good_is_not_missed() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // Given the demo in the epoch that will be settled.
    let times = ["--epoch-s", "30", "--bucket-s", "5", "--grace-s", "10", "--root-delay-s", "5"];
    let mut demo = Demo::start("end-to-end-killed", &times);
    let folder = demo.folder.clone();
    demo.wait_for("s of heartbeats");

    // When somebody kills any one oracle, and the indexer.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").subsec_nanos();
    let victim = nanos as usize / 1000 % 3;
    let name = format!("oracle{}", victim + 1);
    demo.kill(&name);
    demo.kill("indexer");
    let (good, story) = demo.end();

    // Then the demo says so and goes on,
    assert!(good, "the demo failed without {name}:\n{story}");
    for said in [&format!("{name} ended by itself"), "indexer ended by itself"] {
        assert!(story.contains(said), "the demo did not say {said:?}:\n{story}");
    }
    // and all are paid by the votes of the other two.
    let summary = expect_a_whole_summary(&folder);
    let votes = votes(&folder, &summary);
    let dead = summary["oracles"][victim]["key"].as_str().expect("a key");
    assert_eq!(summary["oracles"][victim]["view_hash"], "");
    assert!(votes.len() == 2 && !votes.contains_key(dead), "{votes:?} with {dead} dead");
}
