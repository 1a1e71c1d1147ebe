//! What a threshold of oracles computed of an epoch: waited for, fetched, checked against the chain.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use muster_client::{
    Pubkey, addresses, members,
    muster_network::state::{Network, OracleSet, Project, ViewSet},
};
use muster_protocol::{
    dataset::{Dataset, Header, OracleView},
    scores::NO_SCORES,
    units::{EpochIndex, Schedule},
};

use super::{POLL_EVERY, settle::Subject};
use crate::{
    context::{Context, wait_for},
    error::{CliError, failed, usage},
    oracles::{EpochState, Oracle},
    output::Progress,
};

/// What a threshold of oracles has computed, and one of them that has it.
pub struct Agreed {
    oracles: Vec<Oracle>,
    dataset_hash: String,
    points_root: String,
}

/// Waits until a threshold of the oracles reports the same dataset over our scores.
pub async fn wait_until_ready(
    subject: &Subject,
    set: &OracleSet,
    oracles: &[Oracle],
    scores_hash: &[u8; 32],
    timeout: Duration,
) -> Result<Agreed, CliError> {
    let threshold = usize::from(set.threshold);
    if oracles.len() < threshold {
        return Err(usage(format!(
            "{} oracles are named, but {threshold} must agree: name more by --oracle",
            oracles.len()
        )));
    }
    let path = format!("/api/v1/projects/{}/epochs/{}", subject.address, subject.epoch);
    let scores = hex::encode(scores_hash);
    let progress = RefCell::new(Progress::default());
    let what = format!("{threshold} oracles to agree on epoch {}", subject.epoch);
    wait_for(&what, timeout, POLL_EVERY, || async {
        let mut groups: BTreeMap<(String, String), Vec<Oracle>> = BTreeMap::new();
        let mut said = Vec::new();
        for oracle in oracles {
            let state = match oracle.get::<EpochState>(&path).await {
                Ok(Some(state)) => state,
                Ok(None) => {
                    said.push("unknown".to_owned());
                    continue;
                }
                Err(error) => {
                    tracing::debug!(%error, "an oracle did not answer");
                    said.push("unreachable".to_owned());
                    continue;
                }
            };
            let why = state.why.as_deref().filter(|why| !why.is_empty());
            said.push(why.map_or_else(|| state.state.clone(), |why| format!("{} ({why})", state.state)));
            let same_scores = match state.scores_hash.as_deref() {
                None | Some("") => *scores_hash == NO_SCORES,
                Some(hash) => hash == scores,
            };
            if let ("ready", true, Some(dataset), Some(root)) =
                (state.state.as_str(), same_scores, state.dataset_hash, state.points_root)
            {
                groups.entry((dataset, root)).or_default().push(oracle.clone());
            }
        }
        progress.borrow_mut().say(&format!("epoch {}: {}", subject.epoch, said.join(", ")));
        let agreed = groups.into_iter().find(|(_, oracles)| oracles.len() >= threshold);
        Ok(agreed.map(|((dataset_hash, points_root), oracles)| Agreed { oracles, dataset_hash, points_root }))
    })
    .await
}

/// The dataset's bytes from any of those that agree; decoding recomputes every row and the total.
pub async fn download(subject: &Subject, agreed: &Agreed) -> Result<Dataset, CliError> {
    let path = format!("/api/v1/projects/{}/epochs/{}/dataset", subject.address, subject.epoch);
    let mut last = failed("no oracle has the dataset");
    for oracle in &agreed.oracles {
        let bytes = match oracle.get_bytes(&path).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        if hex::encode(muster_protocol::hashv(&[&bytes])) != agreed.dataset_hash {
            last = failed(format!("the dataset of {} has another hash than it reports", oracle.url));
            continue;
        }
        match Dataset::decode(&bytes) {
            Ok(dataset) => return Ok(dataset),
            Err(error) => last = failed(format!("the dataset of {} is wrong: {error}", oracle.url)),
        }
    }
    Err(last)
}

/// Checks against the chain what the dataset says about itself, and the root that the oracles computed from it.
pub async fn verify(
    context: &Context,
    subject: &Subject,
    dataset: &Dataset,
    agreed: &Agreed,
    scores_hash: &[u8; 32],
) -> Result<(), CliError> {
    let views: ViewSet = context.expect("the epoch's view set", &addresses::view_set(subject.epoch)).await?;
    let header =
        header(subject.genesis_hash, &subject.address, &subject.project, &subject.network, &views, *scores_hash)?;
    if dataset.header != header {
        return Err(failed("the oracles' dataset was computed from something else than the chain says now"));
    }
    let followed = context.chain.history(&subject.address).await?;
    let listed =
        followed.history().members(&header.schedule, header.epoch).map_err(|error| failed(error.to_string()))?;
    let same = listed.len() == dataset.rows.len()
        && listed.iter().zip(&dataset.rows).all(|(member, row)| {
            (member.index, member.tenure, member.node, member.node_key, member.first_bucket, member.excused)
                == (row.index, row.tenure, row.node, row.node_key, row.first_bucket, row.excused)
        });
    if !same {
        return Err(failed("the oracles' dataset lists other tenures than the chain"));
    }
    let root = dataset.points_root().map_err(|error| failed(error.to_string()))?;
    if hex::encode(root) != agreed.points_root {
        return Err(failed("the points root of the oracles does not follow from their dataset"));
    }
    Ok(())
}

/// The header that an epoch's dataset must have, by the chain.
pub fn header(
    genesis_hash: [u8; 32],
    address: &Pubkey,
    project: &Project,
    network: &Network,
    views: &ViewSet,
    scores_hash: [u8; 32],
) -> Result<Header, CliError> {
    let schedule = Schedule::new(network.epoch_len.into(), network.bucket_len.into())
        .map_err(|error| failed(error.to_string()))?;
    Ok(Header {
        genesis_hash,
        program: muster_client::muster_network::ID.to_bytes(),
        network: addresses::network().to_bytes(),
        project: address.to_bytes(),
        distribution: addresses::distribution(address).to_bytes(),
        epoch: EpochIndex::new(views.epoch),
        schedule,
        set_version: views.set_version,
        threshold: views.threshold,
        oracles: views
            .oracles()
            .iter()
            .zip(&views.view_hashes)
            .map(|(oracle, view_hash)| OracleView { oracle_key: oracle.to_bytes(), view_hash: *view_hash })
            .collect(),
        formula: members::formula_at(project, views.epoch),
        scores_hash,
    })
}
