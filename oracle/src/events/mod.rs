//! What happens that somebody may want to be told: nodes that go silent and come back, epochs that go on or get stuck,
//! an oracle that cannot pay. One task ([`run`]) decides what happened, numbers it, makes it durable and publishes it;
//! readers ([`hub`]) follow by number, each at its own pace, and keep nobody waiting.

pub mod hub;
pub mod liveness;
pub mod ring;
pub mod run;
pub mod state;
pub mod webhook;
pub mod webhooks;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What kinds there are.
pub mod kind {
    /// A node missed as many buckets as the oracle waits for.
    pub const NODE_OFFLINE: &str = "node.offline";
    /// A node that was offline is heard again.
    pub const NODE_RECOVERED: &str = "node.recovered";
    /// A project's epoch went on; `data.state` says to where.
    pub const EPOCH_STATE: &str = "epoch.state";
    /// The points of an epoch do not change any more.
    pub const POINTS_FINAL: &str = "points.final";
    /// Something of an epoch is late; `data.what` says what.
    pub const EPOCH_LATE: &str = "epoch.late";
    /// Something is wrong with this oracle itself.
    pub const ORACLE_ALERT: &str = "oracle.alert";
    /// Every one of them.
    pub const ALL: [&str; 6] = [NODE_OFFLINE, NODE_RECOVERED, EPOCH_STATE, POINTS_FINAL, EPOCH_LATE, ORACLE_ALERT];
}

/// Something that happened, not numbered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// One of [`kind`].
    pub kind: &'static str,
    /// The project that it is about.
    pub project: Option<[u8; 32]>,
    /// What there is to say, an object.
    pub data: Value,
}

/// Something that happened. Numbers grow by one for each event of an oracle, over all its restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number.
    pub id: u64,
    /// One of [`kind`].
    pub kind: String,
    /// When this oracle noticed it, Unix milliseconds.
    pub at_ms: u64,
    /// The project that it is about, base58.
    pub project: Option<String>,
    /// What there is to say, an object.
    pub data: Value,
}

impl Event {
    /// As it is told: `{id, type, timestamp_ms, oracle, project, data}`.
    pub fn json(&self, oracle: &str) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "timestamp_ms": self.at_ms,
            "oracle": oracle,
            "project": self.project,
            "data": self.data,
        })
    }
}

/// Which events a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Filter {
    /// Those about this project, base58; all if none is named.
    pub project: Option<String>,
    /// These kinds; all if none is named.
    #[serde(default)]
    pub kinds: Vec<String>,
}

impl Filter {
    /// Whether a reader wants an event.
    pub fn takes(&self, event: &Event) -> bool {
        let project = self.project.as_ref().is_none_or(|project| event.project.as_ref() == Some(project));
        project && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }

    /// The first kind that does not exist.
    pub fn unknown_kind(&self) -> Option<&str> {
        self.kinds.iter().map(String::as_str).find(|named| !kind::ALL.contains(named))
    }
}
