//! The proof of operational time of one node as one oracle saw it: a signed statement that stands alone. It names what
//! was counted, what was refused and why, and the hash of the last heartbeat, whose batch receipt proves it.

use crate::bitmap::{Bitmap, MAX_BUCKETS, byte_len};
use crate::hash::Hash;
use crate::points::uptime_bps;
use crate::reason::Reason;
use crate::sig::SIGNATURE_LEN;
use crate::units::{Bucket, EpochIndex};
use crate::wire::{Frame, HEADER_LEN, Reader, WireError, kind, strictly_ascending};

/// What a node is at the moment of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Heard lately, idle.
    Online = 1,
    /// Heard lately, at work.
    Busy = 2,
    /// In announced maintenance, or heard lately and says so.
    Maintenance = 3,
    /// It missed as many buckets as the oracle waits for.
    Offline = 4,
    /// Its key did not accept yet, or its holder unbound it.
    NotAccepted = 5,
}

impl Standing {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Online, Self::Busy, Self::Maintenance, Self::Offline, Self::NotAccepted];

    /// Its name in APIs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Busy => "busy",
            Self::Maintenance => "maintenance",
            Self::Offline => "offline",
            Self::NotAccepted => "not_accepted",
        }
    }

    fn from_code(code: u8) -> Result<Self, WireError> {
        let known = Self::ALL.into_iter().find(|standing| *standing as u8 == code);
        known.ok_or(WireError::Value { field: "standing", value: code.into(), rule: "1 to 5 are known" })
    }
}

/// The last heartbeat that was accepted in the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastFrame {
    /// SHA-256 of the frame; zero if there is none.
    pub hash: Hash,
    /// When it arrived by the oracle's clock, Unix milliseconds; 0 if that is not known any more.
    pub received_at_ms: u64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UptimeStatement {
    /// The oracle, which signs.
    pub oracle_key: [u8; 32],
    /// Address of the project.
    pub project: [u8; 32],
    /// Address of the node.
    pub node: [u8; 32],
    /// Address of the tenure.
    pub tenure: [u8; 32],
    /// The node's hot key.
    pub node_key: [u8; 32],
    /// The epoch.
    pub epoch: EpochIndex,
    /// When this was stated, Unix milliseconds.
    pub stated_at_ms: u64,
    /// When the node was last heard in any epoch, Unix milliseconds; 0: never.
    pub last_seen_ms: u64,
    /// What the node is now.
    pub standing: Standing,
    /// Buckets of the epoch.
    pub buckets: u32,
    /// Buckets of the epoch that are over, in which nothing is counted any more: all of them when it is closed.
    pub elapsed: u32,
    /// The first bucket that counts; `buckets` if none does.
    pub first_bucket: Bucket,
    /// Elapsed buckets of announced maintenance.
    pub excused: u32,
    /// Elapsed buckets from the first one on that have a bit.
    pub counted: u32,
    /// Of the elapsed buckets: `uptime_bps(counted, elapsed, excused)`.
    pub uptime_bps: u16,
    /// All bits of the epoch so far.
    pub bitmap: Bitmap,
    /// Refused messages, by reason, ascending, without zeros and without [`Reason::Accepted`].
    pub refused: Vec<(Reason, u32)>,
    /// The last heartbeat of the epoch.
    pub last_frame: LastFrame,
}

/// How many of a bitmap's bits lie in `first..elapsed`.
pub fn counted_until(bitmap: &Bitmap, first: Bucket, elapsed: u32) -> u32 {
    bitmap.count_from(first).saturating_sub(bitmap.count_from(Bucket::new(elapsed.max(first.get()))))
}

impl UptimeStatement {
    /// Whether nothing of the epoch changes any more.
    pub fn is_closed(&self) -> bool {
        self.elapsed == self.buckets
    }
}

impl Frame for UptimeStatement {
    const KIND: u8 = kind::UPTIME;
    const MAX_LEN: usize = HEADER_LEN + 5 * 32 + 88 + byte_len(MAX_BUCKETS) + 5 * 255 + SIGNATURE_LEN;

    fn signer(&self) -> &[u8; 32] {
        &self.oracle_key
    }

    fn validate(&self) -> Result<(), WireError> {
        let wrong = |field| Err(WireError::Inconsistent { field, index: 0 });
        if self.buckets == 0 || self.buckets > MAX_BUCKETS {
            let rule = "1 to 604800 are allowed";
            return Err(WireError::Value { field: "buckets", value: self.buckets.into(), rule });
        }
        if self.bitmap.buckets() != self.buckets {
            return wrong("bitmap");
        }
        if self.elapsed > self.buckets {
            return wrong("elapsed");
        }
        if self.first_bucket.get() > self.buckets {
            return wrong("first bucket");
        }
        if self.excused > self.elapsed {
            return wrong("excused");
        }
        if self.counted != counted_until(&self.bitmap, self.first_bucket, self.elapsed) {
            return wrong("counted");
        }
        if self.uptime_bps != uptime_bps(self.counted, self.elapsed, self.excused) {
            return wrong("uptime_bps");
        }
        if self.refused.iter().any(|(reason, count)| *reason == Reason::Accepted || *count == 0) {
            return wrong("refused count");
        }
        strictly_ascending("refused reason", self.refused.iter().map(|(reason, _)| reason.code()))
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        for key in [&self.oracle_key, &self.project, &self.node, &self.tenure, &self.node_key] {
            out.extend_from_slice(key);
        }
        for time in [self.epoch.get(), self.stated_at_ms, self.last_seen_ms] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        out.push(self.standing as u8);
        for count in [self.buckets, self.elapsed, self.first_bucket.get(), self.excused, self.counted] {
            out.extend_from_slice(&count.to_le_bytes());
        }
        out.extend_from_slice(&self.uptime_bps.to_le_bytes());
        out.extend_from_slice(&self.last_frame.hash);
        out.extend_from_slice(&self.last_frame.received_at_ms.to_le_bytes());
        out.extend_from_slice(self.bitmap.as_bytes());
        out.push(self.refused.len() as u8);
        for (reason, count) in &self.refused {
            out.push(reason.code());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (oracle_key, project) = (r.array("oracle key")?, r.array("project")?);
        let (node, tenure, node_key) = (r.array("node")?, r.array("tenure")?, r.array("node key")?);
        let epoch = EpochIndex::new(r.u64("epoch")?);
        let (stated_at_ms, last_seen_ms) = (r.u64("stated_at_ms")?, r.u64("last_seen_ms")?);
        let standing = Standing::from_code(r.u8("standing")?)?;
        let buckets = r.u32("buckets")?;
        if buckets > MAX_BUCKETS {
            let rule = "1 to 604800 are allowed";
            return Err(WireError::Value { field: "buckets", value: buckets.into(), rule });
        }
        let (elapsed, first_bucket) = (r.u32("elapsed")?, Bucket::new(r.u32("first bucket")?));
        let (excused, counted) = (r.u32("excused")?, r.u32("counted")?);
        let uptime_bps = r.u16("uptime_bps")?;
        let last_frame = LastFrame { hash: r.array("last frame hash")?, received_at_ms: r.u64("received_at_ms")? };
        let bitmap = Bitmap::from_bytes(buckets, r.take(byte_len(buckets), "bitmap")?)?;
        let mut refused = Vec::new();
        for _ in 0..r.u8("refused reasons")? {
            let code = r.u8("refused reason")?;
            let rule = "which is no known code";
            let reason = Reason::from_code(code);
            let reason = reason.ok_or(WireError::Value { field: "refused reason", value: code.into(), rule })?;
            refused.push((reason, r.u32("refused count")?));
        }
        Ok(Self {
            oracle_key,
            project,
            node,
            tenure,
            node_key,
            epoch,
            stated_at_ms,
            last_seen_ms,
            standing,
            buckets,
            elapsed,
            first_bucket,
            excused,
            counted,
            uptime_bps,
            bitmap,
            refused,
            last_frame,
        })
    }
}
