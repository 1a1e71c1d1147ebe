//! Which mints a vault can hold safely, and transfers whose effect is checked.

use anchor_lang::prelude::*;
use anchor_spl::{
    token_2022::spl_token_2022::{
        extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions},
        state::Mint as MintState,
    },
    token_interface::{self, Mint, TokenAccount, TransferChecked},
};

use crate::errors::NetworkError;

/// Refuses a Token-2022 mint with any extension but pointers and metadata: others can take, freeze
/// or tax what a vault holds. SPL Token mints have none.
pub fn require_plain_mint(mint: &AccountInfo) -> Result<()> {
    if *mint.owner != anchor_spl::token_2022::ID {
        return Ok(());
    }
    let data = mint.try_borrow_data()?;
    let state = StateWithExtensions::<MintState>::unpack(&data)?;
    for extension in state.get_extension_types()? {
        let harmless = matches!(
            extension,
            ExtensionType::MetadataPointer
                | ExtensionType::TokenMetadata
                | ExtensionType::GroupPointer
                | ExtensionType::TokenGroup
                | ExtensionType::GroupMemberPointer
                | ExtensionType::TokenGroupMember
        );
        require!(harmless, NetworkError::MintExtensionRefused);
    }
    Ok(())
}

/// One transfer by `transfer_checked`.
pub struct Transfer<'a, 'info> {
    pub from: &'a InterfaceAccount<'info, TokenAccount>,
    pub to: &'a mut InterfaceAccount<'info, TokenAccount>,
    pub mint: &'a InterfaceAccount<'info, Mint>,
    pub authority: AccountInfo<'info>,
    pub token_program: Pubkey,
}

impl Transfer<'_, '_> {
    /// Moves `amount`, then compares what arrived. `seeds` sign for a program's authority.
    pub fn send(self, amount: u64, seeds: &[&[&[u8]]]) -> Result<()> {
        let before = self.to.amount;
        let accounts = TransferChecked {
            from: self.from.to_account_info(),
            mint: self.mint.to_account_info(),
            to: self.to.to_account_info(),
            authority: self.authority,
        };
        token_interface::transfer_checked(
            CpiContext::new_with_signer(self.token_program, accounts, seeds),
            amount,
            self.mint.decimals,
        )?;
        self.to.reload()?;
        require!(before.checked_add(amount) == Some(self.to.amount), NetworkError::VaultDelta);
        Ok(())
    }
}
