//! Asks witnesses to cosign, and serves what they signed. A witness that is away delays nothing for longer than its
//! time-out; one that knows more of this log than this oracle stops it: the key runs twice, or its files are old.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use muster_protocol::tlog::checkpoint::cosigned_at;
use muster_protocol::tlog::note::{COSIGNATURE, Note, NoteError, NoteSignature, Verifier};
use muster_protocol::tlog::tree::consistency_proof;
use muster_protocol::tlog::witness::AddCheckpoint;
use reqwest::StatusCode;
use tokio::sync::watch;

use super::status::{Signed, Status};
use super::tree::LogTree;

/// A witness that needs longer signs the next one.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes of an answer.
const ANSWER_LEN_MAX: usize = 4 << 10;

/// Where a witness is, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Of the key that cosigns.
    pub verifier: Verifier,
    /// Where `add-checkpoint` is.
    pub url: String,
}

impl Witness {
    /// Reads `KEY@URL`, the key as `muster-oracle witness key` prints it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{text:?} is no witness ({why}): write its key, @ and its URL");
        let at = text.find("@http").ok_or_else(|| wrong("it names no URL"))?;
        let verifier = Verifier::decode(&text[..at]).map_err(|error| wrong(&error.to_string()))?;
        if verifier.kind != COSIGNATURE {
            return Err(wrong("its key is a log's"));
        }
        Ok(Self { verifier, url: text[at + 1..].trim_end_matches('/').to_owned() })
    }
}

/// What a witness answered.
enum Answer {
    Cosigned(NoteSignature),
    /// It knows another size than the request named.
    Knows(u64),
    Refused(String),
}

struct Asked {
    witness: Witness,
    /// The size that it cosigned last, as far as is known here.
    known: u64,
    was_away: bool,
}

/// Serves every signed checkpoint, with the cosignatures that come in time.
pub async fn run(
    mut signed: watch::Receiver<Option<Signed>>,
    tree: Arc<LogTree>,
    status: Arc<Status>,
    http: reqwest::Client,
    witnesses: Vec<Witness>,
) {
    let mut asked: Vec<Asked> =
        witnesses.into_iter().map(|witness| Asked { witness, known: 0, was_away: false }).collect();
    loop {
        let newest = signed.borrow_and_update().clone();
        if let Some(mut newest) = newest {
            let asking = asked.iter_mut().map(|asked| asked.cosign(&newest, &tree, &status, &http));
            let lines = futures_util::future::join_all(asking).await;
            newest.note.signatures.extend(lines.into_iter().flatten());
            status.serve(newest);
        }
        if signed.changed().await.is_err() {
            return;
        }
    }
}

impl Asked {
    async fn cosign(
        &mut self,
        signed: &Signed,
        tree: &LogTree,
        status: &Status,
        http: &reqwest::Client,
    ) -> Option<NoteSignature> {
        let answer = match tokio::time::timeout(TIMEOUT, self.ask(signed, tree, status, http)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        };
        match answer {
            Ok(signature) => {
                self.was_away = false;
                self.known = signed.checkpoint.size;
                status.cosigned.fetch_add(1, Ordering::Relaxed);
                Some(signature)
            }
            Err(why) => {
                status.not_cosigned.fetch_add(1, Ordering::Relaxed);
                if !self.was_away {
                    tracing::warn!(witness = self.witness.verifier.name, why, "a witness did not cosign");
                }
                self.was_away = true;
                None
            }
        }
    }

    /// Asks, and once more with what the witness says that it knows.
    async fn ask(
        &mut self,
        signed: &Signed,
        tree: &LogTree,
        status: &Status,
        http: &reqwest::Client,
    ) -> Result<NoteSignature, String> {
        for _ in 0..2 {
            match self.request(signed, tree, http).await? {
                Answer::Cosigned(signature) => return Ok(signature),
                Answer::Refused(why) => return Err(why),
                Answer::Knows(size) if size > signed.checkpoint.size => {
                    let own = signed.checkpoint.size;
                    let why = format!(
                        "witness {} knows {size} entries of this oracle's log, which has {own}: its key runs twice, or \
                         its files are an old copy; nothing more is signed",
                        self.witness.verifier.name
                    );
                    tracing::error!(why);
                    status.fail(why.clone());
                    return Err(why);
                }
                Answer::Knows(size) => self.known = size,
            }
        }
        Err("it names another size each time".to_owned())
    }

    async fn request(&self, signed: &Signed, tree: &LogTree, http: &reqwest::Client) -> Result<Answer, String> {
        let size = signed.checkpoint.size;
        let proof = consistency_proof(self.known, size, &mut |node| tree.hash(node));
        let proof = proof.map_err(|error| error.to_string())?;
        let request = AddCheckpoint { old_size: self.known, proof, note: signed.note.clone() };
        let url = format!("{}/add-checkpoint", self.witness.url);
        let answer = http.post(url).body(request.encode()).send().await;
        let mut answer = answer.map_err(|error| error.without_url().to_string())?;
        let code = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
            if body.len() + chunk.len() > ANSWER_LEN_MAX {
                return Err("its answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(body).map_err(|_| "its answer is no text".to_owned())?;
        Ok(match code {
            StatusCode::OK => Answer::Cosigned(self.read(signed, &text).map_err(|error| error.to_string())?),
            StatusCode::CONFLICT => match text.trim_end().parse() {
                Ok(size) if size != self.known => Answer::Knows(size),
                _ => Answer::Refused("it cosigned another root of this size: this log is forked".to_owned()),
            },
            other => Answer::Refused(format!("{other}: {}", text.trim_end())),
        })
    }

    /// Only a signature of the witness's own key is taken over.
    fn read(&self, signed: &Signed, lines: &str) -> Result<NoteSignature, NoteError> {
        let bytes = format!("{}\n{lines}", signed.note.text);
        let note = Note::parse(bytes.as_bytes())?;
        cosigned_at(&note, &self.witness.verifier)?;
        let found = self.witness.verifier.find(&note).cloned();
        found.ok_or_else(|| NoteError::NotSigned(self.witness.verifier.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::tlog::note::ED25519;

    use super::*;

    #[test]
    fn a_witness_is_its_key_and_its_url() {
        let verifier = Verifier { name: "witness.example/1".into(), kind: COSIGNATURE, key: [7; 32] };
        let read = Witness::parse(&format!("{}@https://witness.example/", verifier.encode()));
        assert_eq!(read, Ok(Witness { verifier: verifier.clone(), url: "https://witness.example".into() }));
        let log = Verifier { kind: ED25519, ..verifier.clone() };
        for wrong in [verifier.encode(), format!("{}@http://x", log.encode()), "@http://x".into(), String::new()] {
            assert!(Witness::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
