use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{emit::emit, errors::NetworkError, events::DistributionToppedUp, mints::Transfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct TopUp<'info> {
    pub payer: Signer<'info>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(mut, token::mint = mint, token::authority = payer, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(address = distribution.load()?.mint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl TopUp<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // source, vault, mint - checked by their constraints. distribution - any.
        require!(amount > 0, NetworkError::ZeroAmount);
        let mode = self.distribution.load()?.reward_mode;
        require!(mode == reward_mode::ONCHAIN, NetworkError::PaidElsewhere);
        Ok(())
    }

    /// Makes up for what a wrong root paid before it was held and corrected: claims may then pay as much more.
    #[access_control(ctx.accounts.validate(amount))]
    pub fn top_up(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        Transfer {
            from: &accounts.source,
            to: &mut accounts.vault,
            mint: &accounts.mint,
            authority: accounts.payer.to_account_info(),
            token_program: accounts.token_program.key(),
        }
        .send(amount, &[])?;
        let mut distribution = accounts.distribution.load_mut()?;
        distribution.topped_up = distribution.topped_up.checked_add(amount).ok_or(NetworkError::Overflow)?;
        let event = DistributionToppedUp {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            project: distribution.project,
            payer: accounts.payer.key(),
            amount,
            topped_up: distribution.topped_up,
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }
}
