//! Reading an oracle's transparency log and believing nothing of it but what its checkpoint's signature covers. How
//! bytes are fetched is the caller's: [`Fetch`] is a GET below an oracle's base URL.

use std::collections::{BTreeMap, BTreeSet};

use muster_protocol::{
    Hash,
    receipt::BatchReceipt,
    tlog::{
        check::{BatchProof, Inclusion, LogFault, batch_is_logged, entry_is_logged, is_consistent},
        checkpoint::{Checkpoint, cosigned_at, open},
        entry::Entry,
        note::{Note, NoteError, Verifier},
        tile::{Tile, Tiles, WIDTH, entries_of, tiles_of},
        tree::{consistency_nodes, inclusion_nodes},
    },
};
use serde::Deserialize;

/// A GET of a path below an oracle's base URL.
pub trait Fetch {
    /// The body of a 200; else why there is none, as a sentence.
    fn get(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, String>> + Send;
}

/// Why the log does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// It is not to be had: no statement about the log.
    #[error("{0}")]
    Unread(String),
    /// Not signed by who should, or not the format.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Signed, and wrong: evidence against the oracle.
    #[error(transparent)]
    Fault(#[from] LogFault),
    /// The log's files are not what its checkpoint is of.
    #[error("{0}")]
    Bytes(String),
}

/// A checkpoint whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// As it was served: whoever keeps it can show it.
    pub note: Note,
}

/// Verifies a served checkpoint by the oracle's key.
pub fn verify(bytes: &[u8], log: &Verifier) -> Result<Verified, LogError> {
    let note = Note::parse(bytes)?;
    let checkpoint = open(&note, log)?;
    Ok(Verified { checkpoint, note })
}

/// Which of these witnesses cosigned a checkpoint, and when (Unix seconds).
pub fn cosigned_by<'a>(verified: &Verified, witnesses: &'a [Verifier]) -> Vec<(&'a Verifier, u64)> {
    witnesses.iter().filter_map(|witness| Some((witness, cosigned_at(&verified.note, witness).ok()?))).collect()
}

/// The newest checkpoint of an oracle's log.
pub async fn checkpoint(fetch: &impl Fetch, log: &Verifier) -> Result<Verified, LogError> {
    let bytes = fetch.get("/tlog/checkpoint").await.map_err(LogError::Unread)?;
    verify(&bytes, log)
}

async fn fetch_tiles(fetch: &impl Fetch, tiles: BTreeSet<Tile>, size: u64) -> Result<Tiles, LogError> {
    let mut held = BTreeMap::new();
    for tile in tiles {
        let bytes = fetch.get(&format!("/tlog/{}", tile.path())).await.map_err(LogError::Unread)?;
        if bytes.len() != usize::from(tile.width) * 32 {
            return Err(LogError::Bytes(format!("{} has {} bytes", tile.path(), bytes.len())));
        }
        held.insert(tile, bytes);
    }
    Ok(Tiles::new(size, held))
}

/// An entry of the log that a checkpoint is of, proven by the log's tiles.
pub async fn entry(fetch: &impl Fetch, at: &Checkpoint, index: u64) -> Result<Entry, LogError> {
    let missing = || LogError::Bytes(format!("the log of {} entries does not hold entry {index}", at.size));
    let bundle = Tile::entries(index / WIDTH, at.size).ok_or_else(missing)?;
    let bytes = fetch.get(&format!("/tlog/{}", bundle.path())).await.map_err(LogError::Unread)?;
    let entries = entries_of(&bytes).ok_or_else(missing)?;
    let entry = entries.get((index % WIDTH) as usize).ok_or_else(missing)?.to_vec();
    let tiles = fetch_tiles(fetch, tiles_of(&inclusion_nodes(index, at.size), at.size), at.size).await?;
    let path = tiles.inclusion_proof(index).map_err(|error| LogError::Bytes(error.to_string()))?;
    entry_is_logged(&Inclusion { entry: entry.clone(), index, size: at.size, path }, at)?;
    Entry::decode(&entry).map_err(|error| LogError::Bytes(error.to_string()))
}

/// Whether the log goes on from an earlier checkpoint, by the log's tiles.
pub async fn goes_on(fetch: &impl Fetch, old: &Checkpoint, new: &Checkpoint) -> Result<(), LogError> {
    let tiles = fetch_tiles(fetch, tiles_of(&consistency_nodes(old.size, new.size), new.size), new.size).await?;
    let proof = tiles.consistency_proof(old.size).map_err(|error| LogError::Bytes(error.to_string()))?;
    Ok(is_consistent(old, new, &proof)?)
}

/// As `GET /api/v1/tlog/proof` answers.
#[derive(Deserialize)]
struct ProofAnswer {
    batch_path: Vec<String>,
    entry: String,
    index: u64,
    size: u64,
    path: Vec<String>,
    checkpoint: String,
}

fn hash(text: &str) -> Option<Hash> {
    bytes(text)?.try_into().ok()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Reads a proof of a batch and the checkpoint that it is of; neither is believed yet.
pub fn read_batch_proof(body: &[u8]) -> Result<(BatchProof, Vec<u8>), LogError> {
    let wrong = || LogError::Bytes("the proof of a batch is not as it must be".to_owned());
    let answer: ProofAnswer = serde_json::from_slice(body).map_err(|_| wrong())?;
    let hashes = |texts: &[String]| texts.iter().map(|text| hash(text)).collect::<Option<Vec<_>>>();
    let proof = BatchProof {
        batch_path: hashes(&answer.batch_path).ok_or_else(wrong)?,
        inclusion: Inclusion {
            entry: bytes(&answer.entry).ok_or_else(wrong)?,
            index: answer.index,
            size: answer.size,
            path: hashes(&answer.path).ok_or_else(wrong)?,
        },
    };
    Ok((proof, answer.checkpoint.into_bytes()))
}

/// Whether the batch of a receipt is in the oracle's log: asks for the proof, verifies it and the checkpoint, which is
/// given back to be kept. The receipt's own signature is the caller's to verify.
pub async fn batch_in_log(
    fetch: &impl Fetch,
    log: &Verifier,
    receipt: &BatchReceipt,
) -> Result<(BatchProof, Verified), LogError> {
    let path = format!("/api/v1/tlog/proof?batch={}", receipt.batch_no);
    let body = fetch.get(&path).await.map_err(LogError::Unread)?;
    let (proof, note) = read_batch_proof(&body)?;
    let verified = verify(&note, log)?;
    batch_is_logged(receipt, &proof, &verified.checkpoint)?;
    Ok((proof, verified))
}
