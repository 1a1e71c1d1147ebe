//! Collects what the summary is made from, and keeps it as it was given: `target/demo/evidence`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use muster_client::{addresses, chain::Chain};
use muster_network::state::{Distribution, Epoch, Network, OracleSet, ViewSet};
use muster_protocol::{hash::hashv, leaves::Leaves};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

use super::{
    accounts::Accounts,
    events::{Event, IndexerTables},
    transactions,
};
use crate::{http::Http, localnet::LiveOracles};

/// A moment in which chain and database agree must come within this time.
const QUIET_WAIT: Duration = Duration::from_secs(240);

/// What one oracle keeps about a job.
#[derive(Clone, Debug, Default)]
pub struct JobEvidence {
    pub descriptor: Vec<u8>,
    pub assignments: BTreeSet<Vec<u8>>,
    pub results: BTreeSet<Vec<u8>>,
}

/// All of it, in memory and on disk.
pub struct Evidence {
    folder: PathBuf,
    pub genesis_hash: [u8; 32],
    pub mint: Pubkey,
    pub project: Pubkey,
    pub epoch: u64,
    pub before: Accounts,
    pub after: Accounts,
    pub events: Vec<Event>,
    /// Stream entries that the indexer holds.
    pub covered: BTreeMap<String, u64>,
    pub dataset: Vec<u8>,
    pub leaves: Vec<u8>,
    pub jobs: BTreeMap<Pubkey, JobEvidence>,
    pub transactions: BTreeMap<String, Value>,
    /// Length on the wire of each claim.
    pub claim_bytes: BTreeMap<String, usize>,
    /// By tenure, as an oracle served it.
    pub proofs: BTreeMap<Pubkey, Value>,
}

/// Where the evidence comes from.
pub struct Sources<'a> {
    pub chain: &'a Chain,
    pub http: &'a Http,
    pub oracles: LiveOracles,
    pub tables: &'a mut IndexerTables,
    /// Views that were read when they were published, by oracle key.
    pub views: BTreeMap<Pubkey, Vec<u8>>,
    /// Looks after the processes; called while something is waited for.
    pub watch: &'a mut (dyn FnMut() -> Result<()> + Send),
}

impl Evidence {
    /// Starts the folder with what stands on chain before anything is paid.
    pub async fn begin(folder: PathBuf, chain: &Chain, mint: &Pubkey) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let before = Accounts::of_mint(chain, mint).await?;
        let evidence = Self {
            folder,
            genesis_hash: chain.genesis_hash().await?,
            mint: *mint,
            project: Pubkey::default(),
            epoch: 0,
            before,
            after: Accounts::default(),
            events: Vec::new(),
            covered: BTreeMap::new(),
            dataset: Vec::new(),
            leaves: Vec::new(),
            jobs: BTreeMap::new(),
            transactions: BTreeMap::new(),
            claim_bytes: BTreeMap::new(),
            proofs: BTreeMap::new(),
        };
        evidence.write_json("before.json", &evidence.before.to_json())?;
        Ok(evidence)
    }

    /// Reads everything back and writes it down.
    pub async fn collect(&mut self, mut sources: Sources<'_>) -> Result<()> {
        self.read_chain_and_database(&mut sources).await?;
        self.read_views(&sources).await?;
        self.read_files(&sources).await?;
        self.read_jobs(&sources).await?;
        self.read_proofs(&sources).await?;
        self.read_transactions(sources.chain).await?;
        self.write_index()
    }

    pub fn network(&self) -> Result<Network> {
        self.after.get(&addresses::network())
    }

    pub fn oracle_set(&self) -> Result<OracleSet> {
        self.after.get(&addresses::oracle_set())
    }

    pub fn distribution(&self) -> Result<Distribution> {
        self.after.get(&addresses::distribution(&self.project))
    }

    pub fn settled(&self) -> Result<Epoch> {
        self.after.get(&addresses::epoch(&self.project, self.epoch))
    }

    pub fn view_set(&self) -> Result<ViewSet> {
        self.after.get(&addresses::view_set(self.epoch))
    }

    /// Oracles go on committing views: a moment is waited for in which nothing changed on chain while the database
    /// was read, and the database has all of it.
    async fn read_chain_and_database(&mut self, sources: &mut Sources<'_>) -> Result<()> {
        let deadline = Instant::now() + QUIET_WAIT;
        loop {
            let first = Accounts::all(sources.chain, &self.mint).await?;
            let streams = first.streams()?;
            let events = sources.tables.events().await?;
            let covered = sources.tables.streams().await?;
            let second = Accounts::all(sources.chain, &self.mint).await?;
            if covered == streams && first == second {
                self.after = second;
                self.events = events;
                self.covered = covered;
                break;
            }
            if Instant::now() > deadline {
                let behind: Vec<_> = streams.iter().filter(|(stream, seq)| covered.get(*stream) != Some(seq)).collect();
                bail!(
                    "the indexer did not catch up with the chain within {} s; it lacks {behind:?}",
                    QUIET_WAIT.as_secs()
                );
            }
            (sources.watch)()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.write_json("chain.json", &self.after.to_json())?;
        self.write_json("chain_events.json", &Value::Array(self.events.iter().map(Event::to_json).collect()))
    }

    async fn read_views(&mut self, sources: &Sources<'_>) -> Result<()> {
        let named = self.view_set()?.view_hashes;
        let mut views = sources.views.clone();
        let set = self.oracle_set()?;
        for (oracle, hash) in set.active().iter().zip(named) {
            let is_named = |body: &[u8]| hashv(&[body]) == hash;
            let absent = hash != [0; 32] && !views.get(&oracle.key).is_some_and(|view| is_named(view));
            // the others keep the views that they named, whatever became of this oracle
            let path = format!("/api/v1/views/{}?oracle={}", self.epoch, oracle.key);
            if absent && let Ok(view) = first_that(sources, &path, is_named).await {
                views.insert(oracle.key, view);
            }
        }
        for (key, view) in &views {
            self.write(&format!("views/{key}.bin"), view)?;
        }
        let held: BTreeSet<[u8; 32]> = views.values().map(|view| hashv(&[view])).collect();
        if let Some(missing) = named.iter().find(|hash| **hash != [0; 32] && !held.contains(*hash)) {
            bail!("no oracle served the view {} that the chain names", hex::encode(missing));
        }
        Ok(())
    }

    async fn read_files(&mut self, sources: &Sources<'_>) -> Result<()> {
        let settled = self.settled()?;
        let base = format!("/api/v1/projects/{}/epochs/{}", self.project, self.epoch);
        self.dataset =
            first_that(sources, &format!("{base}/dataset"), |body| hashv(&[body]) == settled.dataset_hash).await?;
        self.write("dataset.bin", &self.dataset)?;
        let root = self.distribution()?.roots[0].root;
        let active =
            |body: &[u8]| Leaves::decode(body).is_ok_and(|leaves| leaves.root().is_ok_and(|found| found == root));
        self.leaves = first_that(sources, &format!("{base}/leaves"), active).await?;
        self.write("leaves.bin", &self.leaves)?;
        if settled.scores_hash != [0; 32] {
            let scores =
                first_that(sources, &format!("{base}/scores"), |body| hashv(&[body]) == settled.scores_hash).await?;
            self.write("scores.bin", &scores)?;
        }
        Ok(())
    }

    async fn read_jobs(&mut self, sources: &Sources<'_>) -> Result<()> {
        for (address, job) in self.after.of::<muster_jobs::state::Job>() {
            let mut kept = JobEvidence::default();
            for oracle in sources.oracles.urls() {
                let url = format!("{oracle}/api/v1/jobs/{address}/evidence");
                // one that dies in this moment has nothing that the others lack
                let Ok(Some(found)) = sources.http.json(&url).await else { continue };
                let descriptor = BASE64_STANDARD.decode(found["descriptor"].as_str().unwrap_or_default())?;
                // an oracle that was away when the job ran may not have it
                if hashv(&[&descriptor]) == job.descriptor_hash {
                    kept.descriptor = descriptor;
                }
                for (frames, kind) in [(&mut kept.assignments, "assignments"), (&mut kept.results, "results")] {
                    for frame in found[kind].as_array().into_iter().flatten() {
                        frames.insert(hex::decode(frame.as_str().unwrap_or_default())?);
                    }
                }
            }
            self.write(&format!("jobs/{address}/descriptor.json"), &kept.descriptor)?;
            for (frames, kind) in [(&kept.assignments, "assignments"), (&kept.results, "results")] {
                for frame in frames {
                    let name = hex::encode(&hashv(&[frame])[..8]);
                    self.write(&format!("jobs/{address}/{kind}/{name}.bin"), frame)?;
                }
            }
            self.jobs.insert(address, kept);
        }
        Ok(())
    }

    async fn read_proofs(&mut self, sources: &Sources<'_>) -> Result<()> {
        let root = hex::encode(self.distribution()?.roots[0].root);
        for (tenure, _) in self.after.of::<muster_network::state::Tenure>() {
            let path = format!("/api/v1/projects/{}/proofs/{tenure}", self.project);
            let of_root = |body: &[u8]| {
                serde_json::from_slice::<Value>(body).is_ok_and(|proof| proof["root"].as_str() == Some(root.as_str()))
            };
            let body = first_that(sources, &path, of_root).await?;
            self.proofs.insert(tenure, serde_json::from_slice(&body)?);
        }
        Ok(())
    }

    async fn read_transactions(&mut self, chain: &Chain) -> Result<()> {
        let signatures: BTreeSet<&str> = self.events.iter().map(|event| event.signature.as_str()).collect();
        for signature in signatures {
            let found = transactions::fetch(chain, signature).await?;
            self.write_json(&format!("transactions/{signature}.json"), &found)?;
            self.transactions.insert(signature.into(), found);
        }
        let claims: BTreeSet<String> = self.signatures_of("Claimed", None).into_iter().collect();
        for signature in claims {
            let bytes = transactions::wire_bytes(chain, &signature).await?;
            self.claim_bytes.insert(signature, bytes);
        }
        Ok(())
    }

    /// Signatures of the events of a name, of one epoch if it is named; each once, in the chain's order.
    pub fn signatures_of(&self, name: &str, epoch: Option<u64>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for event in &self.events {
            let of_epoch = epoch.is_none() || event.number("epoch") == epoch;
            if event.name == name && of_epoch && !found.contains(&event.signature) {
                found.push(event.signature.clone());
            }
        }
        found
    }

    fn write_index(&self) -> Result<()> {
        let token_program = addresses::TOKEN_PROGRAM;
        let index = json!({
            "genesis_hash": bs58::encode(self.genesis_hash).into_string(),
            "programs": {
                "network": muster_network::ID.to_string(),
                "jobs": muster_jobs::ID.to_string(),
                "token": token_program.to_string(),
            },
            "mint": self.mint.to_string(),
            "project": self.project.to_string(),
            "epoch": self.epoch,
        });
        self.write_json("index.json", &index)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))
    }

    fn write_json(&self, name: &str, value: &Value) -> Result<()> {
        self.write(name, serde_json::to_string_pretty(value)?.as_bytes())
    }
}

/// The first oracle's answer that is as it should be: one of them may be wrong or gone.
async fn first_that(sources: &Sources<'_>, path: &str, good: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
    for oracle in sources.oracles.urls() {
        if let Ok(Some(body)) = sources.http.bytes(&format!("{oracle}{path}")).await
            && good(&body)
        {
            return Ok(body);
        }
    }
    bail!("no oracle serves {path} as the chain names it")
}
