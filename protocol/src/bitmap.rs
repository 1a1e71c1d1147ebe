//! One bit per bucket of an epoch: bit `i` is bit `i % 8` of byte `i / 8`; the unused bits of the last byte are zero.

use crate::hash::{Hash, hashv};
use crate::units::{Bucket, EpochIndex, MAX_EPOCH_LEN_S};
use crate::wire::WireError;

/// Domain tag of a bitmap's digest.
pub const BITMAP_TAG: &[u8] = b"muster:bitmap:1";

/// The most buckets of an epoch: one a second for 7 days.
pub const MAX_BUCKETS: u32 = MAX_EPOCH_LEN_S as u32;

/// Bytes that are kept in place: 320 buckets, which the usual 288 of a day are fewer than. A million nodes' bitmaps are
/// a million allocations less.
const SHORT_LEN: usize = 40;

/// Which buckets of one epoch were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    buckets: u32,
    bits: Bits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Bits {
    /// Zero behind the last byte.
    Short([u8; SHORT_LEN]),
    Long(Box<[u8]>),
}

/// Bytes of a bitmap with this many bits.
pub const fn byte_len(buckets: u32) -> usize {
    buckets.div_ceil(8) as usize
}

impl Bitmap {
    /// No bucket counted.
    pub fn new(buckets: u32) -> Self {
        let len = byte_len(buckets);
        let bits = if len <= SHORT_LEN { Bits::Short([0; SHORT_LEN]) } else { Bits::Long(vec![0; len].into()) };
        Self { buckets, bits }
    }

    /// Takes the bytes of the wire; refuses a wrong length and set bits behind the last bucket.
    pub fn from_bytes(buckets: u32, bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() != byte_len(buckets) {
            return Err(WireError::Value {
                field: "bitmap length",
                value: bytes.len() as u64,
                rule: "it must be one bit per bucket",
            });
        }
        let used = buckets % 8;
        if used != 0 && bytes.last().is_some_and(|last| last >> used != 0) {
            return Err(WireError::Reserved("bitmap bits behind the last bucket"));
        }
        let mut bitmap = Self::new(buckets);
        bitmap.bytes_mut().copy_from_slice(bytes);
        Ok(bitmap)
    }

    /// The bytes of the wire.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.bits {
            Bits::Short(bytes) => &bytes[..byte_len(self.buckets)],
            Bits::Long(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.bits {
            Bits::Short(bytes) => &mut bytes[..byte_len(self.buckets)],
            Bits::Long(bytes) => bytes,
        }
    }

    /// 64 buckets from the `64 x at`th on, the first the lowest bit; zeros behind the last.
    pub fn word(&self, at: usize) -> u64 {
        let bytes = match &self.bits {
            Bits::Short(bytes) => bytes.as_slice(),
            Bits::Long(bytes) => bytes,
        };
        let rest = bytes.get(at * 8..).unwrap_or_default();
        rest.first_chunk()
            .copied()
            .map_or_else(|| rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)), u64::from_le_bytes)
    }

    /// Buckets of the epoch.
    pub fn buckets(&self) -> u32 {
        self.buckets
    }

    /// Counts a bucket; says whether it was new. Buckets outside of the epoch are never new.
    pub fn set(&mut self, bucket: Bucket) -> bool {
        let bit = bucket.get();
        if bit >= self.buckets {
            return false;
        }
        let byte = &mut self.bytes_mut()[(bit / 8) as usize];
        let mask = 1 << (bit % 8);
        let new = *byte & mask == 0;
        *byte |= mask;
        new
    }

    /// Whether a bucket is counted.
    pub fn get(&self, bucket: Bucket) -> bool {
        let bit = bucket.get();
        bit < self.buckets && self.as_bytes()[(bit / 8) as usize] >> (bit % 8) & 1 == 1
    }

    /// How many buckets are counted.
    pub fn count(&self) -> u32 {
        self.as_bytes().iter().map(|b| b.count_ones()).sum()
    }

    /// How many buckets from `first` on are counted.
    pub fn count_from(&self, first: Bucket) -> u32 {
        let first = first.get().min(self.buckets);
        let byte = (first / 8) as usize;
        let bytes = self.as_bytes();
        let whole: u32 = bytes.iter().skip(byte).map(|b| b.count_ones()).sum();
        let skipped = bytes.get(byte).map_or(0, |b| (b & ((1u8 << (first % 8)) - 1)).count_ones());
        whole - skipped
    }

    /// What a heartbeat carries of it: `H("muster:bitmap:1" || epoch || bytes)`.
    pub fn digest(&self, epoch: EpochIndex) -> Hash {
        hashv(&[BITMAP_TAG, &epoch.get().to_le_bytes(), self.as_bytes()])
    }
}
