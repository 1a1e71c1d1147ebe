//! A node's agent: the agent's own core decides, the simulated network carries.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use muster_agent::core::link::{Action, Link};
use muster_agent::core::plan::Plan as Times;
use muster_agent::core::safety::Book;
use muster_agent::core::seq::Sequence;
use muster_oracle::ingest::Reply;
use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{Heartbeat, MAX_BODY_LEN, Status, frames, push_frame};
use muster_protocol::reason::Reason;
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::wire::Frame;

use super::exec::{Spawner, lock};
use super::net::serve;
use super::plan::QUEUE_REQUESTS_MAX;
use super::plants::Plant;
use super::truth;
use super::world::{Machine, World, node_place};

/// How long an oracle's answer is waited for.
const TIMEOUT_MS: u64 = 5_000;

/// What an agent knows beside its links.
struct Memory {
    book: Book,
    sequence: Sequence,
}

struct Agent {
    world: Arc<World>,
    spawner: Spawner,
    node: usize,
    oracle: usize,
    generation: u8,
    signing_key: SigningKey,
    key: [u8; 32],
    link: Link,
    memory: Rc<RefCell<Memory>>,
}

/// Runs one node: a link to every oracle, with whatever key it has.
pub fn start(world: &Arc<World>, node: usize, spawner: &Spawner) {
    let book = Book::new(world.plan.schedule().buckets());
    let memory = Rc::new(RefCell::new(Memory { book, sequence: Sequence::after(0) }));
    for oracle in 0..world.plan.oracles.len() {
        let (world, spawner_of_task, memory) = (world.clone(), spawner.clone(), memory.clone());
        spawner.spawn(0, async move {
            loop {
                let generation = world.nodes[node].key_generation.load(Ordering::SeqCst);
                let signing_key = world.plan.nodes[node].signing_key(generation);
                let key = signing_key.verifying_key().to_bytes();
                let link = Link::new(Times::new(world.plan.schedule(), &key));
                let spawner = spawner_of_task.clone();
                let (world, memory) = (world.clone(), memory.clone());
                Agent { world, spawner, node, oracle, generation, signing_key, key, link, memory }.run().await;
            }
        });
    }
}

/// How many messages the core counts in a body: its frames, or one if it is no list of frames.
fn messages_of(body: &[u8]) -> u64 {
    let parsed: Result<Vec<_>, _> = frames(body).collect();
    if body.len() > MAX_BODY_LEN { 1 } else { parsed.map_or(1, |frames| frames.len() as u64) }
}

/// A body's way into an oracle's committer, as the HTTP handler does it, and the reply's way out.
pub async fn deliver(world: &World, machine: &Machine, body: Vec<u8>) -> Option<Reply> {
    let running = lock(&machine.running).clone()?;
    if running.handle.failure().is_some() {
        return None;
    }
    let (traffic, messages, count) = (&running.traffic, messages_of(&body), frames(&body).count().max(1) as u64);
    if machine.place == 0 && world.has_planted(Plant::DropsRequests) && world.chance(0.05) {
        traffic.delivered.fetch_add(messages, Ordering::SeqCst);
        return None;
    }
    let Ok(receiver) = running.handle.heartbeats(running.ctx.now_ms(), body) else {
        traffic.shed.fetch_add(count, Ordering::SeqCst);
        world.tried("S9 a full queue sheds");
        return Some(Reply::Refused(Reason::Overloaded, String::new()));
    };
    traffic.delivered.fetch_add(messages, Ordering::SeqCst);
    let waiting = traffic.waiting.fetch_add(1, Ordering::SeqCst);
    if waiting as usize >= QUEUE_REQUESTS_MAX {
        world.fail("S9", format!("{} requests wait for oracle {}", waiting + 1, machine.place));
    }
    machine.bell.ring();
    let reply = receiver.await.ok();
    // Whatever a machine says while it goes off is not sent.
    if machine.switch.is_off() { None } else { reply }
}

impl Agent {
    fn now_ms(&self) -> u64 {
        let offset_ms = self.world.nodes[self.node].offset_ms.load(Ordering::SeqCst);
        self.world.time.now_ms().saturating_add_signed(offset_ms)
    }

    fn random(&self) -> u64 {
        self.world.below(u64::MAX)
    }

    async fn run(mut self) {
        while self.world.nodes[self.node].key_generation.load(Ordering::SeqCst) == self.generation {
            let now_ms = self.now_ms();
            match self.link.next(now_ms) {
                Action::Wait(until_ms) => {
                    let wait_ms = until_ms.saturating_sub(now_ms).clamp(1, 2_000);
                    self.world.time.sleep(wait_ms).await;
                }
                Action::FetchTick => self.fetch_tick().await,
                Action::Build { epoch, bucket, root, sent_at_ms } => {
                    let frame = self.build(epoch, bucket, root, sent_at_ms);
                    truth::signed(&self.world, self.oracle, &self.key, epoch, bucket);
                    self.link.sent(epoch, bucket, frame.clone(), now_ms);
                    self.send(frame, epoch, bucket).await;
                }
                Action::Resend(frame) => {
                    if let Some((epoch, bucket)) = self.link.pending() {
                        self.send(frame, epoch, bucket).await;
                    }
                }
            }
        }
    }

    fn build(&self, epoch: EpochIndex, bucket: Bucket, receipt_root: [u8; 32], sent_at_ms: u64) -> Vec<u8> {
        let mut memory = self.memory.borrow_mut();
        memory.book.lived(epoch, bucket);
        let heartbeat = Heartbeat {
            oracle_key: self.world.plan.oracles[self.oracle].key(),
            node_key: self.key,
            epoch,
            bucket,
            sent_at_ms,
            seq: memory.sequence.next(self.now_ms()).seq,
            bitmap_digest: memory.book.digest(epoch),
            receipt_root,
            status: Status::Online,
            cpu_permille: 1,
            memory_permille: 2,
            workloads: Vec::new(),
        };
        heartbeat.encode_signed(&self.world.plan.domain(), &self.signing_key).expect("a heartbeat within its limits")
    }

    /// There and back; sometimes the same body arrives again, seconds or a minute later.
    async fn post(&self, body: Vec<u8>) -> Option<Reply> {
        let (world, from, to) = (&self.world, node_place(self.node), self.oracle);
        let duplicates = lock(&world.weather).duplicates;
        if world.chance(duplicates) {
            let (world, body) = (self.world.clone(), body.clone());
            let late_ms = if world.chance(0.5) { world.below(1_000) } else { world.below(75_000) };
            self.spawner.spawn(0, async move {
                world.time.sleep(late_ms).await;
                if let Some(machine) = world.answering(to) {
                    world.tried("a heartbeat arrives twice");
                    deliver(&world, machine, body).await;
                }
            });
        }
        let exchanged = async {
            world.travel(from, to).await?;
            let reply = deliver(world, world.answering(to)?, body).await?;
            world.travel(to, from).await?;
            Some(reply)
        };
        world.within(TIMEOUT_MS, exchanged).await
    }

    async fn send(&mut self, frame: Vec<u8>, epoch: EpochIndex, bucket: Bucket) {
        let mut body = Vec::new();
        push_frame(&mut body, &frame).expect("a heartbeat fits a body");
        let reply = self.post(body).await;
        let (now_ms, random) = (self.now_ms(), self.random());
        let answer = match reply {
            Some(Reply::Answer(answer)) => answer,
            Some(Reply::Refused(reason, detail)) => {
                if reason != Reason::Overloaded {
                    self.world.fail("S8", format!("a good body was refused: {reason:?} {detail}"));
                }
                return self.link.failed(now_ms, Some(1_000), random);
            }
            None => return self.link.failed(now_ms, None, random),
        };
        let oracle_key = self.world.plan.oracles[self.oracle].key();
        let receipts = match answer.verify(&self.world.plan.domain(), &oracle_key, &[&frame]) {
            Ok(receipts) => receipts,
            Err(error) => {
                self.world.fail("S8", format!("oracle {} answered what proves nothing: {error}", self.oracle));
                return self.link.failed(now_ms, None, random);
            }
        };
        if let Some(newest) = receipts.iter().max_by_key(|receipt| receipt.batch_no) {
            self.link.root(newest.root, now_ms);
        }
        self.take(&answer, epoch, bucket, now_ms, random);
    }

    fn take(&mut self, answer: &Answer, epoch: EpochIndex, bucket: Bucket, now_ms: u64, random: u64) {
        let verdict = &answer.verdicts[0];
        let oracle_key = self.world.plan.oracles[self.oracle].key();
        self.world.note(|| {
            let (node, oracle, reason) = (self.node, self.oracle, verdict.reason);
            format!("node {node} to oracle {oracle}: {epoch}/{bucket} {reason:?}")
        });
        truth::judged(&self.world, self.node, self.oracle, &self.key, verdict.reason);
        if verdict.inclusion.is_some() {
            truth::acknowledged(&self.world, self.oracle, &self.key, epoch, bucket);
            self.memory.borrow_mut().book.acknowledged(&oracle_key, epoch, bucket);
        }
        if verdict.reason == Reason::StaleSeq {
            self.memory.borrow_mut().sequence.seen(verdict.last_seq, now_ms);
        }
        self.link.verdict(verdict.reason, answer.oracle_time_ms, now_ms, random);
    }

    async fn fetch_tick(&mut self) {
        let (world, from, to) = (&self.world, node_place(self.node), self.oracle);
        let exchanged = async {
            world.travel(from, to).await?;
            let bytes = serve(&lock(&world.answering(to)?.running).clone()?, "/api/v1/tick")?;
            world.travel(to, from).await?;
            Some(bytes)
        };
        let bytes = world.within(TIMEOUT_MS, exchanged).await;
        let (now_ms, random) = (self.now_ms(), self.random());
        let root = bytes.and_then(|bytes| {
            let tick: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
            let batch = hex::decode(tick["batch"].as_str()?).ok()?;
            Some(BatchReceipt::decode_verified(&self.world.plan.domain(), &batch).ok()?.root)
        });
        match root {
            Some(root) => self.link.root(root, now_ms),
            None => self.link.failed(now_ms, None, random),
        }
    }
}
