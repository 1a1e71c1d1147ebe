//! The job mint's token accounts, read by their bytes: both token programs lay out alike what matters here. The
//! program knows its own accounts by address, and the token program checks mints and authorities.

use anchor_lang::{
    prelude::*,
    solana_program::{
        instruction::Instruction,
        program::{invoke_signed_unchecked, invoke_unchecked},
    },
};

use muster_network::{create::create_account, mints::RawTransfer};

use crate::errors::JobsError;

const TOKEN_ACCOUNT_LEN: usize = 165;
const AUTHORITY_AT: usize = 32;
const AMOUNT_AT: usize = 64;

// Instructions that both token programs know by these numbers.
const CLOSE_ACCOUNT: u8 = 9;
const INITIALIZE_ACCOUNT_3: u8 = 18;

/// Base units in a token account.
pub fn balance(account: &AccountInfo) -> Result<u64> {
    let data = account.try_borrow_data()?;
    let bytes = data.get(AMOUNT_AT..).and_then(<[u8]>::first_chunk).ok_or(JobsError::NotATokenAccount)?;
    Ok(u64::from_le_bytes(*bytes))
}

/// Refuses a token account whose authority is another than `authority`.
pub fn require_source(account: &AccountInfo, authority: &Pubkey) -> Result<()> {
    let data = account.try_borrow_data()?;
    let found = data.get(AUTHORITY_AT..AMOUNT_AT).ok_or(JobsError::NotATokenAccount)?;
    require!(found == authority.as_ref(), JobsError::WrongSource);
    Ok(())
}

/// The job mint and its program, for one instruction. Its calls leave out the check that nobody has borrowed the
/// accounts: the program borrows a token account's bytes within `balance` and `require_source` alone, and the token
/// program writes to no other account.
pub struct Tokens<'a, 'info> {
    pub mint: &'a AccountInfo<'info>,
    pub program: &'a AccountInfo<'info>,
    pub decimals: u8,
}

impl<'info> Tokens<'_, 'info> {
    /// Moves `amount`, then compares what arrived. `seeds` sign for a program's authority; none for a signer's.
    pub fn send(
        &self,
        from: &AccountInfo<'info>,
        to: &AccountInfo<'info>,
        authority: &AccountInfo<'info>,
        amount: u64,
        seeds: &[&[&[u8]]],
    ) -> Result<()> {
        let before = balance(to)?;
        let transfer = RawTransfer { from, to, mint: self.mint, authority, token_program: self.program.key };
        transfer.call(amount, self.decimals, seeds)?;
        require!(before.checked_add(amount) == Some(balance(to)?), JobsError::VaultDelta);
        Ok(())
    }

    /// Makes the token account at a program's address, which `seeds` sign for, with `authority` over it.
    pub fn open(
        &self,
        account: &AccountInfo<'info>,
        authority: &Pubkey,
        payer: &AccountInfo<'info>,
        system: &AccountInfo<'info>,
        rent: &Rent,
        seeds: &[&[&[u8]]],
    ) -> Result<()> {
        create_account(account, payer, system, rent, TOKEN_ACCOUNT_LEN, self.program.key, seeds)?;
        let mut data = Vec::with_capacity(33);
        data.push(INITIALIZE_ACCOUNT_3);
        data.extend_from_slice(authority.as_ref());
        let accounts = vec![AccountMeta::new(*account.key, false), AccountMeta::new_readonly(*self.mint.key, false)];
        invoke_unchecked(
            &Instruction { program_id: *self.program.key, accounts, data },
            &[account.clone(), self.mint.clone()],
        )?;
        Ok(())
    }

    /// Closes an empty token account; its rent goes to `destination`.
    pub fn close(
        &self,
        account: &AccountInfo<'info>,
        destination: &AccountInfo<'info>,
        authority: &AccountInfo<'info>,
        seeds: &[&[&[u8]]],
    ) -> Result<()> {
        let accounts = vec![
            AccountMeta::new(*account.key, false),
            AccountMeta::new(*destination.key, false),
            AccountMeta::new_readonly(*authority.key, true),
        ];
        invoke_signed_unchecked(
            &Instruction { program_id: *self.program.key, accounts, data: vec![CLOSE_ACCOUNT] },
            &[account.clone(), destination.clone(), authority.clone()],
            seeds,
        )?;
        Ok(())
    }
}
