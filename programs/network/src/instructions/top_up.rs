use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::DistributionToppedUp, mints::RawTransfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct TopUp<'info> {
    pub payer: Signer<'info>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: the token program asks that the payer may spend from it, in this mint.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = distribution.load()?.mint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the program that owns the vault.
    #[account(address = *vault.owner)]
    pub token_program: UncheckedAccount<'info>,
}

impl TopUp<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        // vault, mint, token_program - checked by their constraints. source - by the token program. distribution - any.
        require!(amount > 0, NetworkError::ZeroAmount);
        let mode = self.distribution.load()?.reward_mode;
        require!(mode == reward_mode::ONCHAIN, NetworkError::PaidElsewhere);
        Ok(())
    }

    /// Makes up for what a wrong root paid before it was held and corrected: claims may then pay as much more.
    #[access_control(ctx.accounts.validate(amount))]
    pub fn top_up(ctx: Context<Self>, amount: u64) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        RawTransfer {
            from: &accounts.source,
            to: &accounts.vault,
            mint: &accounts.mint,
            authority: &accounts.payer,
            token_program: accounts.token_program.key,
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
