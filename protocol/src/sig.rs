//! The one rule for Ed25519 signatures, alone and in batches: canonical `A` and `R`, `s < L`, small-order `A` and `R`
//! refused, and the cofactored equation `8(sB - R - hA) = 0` with `h = SHA-512(R || A || message) mod L`.
//!
//! The libraries' own `verify` and `verify_batch` differ from each other and from this, so that a signature could be
//! good alone and bad in a batch; here the verdict never depends on the company. Keys are checked and decompressed once.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};

pub use ed25519_dalek::{Signer, SigningKey};

/// Bytes of a signature: `R[32] | s[32]`.
pub const SIGNATURE_LEN: usize = 64;
/// Signatures that go into one equation; larger inputs are cut, so that one bad signature spoils few others.
pub const BATCH_MAX: usize = 128;

/// Why a key or a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigError {
    /// The key is not the canonical encoding of a point.
    #[error("the public key is not the canonical encoding of a curve point")]
    Key,
    /// The key is of small order: signatures by it prove nothing.
    #[error("the public key is of small order")]
    SmallOrderKey,
    /// The signature does not verify.
    #[error("the signature is not valid for this key and message")]
    Signature,
}

/// Whoever keeps a key did not sign; in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignError(pub String);

/// Signs frames: a key at hand, or somebody who keeps one elsewhere.
pub trait FrameSigner: Send + Sync {
    /// Whose signatures they are.
    fn public_key(&self) -> [u8; 32];
    /// Signs these bytes.
    fn sign_message(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

impl FrameSigner for SigningKey {
    fn public_key(&self) -> [u8; 32] {
        self.verifying_key().to_bytes()
    }

    fn sign_message(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.sign(message).to_bytes())
    }
}

/// A public key that passed the checks, held decompressed.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey {
    bytes: [u8; 32],
    /// `-A`: both equations subtract `hA`.
    minus_a: EdwardsPoint,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

/// The `y` coordinates of the eight points of small order, canonical, sign bit cleared: 0, 1, p - 1, and the two of
/// order 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
];

/// `y < p = 2^255 - 19`, the sign bit aside. The other non-canonical encodings (`x = 0` with a sign) are of small order.
fn y_is_canonical(bytes: &[u8; 32]) -> bool {
    bytes[31] & 0x7f != 0x7f || bytes[0] < 0xed || bytes[1..31].iter().any(|&b| b != 0xff)
}

fn is_small_order(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

impl PublicKey {
    /// Checks a key (canonical, on the curve, not of small order) and decompresses it.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SigError> {
        if !y_is_canonical(bytes) {
            return Err(SigError::Key);
        }
        if is_small_order(bytes) {
            return Err(SigError::SmallOrderKey);
        }
        let a = CompressedEdwardsY(*bytes).decompress().ok_or(SigError::Key)?;
        Ok(Self { bytes: *bytes, minus_a: -a })
    }

    /// The 32 bytes that it came from.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Verifies one signature.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SigError> {
        let parts = Parts::of(self, message, signature).ok_or(SigError::Signature)?;
        if parts.holds(self) { Ok(()) } else { Err(SigError::Signature) }
    }
}

/// A signature taken apart.
struct Parts {
    r: EdwardsPoint,
    s: Scalar,
    h: Scalar,
}

impl Parts {
    /// None if `R` or `s` is refused whatever the message.
    fn of(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> Option<Self> {
        let (r_bytes, s_bytes) = signature.split_first_chunk::<32>()?;
        if !y_is_canonical(r_bytes) || is_small_order(r_bytes) {
            return None;
        }
        let s = Option::from(Scalar::from_canonical_bytes(s_bytes.try_into().ok()?))?;
        let r = CompressedEdwardsY(*r_bytes).decompress()?;
        let digest: [u8; 64] =
            Sha512::new().chain_update(r_bytes).chain_update(key.bytes).chain_update(message).finalize().into();
        Some(Self { r, s, h: Scalar::from_bytes_mod_order_wide(&digest) })
    }

    fn holds(&self, key: &PublicKey) -> bool {
        let sb_minus_ha = EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.h, &key.minus_a, &self.s);
        (sb_minus_ha - self.r).mul_by_cofactor().is_identity()
    }
}

/// Verifies one signature; the same as [`PublicKey::verify`].
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> Result<(), SigError> {
    key.verify(message, signature)
}

/// Verifies many signatures: `verdicts[i]` is what [`verify`] says about `items[i]`.
///
/// Up to [`BATCH_MAX`] share one equation with coefficients that are hashed from all of them (nobody can choose inputs
/// to fit the coefficients); if it fails, each is verified alone.
pub fn verify_batch(items: &[(&PublicKey, &[u8], &[u8; 64])]) -> Vec<bool> {
    let mut verdicts = vec![false; items.len()];
    for (items, verdicts) in items.chunks(BATCH_MAX).zip(verdicts.chunks_mut(BATCH_MAX)) {
        let parts: Vec<(usize, Parts)> = items
            .iter()
            .enumerate()
            .filter_map(|(i, (key, message, signature))| Some((i, Parts::of(key, message, signature)?)))
            .collect();
        let all = parts.len() > 1 && equation_holds(items, &parts);
        for (i, part) in &parts {
            verdicts[*i] = all || part.holds(items[*i].0);
        }
    }
    verdicts
}

/// `8 x sum(z_i (s_i B - R_i - h_i A_i)) = 0` with 128-bit `z_i`.
fn equation_holds(items: &[(&PublicKey, &[u8], &[u8; 64])], parts: &[(usize, Parts)]) -> bool {
    let z = coefficients(items, parts);
    let mut b_coefficient = Scalar::ZERO;
    let mut scalars = Vec::with_capacity(2 * parts.len() + 1);
    let mut points = Vec::with_capacity(2 * parts.len() + 1);
    for ((i, part), z) in parts.iter().zip(&z) {
        b_coefficient += z * part.s;
        scalars.push(*z);
        points.push(-part.r);
        scalars.push(z * part.h);
        points.push(items[*i].0.minus_a);
    }
    scalars.push(b_coefficient);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).mul_by_cofactor().is_identity()
}

/// One 128-bit coefficient per signature out of a hash of all keys, signatures and (by `h`) messages.
fn coefficients(items: &[(&PublicKey, &[u8], &[u8; 64])], parts: &[(usize, Parts)]) -> Vec<Scalar> {
    let mut seed = Sha512::new().chain_update(b"muster:batch:1");
    for (i, part) in parts {
        seed.update(items[*i].0.bytes);
        seed.update(items[*i].2);
        seed.update(part.h.as_bytes());
    }
    let seed = seed.finalize();
    let mut z = Vec::with_capacity(parts.len());
    let mut block_no = 0u64;
    while z.len() < parts.len() {
        let block = Sha512::new().chain_update(seed).chain_update(block_no.to_le_bytes()).finalize();
        for chunk in block.chunks_exact(16).take(parts.len() - z.len()) {
            let mut bytes = [0; 32];
            bytes[..16].copy_from_slice(chunk);
            z.push(Scalar::from_bytes_mod_order(bytes));
        }
        block_no += 1;
    }
    z
}
