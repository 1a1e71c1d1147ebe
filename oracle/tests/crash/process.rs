//! The oracle's process, with the shim in it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use solana_sdk::signature::Keypair;

use super::disk::{Loss, lose};
use super::fake_chain::{FakeChain, ORACLE_SEED};

/// What all starts share.
pub struct Bench {
    folder: tempfile::TempDir,
    shim: PathBuf,
    key: PathBuf,
    rpc_url: String,
    syncs_are_noted: bool,
}

impl Bench {
    /// Compiles the shim and writes the oracle's key.
    pub fn new(chain: &FakeChain, syncs_are_noted: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (shim, key) = (folder.path().join("shim.so"), folder.path().join("key.json"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/shim.c");
        let mut compiler = Command::new("cc");
        let compiled = compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&shim).arg(source);
        assert!(compiled.arg("-ldl").status().expect("cc links Rust programs too").success());
        let keypair = Keypair::new_from_array(ORACLE_SEED);
        std::fs::write(&key, serde_json::to_string(&keypair.to_bytes().to_vec()).unwrap()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, mode).unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder, shim, key, rpc_url: chain.url.clone(), syncs_are_noted }
    }

    /// The oldest segment that is left: above 0, a start needs a snapshot.
    pub fn oldest_segment(&self) -> u64 {
        let entries = std::fs::read_dir(self.data().join("log")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).min().unwrap_or(0)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// A running oracle.
pub struct Oracle<'a> {
    bench: &'a Bench,
    child: Child,
    journal: PathBuf,
    /// Where it serves.
    pub url: String,
}

impl<'a> Oracle<'a> {
    /// Starts it and waits until it serves; the error says that it would not.
    pub async fn start(bench: &'a Bench, cycle: u64) -> Result<Self, String> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let journal = bench.folder.path().join(format!("journal.{cycle}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster-oracle"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_")) {
            command.env_remove(name);
        }
        let listen = format!("127.0.0.1:{port}");
        // Small segments and frequent snapshots, so that a cut may come in the middle of either.
        let settings = [
            ("rpc-url", bench.rpc_url.as_str()),
            ("listen", &listen),
            ("tick-s", "1"),
            ("segment-bytes-max", "60000"),
            ("snapshot-every-bytes", "100000"),
            ("log-keep-bytes", "150000"),
            ("log-reserve-bytes", "0"),
            ("log-level", "warn"),
        ];
        command.arg("run").arg("--key").arg(&bench.key).arg("--data-dir").arg(bench.data());
        command.args(settings.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]));
        command.env("LD_PRELOAD", &bench.shim).env("MUSTER_CRASH_FOLDER", bench.data());
        command.env("MUSTER_CRASH_JOURNAL", &journal).env("MUSTER_OPS_LISTEN", "127.0.0.1:0");
        if !bench.syncs_are_noted {
            command.env("MUSTER_CRASH_DEAF", "1");
        }
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut oracle = Self { bench, child, journal, url: format!("http://{listen}") };
        oracle.wait_until_it_serves().await?;
        Ok(oracle)
    }

    async fn wait_until_it_serves(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = reqwest::get(format!("{}/api/v1/tick", self.url)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(format!("the oracle does not start: {status}"));
            }
            assert!(Instant::now() < deadline, "the oracle does not serve");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it, and takes from the disk what a power cut could take.
    pub fn cut_power(mut self, rng: &mut StdRng) -> Loss {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        lose(&self.bench.data(), &self.journal, rng)
    }
}

impl Drop for Oracle<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
