//! Which network the node belongs to: its calendar, its oracles and what separates its frames from other networks'.

use muster_client::{Pubkey, chain::Chain, muster_network};
use muster_protocol::split::threshold;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use serde::Deserialize;

use crate::failure::Failure;
use crate::oracle_api::OracleApi;

/// One oracle of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// Its key.
    pub key: [u8; 32],
    /// Its base URL, without a slash at the end.
    pub url: String,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// What every frame names.
    pub domain: Domain,
    /// The calendar.
    pub schedule: Schedule,
    /// Version of the oracle set.
    pub set_version: u32,
    /// Oracles that must agree.
    pub threshold: u8,
    /// The set.
    pub oracles: Vec<Oracle>,
}

impl Network {
    /// The oracles' keys in the set's order.
    pub fn keys(&self) -> Vec<[u8; 32]> {
        self.oracles.iter().map(|oracle| oracle.key).collect()
    }

    /// Whether a key belongs to the set.
    pub fn has(&self, key: &[u8; 32]) -> bool {
        self.oracles.iter().any(|oracle| oracle.key == *key)
    }

    /// Reads it from the chain.
    pub async fn from_chain(chain: &Chain) -> Result<Self, Failure> {
        let absent = |what: &str| {
            let url = chain.url();
            Failure::Refused(format!("the chain at {url} has no {what} yet; run muster network init first"))
        };
        let network = chain.network().await?.ok_or_else(|| absent("network"))?;
        let set = chain.oracle_set().await?.ok_or_else(|| absent("oracle set"))?;
        let genesis = chain.genesis_hash().await?;
        let oracles =
            set.active().iter().map(|oracle| Oracle { key: oracle.key.to_bytes(), url: base_url(oracle.url()) });
        Ok(Self {
            domain: Domain::new(&genesis, muster_network::ID.to_bytes()),
            schedule: schedule(network.epoch_len.into(), network.bucket_len.into())?,
            set_version: set.set_version,
            threshold: set.threshold,
            oracles: oracles.collect(),
        })
    }

    /// Reads it from the first of `urls` that answers: for agents without RPC, who thereby trust that oracle.
    pub async fn from_oracles(api: &OracleApi, urls: &[String]) -> Result<Self, Failure> {
        let mut why = "no oracle is named; give --rpc-url or --oracle".to_owned();
        for url in urls {
            match api.json::<SetAnswer>(url, "/api/v1/oracles").await {
                Ok(answer) => return answer.into_network(url),
                Err(error) => why = format!("the oracle at {url} does not tell its set: {error}"),
            }
        }
        Err(Failure::Network(why))
    }

    /// From the chain when there is one, else from the oracles that are named.
    pub async fn load(chain: Option<&Chain>, api: &OracleApi, urls: &[String]) -> Result<Self, Failure> {
        let Some(chain) = chain else {
            return Self::from_oracles(api, urls).await;
        };
        match Self::from_chain(chain).await {
            Err(Failure::Network(why)) if !urls.is_empty() => {
                tracing::warn!(%why, "the chain does not answer, the oracle set comes from an oracle");
                Self::from_oracles(api, urls).await
            }
            other => other,
        }
    }
}

/// Answer of `GET /api/v1/oracles`.
#[derive(Debug, Deserialize)]
struct SetAnswer {
    genesis_hash: String,
    program: String,
    set_version: u32,
    threshold: u8,
    epoch_len: u64,
    bucket_len: u64,
    oracles: Vec<OracleAnswer>,
}

#[derive(Debug, Deserialize)]
struct OracleAnswer {
    key: String,
    url: String,
}

impl SetAnswer {
    fn into_network(self, url: &str) -> Result<Network, Failure> {
        let wrong =
            |what: &str| Failure::Network(format!("the oracle at {url} tells a set whose {what} cannot be read"));
        let genesis = key_bytes(&self.genesis_hash).ok_or_else(|| wrong("genesis hash"))?;
        let program = key_bytes(&self.program).ok_or_else(|| wrong("program"))?;
        if program != muster_network::ID.to_bytes() {
            return Err(Failure::Refused(format!(
                "the oracle at {url} serves the network program {}, this agent knows {}",
                self.program,
                muster_network::ID
            )));
        }
        let mut oracles = Vec::with_capacity(self.oracles.len());
        for oracle in &self.oracles {
            let key = key_bytes(&oracle.key).ok_or_else(|| wrong("oracle key"))?;
            oracles.push(Oracle { key, url: base_url(&oracle.url) });
        }
        if oracles.is_empty() || oracles.len() > 16 || self.threshold != threshold(oracles.len() as u8) {
            return Err(wrong("threshold"));
        }
        Ok(Network {
            domain: Domain::new(&genesis, program),
            schedule: schedule(self.epoch_len, self.bucket_len)?,
            set_version: self.set_version,
            threshold: self.threshold,
            oracles,
        })
    }
}

fn schedule(epoch_len: u64, bucket_len: u64) -> Result<Schedule, Failure> {
    Schedule::new(epoch_len, bucket_len).map_err(|error| Failure::Refused(error.to_string()))
}

/// 32 bytes in base58, or in hex.
pub fn key_bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() == 64 && hex::decode_to_slice(text, &mut bytes).is_ok() {
        return Some(bytes);
    }
    text.parse::<Pubkey>().ok().map(|key| key.to_bytes())
}

/// A base URL without slashes at its end.
pub fn base_url(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

/// Whether a URL points to this machine.
pub fn is_loopback(url: &reqwest::Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}
