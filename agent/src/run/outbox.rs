//! What this node did: every assignment from its start until every oracle has its result, across restarts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use muster_protocol::Hash;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{Shared, archive};
use crate::core::backoff::delay_ms;
use crate::core::tasks::{Known, Stage};
use crate::data_dir::write_whole;
use crate::failure::Failure;
use crate::network::Oracle;
use crate::oracle_api::{ApiError, Signer, now_ms};

/// After an assignment's lease: oracles that are away longer get the result from their peers.
const DELIVER_AFTER_LEASE_MS: u64 = 3_600_000;
/// Between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// An acknowledged result that the oracle still misses is sent again after this time.
const RESEND_AFTER_MS: u64 = 10_000;

/// An assignment, as its file holds it. Hashes and addresses in hex.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Hash of the assignment's frame.
    pub assignment_hash: String,
    /// The job.
    pub job: String,
    /// The tenure that is to be paid.
    pub tenure: String,
    /// Unix milliseconds.
    pub lease_until_ms: u64,
    /// Unix milliseconds.
    pub started_at_ms: u64,
    /// How far it is.
    pub stage: Stage,
    /// See [`Known::reusable`].
    pub reusable: bool,
    /// The signed result's frame.
    pub result: Option<String>,
    /// Hash of the archive, where one is kept.
    pub archive: Option<String>,
    /// Hash of the log, where one is kept.
    #[serde(default)]
    pub log: Option<String>,
    /// Oracles (base58) that have the result, and since when.
    pub delivered: BTreeMap<String, u64>,
    /// Oracles that have the archive and the log.
    pub uploaded: BTreeMap<String, u64>,
    /// Oracles that refused the result for good, and why.
    pub refused: BTreeMap<String, String>,
    /// One sentence about how it ended.
    pub message: String,
}

/// All of them.
pub struct Outbox {
    folder: PathBuf,
    records: Mutex<BTreeMap<Hash, Record>>,
    changed: Notify,
    closing: AtomicBool,
}

fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

impl Outbox {
    /// Reads what an earlier process left and removes what is older than `keep`.
    pub fn open(folder: PathBuf, archives: &Path, keep: Duration) -> Result<Self, Failure> {
        fs::create_dir_all(&folder).map_err(|error| Failure::disk("making the tasks' folder", error))?;
        remove_old(&folder, keep);
        remove_old(archives, keep);
        let mut records = BTreeMap::new();
        let entries = fs::read_dir(&folder).map_err(|error| Failure::disk("reading the tasks' folder", error))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let read = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
            match read.and_then(|record| Some((hash_of(&record.assignment_hash)?, record))) {
                Some((hash, record)) => {
                    records.insert(hash, record);
                }
                None => tracing::warn!(path = %path.display(), "this task's file cannot be read and is left alone"),
            }
        }
        Ok(Self { folder, records: Mutex::new(records), changed: Notify::new(), closing: AtomicBool::new(false) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Hash, Record>> {
        self.records.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// For [`crate::core::tasks::choose`].
    pub fn known(&self) -> BTreeMap<Hash, Known> {
        let records = self.lock();
        let known = records.iter().filter_map(|(hash, record)| {
            let job = hash_of(&record.job)?;
            Some((*hash, Known { job, stage: record.stage, reusable: record.reusable }))
        });
        known.collect()
    }

    /// One assignment.
    pub fn get(&self, assignment: &Hash) -> Option<Record> {
        self.lock().get(assignment).cloned()
    }

    /// Assignments that an earlier process started and did not finish.
    pub fn cut_short(&self) -> Vec<Record> {
        self.lock().values().filter(|record| record.stage == Stage::Started).cloned().collect()
    }

    /// Keeps an assignment durably. Nothing starts before this succeeded.
    pub fn put(&self, record: Record) -> io::Result<()> {
        let hash =
            hash_of(&record.assignment_hash).ok_or_else(|| io::Error::other("the assignment's hash is not hex"))?;
        write_whole(&self.path(&hash), &serde_json::to_vec(&record)?)?;
        self.lock().insert(hash, record);
        self.changed.notify_one();
        Ok(())
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        self.folder.join(format!("{}.json", hex::encode(hash)))
    }

    fn change(&self, assignment: &Hash, change: impl FnOnce(&mut Record)) {
        let changed = {
            let mut records = self.lock();
            let Some(record) = records.get_mut(assignment) else {
                return;
            };
            change(record);
            record.clone()
        };
        let written = serde_json::to_vec(&changed).map_err(io::Error::from);
        // Only what was delivered is at stake: after a restart it is sent once more.
        if let Err(error) = written.and_then(|bytes| write_whole(&self.path(assignment), &bytes)) {
            tracing::warn!(%error, "a task's file cannot be written");
        }
    }

    /// An oracle lists this assignment without a result: what was acknowledged long ago goes out again.
    pub fn missed_by(&self, assignment: &Hash, oracle: &[u8; 32]) {
        let name = bs58::encode(oracle).into_string();
        let now = now_ms();
        let is_old = |at: &u64| now.saturating_sub(*at) > RESEND_AFTER_MS;
        let lost = self.lock().get(assignment).is_some_and(|record| record.delivered.get(&name).is_some_and(is_old));
        if lost {
            self.change(assignment, |record| {
                record.delivered.remove(&name);
                record.uploaded.remove(&name);
            });
            self.changed.notify_one();
        }
    }

    /// Nothing comes any more: [`Outbox::run`] ends after a last attempt.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Delivers until the outbox is closed.
    pub async fn run(self: Arc<Self>, shared: Arc<Shared>) {
        let mut delays: BTreeMap<(Hash, [u8; 32]), (u32, u64)> = BTreeMap::new();
        while !self.closing.load(Ordering::Relaxed) {
            self.deliver(&shared, &mut delays).await;
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        // A last attempt for what ended just now.
        delays.clear();
        self.deliver(&shared, &mut delays).await;
    }

    async fn deliver(&self, shared: &Shared, delays: &mut BTreeMap<(Hash, [u8; 32]), (u32, u64)>) {
        let now = now_ms();
        let network = shared.network();
        let due: Vec<(Hash, Oracle)> = {
            let records = self.lock();
            let open =
                records.iter().filter(|(_, record)| now < record.lease_until_ms.saturating_add(DELIVER_AFTER_LEASE_MS));
            open.flat_map(|(hash, record)| {
                let wanting = network.oracles.iter().filter(|oracle| is_wanting(record, oracle));
                wanting.map(|oracle| (*hash, oracle.clone())).collect::<Vec<_>>()
            })
            .filter(|(hash, oracle)| delays.get(&(*hash, oracle.key)).is_none_or(|(_, at)| *at <= now))
            .collect()
        };
        let calls = due.iter().map(|(hash, oracle)| self.deliver_one(shared, hash, oracle));
        let results = futures_util::future::join_all(calls).await;
        for ((hash, oracle), result) in due.into_iter().zip(results) {
            let at = (hash, oracle.key);
            match result {
                Ok(()) => {
                    delays.remove(&at);
                }
                Err(error) => {
                    let failures = delays.get(&at).map_or(0, |(failures, _)| *failures) + 1;
                    let wait = delay_ms(failures, 500, 30_000, rand::random())
                        .max(error.retry_after_ms().unwrap_or(0).min(60_000));
                    if failures == 1 {
                        tracing::warn!(oracle = oracle.url, %error, "a result was not taken, trying again");
                    }
                    delays.insert(at, (failures, now_ms() + wait));
                }
            }
        }
    }

    /// The result first, then the archive and the log that it names.
    async fn deliver_one(&self, shared: &Shared, assignment: &Hash, oracle: &Oracle) -> Result<(), ApiError> {
        let Some(record) = self.get(assignment) else {
            return Ok(());
        };
        let name = bs58::encode(oracle.key).into_string();
        if !record.delivered.contains_key(&name) {
            let frame = record.result.as_deref().and_then(|frame| hex::decode(frame).ok()).unwrap_or_default();
            match call(shared, oracle, Method::POST, "/api/v1/results", frame).await {
                Ok(()) => self.change(assignment, |record| {
                    record.delivered.insert(name.clone(), now_ms());
                }),
                Err(error) if is_final(&error) => {
                    tracing::warn!(oracle = oracle.url, %error, "an oracle refused a result");
                    self.change(assignment, |record| {
                        record.refused.insert(name.clone(), error.to_string());
                    });
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let folder = shared.data.archives();
        let named = |hash: &Option<String>| hash.as_deref().and_then(hash_of);
        if let Some(hash) = named(&record.archive) {
            archive::upload(shared, oracle, &archive::path(&folder, &hash), &hash, "archive").await?;
        }
        if let Some(hash) = named(&record.log) {
            archive::upload(shared, oracle, &archive::log_path(&folder, &hash), &hash, "log").await?;
        }
        if has_files(&record) {
            self.change(assignment, |record| {
                record.uploaded.insert(name, now_ms());
            });
        }
        Ok(())
    }
}

fn has_files(record: &Record) -> bool {
    record.archive.is_some() || record.log.is_some()
}

/// The same call may never succeed: the result is malformed, too late, or another one was taken. An oracle that does
/// not know the job or the assignment yet learns of it from its peers.
fn is_final(error: &ApiError) -> bool {
    match error {
        ApiError::Status { status, reason, .. } => {
            let passing = ["unknown_job", "not_assigned", "unknown_node", "rate_limited", "overloaded"];
            let named = passing.iter().any(|name| reason == name);
            (400..500).contains(status) && ![404, 408, 425, 429].contains(status) && !named
        }
        _ => false,
    }
}

fn is_wanting(record: &Record, oracle: &Oracle) -> bool {
    let name = bs58::encode(oracle.key).into_string();
    let has_all = record.delivered.contains_key(&name) && (!has_files(record) || record.uploaded.contains_key(&name));
    record.stage == Stage::Finished && !oracle.url.is_empty() && !record.refused.contains_key(&name) && !has_all
}

/// A signed call on the oracle's own clock.
pub async fn call(shared: &Shared, oracle: &Oracle, method: Method, path: &str, body: Vec<u8>) -> Result<(), ApiError> {
    let domain = shared.domain();
    let signer = signer(shared, &domain, oracle);
    shared.api.signed(&signer, method, &oracle.url, path, body).await.map(|_| ())
}

/// Signs for one oracle, on its clock as far as its answers to heartbeats corrected ours.
pub fn signer<'a>(shared: &'a Shared, domain: &'a muster_protocol::wire::Domain, oracle: &Oracle) -> Signer<'a> {
    let offset = shared.links().get(&oracle.key).map_or(0, |link| link.clock_offset_ms);
    Signer { domain, key: &shared.identity.signing_key, now_ms: now_ms().saturating_add_signed(offset) }
}

fn remove_old(folder: &Path, keep: Duration) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > keep)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "an old task's file cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u8, stage: Stage) -> Record {
        Record {
            assignment_hash: hex::encode([id; 32]),
            job: hex::encode([9; 32]),
            tenure: hex::encode([8; 32]),
            lease_until_ms: 1,
            started_at_ms: 0,
            stage,
            reusable: true,
            result: None,
            archive: None,
            log: None,
            delivered: BTreeMap::new(),
            uploaded: BTreeMap::new(),
            refused: BTreeMap::new(),
            message: String::new(),
        }
    }

    fn open(folder: &Path) -> Outbox {
        Outbox::open(folder.join("tasks"), &folder.join("archives"), Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn assignments_are_known_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path());
        outbox.put(record(1, Stage::Started)).unwrap();
        outbox.put(record(2, Stage::Finished)).unwrap();
        fs::write(folder.path().join("tasks/broken.json"), "{").unwrap();
        let outbox = open(folder.path());
        assert_eq!(outbox.known().len(), 2);
        let cut: Vec<String> = outbox.cut_short().into_iter().map(|record| record.assignment_hash).collect();
        assert_eq!(cut, [hex::encode([1; 32])]);
    }

    #[test]
    fn an_oracle_wants_the_result_and_then_the_archive() {
        let oracle = Oracle { key: [7; 32], url: "http://127.0.0.1:1".into() };
        let name = bs58::encode(oracle.key).into_string();
        let mut one = record(1, Stage::Started);
        assert!(!is_wanting(&one, &oracle));
        one.stage = Stage::Finished;
        assert!(is_wanting(&one, &oracle));
        one.delivered.insert(name.clone(), 1);
        assert!(!is_wanting(&one, &oracle));
        one.archive = Some(hex::encode([3; 32]));
        assert!(is_wanting(&one, &oracle));
        one.uploaded.insert(name.clone(), 1);
        assert!(!is_wanting(&one, &oracle));
        one.uploaded.clear();
        one.refused.insert(name, "too_late".into());
        assert!(!is_wanting(&one, &oracle));
    }

    #[test]
    fn only_what_cannot_change_ends_the_delivery() {
        let status = |status, reason: &str| ApiError::Status { status, reason: reason.into(), retry_after_ms: None };
        assert!(
            is_final(&status(409, "conflict"))
                && is_final(&status(400, "malformed"))
                && is_final(&status(422, "too_late"))
        );
        assert!(!is_final(&status(404, "unknown_job")) && !is_final(&status(422, "not_assigned")));
        assert!(!is_final(&status(503, "overloaded")) && !is_final(&ApiError::Transport("refused".into())));
    }
}
