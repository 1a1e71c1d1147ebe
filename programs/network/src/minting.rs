//! How a licence comes into being: the same for one that is bought and one that is given.

use anchor_lang::{
    prelude::*,
    system_program::{self, Transfer as LamportTransfer},
};
use anchor_spl::{
    token_2022::{self, MintTo, SetAuthority, Token2022, spl_token_2022::instruction::AuthorityType},
    token_2022_extensions::{
        TokenMemberInitialize, TokenMetadataInitialize, token_member_initialize, token_metadata_initialize,
    },
    token_interface::{Mint, TokenAccount},
};

use crate::{constants::PROJECT_SEED, errors::NetworkError, state::Project};

/// Symbol of every licence.
const LICENCE_SYMBOL: &str = "LICENCE";
/// Bytes that the group member adds to a mint: type, length, mint, group, number.
const MEMBER_TLV_LEN: usize = 4 + 32 + 32 + 8;
/// Bytes that empty metadata adds: type, length, update authority, mint, three lengths, count of further fields.
const METADATA_TLV_LEN: usize = 4 + 32 + 32 + 4 + 4 + 4 + 4;

/// A licence whose mint and token account the instruction's constraints have made.
pub struct LicenceMint<'a, 'info> {
    pub payer: &'a Signer<'info>,
    pub project: &'a mut Account<'info, Project>,
    pub collection: &'a InterfaceAccount<'info, Mint>,
    pub licence: &'a InterfaceAccount<'info, Mint>,
    pub licence_account: &'a InterfaceAccount<'info, TokenAccount>,
    pub token_2022_program: &'a Program<'info, Token2022>,
    pub system_program: &'a Program<'info, System>,
}

impl LicenceMint<'_, '_> {
    /// Metadata, group membership, the one token; then nobody can mint ever again.
    pub fn mint(self, serial: u32) -> Result<()> {
        let name = format!("{} #{serial}", self.project.name());
        let uri = self.project.uri().to_owned();
        let text_len = name.len() + LICENCE_SYMBOL.len() + uri.len();
        let extra = (MEMBER_TLV_LEN + METADATA_TLV_LEN + text_len) as u64;
        let licence = self.licence.to_account_info();
        fund_growth(self.payer, &licence, self.system_program, extra)?;

        let project = self.project.to_account_info();
        let program = self.token_2022_program.to_account_info();
        let program_id = self.token_2022_program.key();
        let seeds: &[&[u8]] = &[PROJECT_SEED, &self.project.index.to_le_bytes(), &[self.project.bump]];
        let signer = &[seeds];
        let metadata = TokenMetadataInitialize {
            program_id: program.clone(),
            metadata: licence.clone(),
            update_authority: project.clone(),
            mint_authority: project.clone(),
            mint: licence.clone(),
        };
        let cpi = CpiContext::new_with_signer(program_id, metadata, signer);
        token_metadata_initialize(cpi, name, LICENCE_SYMBOL.to_owned(), uri)?;
        let member = TokenMemberInitialize {
            program_id: program,
            member: licence.clone(),
            member_mint: licence.clone(),
            member_mint_authority: project.clone(),
            group: self.collection.to_account_info(),
            group_update_authority: project.clone(),
        };
        token_member_initialize(CpiContext::new_with_signer(program_id, member, signer))?;
        let mint =
            MintTo { mint: licence.clone(), to: self.licence_account.to_account_info(), authority: project.clone() };
        token_2022::mint_to(CpiContext::new_with_signer(program_id, mint, signer), 1)?;
        let authority = SetAuthority { current_authority: project, account_or_mint: licence };
        let cpi = CpiContext::new_with_signer(program_id, authority, signer);
        token_2022::set_authority(cpi, AuthorityType::MintTokens, None)?;
        self.project.licences_sold = serial.checked_add(1).ok_or(NetworkError::Overflow)?;
        Ok(())
    }
}

/// Pays an account the rent of `extra` more bytes.
pub fn fund_growth<'info>(
    payer: &Signer<'info>,
    account: &AccountInfo<'info>,
    system_program: &Program<'info, System>,
    extra: u64,
) -> Result<()> {
    let len = (account.data_len() as u64).checked_add(extra).ok_or(NetworkError::Overflow)?;
    let needed = Rent::get()?.minimum_balance(len as usize).saturating_sub(account.lamports());
    if needed == 0 {
        return Ok(());
    }
    let transfer = LamportTransfer { from: payer.to_account_info(), to: account.clone() };
    system_program::transfer(CpiContext::new(system_program.key(), transfer), needed)
}
