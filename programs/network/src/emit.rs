//! Events as Anchor's `emit_cpi!` leaves them, for less: their bytes are written once, into place.

use anchor_lang::{
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed_unchecked,
    },
};

/// Room for most events; a longer one grows.
const EVENT_LEN: usize = 512;

/// An event of this program. `authority` is the account that `#[event_cpi]` adds.
pub fn emit<E: AnchorSerialize + Discriminator>(event: &E, authority: &AccountInfo) -> Result<()> {
    emit_from(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1, event, authority)
}

/// An event of the program that runs, whose event authority has this bump.
pub fn emit_from<E: AnchorSerialize + Discriminator>(
    program: Pubkey,
    bump: u8,
    event: &E,
    authority: &AccountInfo,
) -> Result<()> {
    let mut data = Vec::with_capacity(EVENT_LEN);
    data.extend_from_slice(EVENT_IX_TAG_LE);
    data.extend_from_slice(E::DISCRIMINATOR);
    event.serialize(&mut data)?;
    let accounts = vec![AccountMeta::new_readonly(*authority.key, true)];
    let instruction = Instruction { program_id: program, accounts, data };
    // Unchecked is what nobody needs checked here: the authority has no data that could be borrowed.
    invoke_signed_unchecked(&instruction, core::slice::from_ref(authority), &[&[b"__event_authority", &[bump]]])?;
    Ok(())
}
