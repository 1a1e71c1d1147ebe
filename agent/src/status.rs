//! `muster-agent status`: the node's own view, and the network's beside it.

use muster_client::Pubkey;
use muster_client::muster_network::state::Node;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::failure::Failure;
use crate::join::{bound_nodes, status_name};
use crate::network::Network;
use crate::oracle_api::now_ms;

/// Shows everything that can be had; a part that cannot is said to be so and is no failure.
pub async fn status(context: &Context, epoch: Option<u64>) -> Result<(), Failure> {
    let identity = context.identity()?;
    let node_key = identity.base58();
    let own = own_view(context);
    let node = on_chain(context, &Pubkey::from(identity.key)).await;
    let (network, oracles) = match context.network().await {
        Ok(network) => {
            let current = network.schedule.epoch_of(now_ms() / 1000).get();
            let epoch = epoch.unwrap_or(current);
            let oracles = network_view(context, &network, &node_key, epoch).await;
            let value = json!({
                "epoch": epoch, "buckets": network.schedule.buckets(), "threshold": network.threshold,
                "set_version": network.set_version,
            });
            (value, oracles)
        }
        Err(error) => (json!({"error": error.to_string()}), Vec::new()),
    };
    let value = json!({
        "node_key": node_key, "data_dir": context.data.root(), "running": context.data.is_locked(),
        "own": own, "node": node, "network": network, "oracles": oracles,
    });
    if context.json {
        println!("{value}");
    } else {
        print!("{}", text(&value));
    }
    Ok(())
}

/// What the agent wrote last, whether it still runs or not.
fn own_view(context: &Context) -> Value {
    let read = std::fs::read(context.data.state()).ok();
    read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null)
}

async fn on_chain(context: &Context, node_key: &Pubkey) -> Value {
    let Some(chain) = context.chain() else {
        return json!({"error": "the agent does without RPC"});
    };
    let known = context.settings.node_id.as_deref().and_then(|node| node.parse::<Pubkey>().ok());
    let found = match known {
        Some(address) => {
            chain.fetch::<Node>(&address).await.map(|node| node.map(|node| (address, node))).map_err(Failure::from)
        }
        None => bound_nodes(&chain, node_key).await.map(|nodes| nodes.into_iter().next()),
    };
    match found {
        Ok(Some((address, node))) => json!({
            "node": address.to_string(), "status": status_name(node.status), "project": node.project.to_string(),
            "licence": node.licence.to_string(), "tenure": node.tenure.to_string(), "accepted_at": node.accepted_at,
            "metadata_hash": hex::encode(node.metadata_hash), "is_this_key": node.node_key == *node_key,
        }),
        Ok(None) => json!({"status": "unbound"}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

async fn network_view(context: &Context, network: &Network, node_key: &str, epoch: u64) -> Vec<Value> {
    let path = format!("/api/v1/nodes/{node_key}/uptime?epoch={epoch}");
    let calls = network.oracles.iter().map(|oracle| async {
        let key = bs58::encode(oracle.key).into_string();
        match context.api.json::<Value>(&oracle.url, &path).await {
            Ok(view) => json!({"key": key, "url": oracle.url, "view": view}),
            Err(error) => json!({"key": key, "url": oracle.url, "error": error.to_string()}),
        }
    });
    futures_util::future::join_all(calls).await
}

fn text(value: &Value) -> String {
    let word = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (own, node, network) = (&value["own"], &value["node"], &value["network"]);
    let mut lines = vec![
        format!("node address   {}", word(&value["node_key"])),
        format!(
            "node account   {} {}",
            word(&node["node"]),
            word(if node["error"].is_null() { &node["status"] } else { &node["error"] })
        ),
        format!("agent          {}", if value["running"] == true { "running" } else { "not running" }),
    ];
    if !own.is_null() {
        let same = own["epoch"] == network["epoch"] || network["epoch"].is_null();
        lines.push(format!(
            "own view       epoch {}: {} of {} buckets safe, {} lived through{}",
            word(&own["epoch"]),
            word(&own["safe"]),
            word(&own["buckets"]),
            word(&own["lived"]),
            if same { "" } else { " (as last written)" }
        ));
        if !own["task"].is_null() {
            lines.push(format!("task           {} at {} %", word(&own["task"]["job"]), word(&own["task"]["progress"])));
        }
    }
    if !network["error"].is_null() {
        lines.push(format!("network        {}", word(&network["error"])));
    }
    for oracle in value["oracles"].as_array().into_iter().flatten() {
        let of_own = own["oracles"].as_array().into_iter().flatten().find(|link| link["key"] == oracle["key"]);
        let acknowledged = of_own.map_or("-".to_owned(), |link| word(&link["acknowledged"]));
        let told = match &oracle["error"] {
            Value::Null => {
                format!("counted {} of {}", word(&oracle["view"]["counted"]), word(&oracle["view"]["buckets"]))
            }
            error => format!("no answer ({})", word(error)),
        };
        let refused = oracle["view"]["refused"].as_object().filter(|refused| !refused.is_empty());
        let refused = refused.map_or(String::new(), |refused| format!(", refused {}", Value::Object(refused.clone())));
        lines.push(format!(
            "oracle         {}: {told}{refused}; acknowledged to us {acknowledged}",
            word(&oracle["url"])
        ));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_view_stands_beside_the_networks() {
        let value = json!({
            "node_key": "KEY", "running": true,
            "own": {
                "epoch": 7, "safe": 3, "buckets": 6, "lived": 4, "task": {"job": "JOB", "progress": 40},
                "oracles": [{"key": "A", "acknowledged": 4}],
            },
            "node": {"node": "NODE", "status": "active"},
            "network": {"epoch": 7, "buckets": 6, "threshold": 2, "set_version": 1},
            "oracles": [
                {"key": "A", "url": "http://a", "view": {"counted": 3, "buckets": 6, "refused": {"stale_seq": 1}}},
                {"key": "B", "url": "http://b", "error": "refused"},
            ],
        });
        let expected = "\
node address   KEY
node account   NODE active
agent          running
own view       epoch 7: 3 of 6 buckets safe, 4 lived through
task           JOB at 40 %
oracle         http://a: counted 3 of 6, refused {\"stale_seq\":1}; acknowledged to us 4
oracle         http://b: no answer (refused); acknowledged to us -
";
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn what_cannot_be_had_is_said_and_an_old_view_is_marked() {
        let value = json!({
            "node_key": "KEY", "running": false, "own": {"epoch": 6, "safe": 1, "buckets": 6, "lived": 2},
            "node": {"error": "the agent does without RPC"}, "network": {"epoch": 7}, "oracles": [],
        });
        let said = text(&value);
        assert!(said.contains("node account   - the agent does without RPC\nagent          not running\n"), "{said}");
        assert!(said.contains("1 of 6 buckets safe, 2 lived through (as last written)"), "{said}");
        let value = json!({"node_key": "KEY", "running": false, "own": null, "node": {"status": "unbound"},
            "network": {"error": "no oracle is named"}, "oracles": []});
        let said = text(&value);
        assert!(said.ends_with("network        no oracle is named\n") && !said.contains("own view"), "{said}");
    }
}
