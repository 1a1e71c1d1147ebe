//! Transactions as RPC returns them.

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use muster_client::chain::Chain;
use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;

/// One transaction with its message as JSON.
pub async fn fetch(chain: &Chain, signature: &str) -> Result<Value> {
    get(chain, signature, "json").await
}

/// Its length on the wire.
pub async fn wire_bytes(chain: &Chain, signature: &str) -> Result<usize> {
    let found = get(chain, signature, "base64").await?;
    let bytes =
        found.pointer("/transaction/0").and_then(Value::as_str).context("a transaction came without its bytes")?;
    Ok(BASE64_STANDARD.decode(bytes)?.len())
}

async fn get(chain: &Chain, signature: &str, encoding: &str) -> Result<Value> {
    let arguments =
        json!([signature, {"encoding": encoding, "commitment": "confirmed", "maxSupportedTransactionVersion": 0}]);
    let found: Value =
        chain.retry("read a transaction", || chain.rpc().send(RpcRequest::GetTransaction, arguments.clone())).await?;
    if found.is_null() {
        bail!("the chain no longer shows transaction {signature}");
    }
    Ok(found)
}
