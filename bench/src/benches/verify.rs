//! What a signature costs: the network's one rule against ed25519-dalek's `verify` and `verify_batch`, over heartbeats of
//! a million nodes whose keys both sides hold decompressed.
//!
//! The rules differ (the network's equation is cofactored, so it decompresses `R`); dalek's is the speed to match.

use std::hint::black_box;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use muster_protocol::sig::{PublicKey, verify, verify_batch};
use muster_protocol::wire::signed_part;

use super::Bench;
use crate::measure::in_turns;
use crate::network::{self, MILLION, NOW_MS, SENDERS};
use crate::report::{Line, Target};

pub const BENCH: Bench = Bench {
    names: &["verify_single", "verify_batch64"],
    about: "a heartbeat's signature, 1M keys held, against ed25519-dalek's verify and verify_batch",
    run,
};

/// Signatures of a batch.
pub const BATCH: usize = 64;
const ROUNDS: usize = 9;

/// Frames of nodes spread over all, with where their keys are held.
pub struct Signed {
    frames: Vec<(usize, Vec<u8>, [u8; 64])>,
}

impl Signed {
    /// One frame of each sender of so many nodes.
    pub fn new(nodes: usize) -> Self {
        let mut signer = network::Signer::default();
        let frame = |node: usize| {
            let frame = signer.frame(node, &network::domain(), [0x22; 32], 1, NOW_MS);
            let signature = *frame.last_chunk().expect("a frame ends with its signature");
            (node, frame, signature)
        };
        Self { frames: network::senders(nodes).into_iter().map(frame).collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    fn items(&self) -> Vec<(&PublicKey, &[u8], &[u8; 64])> {
        let roster = network::roster();
        self.frames
            .iter()
            .map(|(node, frame, signature)| (&roster.slot(*node as u32).key, signed_part(frame), signature))
            .collect()
    }

    /// V1: verifies one by one.
    pub fn one_by_one(&self) {
        for (key, message, signature) in self.items() {
            assert!(verify(black_box(key), message, signature).is_ok());
        }
    }

    /// V64: verifies in batches of 64.
    pub fn in_batches(&self) {
        for batch in self.items().chunks(BATCH) {
            assert!(verify_batch(black_box(batch)).into_iter().all(|good| good));
        }
    }
}

/// The same, as dalek has it; keys as far apart as the oracle's.
struct Dalek {
    keys: Vec<VerifyingKey>,
    frames: Vec<(usize, Vec<u8>, Signature)>,
}

#[expect(clippy::disallowed_methods, reason = "dalek's own verdict is the reference here")]
impl Dalek {
    fn new(signed: &Signed) -> Self {
        let any = VerifyingKey::from_bytes(&network::public_keys()[0]).expect("a generated key is good");
        let mut keys = vec![any; MILLION];
        let mut frames = Vec::with_capacity(signed.frames.len());
        for (node, frame, signature) in &signed.frames {
            keys[*node] = VerifyingKey::from_bytes(&network::public_keys()[*node]).expect("a generated key is good");
            frames.push((*node, frame.clone(), Signature::from_bytes(signature)));
        }
        Self { keys, frames }
    }

    fn one_by_one(&self) {
        for (node, frame, signature) in &self.frames {
            assert!(black_box(&self.keys[*node]).verify(signed_part(frame), signature).is_ok());
        }
    }

    fn in_batches(&self) {
        for batch in self.frames.chunks(BATCH) {
            let messages: Vec<&[u8]> = batch.iter().map(|(_, frame, _)| signed_part(frame)).collect();
            let signatures: Vec<Signature> = batch.iter().map(|(_, _, signature)| *signature).collect();
            let keys: Vec<VerifyingKey> = batch.iter().map(|(node, _, _)| self.keys[*node]).collect();
            assert!(ed25519_dalek::verify_batch(black_box(&messages), &signatures, &keys).is_ok());
        }
    }
}

fn run() -> Vec<Line> {
    let signed = Signed::new(MILLION);
    let dalek = Dalek::new(&signed);
    let us_each = 1e6 / SENDERS as f64;
    let (v1_s, dalek_1_s) = in_turns(ROUNDS, || signed.one_by_one(), || dalek.one_by_one());
    let (v64_s, dalek_64_s) = in_turns(ROUNDS, || signed.in_batches(), || dalek.in_batches());
    let line = |name, value_s: f64, reference_s: f64, most| Line {
        name,
        unit: "us",
        value: value_s * us_each,
        reference: Some(reference_s * us_each),
        target: Target::RatioAtMost(most),
        more: Vec::new(),
    };
    vec![line("verify_single", v1_s, dalek_1_s, 1.10), line("verify_batch64", v64_s, dalek_64_s, 1.05)]
}
