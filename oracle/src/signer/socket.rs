//! A key behind a Unix socket.
//!
//! A question is `len u32 | op u8 | message`, an answer `len u32 | status u8 | bytes`, little-endian, `len` being all that
//! follows it; any number of them one after the other on a connection. Op 1 asks for the public key, 32 bytes; op 2 for the
//! signature on the message, 64 bytes. Status 0 is an answer, 1 a refusal whose bytes say why.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use muster_protocol::sig::{FrameSigner, PublicKey, SignError};

/// Asks for the public key.
pub const OP_KEY: u8 = 1;
/// Asks for a signature.
pub const OP_SIGN: u8 = 2;
/// An answer.
pub const OK: u8 = 0;
/// A refusal.
pub const REFUSED: u8 = 1;
/// The most bytes of a question: a view of a million nodes is signed whole.
pub const QUESTION_LEN_MAX: usize = 512 << 20;
/// The most bytes of an answer.
const ANSWER_LEN_MAX: usize = 1_024;
/// One question; batches wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module. Connects anew when the signer was away.
#[derive(Debug)]
pub struct SocketSigner {
    path: PathBuf,
    key: PublicKey,
    connection: Mutex<Option<UnixStream>>,
}

impl SocketSigner {
    /// Asks whose key it is.
    pub fn connect(path: &Path) -> Result<Self, SignError> {
        let mut stream = open(path).map_err(|error| away(path, &error))?;
        let answer = ask(&mut stream, OP_KEY, &[]).map_err(|error| away(path, &error))?;
        let bytes: [u8; 32] = of_length(answer)?;
        let key = PublicKey::from_bytes(&bytes).map_err(|error| SignError(error.to_string()))?;
        Ok(Self { path: path.into(), key, connection: Mutex::new(Some(stream)) })
    }

    fn sign(&self, message: &[u8]) -> Result<Result<Vec<u8>, String>, SignError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was left open may have ended meanwhile: that is no failure of the signer.
        if let Some(mut stream) = connection.take()
            && let Ok(answer) = ask(&mut stream, OP_SIGN, message)
        {
            *connection = Some(stream);
            return Ok(answer);
        }
        let mut stream = open(&self.path).map_err(|error| away(&self.path, &error))?;
        let answer = ask(&mut stream, OP_SIGN, message).map_err(|error| away(&self.path, &error))?;
        *connection = Some(stream);
        Ok(answer)
    }
}

impl FrameSigner for SocketSigner {
    fn public_key(&self) -> [u8; 32] {
        *self.key.as_bytes()
    }

    fn sign_message(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signature = of_length(self.sign(message)?)?;
        // What goes out under this oracle's name is checked, whoever made it.
        self.key.verify(message, &signature).map_err(|error| SignError(format!("the signer's answer: {error}")))?;
        Ok(signature)
    }
}

fn away(path: &Path, error: &io::Error) -> SignError {
    SignError(format!("the signer at {} does not answer: {error}", path.display()))
}

fn of_length<const N: usize>(answer: Result<Vec<u8>, String>) -> Result<[u8; N], SignError> {
    let bytes = answer.map_err(|why| SignError(format!("the signer refuses: {why}")))?;
    let len = bytes.len();
    bytes.try_into().map_err(|_| SignError(format!("the signer answers {len} bytes where {N} belong")))
}

fn open(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn ask(stream: &mut UnixStream, op: u8, message: &[u8]) -> io::Result<Result<Vec<u8>, String>> {
    write_piece(stream, op, message)?;
    let (status, bytes) = read_piece(stream, ANSWER_LEN_MAX)?;
    Ok(if status == OK { Ok(bytes) } else { Err(String::from_utf8_lossy(&bytes).into_owned()) })
}

/// Writes a question or an answer.
pub fn write_piece(stream: &mut impl Write, first: u8, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len() + 1).map_err(io::Error::other)?;
    let mut head = len.to_le_bytes().to_vec();
    head.push(first);
    stream.write_all(&head)?;
    stream.write_all(bytes)?;
    stream.flush()
}

/// Reads a question or an answer. Memory grows with what came, not with what was announced.
pub fn read_piece(stream: &mut impl Read, len_max: usize) -> io::Result<(u8, Vec<u8>)> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len) as usize;
    if len == 0 || len > len_max {
        return Err(io::Error::other(format!("a piece of {len} bytes, 1 to {len_max} are allowed")));
    }
    let mut bytes = Vec::new();
    stream.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let first = bytes.remove(0);
    Ok((first, bytes))
}
