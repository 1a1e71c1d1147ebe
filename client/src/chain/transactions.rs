//! Transactions by what they touch: `getSignaturesForAddress`, then `getTransaction` of each.
//!
//! A node's pages run from newest to oldest and their order within a slot is not to be relied on, so they are paged to a
//! slot, taken as a set, and sorted here.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::pubkey::Pubkey;

use super::{Chain, ChainError};
use crate::transactions::{ChainTransaction, InnerGroup, InnerInstruction};

const PAGE: usize = 1_000;

/// A transaction that succeeded, not fetched yet. Ordered by slot, then signature.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Found {
    pub slot: u64,
    /// Base58.
    pub signature: String,
}

/// What an address was touched by.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Ascending, without duplicates.
    pub found: Vec<Found>,
    /// Everything up to and including this slot is listed. Below what was asked for when there was too much for once.
    pub complete_to: u64,
}

/// Which slots to list, and at which commitment.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    pub from: u64,
    /// Included; the node must have reached it.
    pub to: u64,
    pub commitment: CommitmentConfig,
}

impl Chain {
    /// One call with the time-outs and retries of every other.
    async fn call<T: DeserializeOwned>(&self, what: &str, request: RpcRequest, params: Value) -> Result<T, ChainError> {
        self.retry(what, || self.rpc.send(request, params.clone())).await
    }

    /// The newest slot at a commitment.
    pub async fn slot(&self, commitment: CommitmentConfig) -> Result<u64, ChainError> {
        self.call("read the slot", RpcRequest::GetSlot, json!([{"commitment": commitment.commitment}])).await
    }

    /// The successful transactions that touch an address. Keeps about `listed_max` of them, the oldest ones: whole slots,
    /// so that a single slot may hold more.
    pub async fn transactions_of(
        &self,
        address: &Pubkey,
        slots: Slots,
        listed_max: usize,
    ) -> Result<Listing, ChainError> {
        let Slots { from, to, commitment } = slots;
        let mut found: BTreeSet<Found> = BTreeSet::new();
        let mut complete_to = to;
        let mut before: Option<String> = None;
        loop {
            let mut config = json!({"limit": PAGE, "commitment": commitment.commitment, "minContextSlot": to});
            if let Some(before) = &before {
                config["before"] = json!(before);
            }
            let page: Vec<SignatureStatus> = self
                .call(
                    "list an address's transactions",
                    RpcRequest::GetSignaturesForAddress,
                    json!([address.to_string(), config]),
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
            while found.len() > listed_max {
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

    /// A transaction that was listed.
    pub async fn transaction_of(
        &self,
        found: &Found,
        commitment: CommitmentConfig,
    ) -> Result<ChainTransaction, ChainError> {
        let config = json!({
            "encoding": "json", "commitment": commitment.commitment, "maxSupportedTransactionVersion": 1,
        });
        let params = json!([found.signature, config]);
        let answer: Option<TransactionAnswer> =
            self.call("fetch a transaction", RpcRequest::GetTransaction, params).await?;
        let answer = answer.ok_or_else(|| ChainError::Answer {
            what: "fetch a transaction".to_owned(),
            why: format!(
                "it listed transaction {} of slot {} and does not have it: nothing after it is read until it does",
                found.signature, found.slot
            ),
        })?;
        answer.into_transaction(found)
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
    fn into_transaction(self, found: &Found) -> Result<ChainTransaction, ChainError> {
        let broken = |what: &str| ChainError::Answer {
            what: "fetch a transaction".to_owned(),
            why: format!("its answer for transaction {} of slot {} {what}", found.signature, found.slot),
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
