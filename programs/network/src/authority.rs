//! What the network's cold keys are asked for besides their signature.

use anchor_lang::prelude::*;

use crate::errors::NetworkError;

/// Address of the sysvar that shows a transaction's own instructions.
pub const INSTRUCTIONS_SYSVAR: Pubkey = pubkey!("Sysvar1nstructions1111111111111111111111111");

/// First bytes of the system program's `AdvanceNonceAccount`.
const ADVANCE_NONCE: [u8; 4] = 4u32.to_le_bytes();
/// Bytes of an account in the sysvar: its flags and its key.
const META_LEN: usize = 1 + 32;

/// Refuses a transaction that a durable nonce keeps alive: what a cold key signed is sent within two minutes or never,
/// so that nobody collects signatures for a day that suits him. Asked by every instruction of the network's authority,
/// guardian and treasury owner.
pub fn require_no_nonce(instructions_sysvar: &AccountInfo) -> Result<()> {
    require!(!uses_durable_nonce(instructions_sysvar)?, NetworkError::DurableNonce);
    Ok(())
}

/// Whether the transaction's first instruction advances a nonce, by which the runtime knows a durable one.
pub fn uses_durable_nonce(instructions_sysvar: &AccountInfo) -> Result<bool> {
    require_keys_eq!(*instructions_sysvar.key, INSTRUCTIONS_SYSVAR, ErrorCode::ConstraintAddress);
    let data = instructions_sysvar.try_borrow_data()?;
    let (program, argument) = first_instruction(&data).ok_or(ErrorCode::AccountDidNotDeserialize)?;
    Ok(program == system_program::ID.as_ref() && argument.starts_with(&ADVANCE_NONCE))
}

/// Program and data of the first instruction. The sysvar holds a count and an offset of 16 bits for each instruction;
/// at the offset the count of accounts, the accounts, the program, the length of the data and the data.
fn first_instruction(sysvar: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = u16_at(sysvar, 2)?;
    let program_at = start.checked_add(2 + u16_at(sysvar, start)? * META_LEN)?;
    let len_at = program_at.checked_add(32)?;
    let data_at = len_at.checked_add(2)?;
    let program = sysvar.get(program_at..len_at)?;
    let data = sysvar.get(data_at..data_at.checked_add(u16_at(sysvar, len_at)?)?)?;
    Some((program, data))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}
