//! Network, oracles, indexer, project, licences, nodes.

use std::fs;

use anyhow::{Context, Result, bail};
use muster_client::shell::keys as key_files;
use serde_json::{Value, json};
use solana_sdk::{pubkey::Pubkey, signature::Signer};

use super::{NodeOf, Story, evidence::Evidence, faults::Faults};
use crate::{
    command,
    keys::NODES,
    localnet::{Localnet, short},
    muster::text,
};

/// Tokens, as people write them.
const SUPPLY: &str = "1000000";
const OWNER_TOKENS: &str = "100000";
const HOLDER_TOKENS: &str = "1000";
const SUBMITTER_TOKENS: &str = "10000";
const PRICE: &str = "250";
/// What a settlement may move, and what is in the budget vault.
pub const BUDGET: &str = "1000";
const FUNDED: &str = "5000";
/// Points: uptime counts for 8,000, tasks for 2,000 of 10,000.
const WEIGHTS: [&str; 4] = ["--w-uptime", "8000", "--w-task", "2000"];
const NODE_LAMPORTS: u64 = 1_000_000_000;

impl<'a> Story<'a> {
    /// The ground, and the mint whose every token is accounted for from here on.
    pub async fn begin(net: &'a mut Localnet, faults: Faults) -> Result<Self> {
        let images = net.start_ground().await?;
        net.out.step("A token, and who holds it");
        let (muster, chain) = (net.muster()?, net.chain());
        let holders = (1..=NODES).map(|n| (format!("holder{n}"), HOLDER_TOKENS));
        let shares: Vec<String> = [("owner".to_owned(), OWNER_TOKENS), ("submitter".to_owned(), SUBMITTER_TOKENS)]
            .into_iter()
            .chain(holders)
            .map(|(name, amount)| format!("{}={amount}", net.keys.address(&name)))
            .collect();
        let mut arguments = vec!["mint", "create", "--decimals", "6", "--supply", SUPPLY, "--to"];
        arguments.extend(shares.iter().map(String::as_str));
        let made = muster.run(&net.keys.file("authority"), &arguments).await?;
        let mint: Pubkey = text(&made, "/mint")?.parse()?;
        net.out
            .line(&format!("{SUPPLY} tokens of {mint}, {} accounts, no further one can be minted", shares.len() + 1));
        let evidence = Evidence::begin(net.folder.evidence(), &chain, &mint).await?;
        let http = net.http.clone();
        Ok(Self {
            net,
            faults,
            chain,
            muster,
            http,
            images,
            mint,
            project: Pubkey::default(),
            nodes: Vec::new(),
            evidence,
        })
    }

    /// Everything up to nodes that run.
    pub async fn set_up(&mut self) -> Result<()> {
        self.found_network().await?;
        self.found_project().await?;
        self.join_nodes().await
    }

    async fn found_network(&mut self) -> Result<()> {
        self.net.out.step("The network: its rules, three oracles with a threshold of two, an indexer");
        let settings = self.net.settings.clone();
        let mint = self.mint.to_string();
        let number = |n: u32| n.to_string();
        let (epoch, bucket, grace, delay) = (
            number(settings.epoch_s),
            number(settings.bucket_s),
            number(settings.grace_s),
            number(settings.root_delay_s),
        );
        let guardian = self.net.keys.address("guardian").to_string();
        let treasury = self.net.keys.address("treasury").to_string();
        self.muster(
            "authority",
            &[
                "network",
                "init",
                "--mint",
                &mint,
                "--fee-bps",
                "2000",
                "--epoch-len",
                &epoch,
                "--bucket-len",
                &bucket,
                "--grace",
                &grace,
                "--root-delay",
                &delay,
                "--hold-limit",
                "3600",
                "--oracle-set-delay",
                "60",
                "--guardian",
                &guardian,
                "--treasury-owner",
                &treasury,
            ],
        )
        .await?;
        self.muster("authority", &["jobs", "init", "--default-stake", "100", "--stake-min", "1"]).await?;
        let oracles: Vec<String> =
            self.net.oracles.iter().map(|oracle| format!("{}={}", oracle.key, oracle.url)).collect();
        let mut arguments = vec!["network", "set-oracles"];
        arguments.extend(oracles.iter().map(String::as_str));
        self.muster("authority", &arguments).await?;
        self.line(format!(
            "epochs of {epoch} s in buckets of {bucket} s, grace {grace} s, root delay {delay} s, fee 20 %"
        ));
        self.net.start_oracles().await?;
        for oracle in self.net.oracles.clone() {
            self.line(format!("{} {} at {}", oracle.name, short(&oracle.key.to_string()), oracle.url));
        }
        self.net.start_indexer().await?;
        if self.faults.restart_indexer {
            self.start_undisturbed_indexer().await?;
        }
        let api = self.net.api_url();
        self.line(format!("indexer with its API and page at {api}"));
        Ok(())
    }

    async fn found_project(&mut self) -> Result<()> {
        self.net.out.step("A project: a licence collection for sale, a budget for its nodes");
        let settler = self.net.keys.address("settler").to_string();
        let mut arguments = vec![
            "project",
            "create",
            "--name",
            "digits",
            "--uri",
            "https://muster.example/digits.json",
            "--price",
            PRICE,
            "--licences-max",
            "100",
            "--settler",
            &settler,
            "--max-epoch-budget",
            BUDGET,
        ];
        arguments.extend(WEIGHTS);
        let made = self.muster("owner", &arguments).await?;
        self.project = text(&made, "/project")?.parse()?;
        let project = self.project.to_string();
        self.muster("owner", &["project", "fund", "--project", &project, FUNDED]).await?;
        self.line(format!("project {project}, {PRICE} tokens a licence, {FUNDED} in its budget vault"));
        Ok(())
    }

    async fn join_nodes(&mut self) -> Result<()> {
        self.net.out.step("Four holders buy a licence each, bind it to their machine's key, and the machines accept");
        // all buy first: the indexer that registers the machines follows what is final, some seconds behind
        let mut bought = Vec::new();
        for number in 1..=NODES {
            bought.push(self.buy_licence(number).await?);
        }
        for (number, (licence, node_key)) in (1..=NODES).zip(bought) {
            let node = self.join_node(number, &licence, &node_key).await?;
            self.line(format!(
                "{}: licence {} runs node {} with key {}",
                node.holder,
                short(&licence),
                short(&node.node.to_string()),
                short(&node.node_key)
            ));
            self.nodes.push(node);
        }
        let keys: Vec<String> = self.nodes.iter().map(|node| node.node_key.clone()).collect();
        self.net.start_agents(&keys)
    }

    /// Machine `number` makes its key and holder `number` buys: licence and node key.
    async fn buy_licence(&mut self, number: usize) -> Result<(String, String)> {
        command::output("muster-agent init", &mut self.net.agent_init(number)?).await?;
        let key = key_files::read(&self.net.agent_folder(number).join("node-key.json"))?;
        self.give_lamports(&key.pubkey()).await?;
        let project = self.project.to_string();
        let bought = self.muster(&format!("holder{number}"), &["licence", "buy", "--project", &project]).await?;
        Ok((text(&bought, "/licence")?, key.pubkey().to_string()))
    }

    /// Registers, binds, accepts and opens a bond.
    async fn join_node(&mut self, number: usize, licence: &str, node_key: &str) -> Result<NodeOf> {
        let holder = format!("holder{number}");
        let metadata = self.net.agent_folder(number).join("metadata.json");
        let hash = self.register(licence, &holder, node_key, &metadata).await?;
        let arguments = ["node", "bind", "--licence", licence, "--node-key", node_key, "--metadata-hash", &hash];
        let bound = self.muster(&holder, &arguments).await?;
        command::output("muster-agent join", self.net.agent(number, "join")?.arg("--json")).await?;
        let tenure = text(&bound, "/tenure")?;
        self.muster(&holder, &["bond", "open", "--tenure", &tenure]).await?;
        Ok(NodeOf { holder, node_key: node_key.into(), node: text(&bound, "/node")?.parse()?, tenure: tenure.parse()? })
    }

    /// The indexer checks what the machine says about itself and names the hash that the holder binds.
    async fn register(
        &mut self,
        licence: &str,
        holder: &str,
        node_key: &str,
        metadata: &std::path::Path,
    ) -> Result<String> {
        let document: Value = serde_json::from_slice(
            &fs::read(metadata).with_context(|| format!("the agent wrote no {}", metadata.display()))?,
        )?;
        let body = json!({
            "licence": licence,
            "holder": self.net.keys.address(holder).to_string(),
            "node_key": node_key,
            "metadata": document,
        });
        let (http, url) = (self.http.clone(), format!("{}/api/v1/nodes", self.net.api_url()));
        // the indexer follows what is final, about 12 s behind
        let answer =
            self.until("the indexer to register the machine", 15, 90, async || http.post(&url, &body).await).await?;
        let hash = text(&answer, "/metadata_hash")?;
        if hash.len() != 64 || text(&answer, "/transaction")?.is_empty() {
            bail!("the indexer answered a registration without hash and transaction: {answer}");
        }
        Ok(hash)
    }

    /// SOL for the fees of a machine's key.
    async fn give_lamports(&self, key: &Pubkey) -> Result<()> {
        let signature = self.chain.retry("give SOL", || self.chain.rpc().request_airdrop(key, NODE_LAMPORTS)).await?;
        for _ in 0..100 {
            if self.chain.lamports(key).await? >= NODE_LAMPORTS {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        bail!("the airdrop {signature} to {key} did not arrive")
    }

    /// Waits until every oracle has heard every node.
    pub async fn hear_heartbeats(&mut self) -> Result<()> {
        self.net.out.step("Signed heartbeats from four agents to three oracles, acknowledged once they are on disk");
        let oracles = self.net.live_oracles();
        let nodes: Vec<String> = self.nodes.iter().map(|node| node.node_key.clone()).collect();
        let http = self.http.clone();
        let bucket = u64::from(self.net.settings.bucket_s);
        self.until("every oracle to hear every node", 3 * bucket, 12 * bucket + 60, async || {
            for url in oracles.urls() {
                for node in &nodes {
                    let seen = http.json(&format!("{url}/api/v1/nodes/{node}/uptime")).await?;
                    let heard = seen.as_ref().and_then(|seen| seen["last_seen_ms"].as_u64());
                    if heard.unwrap_or(0) == 0 {
                        return Ok(None);
                    }
                }
            }
            Ok(Some(()))
        })
        .await?;
        for url in oracles.urls() {
            let Ok(Some(stats)) = self.http.json(&format!("{url}/api/v1/stats")).await else { continue };
            self.line(format!("{url}: {} received, {} accepted", stats["received"], stats["accepted"]));
        }
        Ok(())
    }
}
