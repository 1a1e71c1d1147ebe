//! Two paid jobs: one trains a classifier, one fails.

use std::fs;

use anyhow::{Result, bail};
use muster_client::addresses;
use muster_jobs::state::{Bond, job_state};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

use super::{Story, faults::Step};
use crate::{localnet::short, muster::text};

const STAKE: &str = "100";
/// Whole seconds that a container may take, and that a job may.
const TIMEOUT_S: u64 = 120;
const JOB_LIMIT_S: u64 = 420;

impl Story<'_> {
    /// Submits both, waits for both outcomes, withdraws what was earned.
    pub async fn run_jobs(&mut self) -> Result<()> {
        self.net.out.step(
            "A job with 100 tokens at stake trains a classifier in a container, on two nodes of different holders",
        );
        let config = json!({"seed": 7, "epochs": 120, "learning_rate": 0.1, "batch": 16});
        let image = self.images.digits.clone();
        let job = self.submit("train", "Train a classifier on handwritten digits", &image, config).await?;
        self.strike(Step::Job, Some(&job));
        self.follow(&job, job_state::COMPLETED).await?;
        self.say_result(&job).await?;

        self.net.out.step("A second job, whose image fails, is attested failed and refunded");
        let image = self.images.broken.clone();
        let job = self.submit("fail", "Fail on purpose", &image, json!({})).await?;
        self.follow(&job, job_state::FAILED).await?;
        let refunded = self.chain.job(&job).await?.map_or(0, |account| account.refunded);
        self.line(format!("refunded {}", tokens(refunded)));
        self.withdraw().await
    }

    async fn submit(&mut self, name: &str, title: &str, image: &str, config: Value) -> Result<Pubkey> {
        let descriptor = json!({
            "version": 1,
            "title": title,
            "description": "UCI's handwritten digits, 1,797 images, CC BY 4.0; the data set is part of the image.",
            "image": image,
            "command": [],
            "env": {},
            "inputs": [],
            "requirements": {"min_memory_mb": 64, "min_cpus": 1, "gpu": false, "tier": "cpu"},
            "limits": {"memory_mb": 256, "cpu_milli": 1000, "pids": 16, "timeout_s": TIMEOUT_S},
            "network": false,
            "redundancy": 2,
            "priority": 5,
            "config": config,
        });
        let path = self.net.folder.jobs().join(format!("{name}.json"));
        fs::write(&path, serde_json::to_string_pretty(&descriptor)?)?;
        let submitted = self
            .muster(
                "submitter",
                &["job", "submit", "--descriptor", &path.to_string_lossy(), "--stake", STAKE, "--deadline", "1h"],
            )
            .await?;
        let job: Pubkey = text(&submitted, "/job")?.parse()?;
        self.line(format!("job {job} with {STAKE} tokens in escrow"));
        Ok(job)
    }

    /// Shows the progress that the oracles report until the chain has the outcome.
    async fn follow(&mut self, job: &Pubkey, expected: u8) -> Result<()> {
        let (chain, http, job) = (self.chain.clone(), self.http.clone(), *job);
        let oracles = self.net.live_oracles();
        let mut shown = None;
        let mut lines = Vec::new();
        let state = self
            .until(&format!("job {} to be settled", short(&job.to_string())), 45, JOB_LIMIT_S, async || {
                for url in oracles.urls() {
                    let Ok(Some(seen)) = http.json(&format!("{url}/api/v1/jobs/{job}")).await else { continue };
                    let now = (seen["state"].clone(), seen["progress"].clone());
                    if shown.as_ref() != Some(&now) {
                        lines.push(format!("{} {} %", now.0.as_str().unwrap_or("?"), now.1));
                        shown = Some(now);
                    }
                    break;
                }
                let account = chain.job(&job).await?;
                Ok(account.filter(|account| account.state != job_state::OPEN).map(|account| account.state))
            })
            .await?;
        lines.dedup();
        self.line(format!("as the oracles saw it: {}", lines.join(", ")));
        if state != expected {
            bail!("job {job} ended in state {state} instead of {expected}");
        }
        Ok(())
    }

    async fn say_result(&mut self, job: &Pubkey) -> Result<()> {
        let shown = self.muster("submitter", &["job", "result", &job.to_string()]).await?;
        let Some(account) = self.chain.job(job).await? else { return Ok(()) };
        self.line(format!(
            "result {} on {} nodes: {}",
            short(&hex::encode(account.result_hash)),
            account.node_count,
            figures(&shown)
        ));
        self.line(format!(
            "{} to the nodes' bonds, {} to the treasury",
            tokens(account.to_nodes),
            tokens(account.to_treasury)
        ));
        Ok(())
    }

    async fn withdraw(&mut self) -> Result<()> {
        for node in self.nodes.clone() {
            let bond: Option<Bond> = self.chain.fetch(&addresses::bond(&node.tenure)).await?;
            if bond.is_some_and(|bond| bond.earned > 0) {
                let paid =
                    self.muster(&node.holder, &["bond", "withdraw", "--tenure", &node.tenure.to_string()]).await?;
                self.line(format!("{} withdraws {}", node.holder, tokens(text(&paid, "/amount")?.parse()?)));
            }
        }
        Ok(())
    }
}

/// Accuracy, loss and epochs wherever an answer has them.
fn figures(answer: &Value) -> String {
    let found = |name: &str| {
        let results = answer.pointer("/results").and_then(Value::as_array).into_iter().flatten();
        let value = answer.get(name).or_else(|| results.filter_map(|result| result.get(name)).next())?;
        Some(format!("{name} {value}"))
    };
    ["accuracy", "loss", "epochs"].into_iter().filter_map(found).collect::<Vec<_>>().join(", ")
}

/// Base units of the demo's mint as tokens.
pub fn tokens(base_units: u64) -> String {
    let (whole, rest) = (base_units / 1_000_000, base_units % 1_000_000);
    let text = format!("{whole}.{rest:06}");
    format!("{} tokens", text.trim_end_matches('0').trim_end_matches('.'))
}
