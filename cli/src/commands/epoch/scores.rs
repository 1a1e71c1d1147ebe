//! A settler's scores: signed, and given to the oracles.

use std::{collections::BTreeMap, path::Path, time::Duration};

use muster_protocol::{
    scores::{Score, Scores},
    units::EpochIndex,
    wire::{Domain, Frame},
};
use solana_sdk::signature::{Keypair, Signer};

use super::{POLL_EVERY, settle::Subject};
use crate::{
    context::Context,
    error::{CliError, usage},
    files::read_file,
    oracles::Oracle,
    output::Progress,
};

/// The most bytes of a score file as JSON: a million tenures.
const SCORES_LEN_MAX: u64 = 128 * 1024 * 1024;

/// Signs the scores and gives them to every oracle; one that takes them suffices, they spread.
pub async fn post_scores(
    context: &Context,
    subject: &Subject,
    settler: &Keypair,
    path: &Path,
    oracles: &[Oracle],
    timeout: Duration,
) -> Result<[u8; 32], CliError> {
    let wrong = |why: String| usage(format!("{}: {why}", path.display()));
    let text = read_file(path, SCORES_LEN_MAX)?;
    let named: BTreeMap<String, u16> = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("an object of tenures and basis points is needed: {error}")))?;
    let tenures = context.chain.tenures_of(&subject.address).await?;
    let mut entries = Vec::with_capacity(named.len());
    for (name, score_bps) in named {
        let index = tenures
            .iter()
            .find(|(address, _)| address.to_string() == name)
            .map(|(_, tenure)| tenure.leaf_index)
            .ok_or_else(|| wrong(format!("{name} is no tenure of this project")))?;
        entries.push(Score { index, score_bps });
    }
    entries.sort_by_key(|score| score.index);
    let scores = Scores {
        project: subject.address.to_bytes(),
        epoch: EpochIndex::new(subject.epoch),
        settler: settler.pubkey().to_bytes(),
        entries,
    };
    let domain = Domain::new(&subject.genesis_hash, muster_client::muster_network::ID.to_bytes());
    let mut file = scores.signing_bytes(&domain).map_err(|error| wrong(error.to_string()))?;
    let signature = settler.sign_message(&file);
    file.extend_from_slice(signature.as_ref());

    let target = format!("/api/v1/projects/{}/epochs/{}/scores", subject.address, subject.epoch);
    let mut progress = Progress::default();
    let started = tokio::time::Instant::now();
    loop {
        let mut refused = Vec::new();
        for oracle in oracles {
            if let Err(error) = oracle.put(&target, "application/octet-stream", file.clone()).await {
                refused.push(error);
            }
        }
        for error in &refused {
            tracing::debug!("{error}");
        }
        if refused.len() < oracles.len() {
            return Ok(Scores::hash(&file));
        }
        // Nobody took them. A refusal for good is the answer, any other may pass.
        let last = refused.iter().position(|error| !error.is_momentary());
        if last.is_some() || started.elapsed() >= timeout {
            return Err(refused.swap_remove(last.unwrap_or(0)).into());
        }
        progress.say(&format!("no oracle takes the scores of epoch {} yet", subject.epoch));
        tokio::time::sleep(POLL_EVERY).await;
    }
}
