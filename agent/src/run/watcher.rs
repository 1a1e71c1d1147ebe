//! What changes around the agent: the oracle set and the node's account on the chain, and the machine's load.

use std::sync::Arc;
use std::time::Duration;

use muster_client::Pubkey;
use muster_client::muster_network::state::Node;
use sysinfo::System;
use tokio::sync::watch;

use super::Shared;
use super::shared::Load;
use crate::network::Network;
use crate::oracle_api::now_ms;

/// Between two looks at the chain.
const NETWORK_EVERY: Duration = Duration::from_secs(30);
/// Between two samples of the load.
const LOAD_EVERY: Duration = Duration::from_secs(5);

/// Follows the oracle set and the announced maintenance. A failed look changes nothing.
pub async fn network(shared: Arc<Shared>, sender: watch::Sender<Arc<Network>>) {
    let node = shared.settings.node_id.as_deref().and_then(|node| node.parse::<Pubkey>().ok());
    loop {
        if let Some((chain, node)) = shared.chain.as_ref().zip(node) {
            match chain.fetch::<Node>(&node).await {
                Ok(Some(node)) => {
                    let now_s = (now_ms() / 1000) as i64;
                    shared.set_maintenance((node.maintenance_start..node.maintenance_end).contains(&now_s));
                }
                Ok(None) => tracing::warn!(%node, "the chain has no such node account"),
                Err(error) => tracing::debug!(%error, "the node account cannot be read"),
            }
        }
        if shared.sleep(NETWORK_EVERY).await {
            return;
        }
        match Network::load(shared.chain.as_ref(), &shared.api, &set_sources(&shared)).await {
            Ok(new) => take(&shared, &sender, new),
            Err(error) => tracing::debug!(%error, "the oracle set cannot be read"),
        }
    }
}

/// The oracles that are known, then those to start from.
fn set_sources(shared: &Shared) -> Vec<String> {
    let mut urls: Vec<String> = shared.network().oracles.iter().map(|oracle| oracle.url.clone()).collect();
    urls.extend(shared.bootstrap.iter().cloned());
    urls.dedup();
    urls
}

fn take(shared: &Shared, sender: &watch::Sender<Arc<Network>>, new: Network) {
    let old = shared.network();
    if new.domain != old.domain || new.schedule != old.schedule {
        tracing::error!("the chain is another one than at the start; restart the agent if that is meant");
    } else if new.set_version >= old.set_version && new != *old {
        tracing::info!(version = new.set_version, oracles = new.oracles.len(), "the oracle set changed");
        sender.send_replace(Arc::new(new));
    }
}

/// Samples the machine's load.
pub async fn load(shared: Arc<Shared>) {
    let mut system = match System::new() {
        Ok(system) => system,
        Err(error) => {
            tracing::warn!(%error, "the machine's load cannot be read and is told as 0");
            return;
        }
    };
    loop {
        system.refresh_cpu_usage();
        system.refresh_memory();
        let memory = match system.total_memory() {
            0 => 0,
            total => (system.used_memory().min(total) as u128 * 1000 / u128::from(total)) as u16,
        };
        let cpu = (system.global_cpu_usage() * 10.0).clamp(0.0, 1000.0) as u16;
        shared.set_load(Load { cpu_permille: cpu, memory_permille: memory });
        if shared.sleep(LOAD_EVERY).await {
            return;
        }
    }
}
