//! What came in over the API, and what became of it: `accepted + rejected + shed == received` once all is answered.

use std::sync::atomic::{AtomicU64, Ordering};

use muster_protocol::reason::Reason;
use serde_json::{Map, Value, json};

const REASONS: usize = Reason::ALL.len();

/// Messages with evidence; reads are not counted.
#[derive(Debug, Default)]
pub struct Counters {
    received: AtomicU64,
    accepted: AtomicU64,
    shed: AtomicU64,
    rejected: [AtomicU64; REASONS],
}

impl Counters {
    pub fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn rejected(&self, reason: Reason) {
        if let Some(place) = Reason::ALL.iter().position(|other| *other == reason) {
            self.rejected[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn json(&self) -> Value {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut rejected = Map::new();
        for (reason, counter) in Reason::ALL.iter().zip(&self.rejected) {
            if load(counter) > 0 {
                rejected.insert(reason.name().to_owned(), load(counter).into());
            }
        }
        json!({
            "received": load(&self.received),
            "accepted": load(&self.accepted),
            "shed": load(&self.shed),
            "rejected": rejected,
        })
    }
}
