//! The other oracles, as this one sees them: whether they answer, how far their clocks are off, how old their newest
//! tick is. A tick is believed by its signature alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use muster_protocol::receipt::BatchReceipt;
use muster_protocol::wire::{Domain, Frame};
use serde::Deserialize;

use crate::registry::OraclePeer;

/// The part of `GET /api/v1/tick` that says when and by whom.
#[derive(Debug, Deserialize)]
struct Tick {
    oracle_time_ms: u64,
    /// The signed receipt, in hex.
    #[serde(default)]
    batch: String,
}

/// A peer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its clock against this oracle's, milliseconds.
    pub offset_ms: i64,
    /// Number of its newest batch and when it committed it, by its own clock, Unix milliseconds; none if no receipt of
    /// that peer's proves it.
    pub newest: Option<(u64, u64)>,
}

impl Heard {
    /// Reads an answer to `GET /api/v1/tick`, asked and answered at these moments of this oracle's clock.
    pub fn read(bytes: &[u8], peer: &OraclePeer, domain: &Domain, (asked_ms, answered_ms): (u64, u64)) -> Option<Self> {
        let tick: Tick = serde_json::from_slice(bytes).ok()?;
        let middle_ms = asked_ms / 2 + answered_ms / 2;
        let offset_ms = i64::try_from(tick.oracle_time_ms).ok()?.checked_sub_unsigned(middle_ms)?;
        let receipt = hex::decode(tick.batch).ok().and_then(|bytes| BatchReceipt::decode_verified(domain, &bytes).ok());
        let receipt = receipt.filter(|receipt| receipt.oracle_key == peer.key);
        Some(Self { offset_ms, newest: receipt.map(|receipt| (receipt.batch_no, receipt.committed_at_ms)) })
    }
}

/// What is known of one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its last good answer and when it came, Unix milliseconds.
    pub heard: Option<(u64, Heard)>,
    /// Since then: questions without a good answer.
    pub failures: u32,
}

impl Peer {
    /// Whether the last question was answered; none before the first.
    pub fn is_reachable(&self) -> Option<bool> {
        (self.heard.is_some() || self.failures > 0).then_some(self.failures == 0)
    }
}

/// See the module. By key.
#[derive(Debug, Default)]
pub struct PeerBook {
    peers: Mutex<BTreeMap<[u8; 32], Peer>>,
}

impl PeerBook {
    fn peers(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Peer>> {
        self.peers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Notes what came of one round of questions; whoever was not asked has left the set and is forgotten.
    pub fn note(&self, now_ms: u64, round: &[([u8; 32], Option<Heard>)]) {
        let mut peers = self.peers();
        peers.retain(|key, _| round.iter().any(|(asked, _)| asked == key));
        for (key, heard) in round {
            let peer = peers.entry(*key).or_default();
            match heard {
                Some(heard) => *peer = Peer { heard: Some((now_ms, *heard)), failures: 0 },
                None => {
                    peer.failures = peer.failures.saturating_add(1);
                    if peer.failures == 3 {
                        tracing::warn!(oracle = bs58::encode(key).into_string(), "a peer does not answer");
                    }
                }
            }
        }
    }

    /// What is known of a peer.
    pub fn get(&self, key: &[u8; 32]) -> Peer {
        self.peers().get(key).cloned().unwrap_or_default()
    }

    /// All peers.
    pub fn all(&self) -> BTreeMap<[u8; 32], Peer> {
        self.peers().clone()
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::sig::SigningKey;

    use super::*;

    const DOMAIN: Domain = Domain { genesis_tag: [4; 8], program: [5; 32] };

    fn peer(seed: u8) -> (SigningKey, OraclePeer) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let peer = OraclePeer { key: key.verifying_key().to_bytes(), url: "http://peer".into() };
        (key, peer)
    }

    fn tick(signer: &SigningKey, time_ms: u64) -> Vec<u8> {
        let key = signer.verifying_key().to_bytes();
        let receipt = BatchReceipt::tick(key, 7, 90_000).encode_signed(&DOMAIN, signer).unwrap();
        serde_json::to_vec(&serde_json::json!({"oracle_time_ms": time_ms, "batch": hex::encode(receipt)})).unwrap()
    }

    #[test]
    fn a_tick_is_believed_by_its_own_signers_receipt_alone() {
        let ((key, of_key), (_, other)) = (peer(1), peer(2));
        let bytes = tick(&key, 100_500);
        let read = |bytes: &[u8], peer: &OraclePeer| Heard::read(bytes, peer, &DOMAIN, (99_900, 100_100));
        assert_eq!(read(&bytes, &of_key), Some(Heard { offset_ms: 500, newest: Some((7, 90_000)) }));
        assert_eq!(read(&bytes, &other), Some(Heard { offset_ms: 500, newest: None }));
        let forged = b"{\"oracle_time_ms\":100000,\"batch\":\"00\"}";
        assert_eq!(read(forged, &of_key), Some(Heard { offset_ms: 0, newest: None }));
        assert_eq!(read(&tick(&key, u64::MAX), &of_key), None, "no clock shows that");
        assert_eq!(read(b"{}", &of_key), None);
    }

    #[test]
    fn a_peer_is_reachable_by_its_last_answer_and_forgotten_with_its_place_in_the_set() {
        let book = PeerBook::default();
        let heard = Heard { offset_ms: 1, newest: Some((2, 3)) };
        assert_eq!(book.get(&[1; 32]).is_reachable(), None);
        book.note(10, &[([1; 32], Some(heard)), ([2; 32], None)]);
        book.note(20, &[([1; 32], None), ([2; 32], Some(heard))]);
        let one = book.get(&[1; 32]);
        assert_eq!((one.is_reachable(), one.heard), (Some(false), Some((10, heard))));
        assert_eq!(book.get(&[2; 32]).is_reachable(), Some(true));
        book.note(30, &[([2; 32], Some(heard))]);
        assert_eq!(book.all().len(), 1);
    }
}
