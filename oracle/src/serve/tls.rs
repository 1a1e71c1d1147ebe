//! TLS by rustls. The certificate is read again on SIGHUP and when one of its files changes, so that a renewal needs no
//! restart; one that cannot be read leaves the old one in place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A certificate file of this size at most.
const FILE_LEN_MAX: u64 = 1 << 20;

/// Why a certificate cannot be used. Never quotes what a file holds.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One without the other.
    #[error("--tls-cert and --tls-key go together; name both or neither")]
    Half,
    /// A file is not there, or not PEM.
    #[error("{what} {path} cannot be read as PEM: {why}")]
    File {
        /// Which of the two.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// Both are there and do not fit.
    #[error("the certificate {cert} and the key {key} cannot be used: {why}")]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// In words.
        why: String,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads a chain, the server's own certificate first, and its key.
    pub fn open(cert: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let current = RwLock::new(Arc::new(read(cert, key, &provider)?));
        Ok(Arc::new(Self { cert: cert.into(), key: key.into(), provider, current }))
    }

    /// Of two settings that go together.
    pub fn of_settings(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Arc<Self>>, TlsError> {
        match (cert, key) {
            (Some(cert), Some(key)) => Self::open(cert, key).map(Some),
            (None, None) => Ok(None),
            _ => Err(TlsError::Half),
        }
    }

    /// Reads both files again.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.cert, &self.key, &self.provider)?);
        *self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = fresh;
        Ok(())
    }

    /// Takes connections: TLS 1.2 and 1.3, HTTP/2 or HTTP/1.1 as the caller wishes.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let builder = rustls::ServerConfig::builder_with_provider(self.provider.clone());
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads again whenever a file changed or `wake` is called, for ever.
    pub async fn watch(self: Arc<Self>, mut wake: impl AsyncFnMut()) {
        let mut known = self.stamps();
        loop {
            let told = tokio::select! {
                () = wake() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let stamps = self.stamps();
            if !told && stamps == known {
                continue;
            }
            known = stamps;
            match self.reload() {
                Ok(()) => tracing::info!(cert = %self.cert.display(), "the TLS certificate is read again"),
                Err(error) => tracing::error!(%error, "the TLS certificate cannot be read; the one before stays"),
            }
        }
    }

    fn stamps(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone())
    }
}

fn read(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let bytes = pem("the certificate", cert)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| file_error("the certificate", cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(file_error("the certificate", cert, "there is no certificate in it".into()));
    }
    let bytes = pem("the key", key)?;
    // An error of the parser names what is wrong, never what it read.
    let private = PrivateKeyDer::from_pem_slice(&bytes);
    let private = private.map_err(|_| file_error("the key", key, "there is no private key in it".into()))?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| TlsError::Pair {
        cert: cert.into(),
        key: key.into(),
        why: error.to_string(),
    })
}

fn pem(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: std::io::Error| file_error(what, path, error.to_string());
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_LEN_MAX {
        return Err(file_error(what, path, format!("it has more than {FILE_LEN_MAX} bytes")));
    }
    std::fs::read(path).map_err(failed)
}

fn file_error(what: &'static str, path: &Path, why: String) -> TlsError {
    TlsError::File { what, path: path.into(), why }
}
