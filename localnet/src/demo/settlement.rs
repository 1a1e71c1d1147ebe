//! One whole epoch: views, settlement, approvals, activation, claims.

use std::{collections::BTreeMap, fs};

use anyhow::{Result, bail};
use muster_network::state::{epoch_status, settlement_state};
use muster_protocol::split::threshold;
use solana_sdk::pubkey::Pubkey;

use super::{Story, faults::Step, jobs::tokens, setup::BUDGET};
use crate::{keys::ORACLES, localnet::short};

impl Story<'_> {
    /// The first epoch that begins from here on.
    pub async fn run_epoch(&mut self) -> Result<()> {
        let epoch_s = u64::from(self.net.settings.epoch_s);
        let grace_s = u64::from(self.net.settings.grace_s);
        let epoch = self.chain.clock().await? as u64 / epoch_s + 1;
        self.evidence.epoch = epoch;
        self.net.out.step(&format!("Epoch {epoch}, the first whole one: {epoch_s} s of heartbeats"));
        self.wait_for_time(epoch * epoch_s + epoch_s / 2, "the middle of the epoch").await?;
        self.strike(Step::Epoch, None);
        self.disturb().await?;
        self.wait_for_time((epoch + 1) * epoch_s, "the end of the epoch").await?;

        self.net.out.step("The oracles publish what they saw and commit its hashes");
        self.keep_views(epoch).await?;
        let chain = self.chain.clone();
        let needed = threshold(ORACLES as u8);
        let closes_at = ((epoch + 1) * epoch_s + grace_s) as i64;
        let views = self
            .until("the set of views to close", grace_s + 5, grace_s + 180, async || {
                let Some(set) = chain.view_set(epoch).await? else { return Ok(None) };
                let closed = set.in_count >= needed && set.is_closed(chain.clock().await?, closes_at);
                Ok(closed.then_some(set))
            })
            .await?;
        self.line(format!("{} of {ORACLES} views are in", views.in_count));
        self.strike(Step::Settle, None);
        self.settle(epoch).await?;
        self.claim().await
    }

    async fn settle(&mut self, epoch: u64) -> Result<()> {
        self.net.out.step(&format!("The settler settles epoch {epoch} with a budget of {BUDGET} tokens; each oracle computes the root and votes"));
        let (project, number) = (self.project.to_string(), epoch.to_string());
        let scores = self.write_scores().await?;
        let away = self.send_an_honest_one_away();
        self.muster(
            "settler",
            &[
                "epoch",
                "settle",
                "--project",
                &project,
                "--epoch",
                &number,
                "--budget",
                BUDGET,
                "--scores",
                &scores,
                "--timeout",
                "5m",
            ],
        )
        .await?;
        if let Some(number) = away {
            self.wait_for_wrong_vote().await?;
            self.net.start_oracle(number)?;
            self.net.wait_for_oracle(number).await?;
            self.line(format!("oracle{number} is back"));
        }
        let (chain, address) = (self.chain.clone(), self.project);
        let root = self
            .until("a threshold of oracles to approve one root", 15, 180, async || {
                let found = chain.distribution(&address).await?;
                Ok(found.filter(|found| found.open_state == settlement_state::APPROVED).map(|found| found.pending.root))
            })
            .await?;
        self.line(format!("approved: root {}", short(&hex::encode(root))));
        self.muster("authority", &["epoch", "activate", "--project", &project, "--wait", "--timeout", "5m"]).await?;
        let settled = self.chain.epoch(&self.project, epoch).await?;
        match settled.filter(|settled| settled.status == epoch_status::FINAL) {
            Some(settled) => self.line(format!(
                "active: {} to the treasury, {} to the nodes",
                tokens(settled.fee),
                tokens(settled.node_pool)
            )),
            None => bail!("epoch {epoch} did not become final"),
        }
        Ok(())
    }

    /// Where one oracle is wrong, an honest one dies here and comes back later: were all the others quick, they would
    /// reach the threshold first, and the wrong vote would never be cast.
    fn send_an_honest_one_away(&mut self) -> Option<usize> {
        let wrong = self.net.wrong_bit?;
        let living = self.net.supervisor.living();
        let honest = (1..=ORACLES).find(|n| *n != wrong && living.runs(&self.net.oracles[n - 1].name))?;
        self.net.kill_oracle(honest);
        self.line(format!("oracle{honest} was killed until the wrong vote of oracle{wrong} is on the chain"));
        Some(honest)
    }

    async fn wait_for_wrong_vote(&mut self) -> Result<()> {
        let Some(wrong) = self.net.wrong_bit else { return Ok(()) };
        let (chain, project, key) = (self.chain.clone(), self.project, self.net.oracles[wrong - 1].key);
        self.until(&format!("the wrong vote of oracle{wrong}"), 10, 120, async || {
            let (Some(set), Some(found)) = (chain.oracle_set().await?, chain.distribution(&project).await?) else {
                return Ok(None);
            };
            let place = set.active().iter().position(|oracle| oracle.key == key);
            Ok(place.filter(|place| found.votes[*place] != [0; 32]).map(drop))
        })
        .await?;
        self.line(format!("oracle{wrong} has voted for a wrong root"));
        Ok(())
    }

    /// Who completed the job has a full task score.
    async fn write_scores(&self) -> Result<String> {
        let mut scores = BTreeMap::new();
        for (_, bond) in self.chain.bonds().await? {
            if bond.earned_total > 0 {
                scores.insert(bond.tenure.to_string(), 10_000u32);
            }
        }
        let path = self.net.folder.jobs().join("scores.json");
        fs::write(&path, serde_json::to_string_pretty(&scores)?)?;
        Ok(path.to_string_lossy().into_owned())
    }

    async fn claim(&mut self) -> Result<()> {
        self.net.out.step("Every node claims");
        self.wait_for_proofs().await?;
        for node in self.nodes.clone() {
            self.muster(&node.holder, &["claim", "--tenure", &node.tenure.to_string()]).await?;
            let paid = self
                .chain
                .fetch::<muster_network::state::Tenure>(&node.tenure)
                .await?
                .map_or(0, |tenure| tenure.claimed_total);
            self.line(format!("{} has been paid {}", node.holder, tokens(paid)));
        }
        Ok(())
    }

    /// The oracles notice an activation at their next look at the chain.
    async fn wait_for_proofs(&mut self) -> Result<()> {
        let (oracles, http, project) = (self.net.live_oracles(), self.http.clone(), self.project);
        let tenure = self.nodes.first().map(|node| node.tenure).unwrap_or_default();
        self.until("an oracle to serve proofs", 3, 60, async || {
            for url in oracles.urls() {
                if http.json(&format!("{url}/api/v1/projects/{project}/proofs/{tenure}")).await?.is_some() {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Keeps each view as soon as its oracle publishes it: later it may be dead.
    async fn keep_views(&mut self, epoch: u64) -> Result<()> {
        let folder = self.net.folder.data("views");
        fs::create_dir_all(&folder)?;
        let living = self.net.supervisor.living();
        for oracle in self.net.oracles.clone() {
            let (http, url) = (self.http.clone(), format!("{}/api/v1/views/{epoch}", oracle.url));
            let what = format!("the view of {}", oracle.name);
            let view = self
                .until(&what, 5, 90, async || match living.runs(&oracle.name) {
                    true => Ok(http.bytes(&url).await?.map(Some)),
                    // what it published before it died, its peers keep
                    false => Ok(Some(None)),
                })
                .await?;
            if let Some(view) = view {
                fs::write(folder.join(format!("{}.bin", oracle.key)), &view)?;
            }
        }
        Ok(())
    }

    /// The views that were kept, by oracle.
    pub fn views_kept(&self) -> BTreeMap<Pubkey, Vec<u8>> {
        let entries = fs::read_dir(self.net.folder.data("views")).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let key = entry.path().file_stem()?.to_str()?.parse().ok()?;
                Some((key, fs::read(entry.path()).ok()?))
            })
            .collect()
    }

    /// Waits for a second of the chain's clock.
    async fn wait_for_time(&mut self, at_s: u64, what: &str) -> Result<()> {
        let chain = self.chain.clone();
        let left = at_s.saturating_sub(self.chain.clock().await? as u64);
        self.until(what, left, left + 60, async || Ok((chain.clock().await? as u64 >= at_s).then_some(()))).await
    }
}
