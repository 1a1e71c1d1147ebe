//! One task per oracle that sends heartbeats and judges the answers; the core decides what and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, push_frame};
use muster_protocol::reason::Reason;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::wire::Frame;
use tokio::task::AbortHandle;

use super::Shared;
use super::recorder::Recorded;
use crate::core::link::{Action, Link};
use crate::core::plan::Plan;
use crate::network::Oracle;
use crate::oracle_api::{Tick, now_ms};
use crate::receipts::Kept;

/// Keeps one task per oracle of the set, whatever the set becomes.
pub async fn run(shared: Arc<Shared>) {
    let mut network = shared.network.clone();
    let mut links: BTreeMap<([u8; 32], String), AbortHandle> = BTreeMap::new();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let picture = network.borrow_and_update().clone();
        let wanted =
            |key: &([u8; 32], String)| picture.oracles.iter().any(|oracle| oracle.key == key.0 && oracle.url == key.1);
        links.retain(|key, task| {
            let keep = wanted(key);
            if !keep {
                task.abort();
            }
            keep
        });
        for oracle in &picture.oracles {
            let key = (oracle.key, oracle.url.clone());
            if !oracle.url.is_empty() && !links.contains_key(&key) {
                let task = tasks.spawn(follow(shared.clone(), oracle.clone()));
                links.insert(key, task);
            }
        }
        tokio::select! {
            () = shared.stopped() => break,
            changed = network.changed() => if changed.is_err() { break },
        }
    }
    // A heartbeat on its way is given its time: its receipt is worth keeping.
    while tasks.join_next().await.is_some() {}
}

async fn follow(shared: Arc<Shared>, oracle: Oracle) {
    let plan = Plan::new(shared.network().schedule, &shared.identity.key);
    let mut sender = Sender { link: Link::new(plan), shared, oracle };
    while !sender.shared.is_stopping() {
        match sender.link.next(now_ms()) {
            Action::Wait(until) => {
                // Short enough to notice a machine that slept or a clock that was set.
                let wait = until.saturating_sub(now_ms()).clamp(1, 1_000);
                sender.shared.sleep(Duration::from_millis(wait)).await;
            }
            Action::FetchTick => sender.fetch_tick().await,
            Action::Build { epoch, bucket, root, sent_at_ms } => {
                if let Some(frame) = sender.build(epoch, bucket, root, sent_at_ms) {
                    sender.link.sent(epoch, bucket, frame.clone(), now_ms());
                    sender.send(frame, epoch, bucket).await;
                }
            }
            Action::Resend(frame) => match sender.link.pending() {
                Some((epoch, bucket)) => sender.send(frame, epoch, bucket).await,
                None => continue,
            },
        }
    }
}

/// What one oracle's task holds.
struct Sender {
    shared: Arc<Shared>,
    oracle: Oracle,
    link: Link,
}

impl Sender {
    fn build(&mut self, epoch: EpochIndex, bucket: Bucket, root: [u8; 32], sent_at_ms: u64) -> Option<Vec<u8>> {
        let shared = &self.shared;
        let seq = match shared.next_seq() {
            Ok(seq) => seq,
            Err(error) => {
                self.failed(format!("the sequence number cannot be written: {error}"), None);
                return None;
            }
        };
        let digest = {
            let mut book = shared.book();
            book.lived(epoch, bucket);
            book.digest(epoch)
        };
        let (status, workloads) = shared.status();
        let load = shared.load();
        let heartbeat = Heartbeat {
            oracle_key: self.oracle.key,
            node_key: shared.identity.key,
            epoch,
            bucket,
            sent_at_ms,
            seq,
            bitmap_digest: digest,
            receipt_root: root,
            status,
            cpu_permille: load.cpu_permille,
            memory_permille: load.memory_permille,
            workloads,
        };
        match heartbeat.encode_signed(&shared.domain(), &shared.identity.signing_key) {
            Ok(frame) => Some(frame),
            Err(error) => {
                self.failed(format!("the heartbeat cannot be encoded: {error}"), None);
                None
            }
        }
    }

    async fn send(&mut self, frame: Vec<u8>, epoch: EpochIndex, bucket: Bucket) {
        let mut body = Vec::with_capacity(frame.len() + 2);
        if let Err(error) = push_frame(&mut body, &frame) {
            return self.failed(error.to_string(), None);
        }
        let started = Instant::now();
        let bytes = match self.shared.api.heartbeats(&self.oracle.url, body).await {
            Ok(bytes) => bytes,
            Err(error) => return self.failed(error.to_string(), error.retry_after_ms()),
        };
        let latency_ms = started.elapsed().as_millis() as u64;
        let domain = self.shared.domain();
        let answer = match Answer::decode(&bytes) {
            Ok(answer) => answer,
            Err(error) => return self.failed(format!("the answer cannot be read: {error}"), None),
        };
        let receipts = match answer.verify(&domain, &self.oracle.key, &[&frame]) {
            Ok(receipts) => receipts,
            Err(error) => return self.failed(format!("the answer proves nothing: {error}"), None),
        };
        let Some(verdict) = answer.verdicts.first() else {
            return;
        };
        let now = now_ms();
        if let Some(newest) = receipts.iter().max_by_key(|receipt| receipt.batch_no) {
            self.link.root(newest.root, now);
        }
        if let Some(inclusion) = &verdict.inclusion {
            let kept = Kept {
                received_at_ms: verdict.received_at_ms,
                index: inclusion.index,
                path: inclusion.path.clone(),
                receipt: answer.receipts[usize::from(inclusion.receipt_ref)].clone(),
                frame,
            };
            let (oracle, epoch_no) = (self.oracle.key, epoch.get());
            self.shared.keep_receipt(Recorded { oracle, epoch: epoch_no, kept }).await;
            self.shared.book().acknowledged(&oracle, epoch, bucket);
        }
        if verdict.reason == Reason::StaleSeq {
            self.shared.seen_seq(verdict.last_seq);
        }
        if verdict.reason != Reason::Accepted {
            self.refused(verdict.reason, epoch, bucket);
        }
        self.link.verdict(verdict.reason, answer.oracle_time_ms, now, rand::random());
        let (offset, failures) = (self.link.clock_offset_ms(), self.link.failures());
        self.shared.on_link(&self.oracle.key, |state| {
            state.verdict(verdict.reason);
            state.clock_offset_ms = offset;
            state.failures_in_row = failures;
            if verdict.reason == Reason::Accepted {
                state.last_ack_ms = now;
                state.last_latency_ms = latency_ms;
            }
        });
    }

    async fn fetch_tick(&mut self) {
        match self.shared.api.json::<Tick>(&self.oracle.url, "/api/v1/tick").await {
            Ok(tick) => match self.tick_root(&tick) {
                Ok(root) => self.link.root(root, now_ms()),
                Err(why) => self.failed(why, None),
            },
            Err(error) => self.failed(error.to_string(), error.retry_after_ms()),
        }
    }

    fn tick_root(&self, tick: &Tick) -> Result<[u8; 32], String> {
        let bytes = hex::decode(&tick.batch).map_err(|error| format!("the tick's batch is not hex: {error}"))?;
        let receipt = BatchReceipt::decode_verified(&self.shared.domain(), &bytes);
        let receipt = receipt.map_err(|error| format!("the tick's batch is refused: {error}"))?;
        if receipt.oracle_key != self.oracle.key {
            return Err(format!("the oracle at {} signs with another key than the set has for it", self.oracle.url));
        }
        Ok(receipt.root)
    }

    /// Said once until something else happens: the same refusal may come for hours.
    fn refused(&self, reason: Reason, epoch: EpochIndex, bucket: Bucket) {
        let (oracle, reason) = (&self.oracle.url, reason.name());
        let is_new = self.shared.links().get(&self.oracle.key).is_none_or(|link| link.last_error != reason);
        if is_new {
            tracing::warn!(oracle, reason, epoch = epoch.get(), bucket = bucket.get(), "a heartbeat was refused");
        } else {
            tracing::debug!(oracle, reason, epoch = epoch.get(), bucket = bucket.get(), "a heartbeat was refused");
        }
    }

    fn failed(&mut self, why: String, retry_after_ms: Option<u64>) {
        self.link.failed(now_ms(), retry_after_ms, rand::random());
        let failures = self.link.failures();
        // Once when it begins, then only now and then: an oracle may be away for days.
        if failures == 1 || failures.is_multiple_of(60) {
            tracing::warn!(oracle = self.oracle.url, failures, why, "a heartbeat got no acknowledgement, trying again");
        }
        self.shared.on_link(&self.oracle.key, |state| {
            state.failed += 1;
            state.failures_in_row = failures;
            state.last_error = why;
        });
    }
}
