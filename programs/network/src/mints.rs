//! Which mints a vault can hold safely, and transfers whose effect is checked.

use anchor_lang::{
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed_unchecked,
    },
};
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

/// The fields of a token account that both token programs keep at the same place.
pub struct Holding {
    pub mint: Pubkey,
    pub owner: Pubkey,
    pub amount: u64,
    pub is_frozen: bool,
    /// Somebody else may move what it holds, or close it.
    pub is_delegated: bool,
}

impl Holding {
    /// Bytes of a token account without extensions.
    const LEN: usize = 165;
    /// Where Token-2022 says what an account with extensions is, and its word for a token account.
    const TYPE_AT: usize = 165;
    const TYPE_ACCOUNT: u8 = 2;
    /// Where the state lies, and what it is before the account is initialised.
    const STATE_AT: usize = 108;
    const UNINITIALIZED: u8 = 0;
    const FROZEN: u8 = 2;
    /// Where the delegate and the close authority begin: four bytes, zeros when there is none.
    const DELEGATE_AT: usize = 72;
    const CLOSE_AUTHORITY_AT: usize = 129;

    /// Reads an initialised token account of a token program, without the cost of unpacking it.
    pub fn read(account: &AccountInfo, token_program: &Pubkey) -> Result<Self> {
        require_keys_eq!(*account.owner, *token_program, ErrorCode::AccountOwnedByWrongProgram);
        let data = account.try_borrow_data()?;
        // A mint is shorter, or says so in the byte after what a token account fills.
        let is_account = data.len() == Self::LEN || data.get(Self::TYPE_AT) == Some(&Self::TYPE_ACCOUNT);
        require!(is_account && data[Self::STATE_AT] != Self::UNINITIALIZED, ErrorCode::AccountNotInitialized);
        let key = |at: usize| Pubkey::try_from(&data[at..at + 32]).map_err(|_| ErrorCode::AccountDidNotDeserialize);
        let is_set = |at: usize| data[at..at + 4] != [0; 4];
        Ok(Self {
            mint: key(0)?,
            owner: key(32)?,
            amount: amount_of(&data)?,
            is_frozen: data[Self::STATE_AT] == Self::FROZEN,
            is_delegated: is_set(Self::DELEGATE_AT) || is_set(Self::CLOSE_AUTHORITY_AT),
        })
    }
}

/// Base units in a token account.
pub fn balance(account: &AccountInfo) -> Result<u64> {
    amount_of(&account.try_borrow_data()?)
}

/// Amount of a token account's data.
fn amount_of(data: &[u8]) -> Result<u64> {
    let bytes = data.get(64..72).ok_or(ErrorCode::AccountDidNotDeserialize)?;
    Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| ErrorCode::AccountDidNotDeserialize)?))
}

/// One `transfer_checked` between accounts that the caller has checked by address, without unpacking them.
pub struct RawTransfer<'a, 'info> {
    pub from: &'a AccountInfo<'info>,
    pub to: &'a AccountInfo<'info>,
    pub mint: &'a AccountInfo<'info>,
    pub authority: &'a AccountInfo<'info>,
    pub token_program: &'a Pubkey,
}

impl RawTransfer<'_, '_> {
    /// Number of `TransferChecked` in both token programs.
    const TRANSFER_CHECKED: u8 = 12;
    /// Where a mint keeps its decimals.
    const DECIMALS_AT: usize = 44;

    /// Moves `amount`, then compares what arrived. `seeds` sign for a program's authority.
    pub fn send(self, amount: u64, seeds: &[&[&[u8]]]) -> Result<()> {
        let before = balance(self.to)?;
        let decimals =
            *self.mint.try_borrow_data()?.get(Self::DECIMALS_AT).ok_or(ErrorCode::AccountDidNotDeserialize)?;
        self.call(amount, decimals, seeds)?;
        let after = balance(self.to)?;
        require!(before.checked_add(amount) == Some(after), NetworkError::VaultDelta);
        Ok(())
    }

    /// The call alone. Unchecked: whoever sends has let go of the authority's data, and reads the token accounts' before
    /// and after.
    pub fn call(&self, amount: u64, decimals: u8, seeds: &[&[&[u8]]]) -> Result<()> {
        let mut data = Vec::with_capacity(10);
        data.push(Self::TRANSFER_CHECKED);
        data.extend_from_slice(&amount.to_le_bytes());
        data.push(decimals);
        let accounts = vec![
            AccountMeta::new(*self.from.key, false),
            AccountMeta::new_readonly(*self.mint.key, false),
            AccountMeta::new(*self.to.key, false),
            AccountMeta::new_readonly(*self.authority.key, true),
        ];
        let instruction = Instruction { program_id: *self.token_program, accounts, data };
        let infos = [self.from.clone(), self.mint.clone(), self.to.clone(), self.authority.clone()];
        invoke_signed_unchecked(&instruction, &infos, seeds)?;
        Ok(())
    }
}
