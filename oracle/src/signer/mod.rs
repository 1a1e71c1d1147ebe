//! The oracle's key: at hand out of a file, or kept by another process behind a Unix socket. Frames and transactions are
//! signed by the same one.

use std::fmt;
use std::sync::Arc;

use muster_protocol::sig::{FrameSigner, SignError, SigningKey};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signature};
use solana_sdk::signer::{Signer, SignerError};

pub mod service;
pub mod socket;
#[cfg(test)]
mod tests;

/// See the module. Cheap to clone; never printed.
#[derive(Clone)]
pub struct OracleKey(Arc<dyn FrameSigner>);

impl OracleKey {
    /// A key that somebody keeps.
    pub fn new(holder: impl FrameSigner + 'static) -> Self {
        Self(Arc::new(holder))
    }
}

impl From<SigningKey> for OracleKey {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}

impl From<&Keypair> for OracleKey {
    /// A key as the Solana CLI keeps it.
    fn from(keypair: &Keypair) -> Self {
        Self::new(SigningKey::from_bytes(keypair.secret_bytes()))
    }
}

impl fmt::Debug for OracleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OracleKey({})", bs58::encode(self.public_key()).into_string())
    }
}

impl FrameSigner for OracleKey {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }

    fn sign_message(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.0.sign_message(message)
    }
}

impl Signer for OracleKey {
    fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
        Ok(self.public_key().into())
    }

    fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let signature = FrameSigner::sign_message(self, message);
        signature.map(Signature::from).map_err(|error| SignerError::Custom(error.to_string()))
    }

    fn is_interactive(&self) -> bool {
        false
    }
}
