//! Polling an RPC node: `getSignaturesForAddress` of both programs, then `getTransaction` of each.
//!
//! The node's pages run from newest to oldest and their order within a slot is not to be relied on, so they are paged
//! to a slot, taken as a set, and sorted here.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use muster_client::chain::{Chain, ChainError};
use muster_client::{Pubkey, muster_jobs, muster_network};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::request::RpcRequest;

use super::{Found, Listing, Source, SourceError};
use crate::decode::{ChainTransaction, InnerGroup, InnerInstruction};

const PAGE: usize = 1_000;
const FETCHES_AT_ONCE: usize = 8;

/// See the module.
pub struct RpcSource {
    chain: Chain,
    commitment: CommitmentConfig,
    /// Most transactions that one listing keeps: the oldest ones.
    listed_max: usize,
}

impl RpcSource {
    /// A listing of more than 100,000 transactions is given in parts, oldest first.
    pub fn new(chain: Chain, commitment: CommitmentConfig) -> Self {
        Self { chain, commitment, listed_max: 100_000 }
    }

    /// One call with the client's time-outs and retries.
    async fn call<T: DeserializeOwned>(&self, what: &str, request: RpcRequest, params: Value) -> Result<T, ChainError> {
        self.chain.retry(what, || self.chain.rpc().send(request, params.clone())).await
    }

    /// One program's successful signatures of `from..=to`, and up to where they are complete.
    async fn list_program(&self, program: &Pubkey, from: u64, to: u64) -> Result<Listing, SourceError> {
        let mut found: BTreeSet<Found> = BTreeSet::new();
        let mut complete_to = to;
        let mut before: Option<String> = None;
        loop {
            let mut config = json!({"limit": PAGE, "commitment": self.commitment.commitment, "minContextSlot": to});
            if let Some(before) = &before {
                config["before"] = json!(before);
            }
            let page: Vec<SignatureStatus> = self
                .call(
                    "list a program's transactions",
                    RpcRequest::GetSignaturesForAddress,
                    json!([program.to_string(), config]),
                )
                .await?;
            let oldest = page.iter().map(|entry| entry.slot).min();
            let more = page.len() == PAGE && oldest.is_some_and(|slot| slot >= from);
            before = page.last().map(|entry| entry.signature.clone());
            for entry in page {
                let counts = entry.err.is_none() && (from..=complete_to).contains(&entry.slot);
                if counts {
                    found.insert(Found { slot: entry.slot, signature: entry.signature });
                }
            }
            // Too much for once: the newest slots wait for the next listing.
            while found.len() > self.listed_max {
                let newest = found.last().map_or(0, |entry| entry.slot);
                let oldest = found.first().map_or(0, |entry| entry.slot);
                if newest == oldest {
                    break;
                }
                found.retain(|entry| entry.slot < newest);
                complete_to = newest - 1;
            }
            if !more {
                return Ok(Listing { found: found.into_iter().collect(), complete_to });
            }
        }
    }

    async fn fetch_one(&self, found: &Found) -> Result<ChainTransaction, SourceError> {
        let config = json!({
            "encoding": "json", "commitment": self.commitment.commitment, "maxSupportedTransactionVersion": 1,
        });
        let params = json!([found.signature, config]);
        let answer: Option<TransactionAnswer> =
            self.call("fetch a transaction", RpcRequest::GetTransaction, params).await?;
        let answer = answer.ok_or_else(|| {
            SourceError(format!(
                "the RPC node listed transaction {} of slot {} and does not have it: nothing after it is indexed until it does",
                found.signature, found.slot
            ))
        })?;
        answer.into_transaction(found)
    }
}

impl From<ChainError> for SourceError {
    fn from(error: ChainError) -> Self {
        Self(error.to_string())
    }
}

impl Source for RpcSource {
    async fn head(&self) -> Result<u64, SourceError> {
        Ok(self.call("read the slot", RpcRequest::GetSlot, json!([{"commitment": self.commitment.commitment}])).await?)
    }

    async fn list(&self, from: u64, to: u64) -> Result<Listing, SourceError> {
        let network = self.list_program(&muster_network::ID, from, to).await?;
        let jobs = self.list_program(&muster_jobs::ID, from, network.complete_to).await?;
        let complete_to = network.complete_to.min(jobs.complete_to);
        let all: BTreeSet<Found> = network.found.into_iter().chain(jobs.found).collect();
        let found = all.into_iter().filter(|entry| entry.slot <= complete_to).collect();
        Ok(Listing { found, complete_to })
    }

    async fn fetch(&self, found: &[Found]) -> Result<Vec<ChainTransaction>, SourceError> {
        let wanted = found.to_vec();
        stream::iter(wanted)
            .map(|entry| async move { self.fetch_one(&entry).await })
            .buffered(FETCHES_AT_ONCE)
            .try_collect()
            .await
    }
}

#[derive(Deserialize)]
struct SignatureStatus {
    signature: String,
    slot: u64,
    err: Option<Value>,
}

/// As `getTransaction` answers with encoding `json`; only what events need.
#[derive(Deserialize)]
struct TransactionAnswer {
    slot: u64,
    meta: Option<Meta>,
    transaction: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    err: Option<Value>,
    inner_instructions: Option<Vec<Group>>,
    loaded_addresses: Option<Loaded>,
}

#[derive(Deserialize)]
struct Loaded {
    writable: Vec<String>,
    readonly: Vec<String>,
}

#[derive(Deserialize)]
struct Group {
    index: u32,
    instructions: Vec<Compiled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compiled {
    program_id_index: usize,
    accounts: Vec<usize>,
    data: String,
}

#[derive(Deserialize)]
struct Body {
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    account_keys: Vec<String>,
}

impl TransactionAnswer {
    fn into_transaction(self, found: &Found) -> Result<ChainTransaction, SourceError> {
        let broken = |what: &str| {
            SourceError(format!(
                "the RPC node's answer for transaction {} of slot {} {what}",
                found.signature, found.slot
            ))
        };
        let meta = self.meta.ok_or_else(|| broken("has no meta data"))?;
        if self.slot != found.slot || meta.err.is_some() {
            return Err(broken("contradicts its own list of signatures"));
        }
        let groups = meta
            .inner_instructions
            .ok_or_else(|| broken("has no inner instructions: the node does not record them, use another"))?;
        let mut keys: Vec<Pubkey> = Vec::new();
        let loaded =
            meta.loaded_addresses.map(|loaded| [loaded.writable, loaded.readonly].concat()).unwrap_or_default();
        for key in self.transaction.message.account_keys.iter().chain(&loaded) {
            keys.push(key.parse().map_err(|_| broken("names something that is no address"))?);
        }
        let mut inner: HashMap<u32, InnerGroup> = HashMap::new();
        for group in groups {
            let entry =
                inner.entry(group.index).or_insert_with(|| InnerGroup { ix: group.index, instructions: Vec::new() });
            for compiled in group.instructions {
                entry
                    .instructions
                    .push(compiled.resolve(&keys).ok_or_else(|| broken("holds an instruction that cannot be read"))?);
            }
        }
        let mut inner: Vec<InnerGroup> = inner.into_values().collect();
        inner.sort_by_key(|group| group.ix);
        Ok(ChainTransaction { signature: found.signature.clone(), slot: found.slot, inner })
    }
}

impl Compiled {
    fn resolve(self, keys: &[Pubkey]) -> Option<InnerInstruction> {
        let program = *keys.get(self.program_id_index)?;
        let accounts = self.accounts.iter().map(|index| keys.get(*index).copied()).collect::<Option<Vec<_>>>()?;
        let data = bs58::decode(&self.data).into_vec().ok()?;
        Some(InnerInstruction { program, accounts, data })
    }
}
