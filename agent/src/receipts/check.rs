use std::collections::BTreeSet;

use muster_protocol::view::View;
use muster_protocol::wire::Frame;
use serde_json::{Value, json};

use super::read_epoch;
use crate::cli::Context;
use crate::failure::Failure;
use crate::network::{Network, Oracle, base_url};
use crate::oracle_api::now_ms;

/// The kept receipts of one oracle against its published view.
struct Checked {
    oracle: String,
    url: String,
    epoch: u64,
    receipts: usize,
    buckets: BTreeSet<u32>,
    invalid: usize,
    missing: Vec<u32>,
}

impl Checked {
    fn json(&self) -> Value {
        json!({
            "oracle": self.oracle, "url": self.url, "epoch": self.epoch, "receipts": self.receipts,
            "buckets": self.buckets.len(), "invalid": self.invalid, "missing": self.missing,
        })
    }

    fn is_good(&self) -> bool {
        self.missing.is_empty() && self.invalid == 0
    }
}

/// Whether every kept receipt of `epoch` (else the last one whose view must be out) has its bit in the view of the
/// oracle at `url` (else of every oracle of the set). Refuses when one is missing.
pub async fn check(context: &Context, url: Option<&str>, epoch: Option<u64>) -> Result<(), Failure> {
    let network = context.network().await?;
    let newest = network.schedule.epoch_of(now_ms() / 1000).get();
    let epoch = epoch.unwrap_or(newest.saturating_sub(1));
    let oracles: Vec<Oracle> = match url {
        Some(url) => vec![named(&network, url)?],
        None => network.oracles.clone(),
    };
    let mut all = Vec::with_capacity(oracles.len());
    for oracle in &oracles {
        all.push(check_one(context, &network, oracle, epoch).await?);
    }
    let good = all.iter().all(Checked::is_good);
    if context.json {
        println!(
            "{}",
            json!({"epoch": epoch, "good": good, "oracles": all.iter().map(Checked::json).collect::<Vec<_>>()})
        );
    } else {
        for one in &all {
            println!("{}", sentence(one));
        }
    }
    if good {
        return Ok(());
    }
    let missing: usize = all.iter().map(|one| one.missing.len() + one.invalid).sum();
    Err(Failure::Refused(format!("{missing} kept receipts have no bit in the oracles' views of epoch {epoch}")))
}

fn named(network: &Network, url: &str) -> Result<Oracle, Failure> {
    let url = base_url(url);
    let found =
        network.oracles.iter().find(|oracle| oracle.url == url || bs58::encode(oracle.key).into_string() == url);
    found.cloned().ok_or_else(|| Failure::Use(format!("no oracle of the set has the URL or key {url}")))
}

async fn check_one(context: &Context, network: &Network, oracle: &Oracle, epoch: u64) -> Result<Checked, Failure> {
    let name = bs58::encode(oracle.key).into_string();
    let node_key = context.identity()?.key;
    let folder = context.data.receipts();
    let kept = read_epoch(&folder, &oracle.key, epoch).map_err(|error| Failure::disk("reading the receipts", error))?;
    let mut checked = Checked {
        oracle: name,
        url: oracle.url.clone(),
        epoch,
        receipts: kept.len(),
        buckets: BTreeSet::new(),
        invalid: 0,
        missing: Vec::new(),
    };
    for one in &kept {
        match one.verify(&network.domain, &oracle.key) {
            Ok(heartbeat) if heartbeat.node_key == node_key && heartbeat.epoch.get() == epoch => {
                checked.buckets.insert(heartbeat.bucket.get());
            }
            _ => checked.invalid += 1,
        }
    }
    let bytes = context.api.view(&oracle.url, epoch).await;
    let bytes =
        bytes.map_err(|error| Failure::Network(format!("the view of {} cannot be fetched: {error}", oracle.url)))?;
    let bytes = bytes.ok_or_else(|| {
        Failure::Network(format!("the oracle at {} has not published its view of epoch {epoch} yet", oracle.url))
    })?;
    let view = View::decode_verified(&network.domain, &bytes)
        .map_err(|error| Failure::Refused(format!("the view of {} is refused: {error}", oracle.url)))?;
    if view.oracle_key != oracle.key || view.epoch.get() != epoch {
        return Err(Failure::Refused(format!("the oracle at {} gave the view of another oracle or epoch", oracle.url)));
    }
    let bitmap = view.node(&node_key).map(|node| &node.bitmap);
    let has = |bucket: u32| bitmap.is_some_and(|bitmap| bitmap.get(muster_protocol::units::Bucket::new(bucket)));
    checked.missing = checked.buckets.iter().copied().filter(|bucket| !has(*bucket)).collect();
    Ok(checked)
}

fn sentence(one: &Checked) -> String {
    let Checked { url, epoch, receipts, buckets, invalid, missing, .. } = one;
    let counted = format!("{url}: {receipts} receipts of {} buckets of epoch {epoch}", buckets.len());
    match (missing.is_empty(), *invalid) {
        (true, 0) => format!("{counted}, every one in the oracle's view"),
        (_, invalid) => {
            format!("{counted}, buckets missing in the oracle's view: {missing:?}, receipts not valid: {invalid}")
        }
    }
}
