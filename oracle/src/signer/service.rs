//! `muster-oracle signer`: keeps a key out of the oracle's process, and signs for whoever may open its socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use muster_protocol::sig::FrameSigner;

use super::socket::{OK, OP_KEY, OP_SIGN, QUESTION_LEN_MAX, REFUSED, read_piece, write_piece};

/// Opens the socket, for this user alone. A socket that a dead signer left is replaced; one that answers is not.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    if path.exists() && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves for ever, each connection on a thread of its own.
pub fn serve(listener: &UnixListener, key: Arc<dyn FrameSigner>) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let key = key.clone();
        std::thread::Builder::new().name("signer".into()).spawn(move || {
            // A caller that hangs up, or speaks otherwise, costs its own connection.
            while let Ok((op, message)) = read_piece(&mut stream, QUESTION_LEN_MAX) {
                if answer(&mut stream, &*key, op, &message).is_err() {
                    return;
                }
            }
        })?;
    }
}

fn answer(stream: &mut UnixStream, key: &dyn FrameSigner, op: u8, message: &[u8]) -> io::Result<()> {
    match op {
        OP_KEY => write_piece(stream, OK, &key.public_key()),
        OP_SIGN => match key.sign_message(message) {
            Ok(signature) => write_piece(stream, OK, &signature),
            Err(error) => write_piece(stream, REFUSED, error.to_string().as_bytes()),
        },
        other => write_piece(stream, REFUSED, format!("there is no op {other}").as_bytes()),
    }
}
