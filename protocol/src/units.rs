//! Quantities that must not be mixed, and the calendar of epochs and buckets.

use core::fmt;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// Wraps a naked number that came over an edge (wire, account, database).
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The naked number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

unit!(
    /// What a tenure earned in one project's epoch.
    Points,
    u64
);
unit!(
    /// An amount of a token in its smallest unit.
    BaseUnits,
    u64
);
unit!(
    /// `unix_timestamp / epoch_len`.
    EpochIndex,
    u64
);
unit!(
    /// The number of a bucket in its epoch, from 0.
    Bucket,
    u32
);

/// The longest epoch: 7 days, in seconds.
pub const MAX_EPOCH_LEN_S: u64 = 7 * 86_400;
/// A heartbeat may arrive this long outside of its bucket at most, whatever the bucket's length.
pub const MAX_BUCKET_SLACK_MS: u64 = 10_000;

/// Why two lengths make no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleError {
    /// The epoch is empty or longer than [`MAX_EPOCH_LEN_S`].
    EpochLen(u64),
    /// The bucket is empty or does not divide the epoch.
    BucketLen {
        /// The epoch's length in seconds.
        epoch_len: u64,
        /// The bucket's length in seconds.
        bucket_len: u64,
    },
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EpochLen(len) => write!(f, "the epoch length must be 1 to {MAX_EPOCH_LEN_S} seconds, not {len}"),
            Self::BucketLen { epoch_len, bucket_len } => {
                write!(f, "the bucket length must divide the epoch of {epoch_len} seconds, {bucket_len} does not")
            }
        }
    }
}

impl core::error::Error for ScheduleError {}

/// The network's immutable calendar. All times are Unix times; lengths are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    epoch_len: u64,
    bucket_len: u64,
}

impl Schedule {
    /// Checks the lengths (seconds): an epoch of 1 s to 7 days, a bucket that divides it.
    pub const fn new(epoch_len: u64, bucket_len: u64) -> Result<Self, ScheduleError> {
        if epoch_len == 0 || epoch_len > MAX_EPOCH_LEN_S {
            return Err(ScheduleError::EpochLen(epoch_len));
        }
        if bucket_len == 0 || !epoch_len.is_multiple_of(bucket_len) {
            return Err(ScheduleError::BucketLen { epoch_len, bucket_len });
        }
        Ok(Self { epoch_len, bucket_len })
    }

    /// Seconds of an epoch.
    pub const fn epoch_len(&self) -> u64 {
        self.epoch_len
    }

    /// Seconds of a bucket.
    pub const fn bucket_len(&self) -> u64 {
        self.bucket_len
    }

    /// Buckets of an epoch.
    pub const fn buckets(&self) -> u32 {
        (self.epoch_len / self.bucket_len) as u32
    }

    /// The epoch of a Unix second.
    pub const fn epoch_of(&self, unix_s: u64) -> EpochIndex {
        EpochIndex(unix_s / self.epoch_len)
    }

    /// The first Unix second of an epoch (saturating at the end of time).
    pub const fn epoch_start(&self, epoch: EpochIndex) -> u64 {
        epoch.0.saturating_mul(self.epoch_len)
    }

    /// The first Unix second after an epoch (saturating at the end of time).
    pub const fn epoch_end(&self, epoch: EpochIndex) -> u64 {
        epoch.0.saturating_add(1).saturating_mul(self.epoch_len)
    }

    /// The epoch and bucket of a Unix millisecond.
    pub const fn bucket_at_ms(&self, unix_ms: u64) -> (EpochIndex, Bucket) {
        let unix_s = unix_ms / 1000;
        (EpochIndex(unix_s / self.epoch_len), Bucket((unix_s % self.epoch_len / self.bucket_len) as u32))
    }

    /// The first bucket of `epoch` that starts at or after `unix_s`; `Bucket(buckets())`, which is none, if all
    /// started before it. A node counts from the first bucket that starts at or after its accept.
    pub const fn first_bucket_after(&self, epoch: EpochIndex, unix_s: u64) -> Bucket {
        let into_epoch_s = unix_s.saturating_sub(self.epoch_start(epoch));
        let bucket = into_epoch_s.div_ceil(self.bucket_len);
        if bucket > self.buckets() as u64 { Bucket(self.buckets()) } else { Bucket(bucket as u32) }
    }

    /// How far outside of its bucket a heartbeat may arrive: a tenth of the bucket, at most 10 s.
    pub const fn bucket_slack_ms(&self) -> u64 {
        let tenth = self.bucket_len * 100;
        if tenth < MAX_BUCKET_SLACK_MS { tenth } else { MAX_BUCKET_SLACK_MS }
    }

    /// Whether a heartbeat for `bucket` of `epoch` counts when received at `receive_ms`:
    /// `start - slack <= receive_ms < end + slack`.
    pub const fn bucket_accepts(&self, epoch: EpochIndex, bucket: Bucket, receive_ms: u64) -> bool {
        if bucket.0 >= self.buckets() {
            return false;
        }
        let start_s = epoch.0 as u128 * self.epoch_len as u128 + bucket.0 as u128 * self.bucket_len as u128;
        let start_ms = start_s * 1000;
        let end_ms = start_ms + self.bucket_len as u128 * 1000;
        let slack_ms = self.bucket_slack_ms() as u128;
        let receive_ms = receive_ms as u128;
        receive_ms + slack_ms >= start_ms && receive_ms < end_ms + slack_ms
    }
}
