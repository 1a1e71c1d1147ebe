//! Nodes that send, remember what was acknowledged, and ask for it again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, Status, push_frame};
use muster_protocol::reason::Reason;
use muster_protocol::sig::SigningKey;
use muster_protocol::wire::Frame;
use serde_json::Value;

use super::fake_chain::{NODES, ORACLE_SEED, domain, node_key, schedule};
use super::process::Oracle;

/// Nodes of one request.
const TOGETHER: u8 = 4;

/// What one node knows.
#[derive(Default)]
struct Known {
    /// Buckets that were acknowledged: epoch and number.
    buckets: BTreeSet<(u64, u32)>,
    /// The last frame that was, its sequence number and its receipt.
    last: Option<(u64, Vec<u8>, Vec<u8>)>,
    /// Sent later, with no answer before the power went.
    unanswered: Vec<u64>,
    seq: u64,
}

/// See the module.
pub struct Load {
    nodes: Vec<Arc<Mutex<Known>>>,
    http: reqwest::Client,
    acknowledged: Arc<Mutex<u64>>,
    confirmed: u64,
}

fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

fn oracle_key() -> [u8; 32] {
    SigningKey::from_bytes(&ORACLE_SEED).verifying_key().to_bytes()
}

async fn receipt_root(http: &reqwest::Client, url: &str) -> Option<[u8; 32]> {
    let tick: Value = http.get(format!("{url}/api/v1/tick")).send().await.ok()?.json().await.ok()?;
    let mut root = [0; 32];
    hex::decode_to_slice(tick["receipt_root"].as_str()?, &mut root).ok()?;
    Some(root)
}

async fn post(http: &reqwest::Client, url: &str, frames: &[Vec<u8>]) -> Option<Answer> {
    let mut body = Vec::new();
    for frame in frames {
        push_frame(&mut body, frame).unwrap();
    }
    let request = http.post(format!("{url}/api/v1/heartbeats")).header("content-type", "application/octet-stream");
    let answer = request.body(body).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let answer = Answer::decode(&answer.bytes().await.ok()?).unwrap();
    let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    answer.verify(&domain(), &oracle_key(), &slices).unwrap();
    Some(answer)
}

fn frame(node: u8, seq: u64, receipt_root: [u8; 32]) -> (Heartbeat, Vec<u8>) {
    let sent_at_ms = now_ms();
    let (epoch, bucket) = schedule().bucket_at_ms(sent_at_ms);
    let key = node_key(node);
    let heartbeat = Heartbeat {
        oracle_key: oracle_key(),
        node_key: key.verifying_key().to_bytes(),
        epoch,
        bucket,
        sent_at_ms,
        seq,
        bitmap_digest: [0; 32],
        receipt_root,
        status: Status::Online,
        cpu_permille: 0,
        memory_permille: 0,
        workloads: Vec::new(),
    };
    let frame = heartbeat.encode_signed(&domain(), &key).unwrap();
    (heartbeat, frame)
}

/// Sends for some nodes until nobody answers any more.
async fn send(http: reqwest::Client, url: String, first: u8, nodes: Vec<Arc<Mutex<Known>>>, count: Arc<Mutex<u64>>) {
    let Some(root) = receipt_root(&http, &url).await else { return };
    loop {
        let mut sent = Vec::new();
        for (node, known) in (first..).zip(&nodes) {
            let mut known = known.lock().unwrap();
            known.seq = (known.seq + 1).max(now_ms());
            let seq = known.seq;
            known.unanswered.push(seq);
            sent.push(frame(node, seq, root));
        }
        let frames: Vec<Vec<u8>> = sent.iter().map(|(_, frame)| frame.clone()).collect();
        let Some(answer) = post(&http, &url, &frames).await else { return };
        for ((known, (heartbeat, frame)), verdict) in nodes.iter().zip(sent).zip(&answer.verdicts) {
            let mut known = known.lock().unwrap();
            known.unanswered.retain(|seq| *seq != heartbeat.seq);
            if let Some(inclusion) = &verdict.inclusion {
                known.buckets.insert((heartbeat.epoch.get(), heartbeat.bucket.get()));
                let receipt = answer.receipts[usize::from(inclusion.receipt_ref)].clone();
                known.last = Some((heartbeat.seq, frame, receipt));
                *count.lock().unwrap() += 1;
            }
        }
        // Within what a node may send for ever.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

impl Load {
    /// Nodes that sent nothing yet.
    pub fn new() -> Self {
        let nodes = (0..NODES).map(|_| Arc::default()).collect();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { nodes, http, acknowledged: Arc::default(), confirmed: 0 }
    }

    /// Frames that were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        *self.acknowledged.lock().unwrap()
    }

    /// Acknowledgements that a restarted oracle gave again, byte for byte.
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Sends for a while; the senders are left to find the oracle dead.
    pub async fn run(&self, oracle: &Oracle<'_>, lasts: Duration) {
        for (number, nodes) in (0u8..).zip(self.nodes.chunks(TOGETHER.into())) {
            let sending = send(
                self.http.clone(),
                oracle.url.clone(),
                number * TOGETHER,
                nodes.to_vec(),
                self.acknowledged.clone(),
            );
            tokio::spawn(sending);
        }
        tokio::time::sleep(lasts).await;
    }

    /// Whether everything that was acknowledged is there.
    pub async fn check(&mut self, oracle: &Oracle<'_>) -> Result<(), String> {
        for node in 0..NODES {
            self.check_node(oracle, node).await?;
        }
        Ok(())
    }

    async fn check_node(&mut self, oracle: &Oracle<'_>, node: u8) -> Result<(), String> {
        let (buckets, last) = {
            let known = self.nodes[usize::from(node)].lock().unwrap();
            (known.buckets.clone(), known.last.clone())
        };
        let mut bitmaps: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for (epoch, bucket) in buckets {
            let bitmap = match bitmaps.entry(epoch) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(self.bitmap(oracle, node, epoch).await?),
            };
            if bitmap[bucket as usize / 8] >> (bucket % 8) & 1 == 0 {
                return Err(format!("node {node}: bucket {bucket} of epoch {epoch} was acknowledged and is gone"));
            }
        }
        let Some((seq, frame, receipt)) = last else { return Ok(()) };
        let answer = post(&self.http, &oracle.url, std::slice::from_ref(&frame)).await;
        let answer = answer.ok_or_else(|| format!("node {node}: no answer"))?;
        let verdict = &answer.verdicts[0];
        let mut known = self.nodes[usize::from(node)].lock().unwrap();
        match verdict.reason {
            Reason::Accepted if answer.receipts == [receipt] => self.confirmed += 1,
            Reason::Accepted => return Err(format!("node {node}: frame {seq} was acknowledged and came as a new one")),
            // A later one had reached the disk when the power went, and its acknowledgement nobody.
            Reason::StaleSeq if known.unanswered.contains(&verdict.last_seq) && verdict.last_seq > seq => {}
            reason => return Err(format!("node {node}: frame {seq} was acknowledged and now is {reason}")),
        }
        known.unanswered.clear();
        known.seq = known.seq.max(verdict.last_seq);
        Ok(())
    }

    async fn bitmap(&self, oracle: &Oracle<'_>, node: u8, epoch: u64) -> Result<Vec<u8>, String> {
        let key = bs58::encode(node_key(node).verifying_key().to_bytes()).into_string();
        let url = format!("{}/api/v1/nodes/{key}/uptime?epoch={epoch}", oracle.url);
        let began = Instant::now();
        let answer = self.http.get(url).send().await.map_err(|error| error.to_string())?;
        let uptime: Value = answer.json().await.map_err(|error| error.to_string())?;
        let bitmap = uptime["bitmap"].as_str().and_then(|text| hex::decode(text).ok());
        bitmap.ok_or_else(|| format!("node {node}: no bitmap after {:?}: {uptime}", began.elapsed()))
    }
}
