//! A whole oracle on loopback, with its log on this machine's disk, over a chain that does not change.

use std::sync::Arc;

use muster_client::chain::Chain;
use muster_network::ApproveRootArgs;
use muster_network::state::{Epoch, ViewSet};
use muster_oracle::context::Identity;
use muster_oracle::log::Disk;
use muster_oracle::registry::Registry;
use muster_oracle::registry::ledger::{Answer, Ledger, LedgerError};
use muster_oracle::server::{Boot, JobPart, Running, start};
use muster_oracle::settings::{Settings, SettingsArgs};
use solana_sdk::signature::Keypair;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::network::{self, NOW_MS};

/// Always the same picture, and nothing else.
struct StillChain(Registry);

impl Ledger for StillChain {
    fn registry(&self) -> Answer<'_, Registry> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn view_set(&self, _: u64, _: u64) -> Answer<'_, Option<ViewSet>> {
        Box::pin(async { Ok(None) })
    }

    fn settlement(&self, _: [u8; 32], _: u64, _: u64) -> Answer<'_, Option<Epoch>> {
        Box::pin(async { Ok(None) })
    }

    fn balance(&self) -> Answer<'_, u64> {
        Box::pin(async { Ok(u64::MAX) })
    }

    fn commit_views(&self, _: u64, _: Vec<[u8; 32]>) -> Answer<'_, String> {
        Box::pin(async { Err(LedgerError::new("the chain stands still")) })
    }

    fn approve_root(&self, _: [u8; 32], _: ApproveRootArgs) -> Answer<'_, String> {
        Box::pin(async { Err(LedgerError::new("the chain stands still")) })
    }

    fn correct_root(&self, _: [u8; 32], _: ApproveRootArgs) -> Answer<'_, String> {
        Box::pin(async { Err(LedgerError::new("the chain stands still")) })
    }
}

/// A running oracle and what it lives on.
pub struct Server {
    runtime: Runtime,
    running: Option<Running>,
    _folder: TempDir,
}

impl Server {
    /// Boots one that sees this picture of the chain; its clock stands at [`NOW_MS`].
    pub fn start(registry: Registry) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            ops_listen: "127.0.0.1:0".parse().expect("an address"),
            data_dir: folder.path().into(),
            // Once is enough for a chain that stands still.
            poll_ms: 3_600_000,
            ..Settings::new(&SettingsArgs::defaults(), "http://127.0.0.1:1".into())
        };
        let boot = Boot {
            identity: Identity::new(Keypair::new_from_array(network::oracle_key().to_bytes())),
            domain: network::domain(),
            genesis_hash: [4; 32],
            schedule: network::schedule(),
            chain: Chain::new("http://127.0.0.1:1"),
            ledger: Arc::new(StillChain(registry)),
            clock: Arc::new(|| NOW_MS),
            storage: Arc::new(Disk),
            settings,
        };
        let running = runtime.block_on(start(boot, async |_| Ok(JobPart::default()))).expect("an oracle");
        Self { runtime, running: Some(running), _folder: folder }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs until it is dropped")
    }

    /// Where frames may have their receipt root from.
    pub fn receipt_root(&self) -> [u8; 32] {
        let core = self.running().ingest.core();
        core.newest().expect("a tick").receipt().root
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop()).expect("it stops in order");
        }
    }
}
