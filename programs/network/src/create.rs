//! Accounts at addresses that the program signs for: with a wrong bump the signature is missing and nothing is created.

use anchor_lang::{
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed_unchecked},
    system_program,
};

/// Bytes that rent counts for every account besides its data.
const ACCOUNT_STORAGE_OVERHEAD: u64 = 128;
/// The system program's number for this.
const CREATE_ACCOUNT: [u8; 4] = 0u32.to_le_bytes();

/// Creates an account at an address that `seeds` sign for, also where somebody sent lamports ahead. An account that
/// signed by itself is refused: whoever has its key could sign for what it has authority over.
pub fn create_account<'info>(
    account: &AccountInfo<'info>,
    payer: &AccountInfo<'info>,
    system: &AccountInfo<'info>,
    rent: &Rent,
    space: usize,
    owner: &Pubkey,
    seeds: &[&[&[u8]]],
) -> Result<()> {
    require!(!account.is_signer, ErrorCode::ConstraintSeeds);
    let rent = minimum_balance(rent, space);
    let held = account.lamports();
    if held > 0 {
        return create_with_lamports(account, payer, system, rent.saturating_sub(held), space, owner, seeds);
    }
    let mut data = Vec::with_capacity(52);
    data.extend_from_slice(&CREATE_ACCOUNT);
    data.extend_from_slice(&rent.to_le_bytes());
    data.extend_from_slice(&(space as u64).to_le_bytes());
    data.extend_from_slice(owner.as_ref());
    let accounts = vec![AccountMeta::new(*payer.key, true), AccountMeta::new(*account.key, true)];
    let instruction = Instruction { program_id: *system.key, accounts, data };
    // Unchecked: nobody has borrowed an account that does not exist.
    invoke_signed_unchecked(&instruction, &[payer.clone(), account.clone()], seeds)?;
    Ok(())
}

/// `Rent::minimum_balance` without its floating point, where the threshold is the two years that it has always been.
#[allow(deprecated, reason = "the sysvar's fields have no other names yet")]
fn minimum_balance(rent: &Rent, space: usize) -> u64 {
    if rent.exemption_threshold.to_bits() != 2f64.to_bits() {
        return rent.minimum_balance(space);
    }
    2 * (ACCOUNT_STORAGE_OVERHEAD + space as u64) * rent.lamports_per_byte_year
}

/// The system program creates no account that has lamports: what is missing is added, then the account is taken.
fn create_with_lamports<'info>(
    account: &AccountInfo<'info>,
    payer: &AccountInfo<'info>,
    system: &AccountInfo<'info>,
    missing: u64,
    space: usize,
    owner: &Pubkey,
    seeds: &[&[&[u8]]],
) -> Result<()> {
    if missing > 0 {
        let accounts = system_program::Transfer { from: payer.clone(), to: account.clone() };
        system_program::transfer(CpiContext::new(*system.key, accounts), missing)?;
    }
    let accounts = system_program::Allocate { account_to_allocate: account.clone() };
    system_program::allocate(CpiContext::new_with_signer(*system.key, accounts, seeds), space as u64)?;
    let accounts = system_program::Assign { account_to_assign: account.clone() };
    system_program::assign(CpiContext::new_with_signer(*system.key, accounts, seeds), owner)
}
