use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::ViewSetClosed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct CloseViews<'info> {
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    #[account(mut, close = rent_payer)]
    pub view_set: AccountLoader<'info, ViewSet>,
    /// CHECK: gets the rent that it paid.
    #[account(mut, address = view_set.load()?.rent_payer @ NetworkError::NotRentPayer)]
    pub rent_payer: UncheckedAccount<'info>,
}

impl CloseViews<'_> {
    fn validate(&self) -> Result<()> {
        // rent_payer - checked by its constraint.
        let current = self.network.epoch_at(Clock::get()?.unix_timestamp);
        require!(is_past_retention(self.view_set.load()?.epoch, current), NetworkError::RetentionRuns);
        Ok(())
    }

    /// `commit_views` refuses epochs as old as this one: the account is never made again, its stream ends here.
    #[access_control(ctx.accounts.validate())]
    pub fn close_views(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut views = accounts.view_set.load_mut()?;
        let event = ViewSetClosed {
            stream: accounts.view_set.key(),
            seq: views.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            epoch: views.epoch,
            rent_payer: accounts.rent_payer.key(),
        };
        drop(views);
        emit(&event, &ctx.accounts.event_authority)
    }
}
