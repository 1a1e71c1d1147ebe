//! Who sends what no oracle may count: forged, foreign, future and broken frames, one bad signature among 64, floods.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use muster_oracle::ingest::Reply;
use muster_protocol::heartbeat::{Heartbeat, Status, push_frame};
use muster_protocol::reason::Reason;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::wire::Frame;

use super::exec::{Spawner, lock};
use super::node::deliver;
use super::truth;
use super::world::{Machine, World};

/// Comes back every few seconds until all is healed.
pub async fn run(world: Arc<World>, spawner: Spawner) {
    let every_s = lock(&world.weather).hostile_s;
    if every_s == 0 {
        return;
    }
    while !world.is_healed() {
        world.time.sleep(500 + world.below(every_s * 1_000)).await;
        let oracle = world.below(world.plan.oracles.len() as u64) as usize;
        if let Some(machine) = world.answering(oracle) {
            attack(&world, machine, &spawner).await;
        }
    }
}

struct Forger<'a> {
    world: &'a World,
    machine: &'a Machine,
    root: [u8; 32],
}

impl Forger<'_> {
    fn frame(&self, node_key: [u8; 32], signer: &SigningKey, ahead_s: u64) -> Vec<u8> {
        let now_ms = self.world.time.now_ms();
        let (epoch, bucket) = self.world.plan.schedule().bucket_at_ms(now_ms + ahead_s * 1_000);
        self.made(node_key, signer, epoch, bucket, now_ms)
    }

    fn made(&self, node_key: [u8; 32], signer: &SigningKey, epoch: EpochIndex, bucket: Bucket, seq: u64) -> Vec<u8> {
        let heartbeat = Heartbeat {
            oracle_key: self.machine.key,
            node_key,
            epoch,
            bucket,
            sent_at_ms: self.world.time.now_ms(),
            seq,
            bitmap_digest: [0; 32],
            receipt_root: self.root,
            status: Status::Online,
            cpu_permille: 0,
            memory_permille: 0,
            workloads: Vec::new(),
        };
        let own = Heartbeat { node_key: signer.verifying_key().to_bytes(), ..heartbeat.clone() };
        let mut frame = own.encode_signed(&self.world.plan.domain(), signer).expect("a frame within its limits");
        if own.node_key != node_key {
            // The named key did not sign this: it stands in the place of the one that did.
            const AT: usize = muster_protocol::wire::HEADER_LEN + 32;
            frame[AT..AT + 32].copy_from_slice(&node_key);
        }
        frame
    }
}

async fn attack(world: &Arc<World>, machine: &Machine, spawner: &Spawner) {
    // To an oracle whose clock is ahead, a bucket to come is the present one.
    if machine.offset_ms.load(Ordering::SeqCst) != 0 {
        return;
    }
    let Some(root) = lock(&machine.running)
        .as_ref()
        .and_then(|running| running.handle.core().newest().map(|newest| newest.receipt().root))
    else {
        return;
    };
    let node = &world.plan.nodes[world.below(world.plan.nodes.len() as u64) as usize];
    let forger = Forger { world, machine, root };
    let stranger = SigningKey::from_bytes(&[99; 32]);
    let mut body = Vec::new();
    let mut push = |frame: &[u8]| push_frame(&mut body, frame).expect("a frame fits a body");
    match world.below(6) {
        0 => push(&forger.frame(node.key(0), &stranger, 0)),
        1 => push(&forger.frame(stranger.verifying_key().to_bytes(), &stranger, 0)),
        // By the node itself, for a bucket to come: the next one, or one of a later epoch.
        2 => push(&forger.frame(node.key(0), &node.signing_key(0), 12 + world.below(600))),
        3 => (0..64).for_each(|place| {
            let mut frame = forger.frame(node.key(0), &node.signing_key(0), 3_000);
            if place == world.below(64) {
                frame[120] ^= 1;
            }
            push(&frame);
        }),
        // Begins with a frame that is longer than the body.
        4 => body = [255; 2].into_iter().chain((0..world.below(900)).map(|_| world.below(256) as u8)).collect(),
        _ => {
            let frame = forger.frame(stranger.verifying_key().to_bytes(), &stranger, 0);
            push(&frame);
            for _ in 0..40 {
                let (world, body, place) = (world.clone(), body.clone(), machine.place);
                spawner.spawn(0, async move {
                    if let Some(machine) = world.answering(place) {
                        deliver(&world, machine, body).await;
                    }
                });
            }
            return;
        }
    }
    if let Some(Reply::Answer(answer)) = deliver(world, machine, body).await {
        for verdict in &answer.verdicts {
            truth::forged(world, machine, verdict.reason);
            if verdict.reason == Reason::Accepted {
                world.fail("S2", format!("oracle {} took a forged frame", machine.place));
            }
        }
    }
}

/// One poisoned signature in a batch of 64 good ones spoils that frame alone.
pub async fn poison(world: Arc<World>) {
    let nodes = &world.plan.nodes;
    while !world.is_healed() {
        world.time.sleep(20_000 + world.below(20_000)).await;
        let Some(machine) = world.answering(0).filter(|machine| machine.lie.is_none()) else { continue };
        let root = lock(&machine.running)
            .as_ref()
            .and_then(|running| running.handle.core().newest().map(|newest| newest.receipt().root));
        let Some(root) = root else { continue };
        let forger = Forger { world: &world, machine, root };
        let (epoch, bucket) = world.plan.schedule().bucket_at_ms(world.time.now_ms());
        let poisoned = world.below(64);
        let mut body = Vec::new();
        for place in 0..64 {
            let node = &nodes[place as usize % nodes.len()];
            let generation = world.nodes[place as usize % nodes.len()].key_generation.load(Ordering::SeqCst);
            let (key, signer) = (node.key(generation), node.signing_key(generation));
            truth::signed(&world, machine.place, &key, epoch, bucket);
            let seq = world.time.now_ms() + place;
            let mut frame = forger.made(key, &signer, epoch, bucket, seq);
            if place == poisoned {
                let last = frame.len() - 1;
                frame[last] ^= 1;
            }
            push_frame(&mut body, &frame).expect("64 frames fit a body");
        }
        let Some(Reply::Answer(answer)) = deliver(&world, machine, body).await else { continue };
        for (place, verdict) in answer.verdicts.iter().enumerate() {
            let is_bad = verdict.reason == Reason::BadSignature;
            if is_bad != (place as u64 == poisoned) && verdict.reason != Reason::UnknownNode {
                world.fail("S8", format!("frame {place} of 64 with {poisoned} poisoned: {:?}", verdict.reason));
            }
        }
        world.tried("S8 one poisoned signature among 64 spoils itself alone");
    }
}
