//! The bytes of a segment.
//!
//! Header: `"MSLG" | version u16 = 1 | reserved u16 | oracle key[32] | index u64 | hash[32] of the segment before, zero
//! for the first | CRC32C u32 of all of it`. Then records: `len u32 | CRC32C u32 | number u64 | payload[len]`; the
//! checksum is over length, number and payload, numbers count from 1 through all segments. The first byte of a payload
//! says what it is, so snapshots can stand between batches. All little-endian.

/// First bytes of a segment.
pub const MAGIC: [u8; 4] = *b"MSLG";
/// Bytes of the header.
pub const HEADER_LEN: usize = 84;
/// Bytes in front of a payload.
pub const RECORD_HEADER_LEN: usize = 16;
/// The most bytes of a payload.
pub const PAYLOAD_LEN_MAX: usize = 16 << 20;

/// What stands at the head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose log it is.
    pub oracle_key: [u8; 32],
    /// Counts from 0.
    pub index: u64,
    /// SHA-256 of the whole segment before.
    pub previous: [u8; 32],
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&1u16.to_le_bytes());
        out[8..40].copy_from_slice(&self.oracle_key);
        out[40..48].copy_from_slice(&self.index.to_le_bytes());
        out[48..80].copy_from_slice(&self.previous);
        let crc = crc32c::crc32c(&out[..80]);
        out[80..].copy_from_slice(&crc.to_le_bytes());
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
        if crc32c::crc32c(&bytes[..80]).to_le_bytes() != bytes[80..] {
            return Err("the header's checksum is wrong");
        }
        if bytes[4..6] != 1u16.to_le_bytes() {
            return Err("its version is unknown here");
        }
        let (mut oracle_key, mut index, mut previous) = ([0; 32], [0; 8], [0; 32]);
        oracle_key.copy_from_slice(&bytes[8..40]);
        index.copy_from_slice(&bytes[40..48]);
        previous.copy_from_slice(&bytes[48..80]);
        Ok(Self { oracle_key, index: u64::from_le_bytes(index), previous })
    }
}

fn checksum(len: &[u8], rest: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(len), rest)
}

/// Appends a record.
pub fn push_record(out: &mut Vec<u8>, number: u64, payload: &[u8]) {
    let len = (payload.len() as u32).to_le_bytes();
    let start = out.len();
    out.extend_from_slice(&len);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = checksum(&len, &out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// The record at the start of `bytes` if it is whole and good: its number and payload.
pub fn read_record(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_LEN>()?;
    let (len, after_len) = header.split_first_chunk::<4>()?;
    let (crc, number) = after_len.split_first_chunk::<4>()?;
    let payload_len = u32::from_le_bytes(*len) as usize;
    if payload_len > PAYLOAD_LEN_MAX {
        return None;
    }
    let payload = rest.get(..payload_len)?;
    if checksum(len, &bytes[8..RECORD_HEADER_LEN + payload_len]) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((u64::from_le_bytes(number.try_into().ok()?), payload))
}

/// Whether a good record of a later number stands anywhere in `bytes`. Then what is before it was synced and has
/// rotted; else it is the tail that a crash tore.
pub fn holds_later_record(bytes: &[u8], number: u64) -> bool {
    let later = number..number.saturating_add(1 << 20);
    (0..bytes.len().saturating_sub(RECORD_HEADER_LEN)).any(|at| {
        let here = &bytes[at..];
        let Some(found) = here[8..].first_chunk::<8>() else {
            return false;
        };
        later.contains(&u64::from_le_bytes(*found)) && read_record(here).is_some()
    })
}
