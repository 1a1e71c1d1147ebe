//! Signed notes as C2SP's `signed-note` has them: a text, and lines that sign it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::hashv;

/// Signature type of a log's own Ed25519 signature.
pub const ED25519: u8 = 1;
/// Signature type of a witness's timestamped cosignature.
pub const COSIGNATURE: u8 = 4;
/// The most bytes of a note that is read.
pub const NOTE_LEN_MAX: usize = 64 << 10;
/// The most signatures of a note that is read.
pub const SIGNATURES_MAX: usize = 64;

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// With the name it says which key and which kind of signature it is.
    pub key_id: [u8; 4],
    /// What the kind makes of it.
    pub bytes: Vec<u8>,
}

/// A text and its signatures, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Ends with a newline.
    pub text: String,
    /// In their order.
    pub signatures: Vec<NoteSignature>,
}

/// Why bytes are no signed note, no checkpoint, or not signed by who should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the format.
    #[error("it is no signed note: {0}")]
    Malformed(&'static str),
    /// None of its signatures is of this key.
    #[error("no signature of {0} is on it")]
    NotSigned(String),
    /// A signature that names the key is not by it.
    #[error("the signature that names {0} is not by that key")]
    BadSignature(String),
    /// The checkpoint of another log.
    #[error("it is of the log {found:?}, not of {expected:?}")]
    OtherLog {
        /// Whose it had to be.
        expected: String,
        /// Whose it is.
        found: String,
    },
}

/// Whether a key may have this name.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '+')
}

/// First four bytes of `H(name || "\n" || kind || key)`.
pub fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let hash = hashv(&[name.as_bytes(), b"\n", &[kind], key]);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A key that notes are verified by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// Name of the key.
    pub name: String,
    /// [`ED25519`] or [`COSIGNATURE`].
    pub kind: u8,
    /// The Ed25519 key.
    pub key: [u8; 32],
}

impl Verifier {
    /// `name+key id+base64(kind || key)`, as logs and witnesses are configured by.
    pub fn encode(&self) -> String {
        let id = hex::encode(self.key_id());
        let material = STANDARD.encode([&[self.kind][..], &self.key].concat());
        format!("{}+{id}+{material}", self.name)
    }

    /// Reads [`Verifier::encode`].
    pub fn decode(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a verifier key is name+id+key, the id 8 hex digits, the key base64");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong);
        };
        let bytes = STANDARD.decode(material).map_err(|_| wrong.clone())?;
        let Some((&kind, key)) = bytes.split_first() else {
            return Err(wrong);
        };
        let key: [u8; 32] = key.try_into().map_err(|_| wrong.clone())?;
        let verifier = Self { name: name.to_owned(), kind, key };
        let good = is_name(name) && matches!(kind, ED25519 | COSIGNATURE) && hex::encode(verifier.key_id()) == id;
        if good { Ok(verifier) } else { Err(wrong) }
    }

    /// Which signatures are its.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.key)
    }

    /// The first of a note's signatures that names this key.
    pub fn find<'a>(&self, note: &'a Note) -> Option<&'a NoteSignature> {
        let id = self.key_id();
        note.signatures.iter().find(|signature| signature.name == self.name && signature.key_id == id)
    }
}

impl NoteSignature {
    /// Its line, with the newline.
    pub fn line(&self) -> String {
        let encoded = STANDARD.encode([&self.key_id[..], &self.bytes].concat());
        format!("\u{2014} {} {encoded}\n", self.name)
    }

    /// Reads a line without its newline.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Malformed("a signature line is not as it must be");
        let (name, encoded) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
        if !is_name(name) || bytes.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

impl Note {
    /// Its bytes.
    pub fn encode(&self) -> String {
        let lines: String = self.signatures.iter().map(NoteSignature::line).collect();
        format!("{}\n{lines}", self.text)
    }

    /// Reads a note; the signatures are not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_LEN_MAX {
            return Err(NoteError::Malformed("it is longer than 64 KiB"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("it is not UTF-8"))?;
        if whole.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed("it has control characters"));
        }
        let (text, lines) =
            whole.rsplit_once("\n\n").ok_or(NoteError::Malformed("no empty line is before its signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("its last line does not end"))?;
        let signatures: Vec<NoteSignature> = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Malformed("it has more than 64 signatures"));
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}
