//! Text in fixed fields, padded with zeros.

use anchor_lang::prelude::*;

use crate::errors::NetworkError;

/// Refuses text that its field cannot hold, or that would read back shorter.
pub fn require_text(text: &str, len_max: usize) -> Result<()> {
    require!(text.len() <= len_max && !text.as_bytes().contains(&0), NetworkError::TextInvalid);
    Ok(())
}

/// The field of a text that `require_text` has checked.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// The text of a field; empty if its bytes are not UTF-8.
pub fn unpadded(field: &[u8]) -> &str {
    let len = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    core::str::from_utf8(&field[..len]).unwrap_or("")
}
