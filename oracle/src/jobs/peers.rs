//! The other oracles: their evidence is fetched and checked as if a stranger had sent it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use muster_protocol::result::Progress;
use muster_protocol::wire::Frame;

use super::core::{Key, Source};
use super::view::{EvidenceFile, base58};
use super::{Evidence, Jobs, TakeError};
use crate::epochs::peers::get;
use crate::registry::OraclePeer;

/// Between two rounds.
const PULL_EVERY: Duration = Duration::from_secs(2);
/// Jobs asked for in one round; the next round goes on with the next.
const JOBS_PER_ROUND: usize = 64;
/// Bytes of one peer's evidence of one job: a descriptor and all frames that can be kept fit.
const EVIDENCE_BYTES_MAX: usize = 4 << 20;
/// Frames of one kind that are looked at in one answer.
const FRAMES_MAX: usize = 2_048;
/// How long a peer may take to note an assignment.
const PUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the peers about open jobs for ever, those without a descriptor first.
pub async fn follow(jobs: Arc<Jobs>) {
    let mut last = 0;
    loop {
        tokio::time::sleep(PULL_EVERY).await;
        let mut wanted: Vec<(bool, u64, Key)> = {
            let core = jobs.core.lock().await;
            let states = core.jobs.values();
            states.map(|state| (state.descriptor.is_some(), state.chain.index, state.chain.job)).collect()
        };
        // Round robin by index; the flag sorts what is missing most to the front.
        wanted.sort_unstable_by_key(|(has, index, _)| (*has, *index <= last, *index));
        wanted.truncate(JOBS_PER_ROUND);
        last = wanted.last().map_or(0, |(_, index, _)| *index);
        for (_, _, job) in wanted {
            pull(&jobs, &job).await;
        }
    }
}

/// Asks all peers about one job, at once.
pub async fn pull(jobs: &Jobs, job: &Key) {
    let peers = jobs.ctx.peers();
    join_all(peers.iter().map(|peer| pull_from(jobs, peer, job))).await;
}

async fn pull_from(jobs: &Jobs, peer: &OraclePeer, job: &Key) {
    let path = format!("/api/v1/jobs/{}/evidence", base58(job));
    let Some(bytes) = get(&jobs.ctx, peer, &path, EVIDENCE_BYTES_MAX).await else {
        return;
    };
    match serde_json::from_slice::<EvidenceFile>(&bytes) {
        Ok(file) => take(jobs, job, &file).await,
        Err(error) => tracing::debug!(peer = %peer.url, %error, "a peer's evidence is unreadable"),
    }
}

/// Takes what is new and good; the rest is the peer's affair.
async fn take(jobs: &Jobs, job: &Key, file: &EvidenceFile) {
    let decode = |frames: &[String]| -> Vec<Vec<u8>> {
        let frames = frames.iter().take(FRAMES_MAX);
        frames.filter_map(|frame| hex::decode(frame).ok()).collect()
    };
    if let Some(descriptor) = &file.descriptor
        && let Ok(bytes) = BASE64_STANDARD.decode(descriptor)
        && bytes.len() <= muster_protocol::job::MAX_LEN
    {
        note(jobs.take(Evidence::Descriptor(job, &bytes)).await, "descriptor");
    }
    for frame in decode(&file.assignments) {
        note(jobs.take(Evidence::Assignment(&frame)).await, "assignment");
    }
    for frame in decode(&file.results) {
        note(jobs.take(Evidence::Result(&frame, Source::Peer)).await, "result");
    }
    for frame in decode(&file.progress) {
        // One that says nothing new is the rule here, not worth its verification.
        if is_news(jobs, job, &frame).await {
            note(jobs.take(Evidence::Progress(&frame, Source::Peer)).await, "progress");
        }
    }
}

async fn is_news(jobs: &Jobs, job: &Key, frame: &[u8]) -> bool {
    let Ok((body, _)) = Progress::decode(&jobs.ctx.domain, frame) else {
        return false;
    };
    let core = jobs.core.lock().await;
    let assigned = core.jobs.get(job).and_then(|state| state.assignments.get(&body.assignment_hash));
    let report = assigned.and_then(|assigned| assigned.reports.get(&body.node_key));
    let Some((newest, first)) = report.and_then(|report| report.progress.as_ref().zip(report.first_progress.as_ref()))
    else {
        return true;
    };
    newest.body.seq < body.seq || body.at_ms < first.body.at_ms
}

fn note<T>(taken: Result<T, TakeError>, what: &'static str) {
    match taken {
        Ok(_) => {}
        Err(TakeError::Refused(why)) => tracing::debug!(what, %why, "a peer's evidence was refused"),
        Err(TakeError::Store(error)) => tracing::error!(what, %error, "evidence could not be kept"),
    }
}

/// Tells the peers about an assignment, so that the nodes' results are welcome everywhere; who misses it pulls it.
pub async fn push_assignment(jobs: &Jobs, frame: &[u8]) {
    let peers = jobs.ctx.peers();
    let sends = peers.iter().map(|peer| async move {
        let url = format!("{}/api/v1/assignments", peer.url);
        let request = jobs.ctx.http.post(&url).timeout(PUSH_TIMEOUT);
        let request = request.header("content-type", "application/octet-stream").body(frame.to_vec());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::debug!(%url, status = answer.status().as_u16(), "a peer refused an assignment"),
            Err(error) => tracing::debug!(%url, %error, "a peer was not told of an assignment"),
        }
    });
    join_all(sends).await;
}
