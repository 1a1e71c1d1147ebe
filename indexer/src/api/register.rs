//! Registering a node: metadata is checked and kept, the chain is asked whether the licence can be bound, and the answer
//! is the bind transaction for the holder's wallet to sign. Nothing here can sign for anybody.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_client::events::hex;
use muster_client::muster_network::BindArgs;
use muster_client::muster_network::state::{KeyMarker, Node, Project, Tenure, node_status};
use muster_client::{Pubkey, addresses, instructions};
use muster_protocol::{canonical_json, hashv};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use solana_sdk::message::Message;
use sqlx::query_scalar;
use utoipa::ToSchema;

use super::{Api, Problem};

const METADATA_BYTES_MAX: usize = 4_096;
const TEXT_LEN_MAX: usize = 128;
const NAME_LEN_MAX: usize = 64;
const MEMORY_MB_MAX: u64 = 1 << 26;
/// Documents that are kept of one licence: anybody may ask for a transaction.
const DOCUMENTS_OF_LICENCE: i64 = 4;
const TIERS: [&str; 3] = ["cpu", "gpu", "hpc"];

/// What a holder wants to bind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The licence's mint.
    licence: String,
    /// The wallet that holds it and will sign.
    holder: String,
    /// The machine's key, which will accept.
    node_key: String,
    /// The wallet whose token account claims pay; the holder when not given.
    payout_owner: Option<String>,
    /// `name`, `os`, `cpu` (texts) and `memory_mb` (number) are required; `gpu` (text or null) and `tier` (`cpu`, `gpu`,
    /// `hpc`) are known; more may be added. At most 4,096 bytes as canonical JSON.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// An unsigned transaction and how long it is good.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    node: String,
    tenure: String,
    tenure_number: u32,
    project: String,
    /// SHA-256 of the metadata's canonical JSON.
    metadata_hash: String,
    /// Base64 of a transaction with one empty signature, the holder's.
    transaction: String,
    blockhash: String,
    /// Block height after which the transaction can no longer land.
    expires_at_block_height: u64,
}

/// Checks a node's metadata and licence; answers with the bind transaction for the holder to sign. The node key accepts
/// afterwards with a transaction of its own.
#[utoipa::path(post, path = "/api/v1/nodes", tag = "nodes", request_body = Registration,
    responses((status = 200, body = Registered), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 502, body = Problem)))]
pub async fn register(
    State(api): State<Api>,
    body: Result<Json<Registration>, JsonRejection>,
) -> Result<Json<Registered>, Problem> {
    let Json(registration) = body?;
    let licence = address("licence", &registration.licence)?;
    let holder = address("holder", &registration.holder)?;
    let node_key = address("node_key", &registration.node_key)?;
    let payout_owner = match &registration.payout_owner {
        Some(owner) => address("payout_owner", owner)?,
        None => holder,
    };
    if node_key == Pubkey::default() || payout_owner == Pubkey::default() || node_key == holder {
        let detail = "the node key must be neither zero nor the holder's wallet, the payout owner not zero";
        return Err(Problem::bad_request("keys", detail));
    }
    let document = document(registration.metadata)?;
    let metadata_hash = hashv(&[document.as_bytes()]);

    let (project_address, project) = project_of(&api, &licence).await?;
    let licence_account = held_licence(&api, &licence, &holder).await?;
    if api.chain.fetch::<KeyMarker>(&addresses::key_marker(&node_key)).await?.is_some() {
        return Err(Problem::conflict("node_key_taken", format!("{node_key} is another node's key: make a new one")));
    }
    let node = addresses::node(&licence);
    let tenure_number = tenure_number(&api, &node, &holder).await?;
    let args = BindArgs { tenure_number, node_key, payout_owner, metadata_hash };
    let instruction =
        instructions::bind(&holder, &project_address, &licence, &licence_account, &project.reward_mint, args);
    let (blockhash, expires_at_block_height) = latest_blockhash(&api).await?;
    let message = Message::new_with_blockhash(&[instruction], Some(&holder), &blockhash);
    // Wire form: one signature, empty, then the message.
    let mut transaction = vec![1u8];
    transaction.extend_from_slice(&[0; 64]);
    transaction.extend_from_slice(&message.serialize());

    keep(&api, &licence, &hex(&metadata_hash), &document).await?;
    Ok(Json(Registered {
        node: node.to_string(),
        tenure: addresses::tenure(&node, tenure_number).to_string(),
        tenure_number,
        project: project_address.to_string(),
        metadata_hash: hex(&metadata_hash),
        transaction: STANDARD.encode(transaction),
        blockhash: blockhash.to_string(),
        expires_at_block_height,
    }))
}

fn address(field: &str, text: &str) -> Result<Pubkey, Problem> {
    text.parse()
        .map_err(|_| Problem::bad_request("address", format!("{field} {text:?} is no address: 32 bytes in base58")))
}

/// The metadata's canonical JSON.
fn document(metadata: Map<String, Value>) -> Result<String, Problem> {
    let bad = |detail: String| Problem::bad_request("metadata", detail);
    for (field, len_max) in [("name", NAME_LEN_MAX), ("os", TEXT_LEN_MAX), ("cpu", TEXT_LEN_MAX)] {
        match metadata.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() && text.len() <= len_max => {}
            _ => return Err(bad(format!("metadata.{field} must be a text of 1 to {len_max} bytes"))),
        }
    }
    match metadata.get("memory_mb").and_then(Value::as_u64) {
        Some(1..=MEMORY_MB_MAX) => {}
        _ => return Err(bad(format!("metadata.memory_mb must be a whole number from 1 to {MEMORY_MB_MAX}"))),
    }
    match metadata.get("gpu") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.len() <= TEXT_LEN_MAX => {}
        Some(_) => return Err(bad(format!("metadata.gpu must be null or a text of up to {TEXT_LEN_MAX} bytes"))),
    }
    match metadata.get("tier") {
        None | Some(Value::Null) => {}
        Some(Value::String(tier)) if TIERS.contains(&tier.as_str()) => {}
        Some(_) => return Err(bad(format!("metadata.tier must be one of {}", TIERS.join(", ")))),
    }
    let value = Value::Object(metadata);
    if has_nul(&value) {
        return Err(bad("metadata must not hold NUL characters".to_owned()));
    }
    let text = canonical_json::to_string(&value).map_err(|error| bad(format!("metadata: {error}")))?;
    if text.len() > METADATA_BYTES_MAX {
        return Err(bad(format!("metadata has {} bytes, at most {METADATA_BYTES_MAX} are possible", text.len())));
    }
    Ok(text)
}

/// PostgreSQL could not show it as JSON.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

async fn project_of(api: &Api, licence: &Pubkey) -> Result<(Pubkey, Project), Problem> {
    let project: Option<String> = query_scalar("SELECT project FROM licence WHERE address = $1")
        .bind(licence.to_string())
        .fetch_optional(api.store.pool())
        .await?;
    let missing = || Problem::not_found(format!("{licence} is no licence of a project that is known here"));
    let address: Pubkey = project.and_then(|project| project.parse().ok()).ok_or_else(missing)?;
    let project = api.chain.fetch::<Project>(&address).await?.ok_or_else(missing)?;
    if project.closed {
        return Err(Problem::conflict("project_closed", format!("project {address} is closed")));
    }
    Ok((address, project))
}

/// The holder's token account with the licence, if it can be bound.
async fn held_licence(api: &Api, licence: &Pubkey, holder: &Pubkey) -> Result<Pubkey, Problem> {
    let account = addresses::ata(holder, licence, &addresses::TOKEN_2022_PROGRAM);
    match api.chain.token_account(&account).await? {
        Some(held) if held.frozen => {
            Err(Problem::conflict("already_bound", format!("licence {licence} is frozen: it is bound already")))
        }
        Some(held) if held.amount == 1 && held.owner == *holder && held.mint == *licence => Ok(account),
        _ => {
            let detail = format!("{holder} does not hold licence {licence} in its associated token account {account}");
            Err(Problem::conflict("not_holder", detail))
        }
    }
}

/// The same holder keeps the current tenure, a new one makes the next.
async fn tenure_number(api: &Api, node: &Pubkey, holder: &Pubkey) -> Result<u32, Problem> {
    let Some(bound) = api.chain.fetch::<Node>(node).await? else { return Ok(1) };
    if bound.status != node_status::FREE {
        return Err(Problem::conflict("already_bound", format!("node {node} is bound already")));
    }
    let current = api.chain.fetch::<Tenure>(&bound.tenure).await?;
    let keeps = current.is_some_and(|tenure| tenure.holder == *holder);
    Ok(if keeps { bound.tenure_number } else { bound.tenure_number.saturating_add(1) })
}

async fn latest_blockhash(api: &Api) -> Result<(solana_sdk::hash::Hash, u64), Problem> {
    let commitment = solana_commitment_config::CommitmentConfig::confirmed();
    let rpc = api.chain.rpc();
    Ok(api.chain.retry("read the latest blockhash", || rpc.get_latest_blockhash_with_commitment(commitment)).await?)
}

/// Keeps the newest few documents of a licence, and the one that its node names.
async fn keep(api: &Api, licence: &Pubkey, hash: &str, document: &str) -> Result<(), Problem> {
    let licence = licence.to_string();
    let mut transaction = api.store.pool().begin().await?;
    sqlx::query(
        "INSERT INTO node_metadata (hash, licence, document) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO UPDATE SET licence = EXCLUDED.licence, number = DEFAULT",
    )
    .bind(hash)
    .bind(&licence)
    .bind(document)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "DELETE FROM node_metadata m WHERE m.licence = $1 AND NOT EXISTS (SELECT FROM node n WHERE n.metadata_hash = m.hash) \
         AND m.number NOT IN (SELECT number FROM node_metadata WHERE licence = $1 ORDER BY number DESC LIMIT $2)",
    )
    .bind(&licence)
    .bind(DOCUMENTS_OF_LICENCE)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(change: impl FnOnce(&mut Map<String, Value>)) -> Result<String, String> {
        let Value::Object(mut fields) = json!({"name": "n", "os": "linux", "cpu": "x86", "memory_mb": 1024}) else {
            return Err("no object".to_owned());
        };
        change(&mut fields);
        document(fields).map_err(|problem| problem.detail)
    }

    #[test]
    fn metadata_becomes_canonical_json() {
        assert_eq!(metadata(|_| {}).unwrap(), r#"{"cpu":"x86","memory_mb":1024,"name":"n","os":"linux"}"#);
        assert!(metadata(|m| drop(m.insert("tier".into(), json!("gpu")))).is_ok());
        assert!(metadata(|m| drop(m.insert("disks".into(), json!([1, 2])))).is_ok());
    }

    #[test]
    fn metadata_that_lacks_something_or_is_too_large_is_refused() {
        for field in ["name", "os", "cpu", "memory_mb"] {
            let why = metadata(|m| drop(m.remove(field))).unwrap_err();
            assert!(why.contains(field), "{why}");
        }
        assert!(metadata(|m| drop(m.insert("memory_mb".into(), json!(-1)))).is_err());
        assert!(metadata(|m| drop(m.insert("tier".into(), json!("huge")))).is_err());
        assert!(metadata(|m| drop(m.insert("note".into(), json!("x".repeat(5000))))).is_err());
        assert!(metadata(|m| drop(m.insert("note".into(), json!("a\0b")))).is_err());
        assert!(metadata(|m| drop(m.insert("big".into(), json!(u64::MAX)))).is_err());
    }
}
