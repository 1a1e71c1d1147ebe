//! The bytes of a segment, all little-endian.
//!
//! Header: `"MSLG" | version u16 = 2 | reserved u16 | oracle key[32] | index u64 | number of its first record u64 |
//! begun_at_ms u64 | hash[32] of the segment before, zero for the first | CRC32C u32 of all of it`. Then records:
//! `len u32 | kind u32 | number u64 | synced u64 | CRC32C u32 of the 24 bytes before it | payload[len] | CRC32C u32 of
//! header and payload`. Kind 1 is a record, numbered from 1 through all segments; `synced` is the number of the last one
//! that was durable when this one was written. Kind 2 is the seal that ends a full segment: its payload is the SHA-256 of
//! all bytes before it, which the next segment's header repeats.

use super::storage::SECTOR_LEN;

/// First bytes of a segment.
pub const MAGIC: [u8; 4] = *b"MSLG";
/// The version of these bytes.
pub const VERSION: u16 = 2;
/// Bytes of the header.
pub const HEADER_LEN: usize = 100;
/// Bytes in front of a payload.
pub const RECORD_HEADER_LEN: usize = 28;
/// Bytes around a payload.
pub const RECORD_EXTRA_LEN: usize = RECORD_HEADER_LEN + 4;
/// The most bytes of a payload.
pub const PAYLOAD_LEN_MAX: usize = 16 << 20;

/// What stands at the head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose log it is.
    pub oracle_key: [u8; 32],
    /// Counts from 0.
    pub index: u64,
    /// Number of the first record in it.
    pub first_number: u64,
    /// When it was begun, Unix milliseconds.
    pub begun_at_ms: u64,
    /// The seal of the segment before.
    pub previous: [u8; 32],
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&VERSION.to_le_bytes());
        out[8..40].copy_from_slice(&self.oracle_key);
        out[40..48].copy_from_slice(&self.index.to_le_bytes());
        out[48..56].copy_from_slice(&self.first_number.to_le_bytes());
        out[56..64].copy_from_slice(&self.begun_at_ms.to_le_bytes());
        out[64..96].copy_from_slice(&self.previous);
        let crc = crc32c::crc32c(&out[..96]);
        out[96..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header; the error says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err("the header is not complete");
        };
        if bytes[..4] != MAGIC {
            return Err("it is not a log segment");
        }
        if bytes[4..6] != VERSION.to_le_bytes() {
            return Err("its version is unknown here");
        }
        if crc32c::crc32c(&bytes[..96]) != u32_at(bytes, 96) {
            return Err("the header's checksum is wrong");
        }
        if bytes[6..8] != [0; 2] {
            return Err("its reserved bytes are not zero");
        }
        let (mut oracle_key, mut previous) = ([0; 32], [0; 32]);
        oracle_key.copy_from_slice(&bytes[8..40]);
        previous.copy_from_slice(&bytes[64..96]);
        Ok(Self {
            oracle_key,
            index: u64_at(bytes, 40),
            first_number: u64_at(bytes, 48),
            begun_at_ms: u64_at(bytes, 56),
            previous,
        })
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Something that was appended.
    Record = 1,
    /// The end of the segment.
    Seal = 2,
}

/// What stands in front of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Bytes of the payload.
    pub len: usize,
    /// What it is.
    pub kind: Kind,
    /// The record's number; of a seal, the number of the record that comes next.
    pub number: u64,
    /// The last number that was durable when this was written.
    pub synced: u64,
}

impl RecordHeader {
    /// Reads it if it is whole and good.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<RECORD_HEADER_LEN>()?;
        let kind = match u32_at(bytes, 4) {
            1 => Kind::Record,
            2 => Kind::Seal,
            _ => return None,
        };
        let len = u32_at(bytes, 0) as usize;
        if len > PAYLOAD_LEN_MAX || crc32c::crc32c(&bytes[..24]) != u32_at(bytes, 24) {
            return None;
        }
        Some(Self { len, kind, number: u64_at(bytes, 8), synced: u64_at(bytes, 16) })
    }

    /// Bytes of the whole record.
    pub fn record_len(&self) -> usize {
        self.len + RECORD_EXTRA_LEN
    }

    /// The payload of a record that is whole and good; `bytes` begin with its header.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let covered = bytes.get(..RECORD_HEADER_LEN + self.len)?;
        let crc = bytes.get(RECORD_HEADER_LEN + self.len..self.record_len())?;
        (crc32c::crc32c(covered) == u32_at(crc, 0)).then(|| &covered[RECORD_HEADER_LEN..])
    }
}

/// Appends a record.
pub fn push_record(out: &mut Vec<u8>, kind: Kind, number: u64, synced: u64, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&(kind as u32).to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&synced.to_le_bytes());
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Whether a tail that is no good record was torn by a crash and never synced; else it was synced and has rotted. `rest`
/// goes from there to the file's end and begins at byte `at` of it; `number` is the record's that belongs there.
///
/// A torn write lacks whole sectors, which are zeros or behind the file's end; rot leaves a file as long as it was. And a
/// good record further on that was written when this one was durable says so.
pub fn is_torn(rest: &[u8], at: u64, number: u64) -> bool {
    let follows_sync = (1..rest.len()).any(|skip| {
        let later = RecordHeader::read(&rest[skip..]);
        later.is_some_and(|later| later.synced >= number && later.number > number)
    });
    if follows_sync {
        return false;
    }
    let is_short = match RecordHeader::read(rest) {
        Some(header) => rest.len() < header.record_len(),
        None => rest.len() < RECORD_EXTRA_LEN,
    };
    is_short || lacks_sector(rest, at)
}

/// Whether a sector's part of these bytes, which begin at byte `at` of the file, is all zeros.
pub fn lacks_sector(bytes: &[u8], at: u64) -> bool {
    let first = (SECTOR_LEN - at % SECTOR_LEN) as usize;
    let (first, rest) = bytes.split_at(first.min(bytes.len()));
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    is_zero(first) || rest.chunks(SECTOR_LEN as usize).any(is_zero)
}
