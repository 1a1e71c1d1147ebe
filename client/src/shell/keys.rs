//! Key files in the Solana CLI's format: a JSON array of 64 numbers. Secrets never appear in an error or a log.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use solana_sdk::signature::{Keypair, Signer};

/// The most bytes that a key file can have.
const FILE_LEN_MAX: u64 = 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {path} cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a key file: a JSON array of 64 numbers is needed, as solana-keygen writes it")]
    Format { path: PathBuf },
    #[error("the two halves of the key in {path} do not belong together")]
    Mismatch { path: PathBuf },
    #[error("the key file {path} exists already; name another one or move it away first")]
    Exists { path: PathBuf },
    #[error("the key file {path} cannot be written: {source}")]
    Write { path: PathBuf, source: io::Error },
}

/// Reads a key file. Warns when others than its owner can read it.
pub fn read(path: &Path) -> Result<Keypair, KeyError> {
    let failed = |source| KeyError::Read { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(failed)?;
    let format = || KeyError::Format { path: path.to_owned() };
    if metadata.len() > FILE_LEN_MAX {
        return Err(format());
    }
    if is_open_to_others(&metadata) {
        tracing::warn!(path = %path.display(), "others can read this key file; chmod 600 it");
    }
    let text = fs::read(path).map_err(failed)?;
    // An error of serde_json can quote what it read, so it is not passed on.
    let bytes: Vec<u8> = serde_json::from_slice(&text).map_err(|_| format())?;
    let secret: [u8; 32] =
        bytes.get(..32).and_then(|half| half.try_into().ok()).filter(|_| bytes.len() == 64).ok_or_else(format)?;
    let keypair = Keypair::new_from_array(secret);
    if keypair.pubkey().as_ref() != &bytes[32..] {
        return Err(KeyError::Mismatch { path: path.to_owned() });
    }
    Ok(keypair)
}

/// Writes a new key file that its owner alone can read (0600); never overwrites one.
pub fn write(path: &Path, keypair: &Keypair) -> Result<(), KeyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Write { path: path.to_owned(), source },
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let text = serde_json::to_vec(&keypair.to_bytes().to_vec())
        .map_err(|error| failed(io::Error::other(error.to_string())))?;
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)
}

/// Makes a key and writes it, see [`write`].
pub fn generate(path: &Path) -> Result<Keypair, KeyError> {
    let keypair = Keypair::new();
    write(path, &keypair)?;
    Ok(keypair)
}

/// Reads a key file, or makes one where there is none.
pub fn read_or_generate(path: &Path) -> Result<Keypair, KeyError> {
    match read(path) {
        Err(KeyError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => generate(path),
        other => other,
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_written_is_read_again_and_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/key.json");
        let written = generate(&path).unwrap();
        assert_eq!(read(&path).unwrap().pubkey(), written.pubkey());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(generate(&path), Err(KeyError::Exists { .. })));
        assert_eq!(read_or_generate(&path).unwrap().pubkey(), written.pubkey());
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        fs::write(&path, "[1,2,3,\"hunter2\"]").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("is not a key file") && !error.contains("hunter2"), "{error}");
        // Given a public half of another key
        let mut bytes = Keypair::new().to_bytes().to_vec();
        bytes[40] ^= 1;
        fs::write(&path, serde_json::to_vec(&bytes).unwrap()).unwrap();
        assert!(matches!(read(&path), Err(KeyError::Mismatch { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(KeyError::Read { .. })));
    }
}
