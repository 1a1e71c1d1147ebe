//! Crashes that must leave no trace: an oracle and the indexer, killed within the epoch and started again.

use std::process::Command;

use anyhow::{Result, bail};

use super::Story;
use crate::{
    command,
    keys::{NODES, ORACLES},
    localnet::{INDEXER, INDEXER_SCHEMA, Localnet},
    preflight::free_port,
};

/// Schema of an indexer that nobody disturbs.
const UNDISTURBED_SCHEMA: &str = "muster_indexer_undisturbed";

impl Story<'_> {
    pub async fn start_undisturbed_indexer(&mut self) -> Result<()> {
        super::events::drop_schemas(self.net.database_url(), &[UNDISTURBED_SCHEMA.into()]).await?;
        let port = free_port()?;
        self.net.start_indexer_as("indexer-undisturbed", UNDISTURBED_SCHEMA, port).await
    }

    /// Once the jobs are done: the oracle that was killed, if it is to come back.
    pub async fn revive(&mut self) -> Result<()> {
        if !self.faults.revive {
            return Ok(());
        }
        for number in 1..=ORACLES {
            let name = self.net.oracles[number - 1].name.clone();
            if !self.net.supervisor.living().runs(&name) {
                self.net.start_oracle(number)?;
                self.net.wait_for_oracle(number).await?;
                self.line(format!("{name} was started again"));
            }
        }
        Ok(())
    }

    /// In the middle of the epoch.
    pub async fn disturb(&mut self) -> Result<()> {
        if let Some(number) = self.faults.restart_oracle {
            let name = self.net.oracles[number - 1].name.clone();
            self.net.kill_oracle(number);
            self.net.start_oracle(number)?;
            self.net.wait_for_oracle(number).await?;
            self.line(format!("{name} was killed and started again"));
        }
        if self.faults.restart_indexer {
            self.net.supervisor.kill(INDEXER);
            self.net.start_indexer().await?;
            self.line("the indexer was killed and started again");
        }
        Ok(())
    }

    /// At the end.
    pub async fn check_recoveries(&mut self) -> Result<()> {
        if let Some(number) = self.faults.restart_oracle {
            self.net.out.step("Every receipt that the agents kept has its bit in the restarted oracle's view");
            let (url, epoch) = (self.net.oracles[number - 1].url.clone(), self.evidence.epoch.to_string());
            for agent in 1..=NODES {
                let mut command = self.net.agent(agent, "receipts")?;
                command.args(["check", "--oracle", &url, "--epoch", &epoch, "--json"]);
                let said = command::output("muster-agent receipts check", &mut command).await?;
                let answer: serde_json::Value = serde_json::from_str(&said)?;
                let receipts = answer.pointer("/oracles/0/receipts").and_then(serde_json::Value::as_u64).unwrap_or(0);
                if receipts == 0 {
                    bail!("agent {agent} kept no receipt of {url} in epoch {epoch}");
                }
                self.line(format!("agent{agent}: {receipts} receipts, every one in the view"));
            }
        }
        if self.faults.restart_indexer {
            self.net.out.step("The restarted indexer holds what an undisturbed one holds");
            command::output("muster-indexer verify", &mut self.net.indexer(&["verify"], INDEXER_SCHEMA)?).await?;
            self.line("muster-indexer verify passes");
            compare_dumps(self.net).await?;
            self.line("dumps of the state tables are equal byte for byte");
        }
        Ok(())
    }
}

/// Both follow a chain that goes on: they are compared at a moment when neither moves.
async fn compare_dumps(net: &Localnet) -> Result<()> {
    const TRIES: u32 = 60;
    let dump = async |schema: &str| -> Result<String> {
        let mut command: Command = net.indexer(&["dump"], schema)?;
        command::output("muster-indexer dump", &mut command).await
    };
    for _ in 0..TRIES {
        let first = dump(INDEXER_SCHEMA).await?;
        let other = dump(UNDISTURBED_SCHEMA).await?;
        if first == other && !first.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    bail!("the restarted indexer's dump differs from the undisturbed one's for {TRIES} s")
}
