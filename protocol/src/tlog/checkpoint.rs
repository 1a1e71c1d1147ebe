//! Checkpoints: a log's size and root, signed by the log and cosigned by witnesses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{COSIGNATURE, ED25519, Note, NoteError, NoteSignature, Verifier};
use crate::hash::Hash;
use crate::sig::{FrameSigner, PublicKey, SignError, Signer, SigningKey};
use crate::wire::Domain;

/// What a log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// The origin of an oracle's log, which is its key's name too: `muster/<genesis tag, hex>/<program>/<oracle>`, both
/// addresses base58.
pub fn origin(domain: &Domain, oracle_key: &[u8; 32]) -> String {
    let base58 = |key: &[u8; 32]| bs58::encode(key).into_string();
    format!("muster/{}/{}/{}", hex::encode(domain.genesis_tag), base58(&domain.program), base58(oracle_key))
}

/// What an oracle's checkpoints are verified by.
pub fn log_verifier(domain: &Domain, oracle_key: &[u8; 32]) -> Verifier {
    Verifier { name: origin(domain, oracle_key), kind: ED25519, key: *oracle_key }
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads the text of a note. Extension lines are refused: nobody here writes them.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteError::Malformed("its text does not end"))?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed("a checkpoint is three lines: origin, size and root"));
        };
        let root = STANDARD.decode(root).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let (Ok(size), Some(root)) = (size.parse(), root) else {
            return Err(NoteError::Malformed("the size or the root of a checkpoint is none"));
        };
        let checkpoint = Self { origin: origin.to_owned(), size, root };
        if origin.is_empty() || checkpoint.text() != text {
            return Err(NoteError::Malformed("a checkpoint has one spelling, and this is another"));
        }
        Ok(checkpoint)
    }

    /// The whole note with the log's own signature alone.
    pub fn signed(&self, key: &(impl FrameSigner + ?Sized)) -> Result<Note, SignError> {
        let text = self.text();
        let verifier = Verifier { name: self.origin.clone(), kind: ED25519, key: key.public_key() };
        let bytes = key.sign_message(text.as_bytes())?.to_vec();
        let signature = NoteSignature { key_id: verifier.key_id(), name: verifier.name, bytes };
        Ok(Note { text, signatures: vec![signature] })
    }
}

/// What a witness signs: `"cosignature/v1\ntime <seconds>\n"` and the checkpoint's text.
fn cosigned_message(text: &str, at_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {at_s}\n{text}").into_bytes()
}

/// A witness's signature on a checkpoint's text: `timestamp u64, big-endian || signature`.
pub fn cosign(text: &str, witness: &str, key: &SigningKey, at_s: u64) -> NoteSignature {
    let verifier = Verifier { name: witness.to_owned(), kind: COSIGNATURE, key: key.verifying_key().to_bytes() };
    let signature = key.sign(&cosigned_message(text, at_s)).to_bytes();
    let bytes = [&at_s.to_be_bytes()[..], &signature].concat();
    NoteSignature { key_id: verifier.key_id(), name: verifier.name, bytes }
}

fn verify(verifier: &Verifier, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
    let bad = || NoteError::BadSignature(verifier.name.clone());
    let signature: &[u8; 64] = signature.try_into().map_err(|_| bad())?;
    let key = PublicKey::from_bytes(&verifier.key).map_err(|_| bad())?;
    key.verify(message, signature).map_err(|_| bad())
}

/// Verifies a note by the log's key and reads its checkpoint.
pub fn open(note: &Note, log: &Verifier) -> Result<Checkpoint, NoteError> {
    let checkpoint = Checkpoint::parse(&note.text)?;
    if checkpoint.origin != log.name {
        return Err(NoteError::OtherLog { expected: log.name.clone(), found: checkpoint.origin });
    }
    let signature = log.find(note).ok_or_else(|| NoteError::NotSigned(log.name.clone()))?;
    verify(log, note.text.as_bytes(), &signature.bytes)?;
    Ok(checkpoint)
}

/// When a witness cosigned a note, Unix seconds.
pub fn cosigned_at(note: &Note, witness: &Verifier) -> Result<u64, NoteError> {
    let found = witness.find(note).ok_or_else(|| NoteError::NotSigned(witness.name.clone()))?;
    let bad = || NoteError::BadSignature(witness.name.clone());
    let (at_s, signature) = found.bytes.split_first_chunk::<8>().ok_or_else(bad)?;
    let at_s = u64::from_be_bytes(*at_s);
    verify(witness, &cosigned_message(&note.text, at_s), signature)?;
    Ok(at_s)
}
