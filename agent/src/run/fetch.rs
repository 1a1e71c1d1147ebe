//! A task's inputs: fetched by https, bounded, and believed only by their hash.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use muster_client::shell::failure::sentence;
use muster_protocol::job::{Input, JobDescriptor};
use muster_protocol::{canonical_json, hashv};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

use crate::container::InputFile;
use crate::core::address::is_public;
use crate::network::is_loopback;

/// All inputs of a task together.
const FETCH_WITHIN: Duration = Duration::from_secs(900);
/// Redirects of one input.
const REDIRECTS_MAX: usize = 5;

/// Why a task has no inputs.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The descriptor is wrong: no node can do it.
    #[error("{0}")]
    Job(String),
    /// This node could not; another may.
    #[error("{0}")]
    Node(String),
}

/// What an input may be fetched by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// All inputs together.
    pub bytes_max: u64,
    /// Plain http from this machine, and https from any address: for a network that itself runs on loopback. Elsewhere
    /// a job could read the operator's local services.
    pub loopback: bool,
}

/// `/input/config.json` and the declared inputs.
pub async fn inputs(descriptor: &JobDescriptor, rules: Rules) -> Result<Vec<InputFile>, FetchError> {
    let config = serde_json::Value::Object(descriptor.config.clone());
    let config = canonical_json::to_string(&config).map_err(|error| FetchError::Job(error.to_string()))?;
    let mut files = vec![InputFile { path: "config.json".into(), bytes: config.into_bytes() }];
    if descriptor.inputs.is_empty() {
        return Ok(files);
    }
    let client = client(rules).map_err(|error| FetchError::Node(format!("no HTTP client: {error}")))?;
    let all = async {
        let mut room = rules.bytes_max;
        for input in &descriptor.inputs {
            let path = input_path(input)?;
            let bytes = fetch(&client, input, rules, room).await?;
            room -= bytes.len() as u64;
            files.push(InputFile { path, bytes });
        }
        Ok(())
    };
    match tokio::time::timeout(FETCH_WITHIN, all).await {
        Ok(result) => result.map(|()| files),
        Err(_) => Err(FetchError::Node(format!("the inputs did not arrive within {} s", FETCH_WITHIN.as_secs()))),
    }
}

fn client(rules: Rules) -> reqwest::Result<Client> {
    let policy = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if may_fetch(attempt.url(), rules) {
            attempt.follow()
        } else {
            attempt.error("a redirect to an address that is not allowed")
        }
    });
    let builder = Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .redirect(policy)
        .user_agent(concat!("muster-agent/", env!("CARGO_PKG_VERSION")));
    match rules.loopback {
        true => builder.build(),
        // A proxy would resolve the names itself, unchecked.
        false => builder.dns_resolver(Arc::new(PublicNames)).no_proxy().build(),
    }
}

/// Resolves names and gives only what may be connected to: the connection goes to the addresses that were checked, so
/// that a name cannot mean another machine a moment later.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(checked(name.as_str(), found)?.into_iter()) as Addrs)
        })
    }
}

/// A name with one address that is not public is refused as a whole: nobody's honest name has one.
fn checked(name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, InnerAddress> {
    match found.iter().find(|address| !is_public(address.ip())) {
        Some(address) => {
            // The address stays here: the submitter reads the error, and must not learn this network's inside.
            tracing::warn!(name, address = %address.ip(), "a job names an input of an inner address");
            Err(InnerAddress { name: name.to_owned() })
        }
        None => Ok(found),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{name} leads to an address that is not of the public internet")]
struct InnerAddress {
    name: String,
}

fn may_fetch(url: &Url, rules: Rules) -> bool {
    match (url.scheme(), is_loopback(url)) {
        ("https" | "http", true) => rules.loopback,
        // A name is checked when it is resolved, an address is never resolved.
        ("https", false) => rules.loopback || literal(url).is_none_or(is_public),
        _ => false,
    }
}

/// The address that a URL names instead of a host.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Relative to `/input`.
fn input_path(input: &Input) -> Result<String, FetchError> {
    let inside = input.path.strip_prefix("/input/");
    inside.map(str::to_owned).ok_or_else(|| {
        FetchError::Job(format!("the input path {:?} is not below /input, where inputs are found", input.path))
    })
}

async fn fetch(client: &Client, input: &Input, rules: Rules, room: u64) -> Result<Vec<u8>, FetchError> {
    let shown: String = input.url.chars().take(120).collect();
    let failed = |why: String| FetchError::Node(format!("the input {shown} was not to be had: {why}"));
    let url = Url::parse(&input.url)
        .map_err(|error| FetchError::Job(format!("the input {shown} has no readable address: {error}")))?;
    if !may_fetch(&url, rules) {
        return Err(failed("this agent fetches inputs by https, from public addresses".into()));
    }
    let response = client.get(url).send().await.and_then(|response| response.error_for_status());
    let mut response = response.map_err(|error| failed(sentence(&error.without_url())))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(sentence(&error.without_url())))? {
        if (bytes.len() + chunk.len()) as u64 > room {
            return Err(failed(format!("all inputs together have more than {} bytes", rules.bytes_max)));
        }
        bytes.extend_from_slice(&chunk);
    }
    let found = hex::encode(hashv(&[&bytes]));
    if found != input.sha256 {
        return Err(failed(format!("its hash is {found}, not {}", input.sha256)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_fetched_and_loopback_only_on_a_loopback_network() {
        let may = |url: &str, loopback| may_fetch(&Url::parse(url).unwrap(), Rules { bytes_max: 1, loopback });
        assert!(may("https://example.org/x", false));
        assert!(!may("http://example.org/x", true));
        assert!(!may("file:///etc/passwd", true));
        for url in ["http://127.0.0.1:1/x", "https://localhost/x", "http://[::1]:1/x"] {
            assert!(may(url, true) && !may(url, false), "{url}");
        }
    }

    #[test]
    fn an_inner_address_is_fetched_only_on_a_loopback_network() {
        let may = |url: &str, loopback| may_fetch(&Url::parse(url).unwrap(), Rules { bytes_max: 1, loopback });
        for url in ["https://10.0.0.1/x", "https://169.254.169.254/x", "https://[fd00::1]/x", "https://2130706434/x"] {
            assert!(may(url, true) && !may(url, false), "{url}");
        }
        assert!(may("https://1.1.1.1/x", false) && may("https://[2606:4700::1111]/x", false));
    }

    #[test]
    fn a_name_is_refused_when_any_of_its_addresses_is_not_public() {
        let addresses = |all: &[&str]| all.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect::<Vec<_>>();
        let public = addresses(&["1.1.1.1", "2606:4700::1111"]);
        assert_eq!(checked("good.example", public.clone()).unwrap(), public);
        let refused = checked("rebind.example", addresses(&["1.1.1.1", "192.168.0.1"])).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("rebind.example leads to an address") && !said.contains("192.168"), "{said}");
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/x", listener.local_addr().unwrap().port());
        let client = client(Rules { bytes_max: 1, loopback: false }).unwrap();
        let error = client.get(url).send().await.unwrap_err();
        let said = sentence(&error.without_url());
        assert!(said.contains("an address that is not of the public internet"), "{said}");
        let nobody = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
        assert!(nobody.is_err(), "it connected");
    }

    #[test]
    fn an_input_lies_below_the_input_folder() {
        let input = |path: &str| Input { url: String::new(), sha256: String::new(), path: path.into() };
        assert_eq!(input_path(&input("/input/a/b")).unwrap(), "a/b");
        assert!(matches!(input_path(&input("/etc/passwd")), Err(FetchError::Job(_))));
    }
}
