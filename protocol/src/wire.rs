//! The common header, bounds-checked reading, and what every signed frame shares.
//!
//! All integers are little-endian. A signed frame is `header | body | signature[64]`; the signature is over everything
//! before it. Decoders accept exactly one encoding of a value: no trailing bytes, no non-zero reserved field.

use crate::hash::Hash;
use crate::sig::{FrameSigner, PublicKey, SIGNATURE_LEN, SigError, SignError};

/// First bytes of every signed frame.
pub const MAGIC: [u8; 4] = *b"MSTR";
/// The only version so far.
pub const VERSION: u8 = 1;
/// Bytes of the common header.
pub const HEADER_LEN: usize = 48;

/// What a frame is.
pub mod kind {
    /// [`crate::heartbeat::Heartbeat`]
    pub const HEARTBEAT: u8 = 1;
    /// [`crate::receipt::BatchReceipt`]
    pub const BATCH_RECEIPT: u8 = 2;
    /// [`crate::result::TaskResult`]
    pub const TASK_RESULT: u8 = 3;
    /// [`crate::view::View`]
    pub const VIEW: u8 = 4;
    /// [`crate::assignment::Assignment`]
    pub const ASSIGNMENT: u8 = 5;
    /// [`crate::scores::Scores`]
    pub const SCORES: u8 = 6;
    /// [`crate::result::Progress`]
    pub const PROGRESS: u8 = 7;
    /// [`crate::request`]: a signed HTTP request
    pub const REQUEST: u8 = 8;
    /// [`crate::uptime::UptimeStatement`]
    pub const UPTIME: u8 = 9;
    /// [`crate::export::PointsStatement`]
    pub const POINTS: u8 = 10;
}

/// Which network a frame belongs to: nothing signed for one network or cluster means anything in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    /// The first 8 bytes of the cluster's genesis hash.
    pub genesis_tag: [u8; 8],
    /// Address of the network program.
    pub program: [u8; 32],
}

impl Domain {
    /// The domain of a network program on the cluster with this genesis hash.
    pub fn new(genesis_hash: &Hash, program: [u8; 32]) -> Self {
        let mut genesis_tag = [0; 8];
        genesis_tag.copy_from_slice(&genesis_hash[..8]);
        Self { genesis_tag, program }
    }
}

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end inside of a field.
    #[error("the message ends after {have} bytes inside of {field}, which needs {need} more")]
    Short {
        /// The field that was being read.
        field: &'static str,
        /// Bytes that the field needs.
        need: usize,
        /// Bytes of the whole message.
        have: usize,
    },
    /// More bytes follow the last field.
    #[error("{0} bytes follow the end of the message")]
    Trailing(usize),
    /// The message is longer than its kind allows.
    #[error("the message has {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Bytes of the message.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Not the magic of this format.
    #[error("the message starts with {found:02x?} instead of {expected:02x?}")]
    Magic {
        /// What the format starts with.
        expected: [u8; 4],
        /// What is there.
        found: [u8; 4],
    },
    /// A version that this build does not know.
    #[error("version {0} of the format is unknown here, 1 is known")]
    Version(u16),
    /// Another kind of frame than the caller expects.
    #[error("the frame is of kind {found}, expected {expected}")]
    Kind {
        /// What the caller decodes.
        expected: u8,
        /// What is there.
        found: u8,
    },
    /// A reserved field is not zero.
    #[error("the reserved field {0} is not zero")]
    Reserved(&'static str),
    /// Signed for another cluster or network program.
    #[error("the frame belongs to another cluster or network program")]
    Domain,
    /// A value outside of its range.
    #[error("{field} is {value}, {rule}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is there.
        value: u64,
        /// What is allowed.
        rule: &'static str,
    },
    /// Entries that are not strictly ascending.
    #[error("{field} number {index} is not above the one before it")]
    Order {
        /// The list.
        field: &'static str,
        /// The first entry out of order.
        index: usize,
    },
    /// A figure that does not follow from the others.
    #[error("{field} of entry {index} does not follow from the other fields")]
    Inconsistent {
        /// The field.
        field: &'static str,
        /// The entry, 0 if there is only one.
        index: usize,
    },
    /// Another key signs than the frame names.
    #[error("the signing key is not the one that the frame names")]
    WrongSigner,
    /// The key or the signature is refused.
    #[error(transparent)]
    Signature(#[from] SigError),
    /// Whoever keeps the key did not sign.
    #[error("the frame is not signed: {0}")]
    Unsigned(#[from] SignError),
}

/// Reads fields one after the other; never panics and never reads outside of its bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(WireError::Short { field, need: n, have: self.len })?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(WireError::Short { field, need: N, have: self.len })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array(field)?))
    }

    /// Four bytes.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    /// Four bytes, signed.
    pub fn i32(&mut self, field: &'static str) -> Result<i32, WireError> {
        Ok(i32::from_le_bytes(self.array(field)?))
    }

    /// Eight bytes.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// A two-byte field that must be zero.
    pub fn reserved_u16(&mut self, field: &'static str) -> Result<(), WireError> {
        if self.u16(field)? == 0 { Ok(()) } else { Err(WireError::Reserved(field)) }
    }

    /// The magic and version (u16) of an unsigned file.
    pub fn file_header(&mut self, expected: [u8; 4]) -> Result<(), WireError> {
        let found = self.array("magic")?;
        if found != expected {
            return Err(WireError::Magic { expected, found });
        }
        match self.u16("version")? {
            1 => Ok(()),
            other => Err(WireError::Version(other)),
        }
    }

    /// Checks that `count` entries of at least `entry_len` bytes can follow, before anything is allocated for them.
    pub fn expect_entries(&self, count: u32, entry_len: usize, field: &'static str) -> Result<usize, WireError> {
        let count = count as usize;
        let need = count.saturating_mul(entry_len);
        if need > self.rest.len() {
            return Err(WireError::Short { field, need, have: self.len });
        }
        Ok(count)
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing(self.rest.len())) }
    }
}

/// `value <= max`, or the error that names the field.
pub(crate) fn at_most(field: &'static str, value: u64, max: u64, rule: &'static str) -> Result<(), WireError> {
    if value <= max { Ok(()) } else { Err(WireError::Value { field, value, rule }) }
}

/// The length of a list that is written with a one-byte count.
pub(crate) fn short_count(field: &'static str, len: usize, max: usize, rule: &'static str) -> Result<(), WireError> {
    at_most(field, len as u64, max as u64, rule)
}

/// Checks that keys are strictly ascending.
pub(crate) fn strictly_ascending<T: PartialOrd>(
    field: &'static str,
    keys: impl Iterator<Item = T>,
) -> Result<(), WireError> {
    let mut last = None;
    for (index, key) in keys.enumerate() {
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(WireError::Order { field, index });
        }
        last = Some(key);
    }
    Ok(())
}

/// Appends the common header.
pub fn write_header(out: &mut Vec<u8>, domain: &Domain, kind: u8) {
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    out.push(kind);
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&domain.genesis_tag);
    out.extend_from_slice(&domain.program);
}

/// Reads and checks the common header.
pub fn read_header(reader: &mut Reader<'_>, domain: &Domain, kind: u8) -> Result<(), WireError> {
    let found = reader.array("magic")?;
    if found != MAGIC {
        return Err(WireError::Magic { expected: MAGIC, found });
    }
    let version = reader.u8("version")?;
    if version != VERSION {
        return Err(WireError::Version(version.into()));
    }
    let found = reader.u8("kind")?;
    if found != kind {
        return Err(WireError::Kind { expected: kind, found });
    }
    reader.reserved_u16("header")?;
    let genesis_tag: [u8; 8] = reader.array("genesis tag")?;
    let program: [u8; 32] = reader.array("program")?;
    if genesis_tag != domain.genesis_tag || program != domain.program {
        return Err(WireError::Domain);
    }
    Ok(())
}

/// The part of a frame that its signature is over: all but the last 64 bytes.
pub fn signed_part(frame: &[u8]) -> &[u8] {
    &frame[..frame.len().saturating_sub(SIGNATURE_LEN)]
}

/// A value that travels as `header | body | signature`.
pub trait Frame: Sized {
    /// The header's kind.
    const KIND: u8;
    /// The most bytes of a whole frame.
    const MAX_LEN: usize;

    /// The key that signs; it is a field of the body.
    fn signer(&self) -> &[u8; 32];
    /// Checks the ranges that the layout does not enforce by itself. Both directions run it.
    fn validate(&self) -> Result<(), WireError>;
    /// Appends the body.
    fn write_body(&self, out: &mut Vec<u8>);
    /// Reads the body.
    fn read_body(reader: &mut Reader<'_>) -> Result<Self, WireError>;

    /// What is signed: header and body.
    fn signing_bytes(&self, domain: &Domain) -> Result<Vec<u8>, WireError> {
        self.validate()?;
        let mut out = Vec::with_capacity(Self::MAX_LEN.min(1024));
        write_header(&mut out, domain, Self::KIND);
        self.write_body(&mut out);
        let len = out.len() + SIGNATURE_LEN;
        if len > Self::MAX_LEN {
            return Err(WireError::TooLong { len, max: Self::MAX_LEN });
        }
        Ok(out)
    }

    /// The whole frame, signed by `key`, which must be the one that the body names.
    fn encode_signed(&self, domain: &Domain, key: &(impl FrameSigner + ?Sized)) -> Result<Vec<u8>, WireError> {
        if key.public_key() != *self.signer() {
            return Err(WireError::WrongSigner);
        }
        let mut out = self.signing_bytes(domain)?;
        let signature = key.sign_message(&out)?;
        out.extend_from_slice(&signature);
        Ok(out)
    }

    /// Decodes a frame and hands out its signature **unverified**: for those who hold the signer's key decompressed
    /// or verify in batches over [`signed_part`]. Others call [`Frame::decode_verified`].
    fn decode(domain: &Domain, frame: &[u8]) -> Result<(Self, [u8; 64]), WireError> {
        if frame.len() > Self::MAX_LEN {
            return Err(WireError::TooLong { len: frame.len(), max: Self::MAX_LEN });
        }
        let mut reader = Reader::new(frame);
        read_header(&mut reader, domain, Self::KIND)?;
        let body = Self::read_body(&mut reader)?;
        let signature = reader.array("signature")?;
        reader.finish()?;
        body.validate()?;
        Ok((body, signature))
    }

    /// Decodes a frame and verifies its signature by the key that it names. Whether that key may sign is the caller's
    /// question.
    fn decode_verified(domain: &Domain, frame: &[u8]) -> Result<Self, WireError> {
        let (body, signature) = Self::decode(domain, frame)?;
        PublicKey::from_bytes(body.signer())?.verify(signed_part(frame), &signature)?;
        Ok(body)
    }
}
