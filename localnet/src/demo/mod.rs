//! The story that `demo` tells and `up` begins, through the real binaries.

pub mod accounts;
pub mod events;
pub mod evidence;
pub mod faults;
mod jobs;
mod recovery;
mod settlement;
mod setup;
mod summary;
mod table;
mod transactions;

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;

use crate::{
    command,
    docker::Images,
    http::Http,
    localnet::{INDEXER_SCHEMA, Localnet},
    muster::Muster,
    paths, wait,
};
use evidence::{Evidence, Sources};
use faults::{Faults, Step};
use muster_client::chain::Chain;

/// How often is looked whether all parts still run, while nothing else is waited for.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// A licence's node.
#[derive(Clone, Debug)]
pub struct NodeOf {
    pub holder: String,
    pub node_key: String,
    pub node: Pubkey,
    pub tenure: Pubkey,
}

/// What the story knows while it is told. No figure of the summary comes from here.
pub struct Story<'a> {
    net: &'a mut Localnet,
    faults: Faults,
    chain: Chain,
    muster: Muster,
    http: Http,
    images: Images,
    mint: Pubkey,
    project: Pubkey,
    nodes: Vec<NodeOf>,
    evidence: Evidence,
}

/// Starts everything up to nodes that send heartbeats, and keeps it.
pub async fn up(net: &mut Localnet) -> Result<bool> {
    let mut story = Story::begin(net, Faults::default()).await?;
    story.set_up().await?;
    story.hear_heartbeats().await?;
    story.say_where();
    story.keep_running().await
}

/// The whole story; true when the verifier agrees.
pub async fn run(net: &mut Localnet, faults: &Faults) -> Result<bool> {
    let mut story = Story::begin(net, faults.clone()).await?;
    story.set_up().await?;
    story.hear_heartbeats().await?;
    story.strike(Step::Heartbeats, None);
    story.run_jobs().await?;
    story.revive().await?;
    story.run_epoch().await?;
    story.read_back().await?;
    story.check_recoveries().await?;
    let good = story.verify().await?;
    story.say_where();
    if story.net.settings.once {
        return Ok(good);
    }
    story.keep_running().await.map(|running| running && good)
}

impl Story<'_> {
    /// `muster` signed by a named key; meanwhile the processes are watched.
    async fn muster(&mut self, who: &str, arguments: &[&str]) -> Result<Value> {
        let key = self.net.keys.file(who);
        let call = self.muster.run(&key, arguments);
        tokio::pin!(call);
        loop {
            tokio::select! {
                answer = &mut call => return answer,
                () = tokio::time::sleep(WATCH_EVERY) => self.net.watch()?,
            }
        }
    }

    fn line(&mut self, text: impl AsRef<str>) {
        self.net.out.line(text.as_ref());
    }

    /// Polls for a condition; see [`wait::until`].
    async fn until<T>(
        &mut self,
        what: &str,
        expected_s: u64,
        limit_s: u64,
        look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let (expected, limit) = (Duration::from_secs(expected_s), Duration::from_secs(limit_s));
        wait::until(self.net, what, expected, limit, look).await
    }

    /// Kills the oracle whose turn to die it is.
    fn strike(&mut self, step: Step, job: Option<&Pubkey>) {
        let Some(number) = self.faults.kill_oracle.and_then(|kill| kill.at(step, job)) else { return };
        if self.net.kill_oracle(number) {
            self.line(format!("oracle{number} was killed"));
        }
    }

    async fn read_back(&mut self) -> Result<()> {
        self.net.out.step("Reading everything back from the chain, the database and the oracles");
        let mut tables = events::IndexerTables::open(self.net.database_url(), INDEXER_SCHEMA).await?;
        let views = self.views_kept();
        let oracles = self.net.live_oracles();
        let net = &mut *self.net;
        let sources = Sources {
            chain: &self.chain,
            http: &self.http,
            oracles,
            tables: &mut tables,
            views,
            watch: &mut || net.watch(),
        };
        self.evidence.project = self.project;
        self.evidence.collect(sources).await?;
        let at = summary::Addresses {
            rpc_url: self.net.rpc_url().into(),
            database_url: self.net.database_url().into(),
            api_url: self.net.api_url(),
        };
        let built = summary::build(&self.evidence, &self.net.keys, &at)?;
        // written whole: who finds the file finds all of it
        let path = self.net.folder.path().join("summary.json");
        let fresh = path.with_extension("json.new");
        fs::write(&fresh, serde_json::to_string_pretty(&built)? + "\n")?;
        fs::rename(&fresh, &path).with_context(|| format!("could not write {}", path.display()))?;
        self.net.told = true;
        self.net.out.block(&table::of(&built));
        self.line(format!("summary: {}", path.display()));
        Ok(())
    }

    /// The auditor's word and the independent verifier's.
    async fn verify(&mut self) -> Result<bool> {
        let (project, epoch) = (self.project.to_string(), self.evidence.epoch.to_string());
        let folder = self.net.folder.evidence().to_string_lossy().into_owned();
        self.muster("authority", &["audit", "--project", &project, "--epoch", &epoch, "--evidence", &folder]).await?;
        self.line("muster audit: views, dataset, leaf file and root agree with the chain");
        for url in self.net.live_oracles().urls() {
            self.muster("authority", &["ledger", "verify", "--oracle", &url]).await?;
        }
        self.line(
            "muster ledger verify: every block recomputed; heads as on chain and in the signed transparency logs",
        );
        self.net.out.step("An independent verifier (Python) recomputes every figure from the evidence");
        let mut python = Command::new("python3");
        python.arg(paths::root().join("tests/verify_demo.py")).arg(self.net.folder.path());
        let said = command::output("tests/verify_demo.py", &mut python).await;
        match said {
            Ok(text) => {
                self.net.out.block(&text);
                let took = self.net.out.elapsed().as_secs();
                self.line(format!("all of it took {took} s"));
                Ok(true)
            }
            Err(error) => {
                self.net.out.block(&format!("{error:#}"));
                Ok(false)
            }
        }
    }

    fn say_where(&mut self) {
        let (page, rpc) = (self.net.api_url(), self.net.rpc_url().to_owned());
        let (database, logs) = (self.net.database_url().to_owned(), self.net.folder.logs().display().to_string());
        for (what, address) in [("page and API", page), ("Solana RPC", rpc), ("PostgreSQL", database), ("logs", logs)] {
            self.line(format!("{what:<14}{address}"));
        }
    }

    /// Until somebody stops it; what dies is said.
    async fn keep_running(&mut self) -> Result<bool> {
        self.net.told = true;
        self.net.out.step("Everything keeps running; Ctrl-C stops all of it");
        loop {
            self.net.watch()?;
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }
}
