//! TLS by a certificate that signs itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use muster_oracle::serve::tls::{Certificate, TlsError};
use muster_oracle::server::{ListenError, Running};
use muster_oracle::settings::Settings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;

use super::world::{FakeChain, boot, settings};

struct Files {
    cert: PathBuf,
    key: PathBuf,
    pem: String,
    key_pem: String,
}

fn certify(folder: &Path) -> Files {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (pem, key_pem) = (made.cert.pem(), made.signing_key.serialize_pem());
    let (cert, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    std::fs::write(&cert, &pem).unwrap();
    std::fs::write(&key, &key_pem).unwrap();
    Files { cert, key, pem, key_pem }
}

async fn secured(chain: &Arc<FakeChain>, folder: &Path, files: &Files) -> anyhow::Result<Running> {
    let (tls_cert, tls_key) = (Some(files.cert.clone()), Some(files.key.clone()));
    boot(chain, Settings { tls_cert, tls_key, ..settings(folder) }).await
}

fn client(pem: &str) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let builder = reqwest::Client::builder().tls_built_in_root_certs(false).add_root_certificate(root);
    // Every look is a handshake of its own.
    builder.pool_max_idle_per_host(0).build().unwrap()
}

/// What the server chooses of what a caller speaks.
async fn negotiated(oracle: &Running, pem: &str, offered: &[&[u8]]) -> Option<Vec<u8>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(oracle.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_the_api_is_tls_and_a_renewal_needs_no_restart() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let alive = secured(&chain, folder.path(), &first).await.unwrap();
    let url = format!("https://localhost:{}/health", alive.address.port());
    assert_eq!(client(&first.pem).get(&url).send().await.unwrap().status(), 200);
    assert_eq!(negotiated(&alive, &first.pem, &[b"h2", b"http/1.1"]).await.as_deref(), Some(&b"h2"[..]));
    assert_eq!(negotiated(&alive, &first.pem, &[b"http/1.1"]).await.as_deref(), Some(&b"http/1.1"[..]));
    let plain = reqwest::get(format!("http://{}/health", alive.address)).await;
    assert!(plain.is_err(), "nothing is served in the clear beside it");

    // When the files are renewed and the process is told.
    let second = certify(folder.path());
    assert!(client(&second.pem).get(&url).send().await.is_err(), "not before");
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
    super::world::until("the new certificate", async || client(&second.pem).get(&url).send().await.is_ok()).await;
    assert!(client(&first.pem).get(&url).send().await.is_err(), "the old one is gone");

    // When a renewal went wrong, then the one before stays.
    std::fs::write(&second.cert, "no certificate").unwrap();
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
    for _ in 0..20 {
        assert_eq!(client(&second.pem).get(&url).send().await.unwrap().status(), 200);
    }
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_loopback_is_tls_or_a_proxy_or_nothing() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let files = certify(folder.path());
    let open = || Settings { listen: "0.0.0.0:0".parse().unwrap(), ..settings(folder.path()) };
    let refused = boot(&chain, open()).await.err().expect("plain HTTP stays on loopback");
    assert!(refused.is::<ListenError>() && refused.to_string().contains("--tls-cert"), "{refused}");
    let (tls_cert, tls_key) = (Some(files.cert.clone()), Some(files.key.clone()));
    let alive = boot(&chain, Settings { tls_cert, tls_key, ..open() }).await.unwrap();
    alive.stop().await.unwrap();
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_sentence_without_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (files, others) = (certify(folder.path()), certify(tempfile::tempdir().unwrap().path()));
    let broken = folder.path().join("broken.key");
    std::fs::write(&broken, files.key_pem.replace("-----END", "-----")).unwrap();
    let other = folder.path().join("other.key");
    std::fs::write(&other, &others.key_pem).unwrap();
    let secret = files.key_pem.lines().nth(1).unwrap();
    for (cert, key, part) in [
        (&files.cert, &broken, "no private key"),
        (&files.cert, &other, "cannot be used"),
        (&files.key, &files.key, "no certificate"),
        (&folder.path().join("none.pem"), &files.key, "cannot be read"),
    ] {
        let error = Certificate::open(cert, key).expect_err("it is of no use");
        assert!(error.to_string().contains(part) && !error.to_string().contains(secret), "{error}");
    }
    let half = Certificate::of_settings(Some(&files.cert), None);
    assert!(matches!(half, Err(TlsError::Half)));
}
