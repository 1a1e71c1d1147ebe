//! The parts of the network, started in their order and stopped in the reverse one, and what the death of one means.

use std::{collections::BTreeSet, process::Command, time::Duration};

use anyhow::{Result, bail};
use muster_client::chain::Chain;
use muster_localpg::Database;
use muster_protocol::{
    split::threshold,
    tlog::{
        checkpoint::log_verifier,
        note::{COSIGNATURE, Verifier},
    },
    wire::Domain,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    chain::LocalChain,
    demo::events::drop_schemas,
    docker::{Engine, Images},
    http::Http,
    keys::{Keys, NODES, ORACLES},
    muster::Muster,
    output::Output,
    paths::{self, RunFolder},
    preflight::free_port,
    processes::{Ended, Living, Supervisor},
    settings::Settings,
    wait,
};

/// Name of the transparency logs' witness among the processes.
const WITNESS: &str = "witness";
/// Name of the indexer among the processes.
pub const INDEXER: &str = "indexer";
/// Schema of the indexer.
pub const INDEXER_SCHEMA: &str = "muster_indexer";
/// Turns of the jobs' coordinators are this long here.
const JOB_LEASE_S: u32 = 10;
const START_EXPECTED: Duration = Duration::from_secs(5);
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often an indexer that ended by itself is started again.
const INDEXER_RESTARTS_MAX: u32 = 3;
/// Oracles without which the others still reach the threshold.
const SPARE_ORACLES: usize = ORACLES - threshold(ORACLES as u8) as usize;

/// An oracle process.
#[derive(Clone, Debug)]
pub struct OracleProcess {
    pub name: String,
    pub key: Pubkey,
    pub url: String,
    listen: String,
}

/// The oracles that run, whenever it is asked.
#[derive(Clone, Debug)]
pub struct LiveOracles {
    all: Vec<OracleProcess>,
    living: Living,
}

impl LiveOracles {
    /// Their URLs.
    pub fn urls(&self) -> Vec<String> {
        self.all.iter().filter(|oracle| self.living.runs(&oracle.name)).map(|oracle| oracle.url.clone()).collect()
    }
}

/// Everything that runs.
pub struct Localnet {
    pub settings: Settings,
    pub out: Output,
    pub folder: RunFolder,
    pub keys: Keys,
    pub supervisor: Supervisor,
    pub oracles: Vec<OracleProcess>,
    pub http: Http,
    /// The oracle (1, 2, ...) that is to compute one bit wrongly.
    pub wrong_bit: Option<usize>,
    /// The story is told: from here on no death ends the run.
    pub told: bool,
    /// Oracles that are dead.
    lost: BTreeSet<String>,
    /// What oracles name the witness by.
    witness: Option<String>,
    indexer_restarts: u32,
    chain: Option<LocalChain>,
    database: Option<Database>,
    engine: Option<Engine>,
}

impl Localnet {
    /// Makes the folder and the keys; starts nothing.
    pub fn new(settings: Settings, wrong_bit: Option<usize>) -> Result<Self> {
        let folder = RunFolder::new(&settings.folder)?;
        folder.prepare()?;
        let keys = Keys::make(&folder)?;
        let mut oracles = Vec::new();
        for number in 1..=ORACLES {
            let name = format!("oracle{number}");
            let listen = format!("127.0.0.1:{}", free_port()?);
            oracles.push(OracleProcess { key: keys.address(&name), url: format!("http://{listen}"), listen, name });
        }
        Ok(Self {
            supervisor: Supervisor::new(&folder.logs())?,
            out: Output::new(),
            http: Http::new()?,
            settings,
            folder,
            keys,
            oracles,
            wrong_bit,
            told: false,
            lost: BTreeSet::new(),
            witness: None,
            indexer_restarts: 0,
            chain: None,
            database: None,
            engine: None,
        })
    }

    /// Chain, database and container engine.
    pub async fn start_ground(&mut self) -> Result<Images> {
        self.out.step("The ground: an embedded Solana, a PostgreSQL cluster, a container engine");
        let root = paths::root();
        let deploy = root.join("target/deploy");
        let (network, jobs) = (deploy.join("muster_network.so"), deploy.join("muster_jobs.so"));
        let programs = [(muster_network::ID, network.as_path()), (muster_jobs::ID, jobs.as_path())];
        let wallets = self.keys.wallets();
        let chain = LocalChain::start(&self.keys.authority, &wallets, &programs).await?;
        self.out.line(&format!("Solana at {} with both programs deployed", chain.rpc_url()));
        self.chain = Some(chain);

        let folder = self.folder.data("postgres");
        let database = tokio::task::spawn_blocking(move || Database::provide(&folder)).await??;
        self.out.line(&format!("PostgreSQL: {}", database.origin()));
        let schemas: Vec<String> =
            self.oracles.iter().map(|oracle| schema_of(&oracle.name)).chain([INDEXER_SCHEMA.into()]).collect();
        drop_schemas(database.url(), &schemas).await?;
        self.database = Some(database);

        let engine = Engine::provide(&root).await?;
        self.out.line(&format!("containers: {}", engine.origin()));
        let images = engine.build_images(&root).await?;
        self.engine = Some(engine);
        self.out.line(&format!("image of the classifier {}", short(&images.digits)));
        Ok(images)
    }

    /// Starts a witness of the oracles' transparency logs, on a key and a folder of its own.
    async fn start_witness(&mut self) -> Result<()> {
        let domain = Domain::new(&self.chain().genesis_hash().await?, muster_network::ID.to_bytes());
        let logs = self.oracles.iter().map(|oracle| log_verifier(&domain, &oracle.key.to_bytes()).encode());
        let logs: Vec<String> = logs.collect();
        let key = self.keys.address(WITNESS).to_bytes();
        let verifier = Verifier { name: "witness.localnet/1".into(), kind: COSIGNATURE, key };
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut command = self.service("muster-oracle")?;
        command
            .args(["witness", "run", "--name", &verifier.name, "--key", &self.keys.file(WITNESS)])
            .args(["--listen", &listen, "--logs", &logs.join(","), "--data-dir"])
            .arg(self.folder.data(WITNESS));
        self.supervisor.start(WITNESS, &mut command)?;
        self.witness = Some(format!("{}@http://{listen}", verifier.encode()));
        self.out.line(&format!("{} cosigns the oracles' transparency logs", verifier.name));
        Ok(())
    }

    /// Starts the witness and every oracle, and waits until each oracle answers.
    pub async fn start_oracles(&mut self) -> Result<()> {
        self.start_witness().await?;
        for number in 1..=ORACLES {
            self.start_oracle(number)?;
        }
        for number in 1..=ORACLES {
            self.wait_for_oracle(number).await?;
        }
        Ok(())
    }

    /// Starts one oracle on its key, folder and schema.
    pub fn start_oracle(&mut self, number: usize) -> Result<()> {
        let oracle = self.oracles[number - 1].clone();
        let mut command = self.service("muster-oracle")?;
        command
            .arg("run")
            .args(["--key", &self.keys.file(&oracle.name), "--listen", &oracle.listen, "--ops-listen", "127.0.0.1:0"])
            .args([
                "--rpc-url",
                self.rpc_url(),
                "--database-url",
                self.database_url(),
                "--schema",
                &schema_of(&oracle.name),
            ])
            .args(["--job-lease-s", &JOB_LEASE_S.to_string(), "--data-dir"])
            .arg(self.folder.data(&oracle.name))
            .args(self.witness.iter().flat_map(|witness| ["--witnesses", witness]));
        if self.wrong_bit == Some(number) {
            command.env("MUSTER_FAKE_WRONG_BIT", "1");
        }
        self.supervisor.start(&oracle.name, &mut command)?;
        self.lost.remove(&oracle.name);
        Ok(())
    }

    /// Waits until an oracle answers; one that died meanwhile is not waited for.
    pub async fn wait_for_oracle(&mut self, number: usize) -> Result<()> {
        let oracle = self.oracles[number - 1].clone();
        let what = format!("{} to answer at {}", oracle.name, oracle.url);
        let (http, url, living) = (self.http.clone(), format!("{}/health", oracle.url), self.supervisor.living());
        let look = async || match living.runs(&oracle.name) {
            true => Ok(http.json(&url).await?.map(drop)),
            false => Ok(Some(())),
        };
        wait::until(self, &what, START_EXPECTED, START_LIMIT, look).await
    }

    /// Kills one oracle, as a crash would; false when it does not run.
    pub fn kill_oracle(&mut self, number: usize) -> bool {
        let name = self.oracles[number - 1].name.clone();
        let killed = self.supervisor.kill(&name);
        self.lost.insert(name);
        killed
    }

    /// Looks for parts that ended by themselves, and bears it where the network does: the oracles that the threshold
    /// can spare, an indexer that can be started again, and anything once the story is told.
    ///
    /// # Errors
    /// When a part ended without which the story cannot go on; with its last words.
    pub fn watch(&mut self) -> Result<()> {
        for ended in self.supervisor.ended()? {
            self.bear(&ended)?;
        }
        Ok(())
    }

    fn bear(&mut self, ended: &Ended) -> Result<()> {
        if self.oracles.iter().any(|oracle| oracle.name == ended.name) {
            self.lost.insert(ended.name.clone());
            if self.lost.len() <= SPARE_ORACLES {
                self.out.line(&format!("{ended}; the other {} oracles go on without it", ORACLES - self.lost.len()));
                return Ok(());
            }
            if !self.told {
                let lost: Vec<&str> = self.lost.iter().map(String::as_str).collect();
                let needed = threshold(ORACLES as u8);
                bail!(
                    "{} are dead and {needed} of {ORACLES} oracles must live: {}",
                    lost.join(" and "),
                    ended.with_last_words()
                );
            }
        }
        if ended.name == WITNESS {
            self.out.line(&format!("{ended}; the oracles go on without cosignatures"));
            return Ok(());
        }
        if ended.name == INDEXER && self.indexer_restarts < INDEXER_RESTARTS_MAX {
            self.indexer_restarts += 1;
            self.spawn_indexer(INDEXER, INDEXER_SCHEMA, self.settings.api_port)?;
            self.out.line(&format!("{ended}; it was started again and goes on from its cursor"));
            return Ok(());
        }
        if !self.told {
            bail!("{}", ended.with_last_words());
        }
        self.out.line(&format!("{ended}; its log is {}", ended.log.display()));
        Ok(())
    }

    /// Starts the indexer and waits until it answers.
    pub async fn start_indexer(&mut self) -> Result<()> {
        let port = self.settings.api_port;
        self.start_indexer_as(INDEXER, INDEXER_SCHEMA, port).await
    }

    /// Starts an indexer of a name on its schema and port.
    pub async fn start_indexer_as(&mut self, name: &str, schema: &str, port: u16) -> Result<()> {
        self.spawn_indexer(name, schema, port)?;
        let what = format!("the {name} to answer on port {port}");
        self.wait_for_answer(&what, &format!("http://127.0.0.1:{port}/api/v1/health")).await
    }

    fn spawn_indexer(&mut self, name: &str, schema: &str, port: u16) -> Result<()> {
        let mut command = self.indexer(&["run"], schema)?;
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        self.supervisor.start(name, &mut command)
    }

    /// `muster-indexer VERB` on a schema of this network's database.
    pub fn indexer(&self, verb: &[&str], schema: &str) -> Result<Command> {
        let mut command = self.service("muster-indexer")?;
        command.args(verb).args([
            "--rpc-url",
            self.rpc_url(),
            "--database-url",
            self.database_url(),
            "--schema",
            schema,
        ]);
        Ok(command)
    }

    /// `muster-agent VERB` on the folder of agent `number`.
    pub fn agent(&self, number: usize, verb: &str) -> Result<Command> {
        let mut command = self.service("muster-agent")?;
        command.arg(verb).arg("--data-dir").arg(self.agent_folder(number)).args(["--rpc-url", self.rpc_url()]);
        Ok(command)
    }

    /// `muster-agent init`: what it is told goes into the agent's own configuration file.
    pub fn agent_init(&self, number: usize) -> Result<Command> {
        let mut command = self.agent(number, "init")?;
        command.args([
            "--name",
            &format!("node{number}"),
            "--metrics-listen",
            &format!("127.0.0.1:{}", free_port()?),
            "--json",
        ]);
        Ok(command)
    }

    /// Folder of agent `number`: its node key is in it.
    pub fn agent_folder(&self, number: usize) -> std::path::PathBuf {
        self.folder.data(&format!("agent{number}"))
    }

    /// Starts all agents; `node_keys` are their containers' labels.
    pub fn start_agents(&mut self, node_keys: &[String]) -> Result<()> {
        for number in 1..=NODES {
            self.supervisor.start(&format!("agent{number}"), &mut self.agent(number, "run")?)?;
            self.supervisor.sweep_agent(&node_keys[number - 1]);
        }
        Ok(())
    }

    /// The oracles that run, whenever it is asked.
    pub fn live_oracles(&self) -> LiveOracles {
        LiveOracles { all: self.oracles.clone(), living: self.supervisor.living() }
    }

    /// The chain's RPC.
    pub fn rpc_url(&self) -> &str {
        self.chain.as_ref().map_or("", LocalChain::rpc_url)
    }

    /// The database of all schemas.
    pub fn database_url(&self) -> &str {
        self.database.as_ref().map_or("", Database::url)
    }

    /// The indexer's API and page.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.settings.api_port)
    }

    /// Typed access to the chain.
    pub fn chain(&self) -> Chain {
        Chain::new(self.rpc_url())
    }

    /// The command line.
    pub fn muster(&self) -> Result<Muster> {
        Muster::new(self.rpc_url())
    }

    /// Stops all of it, the last started first.
    pub fn stop(&mut self) {
        self.supervisor.stop_all();
        self.engine.take();
        self.database.take();
        if let Some(chain) = self.chain.take()
            && let Err(error) = chain.stop()
        {
            tracing::warn!(%error, "the embedded Solana did not confirm its end; it ends with this process");
        }
    }

    /// A part's binary without this program's own environment: what is not said by a flag is its default.
    fn service(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(paths::binary(name)?);
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            if text.starts_with("MUSTER_") || text == "DATABASE_URL" {
                command.env_remove(&variable);
            }
        }
        command.env("MUSTER_LOG", &self.settings.log_level).current_dir(self.folder.path());
        Ok(command)
    }

    async fn wait_for_answer(&mut self, what: &str, url: &str) -> Result<()> {
        let http = self.http.clone();
        let look = async || http.json(url).await;
        wait::until(self, what, START_EXPECTED, START_LIMIT, look).await.map(drop)
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Schema of a service in the shared database.
pub fn schema_of(name: &str) -> String {
    format!("muster_{name}")
}

/// The beginning of a hash or an address.
pub fn short(text: &str) -> String {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    text.chars().take(12).collect()
}
