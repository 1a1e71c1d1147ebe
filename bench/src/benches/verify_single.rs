//! What one signature costs: the network's rule against ed25519-dalek's `verify`.
//!
//! The rules differ (the network's equation is cofactored, so it decompresses `R`, and keys are held decompressed on
//! both sides), so the ratio says what the one verdict costs over the library's own.

use std::hint::black_box;

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use muster_protocol::heartbeat::MIN_LEN;
use muster_protocol::sig::{PublicKey, SIGNATURE_LEN, verify};

use super::Bench;
use crate::measure::in_turns;
use crate::report::Measured;

pub const BENCH: Bench = Bench {
    name: "verify_single",
    about: "one signature over a heartbeat's bytes, against ed25519-dalek's verify",
    unit: "us",
    target: 1.15,
    run,
};

/// More keys than fit into the first two caches: an oracle sees a different node with every frame.
const KEYS: usize = 8_192;
const ROUNDS: usize = 9;

struct Signed {
    ours: PublicKey,
    dalek: VerifyingKey,
    message: [u8; MIN_LEN - SIGNATURE_LEN],
    signature: [u8; 64],
}

fn signed(i: usize) -> Signed {
    let mut seed = [0x5d; 32];
    seed[..8].copy_from_slice(&(i as u64).to_le_bytes());
    let key = SigningKey::from_bytes(&seed);
    let mut message = [0xa7; MIN_LEN - SIGNATURE_LEN];
    message[..32].copy_from_slice(key.verifying_key().as_bytes());
    Signed {
        ours: PublicKey::from_bytes(key.verifying_key().as_bytes()).expect("a generated key is good"),
        dalek: key.verifying_key(),
        message,
        signature: key.sign(&message).to_bytes(),
    }
}

#[expect(clippy::disallowed_methods, reason = "dalek's own verdict is the reference here")]
fn run() -> Measured {
    let frames: Vec<Signed> = (0..KEYS).map(signed).collect();
    let ours = || {
        for frame in &frames {
            assert!(verify(black_box(&frame.ours), black_box(&frame.message), &frame.signature).is_ok());
        }
    };
    let dalek = || {
        for frame in &frames {
            let signature = Signature::from_bytes(&frame.signature);
            assert!(black_box(&frame.dalek).verify(black_box(&frame.message), &signature).is_ok());
        }
    };
    let (value_s, reference_s) = in_turns(ROUNDS, ours, dalek);
    let us_each = 1e6 / KEYS as f64;
    Measured { value: value_s * us_each, reference: reference_s * us_each }
}
