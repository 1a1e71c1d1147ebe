//! What an oracle offers, and what of it the agent believes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use muster_client::Pubkey;
use muster_client::muster_jobs::state::job_state;
use muster_protocol::assignment::Assignment;
use muster_protocol::job::JobDescriptor;
use muster_protocol::wire::Frame;
use muster_protocol::{Hash, hashv};
use serde::Deserialize;

use super::Shared;
use super::work::Task;
use crate::core::tasks::Offer;
use crate::network::Network;
use crate::oracle_api::now_ms;

/// An entry of `GET /api/v1/tasks`.
#[derive(Debug, Deserialize)]
pub struct Offered {
    /// Hex of the signed frame.
    pub assignment: String,
    /// Base64.
    pub descriptor: String,
    /// The oracle has this node's result.
    #[serde(default)]
    pub result_seen: bool,
    /// The submitter wants the job no more.
    #[serde(default)]
    pub cancelled: bool,
}

/// Believes an assignment only if an oracle of the set signed it for this node and the descriptor is the one it names.
pub fn check(shared: &Shared, network: &Network, frame: &[u8], hash: Hash, descriptor: &str) -> Result<Task, String> {
    let assignment = Assignment::decode_verified(&network.domain, frame).map_err(|error| error.to_string())?;
    if !network.has(&assignment.oracle_key) {
        return Err("its signer is no oracle of the set".into());
    }
    let assignee = assignment.assignee(&shared.identity.key).ok_or("it is for other nodes")?;
    let tenure = assignee.tenure;
    if let Some(own) = shared.settings.tenure.as_deref()
        && own != Pubkey::from(tenure).to_string()
    {
        return Err(format!(
            "it pays the tenure {}, this node's is {own}; run muster-agent join again if that is meant",
            Pubkey::from(tenure)
        ));
    }
    if assignment.lease_until_ms <= now_ms() {
        return Err("its lease has ended".into());
    }
    let bytes = BASE64_STANDARD.decode(descriptor).map_err(|error| format!("its descriptor is not base64: {error}"))?;
    if hashv(&[&bytes]) != assignment.descriptor_hash {
        return Err("its descriptor has another hash than it says".into());
    }
    let descriptor = JobDescriptor::decode(&bytes).map_err(|error| error.to_string())?;
    let offer = Offer {
        assignment_hash: hash,
        job: assignment.job,
        priority: descriptor.priority,
        assigned_at_ms: assignment.assigned_at_ms,
        lease_until_ms: assignment.lease_until_ms,
    };
    Ok(Task { offer, assignment, descriptor, tenure })
}

/// The chain's word on the job, for agents that have an RPC node.
pub async fn is_open_on_chain(shared: &Shared, task: &Task) -> Result<(), String> {
    let Some(chain) = &shared.chain else {
        return Ok(());
    };
    let address = Pubkey::from(task.offer.job);
    match chain.job(&address).await {
        Ok(Some(job)) if job.descriptor_hash != task.assignment.descriptor_hash => {
            Err(format!("the job {address} has another descriptor on the chain"))
        }
        Ok(Some(job)) if job.state != job_state::OPEN => Err(format!("the job {address} is not open")),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("the chain has no job {address}")),
        Err(error) => Err(format!("the job {address} cannot be read: {error}")),
    }
}

/// Whether a job was cancelled, as `oracles` of them say: on the chain's word, or where the agent has no RPC node on that
/// of as many oracles as must agree. One oracle alone stops nobody.
pub async fn is_cancelled(shared: &Shared, network: &Network, job: &[u8; 32], oracles: usize) -> bool {
    match &shared.chain {
        Some(chain) => {
            let job = chain.job(&Pubkey::from(*job)).await;
            job.is_ok_and(|job| job.is_some_and(|job| job.cancel_at != 0))
        }
        None => oracles >= usize::from(network.threshold),
    }
}
