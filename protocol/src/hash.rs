//! SHA-256, by the system call on chain and by `sha2` elsewhere.

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// SHA-256 over the concatenation of `parts`.
#[cfg(target_os = "solana")]
pub fn hashv(parts: &[&[u8]]) -> Hash {
    solana_sha256_hasher::hashv(parts).to_bytes()
}

/// SHA-256 over the concatenation of `parts`.
#[cfg(not(target_os = "solana"))]
pub fn hashv(parts: &[&[u8]]) -> Hash {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
