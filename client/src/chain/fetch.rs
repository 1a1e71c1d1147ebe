use muster_jobs::state::{Bond, Job, JobsConfig};
use muster_network::state::{Distribution, Epoch, Network, Node, OracleSet, Project, Tenure, ViewSet};
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    config::{RpcAccountInfoConfig, RpcProgramAccountsConfig},
    filter::{Memcmp, RpcFilterType},
};
use solana_sdk::{account::Account, pubkey::Pubkey};

use super::{Chain, ChainError};
use crate::{
    accounts::{ChainAccount, DISCRIMINATOR_LEN, decode},
    addresses,
};

/// Accounts of one getMultipleAccounts.
const BATCH_MAX: usize = 100;
/// Offset of `unix_timestamp` in the Clock sysvar.
const CLOCK_UNIX_TIMESTAMP_OFFSET: usize = 32;

impl Chain {
    /// Accounts in the order of `addresses`; `None` for each that does not exist.
    pub async fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<Account>>, ChainError> {
        let mut accounts = Vec::with_capacity(addresses.len());
        for batch in addresses.chunks(BATCH_MAX) {
            let answer = self
                .retry("read accounts", || self.rpc.get_multiple_ui_accounts_with_config(batch, self.account_config()))
                .await?
                .value;
            if answer.len() != batch.len() {
                return Err(ChainError::Answer {
                    what: "read accounts".to_owned(),
                    why: format!("{} of {} accounts", answer.len(), batch.len()),
                });
            }
            for account in answer {
                accounts.push(account.map(to_account).transpose()?);
            }
        }
        Ok(accounts)
    }

    /// One account, raw.
    pub async fn account(&self, address: &Pubkey) -> Result<Option<Account>, ChainError> {
        Ok(self.accounts(std::slice::from_ref(address)).await?.remove(0))
    }

    /// One account, typed.
    pub async fn fetch<T: ChainAccount>(&self, address: &Pubkey) -> Result<Option<T>, ChainError> {
        match self.account(address).await? {
            None => Ok(None),
            Some(account) => typed(*address, &account).map(Some),
        }
    }

    /// One account that must exist; `what` is the sentence's subject if it does not.
    pub async fn expect<T: ChainAccount>(&self, what: &str, address: &Pubkey) -> Result<T, ChainError> {
        self.fetch(address).await?.ok_or_else(|| ChainError::Missing { what: what.to_owned(), address: *address })
    }

    /// Every account of a type, ascending by address.
    pub async fn all<T: ChainAccount>(&self) -> Result<Vec<(Pubkey, T)>, ChainError> {
        self.all_where(&[]).await
    }

    /// Every account of a type whose data has each `(offset, bytes)`; offsets count from the account's start, the
    /// discriminator included.
    pub async fn all_where<T: ChainAccount>(&self, filters: &[(usize, &[u8])]) -> Result<Vec<(Pubkey, T)>, ChainError> {
        let mut all = vec![memcmp(0, T::discriminator())];
        all.extend(filters.iter().map(|(offset, bytes)| memcmp(*offset, bytes)));
        let config = RpcProgramAccountsConfig {
            filters: Some(all),
            account_config: self.account_config(),
            with_context: None,
            sort_results: None,
        };
        let what = format!("list the accounts of type {}", T::NAME);
        let found =
            self.retry(&what, || self.rpc.get_program_ui_accounts_with_config(&T::PROGRAM, config.clone())).await?;
        let mut accounts = Vec::with_capacity(found.len());
        for (address, account) in found {
            accounts.push((address, typed(address, &to_account(account)?)?));
        }
        accounts.sort_by_key(|(address, _)| *address);
        Ok(accounts)
    }

    fn account_config(&self) -> RpcAccountInfoConfig {
        RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.commitment),
            data_slice: None,
            min_context_slot: self.min_slot,
        }
    }

    /// The network.
    pub async fn network(&self) -> Result<Option<Network>, ChainError> {
        self.fetch(&addresses::network()).await
    }

    /// The oracle set.
    pub async fn oracle_set(&self) -> Result<Option<OracleSet>, ChainError> {
        self.fetch(&addresses::oracle_set()).await
    }

    /// All projects.
    pub async fn projects(&self) -> Result<Vec<(Pubkey, Project)>, ChainError> {
        self.all().await
    }

    /// All nodes.
    pub async fn nodes(&self) -> Result<Vec<(Pubkey, Node)>, ChainError> {
        self.all().await
    }

    /// The nodes of a project.
    pub async fn nodes_of(&self, project: &Pubkey) -> Result<Vec<(Pubkey, Node)>, ChainError> {
        self.all_where(&[(DISCRIMINATOR_LEN, project.as_ref())]).await
    }

    /// All tenures.
    pub async fn tenures(&self) -> Result<Vec<(Pubkey, Tenure)>, ChainError> {
        self.all().await
    }

    /// The tenures of a project.
    pub async fn tenures_of(&self, project: &Pubkey) -> Result<Vec<(Pubkey, Tenure)>, ChainError> {
        self.all_where(&[(DISCRIMINATOR_LEN + 32, project.as_ref())]).await
    }

    /// The tenures of a holder.
    pub async fn tenures_held_by(&self, holder: &Pubkey) -> Result<Vec<(Pubkey, Tenure)>, ChainError> {
        self.all_where(&[(DISCRIMINATOR_LEN + 96, holder.as_ref())]).await
    }

    /// The settlements of a project.
    pub async fn epochs_of(&self, project: &Pubkey) -> Result<Vec<(Pubkey, Epoch)>, ChainError> {
        self.all_where(&[(DISCRIMINATOR_LEN, project.as_ref())]).await
    }

    /// A project's settlement of an epoch.
    pub async fn epoch(&self, project: &Pubkey, epoch: u64) -> Result<Option<Epoch>, ChainError> {
        self.fetch(&addresses::epoch(project, epoch)).await
    }

    /// The oracles' views of an epoch.
    pub async fn view_set(&self, epoch: u64) -> Result<Option<ViewSet>, ChainError> {
        self.fetch(&addresses::view_set(epoch)).await
    }

    /// A project's distribution.
    pub async fn distribution(&self, project: &Pubkey) -> Result<Option<Distribution>, ChainError> {
        self.fetch(&addresses::distribution(project)).await
    }

    /// The tenure number that a bind of this licence by `holder` must name: the node's current one if it is his and his
    /// alone, else the next.
    pub async fn bind_number(&self, licence: &Pubkey, holder: &Pubkey) -> Result<u32, ChainError> {
        let Some(node) = self.fetch::<Node>(&addresses::node(licence)).await? else {
            return Ok(1);
        };
        let tenure: Tenure = self.expect("the node's tenure", &node.tenure).await?;
        let number = node.tenure_number;
        // A tenure with an operator is not bound again: what it owes him stays his.
        let is_kept = tenure.holder == *holder && tenure.operator == Pubkey::default();
        Ok(if is_kept { number } else { number.saturating_add(1) })
    }

    /// The jobs program's config.
    pub async fn jobs_config(&self) -> Result<Option<JobsConfig>, ChainError> {
        self.fetch(&addresses::jobs_config()).await
    }

    /// All jobs.
    pub async fn jobs(&self) -> Result<Vec<(Pubkey, Job)>, ChainError> {
        self.all().await
    }

    /// One job by its address.
    pub async fn job(&self, address: &Pubkey) -> Result<Option<Job>, ChainError> {
        self.fetch(address).await
    }

    /// All bonds.
    pub async fn bonds(&self) -> Result<Vec<(Pubkey, Bond)>, ChainError> {
        self.all().await
    }

    /// A tenure's bond.
    pub async fn bond(&self, tenure: &Pubkey) -> Result<Option<Bond>, ChainError> {
        self.fetch(&addresses::bond(tenure)).await
    }

    /// The chain's clock: Unix seconds, as programs read it.
    pub async fn clock(&self) -> Result<i64, ChainError> {
        self.clock_and_slot().await.map(|(unix_s, _)| unix_s)
    }

    /// The chain's clock, Unix seconds, and the slot that it was read in.
    pub async fn clock_and_slot(&self) -> Result<(i64, u64), ChainError> {
        let what = "read the clock";
        let read = || {
            self.rpc.get_multiple_ui_accounts_with_config(
                std::slice::from_ref(&addresses::CLOCK_SYSVAR),
                self.account_config(),
            )
        };
        let answer = self.retry(what, read).await?;
        let account = answer.value.into_iter().next().flatten().ok_or_else(|| ChainError::Missing {
            what: "the Clock sysvar".to_owned(),
            address: addresses::CLOCK_SYSVAR,
        })?;
        let account = to_account(account)?;
        let bytes = account.data.get(CLOCK_UNIX_TIMESTAMP_OFFSET..CLOCK_UNIX_TIMESTAMP_OFFSET + 8);
        let bytes: [u8; 8] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| ChainError::Answer {
            what: what.to_owned(),
            why: format!("the Clock sysvar has {} bytes", account.data.len()),
        })?;
        Ok((i64::from_le_bytes(bytes), answer.context.slot))
    }

    /// Block time of the newest finalised block that has one: Unix seconds.
    pub async fn finalized_time(&self) -> Result<i64, ChainError> {
        let slot = self
            .retry("read the finalised slot", || self.rpc.get_slot_with_commitment(CommitmentConfig::finalized()))
            .await?;
        self.retry("read a block's time", || self.rpc.get_block_time(slot)).await
    }

    /// Genesis hash of the cluster.
    pub async fn genesis_hash(&self) -> Result<[u8; 32], ChainError> {
        let hash = self.retry("read the genesis hash", || self.rpc.get_genesis_hash()).await?;
        Ok(hash.to_bytes())
    }

    /// Lamports of an address; 0 if it holds none.
    pub async fn lamports(&self, address: &Pubkey) -> Result<u64, ChainError> {
        Ok(self.account(address).await?.map_or(0, |account| account.lamports))
    }

    /// Lamports that keep an account of `len` bytes of data.
    pub async fn rent_exempt(&self, len: usize) -> Result<u64, ChainError> {
        self.retry("read the rent", || self.rpc.get_minimum_balance_for_rent_exemption(len)).await
    }
}

fn memcmp(offset: usize, bytes: &[u8]) -> RpcFilterType {
    RpcFilterType::Memcmp(Memcmp::new_base58_encoded(offset, bytes))
}

fn typed<T: ChainAccount>(address: Pubkey, account: &Account) -> Result<T, ChainError> {
    decode(&account.owner, &account.data).map_err(|source| ChainError::Decode { address, source: Box::new(source) })
}

fn to_account(account: UiAccount) -> Result<Account, ChainError> {
    account.to_account().ok_or_else(|| ChainError::Answer {
        what: "read accounts".to_owned(),
        why: "an account's data is not base64".to_owned(),
    })
}
