use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::{FrameSigner, PublicKey, SignError, SigningKey};
use muster_protocol::wire::{Domain, Frame};
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;

use super::socket::SocketSigner;
use super::{OracleKey, service};

const DOMAIN: Domain = Domain { genesis_tag: [4; 8], program: [5; 32] };

fn start(path: &Path, key: impl FrameSigner + 'static) {
    let listener = service::listen(path).unwrap();
    let key = Arc::new(key);
    std::thread::spawn(move || service::serve(&listener, key));
}

#[test]
fn a_key_behind_a_socket_signs_what_the_key_at_hand_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signer");
    let keypair = Keypair::new_from_array([9; 32]);
    let at_hand = OracleKey::from(&keypair);
    start(&path, SigningKey::from_bytes(&[9; 32]));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let behind = OracleKey::new(SocketSigner::connect(&path).unwrap());
    assert_eq!(behind.public_key(), at_hand.public_key());
    assert_eq!(behind.pubkey(), keypair.pubkey());

    let receipt = BatchReceipt::tick(at_hand.public_key(), 3, 4);
    let signed = receipt.encode_signed(&DOMAIN, &behind).unwrap();
    assert_eq!(signed, receipt.encode_signed(&DOMAIN, &at_hand).unwrap());
    assert_eq!(BatchReceipt::decode_verified(&DOMAIN, &signed).unwrap(), receipt);
    assert_eq!(Signer::sign_message(&behind, b"transaction"), keypair.sign_message(b"transaction"));
    let large = vec![7; 3 << 20];
    assert_eq!(FrameSigner::sign_message(&behind, &large), FrameSigner::sign_message(&at_hand, &large));
}

/// A fake signer that signs with another key than it names.
struct FakeLiar;

impl FrameSigner for FakeLiar {
    fn public_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes()
    }

    fn sign_message(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        FrameSigner::sign_message(&SigningKey::from_bytes(&[2; 32]), message)
    }
}

#[test]
fn a_signature_by_another_key_goes_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signer");
    start(&path, FakeLiar);
    let signer = SocketSigner::connect(&path).unwrap();
    assert!(PublicKey::from_bytes(&signer.public_key()).is_ok());
    let error = signer.sign_message(b"frame").unwrap_err().to_string();
    assert!(error.contains("not valid"), "{error}");
}

#[test]
fn a_signer_that_is_away_is_an_error_and_one_that_came_back_signs_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signer");
    assert!(SocketSigner::connect(&path).unwrap_err().to_string().contains("does not answer"));
    // Given a signer that dies after it named its key.
    let key = SigningKey::from_bytes(&[9; 32]);
    let listener = service::listen(&path).unwrap();
    let once = std::thread::spawn({
        let key = key.clone();
        move || {
            let (mut stream, _) = listener.accept().unwrap();
            super::socket::read_piece(&mut stream, 10).unwrap();
            super::socket::write_piece(&mut stream, super::socket::OK, &key.public_key()).unwrap();
        }
    });
    let signer = SocketSigner::connect(&path).unwrap();
    once.join().unwrap();
    assert!(signer.sign_message(b"frame").is_err());
    // When another takes its place, then the same connection's owner is served.
    start(&path, key);
    assert!(signer.sign_message(b"frame").is_ok());
}

#[test]
fn nonsense_costs_its_own_connection_and_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signer");
    start(&path, SigningKey::from_bytes(&[9; 32]));
    for nonsense in [&[0xff; 9][..], &[0; 4], &[5, 0, 0, 0, 2]] {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut said = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut said);
        assert!(said.is_empty());
    }
    assert!(SocketSigner::connect(&path).is_ok());
}

#[test]
fn a_key_is_never_printed() {
    let key = OracleKey::from(SigningKey::from_bytes(&[9; 32]));
    let printed = format!("{key:?}");
    assert!(printed.starts_with("OracleKey(") && !printed.contains(&bs58::encode([9; 32]).into_string()));
    assert!(!printed.contains("9, 9"));
}
