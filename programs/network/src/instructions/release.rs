use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{constants::*, emit::emit, errors::NetworkError, events::SplitReleased, mints::Transfer, state::*};

#[event_cpi]
#[derive(Accounts)]
#[instruction(index: u8)]
pub struct Release<'info> {
    #[account(mut)]
    pub split: AccountLoader<'info, Split>,
    #[account(mut, address = split.load()?.vault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: one of the split's recipients.
    #[account(constraint = split.load()?.recipient(index) == Some(recipient.key()) @ NetworkError::NoSuchRecipient)]
    pub recipient: UncheckedAccount<'info>,
    #[account(
        mut, associated_token::mint = mint, associated_token::authority = recipient,
        associated_token::token_program = token_program,
    )]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = split.load()?.mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl Release<'_> {
    /// Pays one recipient what is due to him. Never paused; nothing due is refused.
    pub fn release(ctx: Context<Self>, index: u8) -> Result<()> {
        // split, vault, recipient, destination, mint - checked by their constraints.
        let accounts = &mut *ctx.accounts;
        let position = usize::from(index);
        let mut split = accounts.split.load_mut()?;
        let amount = split.due(position, accounts.vault.amount).ok_or(NetworkError::Overflow)?;
        require!(amount > 0, NetworkError::NothingToRelease);
        // State before the transfer.
        split.released[position] = split.released[position].checked_add(amount).ok_or(NetworkError::Overflow)?;
        split.released_total = split.released_total.checked_add(amount).ok_or(NetworkError::Overflow)?;
        let event = SplitReleased {
            stream: accounts.split.key(),
            seq: split.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            index,
            recipient: accounts.recipient.key(),
            amount,
            released: split.released[position],
            released_total: split.released_total,
        };
        let (creator, id, bump) = (split.creator, split.id.to_le_bytes(), split.bump);
        drop(split);
        let seeds: &[&[u8]] = &[SPLIT_SEED, creator.as_ref(), &id, &[bump]];
        Transfer {
            from: &accounts.vault,
            to: &mut accounts.destination,
            mint: &accounts.mint,
            authority: accounts.split.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[seeds])?;
        emit(&event, &accounts.event_authority)
    }
}
