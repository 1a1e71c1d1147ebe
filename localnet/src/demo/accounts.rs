//! What stands on chain, as raw accounts: both programs' and every token account of the mint.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use muster_client::{
    accounts::{AnyAccount, ChainAccount, decode},
    chain::{Chain, Mint, TokenAccount},
};
use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::pubkey::Pubkey;

/// An account as RPC returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub owner: Pubkey,
    pub lamports: u64,
    pub data: Vec<u8>,
}

/// Accounts by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<Pubkey, Raw>);

/// A token account of the mint.
#[derive(Clone, Debug)]
pub struct Holding {
    pub address: Pubkey,
    pub owner: Pubkey,
    pub amount: u64,
}

impl Accounts {
    /// Every token account of a mint: the token program's accounts, filtered by mint, so none is overlooked.
    pub async fn of_mint(chain: &Chain, mint: &Pubkey) -> Result<Self> {
        let mut accounts = Self::default();
        accounts.add_one(chain, mint).await?;
        let program = accounts.0[mint].owner;
        let filters = json!([{"memcmp": {"offset": 0, "bytes": mint.to_string()}}, {"dataSize": 165}]);
        accounts.add_owned(chain, &program, filters).await?;
        Ok(accounts)
    }

    /// All of it: both programs' accounts, the mint and its token accounts.
    pub async fn all(chain: &Chain, mint: &Pubkey) -> Result<Self> {
        let mut accounts = Self::of_mint(chain, mint).await?;
        for program in [muster_network::ID, muster_jobs::ID] {
            accounts.add_owned(chain, &program, json!([])).await?;
        }
        Ok(accounts)
    }

    async fn add_owned(&mut self, chain: &Chain, program: &Pubkey, filters: Value) -> Result<()> {
        let arguments =
            json!([program.to_string(), {"encoding": "base64", "commitment": "confirmed", "filters": filters}]);
        let found: Vec<Value> = chain
            .retry("list accounts", || chain.rpc().send(RpcRequest::GetProgramAccounts, arguments.clone()))
            .await?;
        for entry in found {
            let address = entry["pubkey"].as_str().unwrap_or_default().parse()?;
            self.0.insert(address, Raw::read(&entry["account"])?);
        }
        Ok(())
    }

    async fn add_one(&mut self, chain: &Chain, address: &Pubkey) -> Result<()> {
        let arguments = json!([address.to_string(), {"encoding": "base64", "commitment": "confirmed"}]);
        let found: Value =
            chain.retry("read an account", || chain.rpc().send(RpcRequest::GetAccountInfo, arguments.clone())).await?;
        self.0.insert(*address, Raw::read(&found["value"])?);
        Ok(())
    }

    /// Every account of a type.
    pub fn of<T: ChainAccount>(&self) -> Vec<(Pubkey, T)> {
        let typed = |(address, raw): (&Pubkey, &Raw)| Some((*address, decode::<T>(&raw.owner, &raw.data).ok()?));
        self.0.iter().filter_map(typed).collect()
    }

    /// The account of a type at an address.
    pub fn get<T: ChainAccount>(&self, address: &Pubkey) -> Result<T> {
        let raw = self.0.get(address).with_context(|| format!("there is no {} at {address}", T::NAME))?;
        Ok(decode::<T>(&raw.owner, &raw.data)?)
    }

    /// Token accounts of the mint.
    pub fn holdings(&self, mint: &Pubkey) -> Vec<Holding> {
        let holding = |(address, raw): (&Pubkey, &Raw)| {
            let account = TokenAccount::decode(&raw.owner, &raw.data)?;
            (account.mint == *mint).then_some(Holding {
                address: *address,
                owner: account.owner,
                amount: account.amount,
            })
        };
        self.0.iter().filter(|(address, _)| *address != mint).filter_map(holding).collect()
    }

    /// Base units of the mint.
    pub fn supply(&self, mint: &Pubkey) -> Result<u64> {
        let raw = self.0.get(mint).context("the mint is not among the accounts")?;
        Ok(Mint::decode(&raw.owner, &raw.data).context("the mint cannot be read")?.supply)
    }

    /// The last event number of every account that numbers events.
    pub fn streams(&self) -> Result<BTreeMap<String, u64>> {
        let mut streams = BTreeMap::new();
        for (address, raw) in &self.0 {
            let seq = match AnyAccount::decode(&raw.owner, &raw.data)? {
                Some(AnyAccount::Network(account)) => account.seq,
                Some(AnyAccount::Project(account)) => account.seq,
                Some(AnyAccount::Distribution(account)) => account.seq,
                Some(AnyAccount::ViewSet(account)) => account.seq,
                Some(AnyAccount::JobsConfig(account)) => account.seq,
                Some(AnyAccount::Job(account)) => account.seq,
                Some(AnyAccount::Bond(account)) => account.seq,
                _ => 0,
            };
            if seq > 0 {
                streams.insert(address.to_string(), seq);
            }
        }
        Ok(streams)
    }

    /// `{accounts: [{address, owner, lamports, data (base64)}]}`.
    pub fn to_json(&self) -> Value {
        let entry = |(address, raw): (&Pubkey, &Raw)| {
            json!({
                "address": address.to_string(),
                "owner": raw.owner.to_string(),
                "lamports": raw.lamports,
                "data": BASE64_STANDARD.encode(&raw.data),
            })
        };
        json!({"accounts": self.0.iter().map(entry).collect::<Vec<_>>()})
    }
}

impl Raw {
    fn read(account: &Value) -> Result<Self> {
        let data = account.pointer("/data/0").and_then(Value::as_str).context("an account came without its data")?;
        Ok(Self {
            owner: account["owner"].as_str().unwrap_or_default().parse()?,
            lamports: account["lamports"].as_u64().unwrap_or_default(),
            data: BASE64_STANDARD.decode(data)?,
        })
    }
}
