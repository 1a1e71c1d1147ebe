//! Everybody who may send, one slot each: the key, where the node stands on the chain, and what was last accepted.
//!
//! A slot's number never changes while the oracle runs, so that whatever else is known of a node lies in flat arrays at
//! that number, and a heartbeat needs one look into the index. The index holds numbers alone; the keys are in the slots.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use muster_protocol::sig::{PublicKey, SigError};

use super::node::{Last, TokenBucket};
use crate::registry::Standing;

/// One node key.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Checked and decompressed.
    pub key: PublicKey,
    /// None if no node of the chain has the key (any more).
    pub standing: Option<Standing>,
    /// Limits how often the node may send.
    pub tokens: TokenBucket,
    /// None until the first accepted frame.
    pub last: Option<Last>,
}

impl Slot {
    /// The last accepted sequence number, 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.seq)
    }
}

/// See the module. Keys are chosen by strangers, so the index is seeded at random; nothing depends on its order.
#[derive(Debug, Default)]
pub struct Roster {
    hasher: RandomState,
    index: HashTable<u32>,
    slots: Vec<Slot>,
}

impl Roster {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The number of a key's slot.
    pub fn find(&self, key: &[u8; 32]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |&number| self.slots[number as usize].key.as_bytes() == key).copied()
    }

    /// The slot of a number that [`Roster::find`] gave.
    pub fn slot(&self, number: u32) -> &Slot {
        &self.slots[number as usize]
    }

    /// See [`Roster::slot`].
    pub fn slot_mut(&mut self, number: u32) -> &mut Slot {
        &mut self.slots[number as usize]
    }

    /// All slots, by number.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The number of a key's slot, which is made if there is none; a bad key has none.
    pub fn find_or_insert(&mut self, key: &[u8; 32]) -> Result<u32, SigError> {
        if let Some(number) = self.find(key) {
            return Ok(number);
        }
        let slot =
            Slot { key: PublicKey::from_bytes(key)?, standing: None, tokens: TokenBucket::default(), last: None };
        let number = self.slots.len() as u32;
        self.slots.push(slot);
        let (hasher, slots) = (&self.hasher, &self.slots);
        let rehash = |&number: &u32| hasher.hash_one(slots[number as usize].key.as_bytes());
        self.index.insert_unique(self.hasher.hash_one(key), number, rehash);
        Ok(number)
    }

    /// What the chain says now of a key's node.
    pub fn set_standing(&mut self, key: &[u8; 32], standing: Option<Standing>) {
        match self.find_or_insert(key) {
            Ok(number) => self.slot_mut(number).standing = standing,
            // Anybody may name any bytes in a bind; nothing that such a node sends can verify.
            Err(error) => {
                tracing::debug!(node_key = %bs58::encode(key).into_string(), %error, "left out a node");
            }
        }
    }
}
